"""A real three-node Kubernetes on one Linux machine, without Docker and without virtual machines.

Every node is a set of namespaces with its own containerd, kubelet and kube-proxy pod. It is here
for end-to-end tests: proxy mode and iptables backend are chosen per node.

    python3 -m tests.lab up      # as root, from the root of the repository
    python3 -m tests.lab down
"""
