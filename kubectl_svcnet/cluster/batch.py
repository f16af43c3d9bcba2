"""Many commands in one exec: the constant script, its parameters, and reading what it prints.

`SCRIPT` is made from the command table at import and never from values: step names and arguments
are positional parameters. It is written for dash with the tools of upstream's kube-proxy image
(cat chmod grep ln rm sleep wc) and busybox. Each answer stands between lines that carry a random
token, on stdout and on stderr, so nothing that a node prints can pass for a marker.
Exit codes in the end marker: the command's own, or `absent` where law 3 forbade to run it.
A listing is kept in `L`, which is `-` before there is one; `at` looks for a table in it. `M` is
what one pattern let through of the program `K`: a dump of 215,000 rules is made once, not twice.
A filtered command's own end marker goes through its `grep -n` and so has a line number.
`f` keeps each table's head and the rules of one chain, and of these the table's and the next; it
numbers them, unless they have been.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..model.commands import COMMANDS, Command, CommandSpec, Needs, checked

#: They travel in a URL, which proxies limit to 8 or 16 KiB with the script.
MAX_ARGUMENTS = 6 * 1024

_CODE = re.compile(rb"(\d+|absent)\Z")
_LINE_FEED = ord("\n")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+=,-]+\Z")

_HEAD = r"""export LC_ALL=C
T=$1 U=$2 n=0 L=- K=-
exec 3>&1
shift 2
has(){ case ,$U, in *,$1,*)return 0;;esac;[ -e /proc/modules ]||return 0
while read -r m _;do [ "$m" = "$1" ]&&return 0;done</proc/modules;return 1;}
t(){ has nf_tables;}
at(){ case $L in -|*":table $1 {"*)return 0;;esac;return 1;}
no(){ for x;do command -v "$x">/dev/null&&return 1;done;return 0;}
z(){ printf '\n%s end %s\n' $T $?;}
g(){ grep -anvEe "$1";}
h(){ grep -anA15 -Ee "$1" -e '^[A-Za-z0-9]* end [0-9]*$';}
s(){ printf '%s\n' "$1";}
f(){ grep -a$3e '^\([0-9]*:\)*\*' -e "^\([0-9]*:\)*-A $2 "|grep -am1 -A1 ":\*$1\$";}
p(){ printf "$1%s $2\n" $T;printf "$1%s $2\n" $T>&2;}
while [ $# -gt 0 ];do c=$1;shift;n=$((n+1)) e=absent
p '' "begin $n"
case $c in ip6*)P=ip6tables F=ip6;;*)P=iptables F=ip;;esac
case $c in
"""

_TAIL = r"""*)exit 64;;esac
p '\n' "end $n $e"
done
"""


def _word(word: str, numbers: dict[str, int]) -> str:
    """One word of an argv in shell: a positional parameter, or itself, quoted."""
    if word.startswith("{") and word.endswith("}"):
        return f'"${numbers[word[1:-1]]}"'
    if "{" in word:
        raise ValueError(f"a placeholder must be a whole word: {word}")
    return word if _PLAIN.match(word) else "'" + word.replace("'", "'\\''") + "'"


def _condition(spec: CommandSpec) -> str:
    """Law 3's precondition as a shell test; empty if there is none."""
    tests = []
    if spec.needs is Needs.IP_VS:  # may be built in: its file says more than /proc/modules
        tests.append("[ -e /proc/net/ip_vs ]")
    elif spec.needs is Needs.NF_TABLES:
        tests.append("t")
    elif spec.needs is not Needs.NOTHING:
        tests.append(f"has {spec.needs.value}")
    if spec.unless:
        tests.append("no " + " ".join(spec.unless))
    if spec.within:
        tests.append(f'at "{spec.within} $1"')
    return "&&".join(tests)


def _run(spec: CommandSpec) -> str:
    """What runs the command, and puts its exit code, or its filter's, in `e`."""
    numbers = {name: index for index, name in enumerate(spec.arguments, 1)}
    run = " ".join(_word(word, numbers) for word in spec.argv)
    program, last = spec.argv[0], f'"${len(numbers)}"'
    if spec.kept:
        return f'K={program};M=$({{ {run};z;}}|g "$1");e=$?;s "$M"|grep -avEe {last}'
    if spec.listing:
        return f'L=$({{ {run};z;}}|g {last});e=$?;s "$L"'
    if spec.picked:
        return f"{{ {run};z;}}|h {last};e=$?"
    if spec.filtered:
        return f"{{ {run};z;}}|g {last};e=$?"
    if spec.first:
        kept = 's "$M"|f "$1" "$2"'
        return f'if [ $K = {program} ];then {kept};else {run}|f "$1" "$2" n;fi;e=$?'
    if spec.hushed:
        return f'E=$({run} 2>&1 >&3);e=$?;[ $e = 0 ]||s "$E">&2'
    return f"{run};e=$?"


def _arm(spec: CommandSpec) -> str:
    """What one row of the table is in the script."""
    run, condition = _run(spec), _condition(spec)
    if condition:
        run = f"if {condition};then {run};fi"
    shift = f";shift {len(spec.arguments)}" if spec.arguments else ""
    return f"{run}{shift};;\n"


def build_script(specs: Iterable[CommandSpec]) -> str:
    """Rows of iptables and ip6tables that differ in nothing else share an arm: `P` and `F`."""
    arms = {spec.name: _arm(spec) for spec in specs}
    merged: dict[str, str] = {}
    for name, arm in arms.items():
        twin = f"ip6{name.removeprefix('ip')}"
        shared = arm.replace("iptables-", "$P-").replace('at "ip ', 'at "$F ')
        both = shared.replace("$P", "ip6tables").replace("$F", "ip6")
        if name.startswith("iptables-") and arms.get(twin) == both:
            merged[f"{name}|{twin}"] = shared
        elif f"ip{name.removeprefix('ip6')}|{name}" not in merged:
            merged[name] = arm
    return _HEAD + "".join(f"{names}){arm}" for names, arm in merged.items()) + _TAIL


SCRIPT = build_script(COMMANDS.values())


def parameters(commands: Sequence[Command]) -> tuple[str, ...]:
    """Steps as the script reads them. Raises ValueError for what the table does not allow."""
    words: list[str] = []
    for command in commands:
        checked(command)
        words += (command.name, *command.arguments)
    return tuple(words)


def size_of(commands: Sequence[Command]) -> int:
    """Bytes of arguments that these commands take of MAX_ARGUMENTS."""
    return sum(len(word.encode()) + 1 for word in parameters(commands))


def encode(commands: Sequence[Command], *, token: str, in_use: Iterable[Needs] = ()) -> list[str]:
    """The argv of one exec. Raises ValueError also where it would be too long: split then."""
    if not re.fullmatch(r"[A-Za-z0-9]{16,64}", token):
        raise ValueError("the token must be 16 to 64 letters and digits")
    if size_of(commands) > MAX_ARGUMENTS:
        raise ValueError(f"more than {MAX_ARGUMENTS} bytes of arguments in one exec")
    used = ",".join(sorted(need.value for need in in_use))
    return ["sh", "-c", SCRIPT, "svcnet", token, used, *parameters(commands)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one step printed. `exit_code` None: it was not run (`absent`), or did not end."""

    data: bytes = b""
    stderr: bytes = b""
    exit_code: int | None = None
    begun: bool = False
    ended: bool = False
    absent: bool = False
    unfiltered: bool = False  # a filtered command whose own end did not come through grep


def decode(
    commands: Sequence[Command], stdout: bytes, stderr: bytes, token: str
) -> tuple[Answer, ...]:
    """One answer per command, in order, whatever came: output that was cut, on either stream,
    gives answers not `ended`."""
    out, err = _Stream(stdout, token), _Stream(stderr, token)
    answers = []
    for number, command in enumerate(commands, 1):
        data, code = out.section(number)
        said, told = err.section(number)
        code = None if told is None else code
        answer = Answer(
            data=data or b"",
            stderr=said or b"",
            exit_code=int(code) if code is not None and code != b"absent" else None,
            begun=data is not None,
            ended=code is not None,
            absent=code == b"absent",
        )
        answers.append(_unfilter(answer, token) if COMMANDS[command.name].filtered else answer)
    return tuple(answers)


class _Stream:
    """One of the two streams, cut at the markers one after the other."""

    def __init__(self, text: bytes, token: str) -> None:
        self._text, self._token, self._at = text, token.encode(), 0

    def section(self, number: int) -> tuple[bytes | None, bytes | None]:
        """(data, exit code) of this step; None for what did not come."""
        begin, end = (b"%s %s %d" % (self._token, word, number) for word in (b"begin", b"end"))
        started = self._line(begin + b"\n", self._at)
        if started < 0:
            return None, None
        start = started + len(begin) + 1
        # Where the step prints nothing, the end marker's line feed follows the begin marker's.
        ended = self._text.find(b"\n" + end + b" ", start)
        code, feed, _ = self._text[ended + len(end) + 2 : ended + len(end) + 10].partition(b"\n")
        if ended < 0 or not feed or not _CODE.match(code):
            self._at = len(self._text)
            return self._text[start:], None
        self._at = ended + len(end) + 2 + len(code) + 1
        return self._text[start:ended], code

    def _line(self, marker: bytes, at: int) -> int:
        """Where a line begins with it, from there on."""
        found = self._text.find(marker, at)
        while found > 0 and self._text[found - 1] != _LINE_FEED:
            found = self._text.find(marker, found + 1)
        return found


def _unfilter(answer: Answer, token: str) -> Answer:
    """Takes the command's own end marker out of a filtered answer, with the line feed before it.

    What grep leaves is `N:line`. The marker's line feed makes an empty line of its own only where
    the output ended with one.
    """
    if answer.absent or not answer.ended:
        return answer
    marker = re.search(rb"(?:^|\n)(\d+):%s end (\d+)\n?\Z" % token.encode(), answer.data)
    if marker is None:
        return _replace(answer, answer.data, answer.exit_code, unfiltered=True)
    lines = answer.data[: marker.start()]
    blank = b"%d:" % (int(marker[1]) - 1)
    if lines == blank or lines.endswith(b"\n" + blank):
        lines = lines[: -len(blank)]
    elif lines:
        lines += b"\n"
    return _replace(answer, lines, int(marker[2]))


def _replace(
    answer: Answer, data: bytes, exit_code: int | None, *, unfiltered: bool = False
) -> Answer:
    return Answer(
        data=data,
        stderr=answer.stderr,
        exit_code=exit_code,
        begun=answer.begun,
        ended=answer.ended,
        unfiltered=unfiltered,
    )
