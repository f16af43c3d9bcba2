"""SVN3xx: what is wrong with the nodes' proxies."""

from __future__ import annotations

from ..model.finding import Level
from ._code import Code

PROXY_CODES = (
    Code(
        number="SVN301",
        level=Level.ERROR,
        title="kube-proxy stopped",
        cause="The process of kube-proxy exists and does not run (stopped by a signal, or "
        "frozen), so the node's rules follow nothing any more.",
        action="Delete its pod; the DaemonSet starts a new one.",
        command="kubectl -n kube-system delete pod KUBE-PROXY",
    ),
    Code(
        number="SVN302",
        level=Level.WARNING,
        title="Runs otherwise than configured",
        cause="kube-proxy runs in another mode than its configuration says: it fell back because "
        "the kernel lacks what the mode needs, or the configuration is not the one it reads.",
        action="Read the head of its log, where it says what it chose and why.",
        command="kubectl svcnet proxy -o wide",
    ),
    Code(
        number="SVN303",
        level=Level.WARNING,
        title="Edited, not restarted",
        cause="The configuration was edited after kube-proxy started. It reads its file at start "
        "only, so the edit takes effect at some later restart, one node at a time.",
        action="Restart the DaemonSet now, while somebody is watching, or undo the edit.",
        command="kubectl -n kube-system rollout restart daemonset kube-proxy",
    ),
    Code(
        number="SVN304",
        level=Level.ERROR,
        title="Running mode not programmed",
        cause="kube-proxy says that it runs in a mode whose rules the kernel does not show, of one "
        "family or of both: they were flushed, its syncs fail, or they are in a backend that was "
        "not read.",
        action="Look for failed syncs in its log; restart it, and it writes all rules anew.",
        command="kubectl -n kube-system logs KUBE-PROXY",
    ),
    Code(
        number="SVN305",
        level=Level.INFO,
        title="Several modes in one cluster",
        cause="Nodes run kube-proxy in different modes, as during a migration.",
        action="Nothing, if that is meant. Modes differ in where node ports are served and in "
        "what becomes of packets to unused ports.",
        command="kubectl svcnet proxy",
    ),
    Code(
        number="SVN306",
        level=Level.INFO,
        title="Several versions in one cluster",
        cause="Nodes run different minor versions of kube-proxy, as during an upgrade.",
        action="Finish the upgrade; kube-proxy may be up to three minor versions older than the "
        "API server.",
        command="kubectl svcnet proxy",
    ),
    Code(
        number="SVN307",
        level=Level.ERROR,
        title="Sync late",
        cause="A change of the API has waited for over a minute and is not in the kernel: "
        "kube-proxy hangs, cannot reach the API server, or its syncs take too long. Where its "
        "metrics cannot be read, somebody may have edited its rules instead.",
        action="Read the end of its log; restart it.",
        command="kubectl -n kube-system logs KUBE-PROXY",
    ),
    Code(
        number="SVN308",
        level=Level.ERROR,
        title="Syncs fail",
        cause="kube-proxy's transactions are refused by the kernel, or it says itself that it is "
        "not healthy, so the node's rules are those of the last sync that went through.",
        action="The log names the rule that was refused; another program's lock or edit in the "
        "same tables is a frequent reason.",
        command="kubectl -n kube-system logs KUBE-PROXY",
    ),
    Code(
        number="SVN309",
        level=Level.WARNING,
        title="Both iptables backends populated",
        cause="kube-proxy's rules are in the nft and in the legacy backend of iptables: the "
        "backend was switched and the old rules stayed. Packets meet both.",
        action="Remove the rules of the backend that is no longer used, or reboot the node.",
        command="kubectl svcnet proxy -o wide",
    ),
    Code(
        number="SVN310",
        level=Level.WARNING,
        title="Deprecated mode",
        cause="The mode that runs is deprecated (ipvs since 1.35) or gone (userspace since 1.26).",
        action="Plan the move to nftables, on kernels before 5.13 to iptables.",
        command="kubectl svcnet proxy",
    ),
    Code(
        number="SVN311",
        level=Level.WARNING,
        title="Kernel or nft too old for nftables mode",
        cause="nftables mode is made for kernel 5.13 and nft 1.0.1 and later; with older ones "
        "kube-proxy does not start, or rules are refused.",
        action="Use iptables mode on this node until it is upgraded.",
        command="kubectl svcnet proxy -o wide",
    ),
    Code(
        number="SVN312",
        level=Level.WARNING,
        title="Two proxies at work",
        cause="Another program, or a second kube-proxy, handles Services on the node beside "
        "kube-proxy, so which of the two translates a packet depends on the order of their rules, "
        "or on who wrote last.",
        action="Switch one of them off: delete kube-proxy's DaemonSet, or the other's proxying.",
        command="kubectl get pods -A -o wide --field-selector spec.nodeName=NODE",
    ),
    Code(
        number="SVN313",
        level=Level.ERROR,
        title="Leftovers change the path of packets",
        cause="Rules of a mode, backend or program that is no longer at work still decide where "
        "packets for Services go.",
        action="Remove the rules that are named, or reboot the node.",
        command="kubectl svcnet proxy -o wide",
    ),
    Code(
        number="SVN314",
        level=Level.INFO,
        title="Leftovers, harmless",
        cause="Rules of a mode, backend or program that is no longer at work are still there; "
        "no Service's packet fares otherwise for them now.",
        action="Remove them at the next reboot: they do not follow the API, so a change of it "
        "can make them matter.",
        command="kubectl svcnet proxy -o wide",
    ),
    Code(
        number="SVN315",
        level=Level.WARNING,
        title="Leftovers whose effect is not known",
        cause="Rules of a mode, backend or program that is no longer at work are there, and what "
        "decides whether packets meet them first cannot be seen.",
        action="Remove the rules that are named, or reboot the node.",
        command="kubectl svcnet proxy -o wide",
    ),
    Code(
        number="SVN316",
        level=Level.ERROR,
        title="One family is not served",
        cause="kube-proxy runs in single-stack mode on a node that has addresses of both families, "
        "so no Service is reached there by the other one: at its start ip6tables (or iptables) did "
        "not work on this node, or IPv6 was disabled.",
        action="Read the head of its log, where it says what it misses; mend that (kernel modules, "
        "net.ipv6.conf.all.disable_ipv6) and restart it.",
        command="kubectl -n kube-system logs KUBE-PROXY",
    ),
    Code(
        number="SVN317",
        level=Level.ERROR,
        title="kube-proxy does not run",
        cause="The container of kube-proxy ends again and again, or does not start: a "
        "configuration that it refuses, a mode that the kernel lacks modules for, an image that "
        "cannot be pulled. The node's rules are those of its last run and follow nothing.",
        action="Read the end of its last log, where it says why it ended.",
        command="kubectl -n kube-system logs KUBE-PROXY --previous",
    ),
)
