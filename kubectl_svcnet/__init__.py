"""kubectl svcnet: what the kernel of every node will really do with a packet for a Service."""

__version__ = "0.1.0"
