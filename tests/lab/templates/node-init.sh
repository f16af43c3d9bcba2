# Process 1 of a node, already in its network, mount, UTS and PID namespaces.
# $1 node name, $2 the node's folder, $3 labsrv, $4 what n1's control plane has as
# /var/lib/kubernetes and $5 as /var/log/kubernetes, so that no pod names a folder of the machine.
# The folders below are those that containerd, CNI and the kubelet write to: each node has its own,
# and nothing of them shows outside. A tmpfs on /run also gives it its own xtables lock and keeps
# the pods' network namespaces from the machine.
set -eu
hostname "$1"
mount -t proc proc /proc
mount --make-rshared /
mount --bind "$2/var-lib" /var/lib
mount --bind "$2/var-log" /var/log
mkdir /var/lib/kubernetes /var/log/kubernetes
mount --bind "$4" /var/lib/kubernetes
mount --bind "$5" /var/log/kubernetes
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock
: > /run/xtables.lock

# A kubelet sets these for the whole machine unless they have the values that it wants, so it is
# shown files that say so (kubelet pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables).
mkdir /run/settings
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    file=/run/settings/$(basename "${setting%=*}")
    echo "${setting#*=}" > "$file"
    mount --bind "$file" "/proc/sys/${setting%=*}"
done

: > "$2/ready"
exec "$3" pause
