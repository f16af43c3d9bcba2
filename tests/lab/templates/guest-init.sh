# Process 1 of the guest, on the machine's files: what node-init.sh is to the other nodes, and
# what starts containerd and the kubelet, since nobody can enter before there is a kubelet.
set -eu
export PATH=$path
hostname $name
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --make-rshared /
for folder in /tmp /run /var/lib /var/log; do
    mount -t tmpfs tmpfs "$$folder"
done
mkdir -p /run/netns /run/lock
: > /run/xtables.lock
for controller in $$(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$$controller"
done > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/$cgroup

mkdir -p /lib/modules
mount --bind $kernel/lib/modules /lib/modules
modprobe -a $modules
busybox sysctl -q -w $sysctls
ip link set lo up
ip -batch $folder/addresses

containerd --config $folder/containerd.toml &
until ctr version > /dev/null 2>&1; do sleep 0.2; done
for archive in $archives; do
    ctr -n k8s.io images import "$$archive"
done
# Without a kubelet nobody could find out why there is none: the machine ends with it.
(
    PATH=$iptables:$path $kubelet || true
    echo o > /proc/sysrq-trigger
) &
exec $labsrv pause
