"""Files of a node that the command table lets be read."""

from __future__ import annotations

#: Files of a node that may be shown with `cat`; all are read-only views of the kernel, or logs,
#: or what a CNI wrote down of its ranges.
FILES = (
    "/proc/net/fib_trie",
    "/proc/net/route",
    "/proc/net/if_inet6",
    "/proc/net/ipv6_route",
    "/proc/net/dev",
    "/proc/net/ip_tables_names",
    "/proc/net/ip6_tables_names",
    "/proc/net/stat/nf_conntrack",
    "/proc/sys/net/netfilter/nf_conntrack_count",
    "/proc/sys/net/netfilter/nf_conntrack_max",
    "/proc/modules",
    "/proc/1/status",
    "/proc/version",
    "/var/log/kube-proxy.log",
    "/run/flannel/subnet.env",
    "/etc/cni/net.d/10-kindnet.conflist",
    "/etc/cni/net.d/10-kuberouter.conflist",
)

#: sysctls that decide a packet's way, read with one `grep`, which prints NAME:VALUE.
SYSCTLS = (
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/ipv6/conf/all/forwarding",
    "/proc/sys/net/ipv4/conf/all/route_localnet",
    "/proc/sys/net/ipv4/conf/all/rp_filter",
    "/proc/sys/net/ipv4/vs/conntrack",
    "/proc/sys/net/ipv4/vs/expire_quiescent_template",
    "/proc/sys/net/bridge/bridge-nf-call-iptables",
    "/proc/sys/net/bridge/bridge-nf-call-ip6tables",
)

#: Those that a device may have for itself.
DEVICE_SYSCTLS = ("accept_local", "forwarding", "route_localnet", "rp_filter")
DEVICES = "/proc/sys/net/ipv4/conf"

#: What sysfs says of bridges and their ports; `flags` are those of any device.
BRIDGE_FILES = ("bridge_id", "designated_bridge", "flags", "hairpin_mode")
VIRTUAL_DEVICES = "/sys/devices/virtual/net"
