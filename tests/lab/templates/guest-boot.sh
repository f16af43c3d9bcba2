#!/bin/busybox sh
# The guest's initramfs: makes the machine's own files, read-only, the guest's root, with a layer
# in memory over them, and hands over to guest-init.sh there. Variables are the kernel's arguments.
set -eu
/bin/busybox mkdir -p /proc /dev /machine /memory /root
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox modprobe -a virtio_pci 9pnet_virtio 9p overlay
options=trans=virtio,version=9p2000.L,msize=512000,cache=loose
/bin/busybox mount -t 9p -o ro,$options machine /machine
/bin/busybox mount -t tmpfs tmpfs /memory
/bin/busybox mkdir /memory/upper /memory/work
/bin/busybox mount -t overlay -o lowerdir=/machine,upperdir=/memory/upper,workdir=/memory/work overlay /root
/bin/busybox umount /proc
exec /bin/busybox switch_root /root /bin/sh "$folder/guest-init.sh"
