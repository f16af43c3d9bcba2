"""The statements of one nft rule, from its words.

Nothing is dropped. Words that are not understood are a `Doubt` where they can only be a match
and what follows is understood; else they and all after them are one `Unknown`, since nobody can
tell where they end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..model import matches as m
from ..model import nft
from ..model import targets as t
from ..model.ruleset import Unknown
from ._nft_expressions import NAT, Tokens, spans, types_of
from ._nft_words import Quoted, split_tokens, without_handle

#: Words that do something to a packet: behind one of them nothing can be told to be a match.
_ACTIONS = frozenset(
    (
        *("dup", "flow", "fwd", "helper", "map", "offload", "quota", "queue"),
        *("secmark", "set", "synproxy", "target", "tproxy", "vmap"),
    )
)
_VERDICTS = frozenset(
    (
        *("accept", "continue", "counter", "comment", "dnat", "drop", "goto", "jump", "log"),
        *("masquerade", "notrack", "redirect", "reject", "return", "snat"),
    )
)
_OPERATORS = ("==", "!=", "<", ">", "<=", ">=", "!")
_REJECTS = {"icmp": "ip", "icmpv6": "ip6", "icmpx": "", "tcp": "tcp"}
_FLAG_WORDS = ("random", "fully-random", "persistent")
#: Longer than this is no rule that nft prints; it is kept as Unknown without being read.
_LONGEST = 4 << 20


def read_rule(text: str, number: int) -> nft.Rule:
    raw = without_handle(text)
    if len(raw) > _LONGEST:
        return nft.Rule(number, raw, (Unknown(raw),))
    tokens = _Rule(split_tokens(raw))
    return nft.Rule(number, raw, tuple(tokens.statements()))


class _Rule(Tokens):
    def statements(self) -> list[object]:
        found: list[object] = []
        while self.at < len(self.words):
            start = self.at
            try:
                statement = self._statement()
            except (ValueError, IndexError, KeyError):
                statement = self._not_understood(start)
            if statement is not None:
                found.append(statement)
        return found

    def _statement(self) -> object | None:
        word = self.peek()
        read = _STATEMENTS.get(word)
        if read is not None:
            return read(self)
        if word in ("dnat", "snat"):
            return self._nat(self.take())
        if word in ("add", "update", "delete"):
            return self._remember()
        return self._about_packet()

    def _not_understood(self, start: int) -> object:
        depth = 0
        for at in range(start, len(self.words)):
            word = self.words[at]
            if isinstance(word, Quoted):
                continue
            depth += (word in "{(") - (word in "})")
            if word in _ACTIONS:
                break
            if at > start and not depth and word in _VERDICTS:
                self.at = at
                return nft.Doubt(self._raw(start, at))
        self.at = len(self.words)
        return Unknown(self._raw(start, len(self.words)))

    def _raw(self, start: int, end: int) -> str:
        words = self.words[start:end]
        return " ".join(f'"{word}"' if isinstance(word, Quoted) else word for word in words)

    # Matches, verdict maps, marks

    def _about_packet(self) -> object:
        left = self.joined()
        types = types_of(left)
        if self.maybe("vmap"):
            return nft.VerdictMap(left, self.table(types, ()))
        if self.maybe("set"):
            return self._set(left)
        operator = self.take() if self.peek() in _OPERATORS else ""
        if types == ("tcp_flag",) and self.peek(1) == "/":
            right = self.right(types)
            self.take("/")
            return nft.Match(nft.Bits("&", left, self.right(types)), operator or "==", right)
        return nft.Match(left, operator, self.right(types))

    def _set(self, left: nft.Expression) -> object:
        if isinstance(left, (nft.Meta, nft.Ct)) and left.key == "mark":
            return nft.SetMark(self.value("mark"), connection=isinstance(left, nft.Ct))
        if isinstance(left, nft.Ct) and left.key == "zone":
            return nft.SetZone(self.value("integer"), left.direction)
        raise ValueError(f"{left} set")

    # Translations

    def _nat(self, kind: str) -> object:
        self.maybe("ip", "ip6")
        if self.maybe("addr"):  # dnat ip addr . port to …
            self.take(".")
            self.take("port")
        self.take("to")
        return self._to(kind)

    def _to(self, kind: str) -> nft.Nat:
        address, port = self._place()
        flags = set()
        while self.peek() in _FLAG_WORDS:
            flags.add(self.take())
            self.maybe(",")
        persistent = "persistent" in flags
        return nft.Nat(kind, address, port, bool(flags - {"persistent"}), persistent)

    def _place(self) -> tuple[nft.Expression | None, nft.Expression | None]:
        word = self.peek()
        if word.startswith(":") and not word[1:].replace("-", "").isdecimal():
            self.words = [*self.words]
            self.words[self.at] = word[1:]
            return None, self._from_map()
        if self._starts_expression():
            address = self._from_map()
            port = None
            if self.peek().startswith(":"):
                port = spans(self.take())[1]
            return address, port
        return spans(self.take())

    def _from_map(self) -> nft.Expression:
        key = self.joined()
        self.take("map")
        return nft.Lookup(key, self.table(types_of(key), NAT))

    def _masquerade(self) -> object:
        self.take("masquerade")
        if self.maybe("to"):
            spans(self.take())
        while self.maybe(*_FLAG_WORDS, ","):
            pass
        return t.Masquerade()

    def _redirect(self) -> object:
        self.take("redirect")
        if self.maybe("to"):
            return self._to("redirect")
        while self.maybe(*_FLAG_WORDS, ","):
            pass
        return nft.Nat("redirect", None, None)

    # The rest

    def _reject(self) -> object:
        self.take("reject")
        if not self.maybe("with"):
            return t.Reject()
        kind = self.take(*_REJECTS)
        self.maybe("type", "code")
        self.take()
        return t.Reject("tcp-reset" if kind == "tcp" else "", only=_REJECTS[kind])

    def _counter(self) -> object:
        self.take("counter")
        if self.maybe("packets"):
            self.take()
            self.take("bytes")
            self.take()
        elif self.maybe("name") or (self.at < len(self.words) and not self.peek()):
            self.take()
        return t.Nothing("counter")

    def _log(self) -> object:
        self.take("log")
        while self.peek() in ("prefix", "level", "group", "snaplen", "queue-threshold", "flags"):
            option = self.take()
            if option != "flags":
                self.take()
                continue
            while self.maybe("tcp", "ip", "skuid", "ether", "all", "sequence", "options", ","):
                pass
        return t.Nothing("log")

    def _limit(self) -> object:
        self.take("limit")
        start = self.at
        if self.maybe("name"):
            self.take()
        else:
            self.take("rate")
            self.maybe("over")
            if "/" not in self.take():
                self.take()  # 10 mbytes/second
            if self.maybe("burst"):
                self.take()
                self.take()
        return m.Limit(" ".join(self.words[start : self.at]))

    def _comment(self) -> None:
        self.take("comment")
        self.take()

    def _notrack(self) -> object:
        self.take("notrack")
        return t.Notrack()

    def _remember(self) -> object:
        action, name = self.take(), self.set_name().name
        self.take("{")
        key = self.joined()
        while self.maybe("timeout", "expires"):
            self.take()
        if self.peek() == "counter":
            self._counter()
        self.take("}")
        return nft.Remember(action, name, key)

    def _connection(self) -> object:
        if self.peek(1) != "count":
            return self._about_packet()
        start = self.at
        self.at += 2
        self.maybe("over")
        self.take()
        return m.Limit(" ".join(self.words[start : self.at]))

    def _meta(self) -> object:
        """Marks decide a packet's way; its priority and its tracing do not."""
        if self.peek(1) in ("nftrace", "priority") and self.peek(2) == "set":
            self.at += 3
            self.take()
            return t.Nothing("meta")
        return self._about_packet()

    def _tcp(self) -> object:
        """The segment size that a SYN offers may be changed: `tcp option maxseg size set …`."""
        if [self.peek(n) for n in (1, 2, 3, 4)] != ["option", "maxseg", "size", "set"]:
            return self._about_packet()
        self.at += 5
        if self.maybe("rt"):
            self.maybe("ip", "ip6")
            self.take("mtu")
        else:
            self.take()
        return t.Nothing("tcp option")

    def _ip(self) -> object:
        if self.peek(1) == "dscp" and self.peek(2) == "set":
            self.at += 3
            self.take()
            return t.Nothing("dscp")
        return self._about_packet()

    def _xt(self) -> object:
        """nft names what iptables-nft wrote through its compatibility layer; a comment is none."""
        if self.peek(1) == "match" and self.words[self.at + 2] == "comment":
            self.at += 3
            return t.Nothing("xt comment")
        raise ValueError("xt")


_STATEMENTS: Mapping[str, Callable[[_Rule], object | None]] = {
    **dict.fromkeys(("accept", "continue", "drop", "goto", "jump", "return"), _Rule.verdict),
    "comment": _Rule._comment,
    "counter": _Rule._counter,
    "ct": _Rule._connection,
    "ip": _Rule._ip,
    "ip6": _Rule._ip,
    "limit": _Rule._limit,
    "log": _Rule._log,
    "masquerade": _Rule._masquerade,
    "meta": _Rule._meta,
    "notrack": _Rule._notrack,
    "redirect": _Rule._redirect,
    "reject": _Rule._reject,
    "tcp": _Rule._tcp,
    "xt": _Rule._xt,
}
