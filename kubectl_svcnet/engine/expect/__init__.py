"""What a node should do, from the API alone, by kube-proxy's own rules.

Source: kubernetes pkg/proxy and its proxiers, read at 1.23 to 1.37; where versions differ the
node's own counts, and where it is not known every version's answer is right.
"""

from .endpoints import Categories, categorise
from .traffic import Dial, expect

__all__ = ["Categories", "Dial", "categorise", "expect"]
