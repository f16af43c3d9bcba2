"""Expressions of nft rules: what is computed from a packet, and the sets and maps in a rule.

A reader walks the tokens of one rule. What does not fit raises ValueError or IndexError; the
caller then keeps the words. An expression has a type (nft's own name, several when joined),
which says how the words beside it are to be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model import nft
from ..model import targets as t
from ._nft_words import Quoted, is_flags, number, read_flags, read_value, read_word

Types = tuple[str, ...]

_PORTS = {"sport": "inet_service", "dport": "inet_service"}
#: The sender's choice, packet by packet.
_CHOSEN = {"dscp": "dscp", "ecn": "ecn", "length": "integer"}
#: Header fields that a packet of ours has, by protocol, with their types.
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "ip": {
        "saddr": "ipv4_addr",
        "daddr": "ipv4_addr",
        "protocol": "inet_proto",
        "id": "integer",
        "ttl": "integer",
        **_CHOSEN,
    },
    "ip6": {
        "saddr": "ipv6_addr",
        "daddr": "ipv6_addr",
        "nexthdr": "inet_proto",
        "flowlabel": "integer",
        "hoplimit": "integer",
        **_CHOSEN,
    },
    "tcp": {**_PORTS, "flags": "tcp_flag"},
    "udp": _PORTS,
    "sctp": _PORTS,
    "dccp": _PORTS,
    "udplite": _PORTS,
    "th": _PORTS,
    "icmp": {"type": "icmp_type"},
    "icmpv6": {"type": "icmpv6_type"},
}
_META = {
    "iif": "iface_index",
    "iifname": "ifname",
    "l4proto": "inet_proto",
    "length": "integer",
    "mark": "mark",
    "nfproto": "nf_proto",
    "oif": "iface_index",
    "oifname": "ifname",
    "pkttype": "pkt_type",
    "random": "integer",
    "skgid": "gid",
    "skuid": "uid",
}
#: Those that may stand without the word `meta`.
_PLAIN_META = ("iif", "iifname", "mark", "oif", "oifname", "pkttype", "skgid", "skuid")
_CT = {
    "direction": "ct_dir",
    "l3proto": "nf_proto",
    "mark": "mark",
    "proto-dst": "inet_service",
    "proto-src": "inet_service",
    "protocol": "inet_proto",
    "state": "ct_state",
    "status": "ct_status",
    "zone": "integer",
}
_CT_ADDRESSES = ("saddr", "daddr")
_FIB = {"type": "fib_addrtype", "oif": "iface_index", "oifname": "ifname", "check": "boolean"}
_BITS = {"|": 1, "or": 1, "^": 2, "xor": 2, "&": 3, "and": 3, "<<": 4, ">>": 4}
_SIGNS = {"or": "|", "xor": "^", "and": "&"}  # as nft shows what iptables-nft wrote
_VERDICTS = {
    "accept": t.Accept(),
    "continue": nft.Continue(),
    "drop": t.Drop(),
    "return": t.Return(),
}

#: How deep parentheses and maps in maps may nest.
_DEEPEST = 30


class Tokens:
    """The words of one rule, read from left to right."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words, self.at, self._depth = words, 0, 0

    def peek(self, ahead: int = 0) -> str:
        """The next word, "" at the end; a quoted one is nobody's keyword."""
        at = self.at + ahead
        if at >= len(self.words):
            return ""
        word = self.words[at]
        return "" if isinstance(word, Quoted) else word

    def take(self, *wanted: str) -> str:
        word = self.words[self.at]
        if wanted and (word not in wanted or isinstance(word, Quoted)):
            raise ValueError(f"{word!r} is none of {wanted}")
        self.at += 1
        return word

    def maybe(self, *wanted: str) -> bool:
        if self.peek() in wanted:
            self.at += 1
            return True
        return False

    # Expressions

    def joined(self) -> nft.Expression:
        """One expression, or several with dots between them."""
        items = [self.bits()]
        while self.maybe("."):
            items.append(self.bits())
        return items[0] if len(items) == 1 else nft.Joined(tuple(items))

    def bits(self, least: int = 1, constant: str = "") -> nft.Expression:
        """`constant`: the type of a word that is no expression of the packet."""
        left = self._primary(constant)
        while _BITS.get(self.peek(), 0) >= least:
            word = self.take()
            operator = _SIGNS.get(word, word)
            kind = constant or types_of(left)[0]
            right = self.bits(_BITS[operator] + 1, kind)
            if operator == "|" and isinstance(left, nft.Flags) and isinstance(right, nft.Flags):
                left = nft.Flags(left.words | right.words)
            else:
                left = nft.Bits(operator, left, right)
        return left

    def value(self, kind: str) -> nft.Expression:
        """What a mark is set to: a map's answer, or an expression, or a number."""
        if self._starts_expression():
            start = self.at
            key = self.joined()
            if self.maybe("map"):
                return nft.Lookup(key, self.table(types_of(key), (kind,)))
            self.at = start
        return self.bits(constant=kind)

    def _starts_expression(self) -> bool:
        word = self.peek()
        if word in _FIELDS or word == "fib":
            return word == "fib" or self.peek(1) in _FIELDS[word]
        return word in ("meta", "ct", "numgen", "jhash", "symhash") or word in _PLAIN_META

    def _primary(self, constant: str) -> nft.Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("nested too deep")
        try:
            if self.maybe("("):
                inner = self.bits(constant=constant)
                self.take(")")
                return inner
            if constant and not self._starts_expression():
                return read_word(self.take(), constant)
            return self._expression()
        finally:
            self._depth -= 1

    def _expression(self) -> nft.Expression:
        word = self.take()
        match word:
            case "meta":
                key = self.take(*_META)
                return nft.Meta(key)
            case "ct":
                return self._ct()
            case "fib":
                return self._fib()
            case "numgen":
                mode = self.take("random", "inc")
                return nft.Numgen(mode, self._modulus(), self._offset())
            case "symhash":
                return nft.Hashed(self._modulus(), self._offset())
            case "jhash":
                self.joined()
                modulus = self._modulus()
                if self.maybe("seed"):
                    self.take()
                return nft.Hashed(modulus, self._offset())
        if isinstance(word, Quoted):
            raise ValueError(f"{word!r} is no expression")
        if word in _PLAIN_META:
            return nft.Meta(word)
        return nft.Field(word, self.take(*_FIELDS.get(word, ("",))))

    def _modulus(self) -> int:
        self.take("mod")
        modulus = number(self.take())
        if modulus < 1:
            raise ValueError("mod 0")
        return modulus

    def _offset(self) -> int:
        return number(self.take()) if self.maybe("offset") else 0

    def _ct(self) -> nft.Ct:
        direction = self.take() if self.peek() in ("original", "reply") else ""
        family = self.take() if self.peek() in ("ip", "ip6") else ""
        key = self.take(*_CT, *_CT_ADDRESSES)
        if key in _CT_ADDRESSES:
            return nft.Ct(f"{family or 'ip'} {key}", direction)
        return nft.Ct(key, direction)

    def _fib(self) -> nft.Fib:
        selectors = {self.take("saddr", "daddr", "mark", "iif", "oif")}
        while self.maybe("."):
            selectors.add(self.take("saddr", "daddr", "mark", "iif", "oif"))
        result = self.take(*_FIB)
        return nft.Fib(frozenset(selectors), result)

    # Sets and maps

    def table(self, keys: Types, values: Types | None) -> nft.SetName | nft.Elements:
        """The set or map that a key is looked up in. `values` None: a set; () a verdict map."""
        if self.peek().startswith("@"):
            return self.set_name()
        self.take("{")
        items = []
        while not self.maybe("}"):
            items.append(self.element(keys, values))
            if self.peek() != "}":
                self.take(",")
        return nft.Elements(tuple(items))

    def set_name(self) -> nft.SetName:
        name = self.take()[1:]
        if not name or self.peek() == ",":  # @th,16,16: raw bytes of a header
            raise ValueError("raw payload")
        return nft.SetName(name)

    def element(self, keys: Types, values: Types | None) -> nft.Element:
        key = read_value(self._until(_AFTER_KEY), keys)
        expires = self._element_options()
        value: object | None = None
        if values is not None:
            self.take(":")
            value = self.verdict() if not values else self._data(values)
            self._element_options()
        return nft.Element(key, value, expires)

    def _element_options(self) -> bool:
        """Whether the element expires."""
        expires = False
        while self.peek() in _ELEMENT_OPTIONS:
            option = self.take()
            expires = expires or option == "expires"
            self.at += _ELEMENT_OPTIONS[option]
        return expires

    def _until(self, ends: frozenset[str]) -> Sequence[str]:
        start = self.at
        while self.at < len(self.words) and self.peek() not in ends:
            self.at += 1
        return self.words[start : self.at]

    def _data(self, values: Types) -> object:
        words = self._until(_AFTER_VALUE)
        if values == NAT:
            return _place(words)
        return read_value(words, values)

    def verdict(self) -> object:
        word = self.take()
        if word in ("jump", "goto"):
            return t.Jump(str(self.take()), goto=word == "goto")
        if word not in _VERDICTS or isinstance(word, Quoted):
            raise ValueError(f"{word!r} is no verdict")
        return _VERDICTS[word]

    # The right side of a match

    def right(self, types: Types) -> nft.Expression:
        if self.peek().startswith("@"):
            return self.set_name()
        if self.peek() == "{":
            return self.table(types, None)
        if len(types) == 1 and is_flags(types[0]):
            return self._flags(types[0])
        words = [self.take()]
        while self.peek() == ".":
            words += [self.take(), self.take()]
        return read_value(words, types)

    def _flags(self, kind: str) -> nft.Expression:
        """new,established, or (fin | syn); `syn / fin,syn` is left to the caller."""
        if self.maybe("("):
            inner = self._flags(kind)
            self.take(")")
            return inner
        words = [self.take()]
        while self.maybe(",", "|"):
            words.append(self.take())
        return read_flags(words, kind)


#: Options of an element, and how many words follow each.
_ELEMENT_OPTIONS = {"timeout": 1, "expires": 1, "counter": 4, "comment": 1}
_AFTER_VALUE = frozenset((",", "}", *_ELEMENT_OPTIONS))
_AFTER_KEY = _AFTER_VALUE | {":"}

#: Stands for the types of a map in dnat and snat: addresses, ports, or both.
NAT: Types = ("nat",)


def _place(words: Sequence[str]) -> nft.Value:
    """An address, a port, or `address . port`, told apart by their looks."""
    if not words:
        raise ValueError("an empty place")
    kinds = tuple("inet_service" if _is_port(word) else _kind(word) for word in words[::2])
    return read_value(words, kinds)


def _is_port(word: str) -> bool:
    return word.replace("-", "").isdecimal()


def _kind(word: str) -> str:
    return "ipv6_addr" if ":" in word else "ipv4_addr"


def types_of(expression: nft.Expression) -> Types:
    match expression:
        case nft.Field(protocol=protocol, name=name):
            return (_FIELDS[protocol][name],)
        case nft.Meta(key=key):
            return (_META[key],)
        case nft.Ct(key=key):
            if key.endswith(_CT_ADDRESSES):
                return ("ipv6_addr" if key.startswith("ip6") else "ipv4_addr",)
            return (_CT[key],)
        case nft.Fib(result=result):
            return (_FIB[result],)
        case nft.Numgen() | nft.Hashed():
            return ("integer",)
        case nft.Bits(left=left):
            return types_of(left)
        case nft.Joined(items=items):
            return tuple(kind for item in items for kind in types_of(item))
    raise ValueError(f"no type for {expression}")


def spans(word: str) -> tuple[nft.Value | None, nft.Value | None]:
    """Where a translation leads, in one word: ADDRESS, ADDRESS:PORT, [V6]:PORT, :PORT, with
    ranges of both, and the prefix that nft prints for a range of addresses."""
    place, port = word, ""
    if word.startswith(":") and word.count(":") == 1:
        place, port = "", word[1:]
    elif word.startswith("["):
        place, _, rest = word.rpartition("]")
        place, port = place.replace("[", "").replace("]", ""), rest.removeprefix(":")
        if rest and not rest.startswith(":"):
            raise ValueError(word)
    elif word.count(":") == 1:
        place, port = word.split(":")
    where = read_word(place, _kind(place)) if place else None
    return where, read_word(port, "inet_service") if port else None
