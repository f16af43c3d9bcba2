"""A refusal of the API server: who may not do what, without the object that it was about.

`pods "kube-proxy-x" is forbidden: User "u" cannot get resource "pods/log" in API group "" in the
namespace "kube-system"` (pkg/endpoints/handlers/responsewriters/errors.go): the same right is
missing for every pod there, and so is to be told once. Any other text stays as it is.
"""

from __future__ import annotations

import re

_WHO = re.compile(r'User "[^"]*" cannot .*', re.DOTALL)


def parse_refusal(message: str) -> str:
    found = _WHO.search(message)
    return f"forbidden: {found[0]}" if found else message
