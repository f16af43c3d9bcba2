"""`kubectl svcnet`: which command, and what an error looks like.

Nothing heavy is imported until a command runs: `--help` must cost no more than Python itself.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from .. import __version__
from ..errors import SvcnetError
from . import arguments, flags
from .examples import EXAMPLES, of_all, text_of
from .streams import FULL, open_streams, unwritten
from .usage import flags_of, in_kubectls_words, unknown_words

PROGRAM = "kubectl svcnet"

DESCRIPTION = """\
For every Service on every node: what the kernel will really do with a packet,
which IP ranges the cluster really uses, and which node is wrong. It only reads,
and nothing is deployed."""

REPORT = "https://github.com/kubectl-svcnet/kubectl-svcnet/issues"


class Parser(argparse.ArgumentParser):
    """argparse with kubectl's layout of a help, and its words for a wrong command line."""

    def format_help(self) -> str:
        formatter = self._get_formatter()
        formatter.add_text(self.description)
        formatter.add_text(self.epilog)
        for group in self._action_groups:
            formatter.start_section(_TITLES.get(group.title or "", group.title))
            formatter.add_arguments(group._group_actions)
            formatter.end_section()
        formatter.add_text(f"Usage:\n  {self.usage}")
        return formatter.format_help()

    def _print_message(self, message: str, file: Any = None) -> None:
        (file or sys.stderr).write(message)  # argparse's own takes a full disk for no matter

    def error(self, message: str) -> None:  # type: ignore[override]
        _wrong_usage(in_kubectls_words(message, COMMANDS), self.prog)


_TITLES = {"positional arguments": "Arguments", "options": "Help"}


def _wrong_usage(message: str, command: str) -> NoReturn:
    sys.stderr.write(f"error: {message}\nSee '{command} --help' for help and examples.\n")
    raise SystemExit(2)


def build_parser() -> argparse.ArgumentParser:
    parser = _parser(
        Parser,
        prog=PROGRAM,
        usage=f"{PROGRAM} COMMAND [flags]",
        description=DESCRIPTION,
        epilog=text_of(of_all(), PROGRAM),
    )
    parser.add_argument("--version", action="version", version=f"kubectl svcnet {__version__}")
    commands = parser.add_subparsers(
        title="Available commands",
        metavar="COMMAND",
        dest="command",
        parser_class=Parser,
        prog=PROGRAM,  # else it is the whole usage line
    )
    for name, (summary, _, extra, words) in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            usage=f"{PROGRAM} {name}{words} [flags]",
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=text_of(EXAMPLES[name], PROGRAM) if name in EXAMPLES else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        extra(command)
        flags.add(command, title="Connection (as in kubectl)", flags=flags.CONNECTION)
        flags.add(command, title="Options", flags=flags.common(name))
    flags.add(parser, title="Connection (as in kubectl)", flags=flags.CONNECTION)
    flags.add(parser, title="Options", flags=flags.COMMON)
    return parser


def _parser(kind: type[argparse.ArgumentParser], **keywords: str) -> argparse.ArgumentParser:
    return kind(
        **keywords,  # type: ignore[arg-type]
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _trace(given: argparse.Namespace) -> int:
    from . import session

    def load() -> session.Work:
        from .trace import trace

        return trace

    return session.run(given, load)


def _packet(given: argparse.Namespace) -> int:
    from .packet import packet

    return packet(given)


def _ranges(given: argparse.Namespace) -> int:
    from .ranges import ranges

    return ranges(given)


def _logs(given: argparse.Namespace) -> int:
    from .logs import logs

    return logs(given)


def _proxy(given: argparse.Namespace) -> int:
    from . import session

    def load() -> session.Work:
        from ..pipeline.proxy import plan, run

        return plan if "plan" in vars(given) else run

    return session.run(given, load)


def _diff(given: argparse.Namespace) -> int:
    from .diff import diff

    return diff(given)


def _permissions(given: argparse.Namespace) -> int:
    from .permissions import permissions

    return permissions(given)


def _snapshot(given: argparse.Namespace) -> int:
    from .snapshot import snapshot

    return snapshot(given)


def _completion(given: argparse.Namespace) -> int:
    from .shell import completion

    return completion(given)


def _version(given: argparse.Namespace) -> int:
    from .version import version

    return version(given)


Run = Callable[[argparse.Namespace], int]


def _check(given: argparse.Namespace) -> int:
    from .check import check

    return check(given)


#: name: what it shows, what runs it, what flags it adds, its arguments.
COMMANDS: dict[str, tuple[str, Run, Callable[[argparse.ArgumentParser], None], str]] = {
    "check": (
        "what is wrong with any Service on any node, by cause",
        _check,
        arguments.checked,
        " [SERVICE...]",
    ),
    "completion": (
        "completion of commands, flags and names in a shell",
        _completion,
        arguments.shell,
        " [SHELL]",
    ),
    "diff": (
        "what differs between two bundles, or a bundle and now",
        _diff,
        arguments.compared,
        " A [B]",
    ),
    "logs": (
        "what logs and Events say about a Service, in order",
        _logs,
        arguments.log_service,
        " [SERVICE...]",
    ),
    "packet": (
        "what one node does with one packet, rule by rule",
        _packet,
        arguments.packet_words,
        " PROTO SRC DST:PORT",
    ),
    "permissions": (
        "which rights are needed, and which you have",
        _permissions,
        arguments.rights,
        " [COMMAND...]",
    ),
    "proxy": (
        "what each node's kube-proxy is set to, runs and programs",
        _proxy,
        arguments.nothing,
        "",
    ),
    "ranges": (
        "every IP range of the cluster, and where it is written",
        _ranges,
        arguments.which,
        "",
    ),
    "snapshot": ("save what all nodes have to one bundle", _snapshot, arguments.file, " FILE"),
    "trace": (
        "what each node does with packets for Services",
        _trace,
        arguments.services,
        " [SERVICE...]",
    ),
    "version": ("the version of this plugin", _version, arguments.nothing, ""),
}


#: Imports, large lists and the rules of a large node make many objects and no garbage.
GC_THRESHOLD = 1_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status. Run as a program (without `argv`) it ends the process itself: to take
    apart all that was imported costs Python longer than many an answer."""
    if argv is not None:
        return _guarded(argv)
    gc.set_threshold(GC_THRESHOLD)
    open_streams()
    if sys.argv[1:2] == ["__complete"] or "_ARGCOMPLETE" in os.environ:
        from . import completion

        completion.run(sys.argv[2:])
    status = 0
    try:
        try:
            status = _guarded(argv)
        except SystemExit as end:  # argparse's, of --help and a wrong command line
            status = int(end.code or 0)
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # nobody reads any longer
    except OSError as error:
        status = status if status > 1 else unwritten(error)
    os._exit(status)


def _guarded(argv: Sequence[str] | None) -> int:
    try:
        return _main(argv)
    except BrokenPipeError:
        # Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _main(argv: Sequence[str] | None) -> int:
    parser = build_parser()
    words = _joined(sys.argv[1:] if argv is None else argv)
    given, unknown = parser.parse_known_args(_helped(words))
    if unknown:
        command = f"{PROGRAM} {given.command}" if given.command else PROGRAM
        _wrong_usage(unknown_words(unknown, flags_of(parser, given.command)), command)
    if given.command is None:
        parser.print_help()
        return 0
    for name, flag in (("selector", "-l"), ("field_selector", "--field-selector")):
        if name in vars(given) and "services" not in vars(given):
            said = f"{flag} selects Services, and {given.command} is asked for none"
            sys.stderr.write(f"Warning: {said}\n")
    try:
        return COMMANDS[given.command][1](given)
    except SvcnetError as error:
        return _failed(given, error)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        _show_failed(given, "interrupted", None)
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            return unwritten(error)
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python < 3.12, while a class is made
            _show_failed(given, "interrupted", None)
            raise KeyboardInterrupt from error
        return _crashed(given, error)


def _helped(words: Sequence[str]) -> list[str]:
    """`help` where a command stands, which flags may precede, is --help of what follows."""
    tables = (*flags.CONNECTION, *flags.COMMON)
    valued = {n for names, how in tables if how.get("action") != "store_true" for n in names}
    for at, word in enumerate(words):
        if word.startswith("-") or (at and words[at - 1] in valued):
            continue
        if word == "help":
            about = (each for each in words[at + 1 :] if each != "help")
            return [*words[:at], *about, "--help"]
        break
    return list(words)


def _joined(words: Sequence[str]) -> list[str]:
    """What looks like a negative number is the value of the flag before it, as in kubectl;
    argparse would take -5m for a flag of its own."""
    found: list[str] = []
    for word in words:
        if found and re.match(r"-\d", word) and re.fullmatch(r"--[a-z-]+", found[-1]):
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def _crashed(given: argparse.Namespace, error: Exception) -> int:
    """The traceback quotes what was read, so it is escaped like all that is printed."""
    import traceback

    from ..render.escape import escape

    for line in "".join(traceback.format_exception(error)).splitlines():
        print(escape(line), file=sys.stderr)
    print(f"error: this is a bug in svcnet; please report it at {REPORT}", file=sys.stderr)
    _show_failed(given, f"a bug in svcnet: {type(error).__name__}", f"report it at {REPORT}")
    return 70


#: How kubectl's own sentences begin.
_KUBECTLS = ("error:", "Error", "Unable to", "The connection", "No resources found")


def _failed(given: argparse.Namespace, error: SvcnetError) -> int:
    """One sentence on stderr, and what to type now."""
    from ..render.escape import escape

    sentence = escape(str(error))
    if not sentence.startswith(_KUBECTLS):
        sentence = f"error: {sentence}"
    print(sentence, file=sys.stderr)
    if error.next:
        print(f"  next      {escape(error.next)}", file=sys.stderr)
    _show_failed(given, str(error), error.next)
    return error.exit_code


def _show_failed(given: argparse.Namespace, sentence: str, next: str | None) -> None:
    """With -o json or yaml there is one document, whatever happened."""
    output = vars(given).get("output", "")
    if output in ("json", "yaml"):
        from ..render import written
        from ..render.document import failed

        kind = {"packet": "Packets"}.get(given.command, given.command.capitalize())
        kind = "Addresses" if "ips" in vars(given) else kind
        print(written(failed(kind, sentence, next), output), end="")


if __name__ == "__main__":
    sys.exit(main())
