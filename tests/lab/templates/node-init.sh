# Process 1 of a node, already in its network, mount, UTS and PID namespaces.
# $1 node name, $2 the node's folder, $3 labsrv.
# The folders below are those that containerd, CNI and the kubelet write to: each node has its own,
# and nothing of them shows outside. A tmpfs on /run also gives it its own xtables lock and keeps
# the pods' network namespaces from the machine.
set -eu
hostname "$1"
mount -t proc proc /proc
mount --make-rshared /
mount --bind "$2/var-lib" /var/lib
mount --bind "$2/var-log" /var/log
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock
: > /run/xtables.lock
: > "$2/ready"
exec "$3" pause
