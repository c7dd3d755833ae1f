"""The ``darkclr`` command: one typed function a sub-command, errors in one line."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import textwrap
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from darkclr import __version__
from darkclr.errors import ConfigError, DarkclrError

# Whatever takes time is imported where it is needed: help comes at once, and a Ctrl-C during the
# imports is one line, too.

__all__ = ["main"]

# Seconds after which a stop that has not ended the command is repeated; what there is to tidy up
# takes less.
_REPEATED = 5.0

_DESCRIPTION = """\
Finding new physics in jets without knowing what it looks like.

The steps, in order: generate, train, encode, fit, workingpoints, score, evaluate, report; `run` is
all of them, `ensemble` all of them several times over. Each reads and writes files, so enter or
leave anywhere. `darkclr COMMAND --help` teaches; dashes and underscores of options are alike.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _quieten()
    # Threads that wait spin but shortly: where another process wants the core, long spinning makes
    # a training several times slower (`benchmarks/busy.py`). Read when torch is imported, by this
    # process and its workers.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    stopped = threading.Event()
    try:
        with _terminable() as stopped:
            _run(arguments)
            _print("")
        return 0
    except DarkclrError as problem:
        if stopped.is_set():  # which this is but a consequence of
            return _stopped(arguments)
        _complain(problem)
        return 2
    except KeyboardInterrupt:
        return _stopped(arguments)
    except BrokenPipeError:  # the reader, such as `head`, has enough
        return 141
    except SystemExit as stop:  # the parser has printed what was asked for, or rich gave up
        return 141 if isinstance(stop.__context__, BrokenPipeError) else int(stop.code or 0)
    except Exception as problem:
        from darkclr.cli.failures import explain, is_interrupt

        if stopped.is_set() or is_interrupt(problem):
            return _stopped(arguments)

        text, code = explain(problem, arguments)
        _complain(text)
        return code
    finally:
        _let_go_of_output()


def _stopped(arguments: list[str]) -> int:
    """Say what a stop means; returns the exit code."""
    from darkclr.cli.commands import COMMANDS

    command = COMMANDS.get(next(iter(arguments), ""))
    _complain(
        "stopped; the same command goes on where it was"
        if command is not None and command.goes_on
        else "stopped, nothing half-written is left; the same command starts anew"
    )
    return 130


def _run(arguments: list[str]) -> None:
    from darkclr.cli.commands import COMMANDS

    name = next(iter(arguments), "")
    if name in ("-h", "--help", "--help-all"):
        _print(_overview())
        return
    if name == "--version":
        _print(f"darkclr {__version__}\n")
        return
    if name not in COMMANDS:
        from darkclr.names import did_you_mean

        raise ConfigError(
            f"there is no command {name!r}" if name else "no command is given",
            fix=did_you_mean(
                name, [*COMMANDS, *(("--help", "--version") if name[:1] == "-" else ())]
            ),
        )
    command, own = COMMANDS[name], arguments[1:]
    from darkclr.cli.parsing.parser import build_parser, values_of

    everything = any(argument in ("--help-all", "--help_all") for argument in own)
    # jsonargparse does not print options that the help leaves out.
    printed = any(a.replace("-", "_").startswith("__print_config") for a in own)
    parser = build_parser(command, everything=everything or printed)
    if everything or {"-h", "--help"}.intersection(own):
        _print(parser.format_help())
        return
    if not own and name in ("run", "ensemble"):
        raise ConfigError(
            "nothing is given, and the defaults take many hours",
            where=name,
            fix="take a configuration, as in --config quick, or name --samples",
        )
    from darkclr.cli.parsing.arguments import readable_arguments
    from darkclr.cli.parsing.configuration import with_own_sections

    own = with_own_sections(command, readable_arguments(command, parser, own))
    command.function(**values_of(parser, command.function, own))


def _overview() -> str:
    """All commands, each with the first sentence of its help."""
    from darkclr.cli.commands import COMMANDS

    lines = ["usage: darkclr COMMAND [ARGUMENT ...]", "", _DESCRIPTION, "commands:"]
    for name, command in COMMANDS.items():
        lines += textwrap.wrap(
            (command.function.__doc__ or "").strip().splitlines()[0],
            width=96,
            initial_indent=f"  {name:<14}",
            subsequent_indent=" " * 16,
        )
    lines += ["", "options:", "  --help     Show this help.", "  --version  Show the version."]
    return "\n".join(lines) + "\n"


@contextmanager
def _terminable() -> Iterator[threading.Event]:
    """SIGTERM, by which batch systems end a job, stops the block as Ctrl-C does.

    Python drops what is raised in a destructor or in a callback of a library, so a stop is repeated
    until the block has ended. The event says whether there was one.
    """
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return

    def stop(*_: Any) -> None:
        stopped.set()
        earlier.setdefault(signal.SIGALRM, signal.signal(signal.SIGALRM, stop))
        signal.setitimer(signal.ITIMER_REAL, _REPEATED)
        raise KeyboardInterrupt

    earlier = {
        number: signal.signal(number, stop)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN  # such as Ctrl-C behind `nohup`
    }
    try:
        yield stopped
    finally:
        if stopped.is_set():
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in earlier.items():
            signal.signal(number, handler)


class _Warnings(logging.Formatter):
    """Warnings look like errors do: who says it, what it is, and one line."""

    def format(self, record: logging.LogRecord) -> str:
        package = record.name.partition(".")[0]
        return f"{package}: {record.levelname.lower()}: {' '.join(super().format(record).split())}"


def _quieten() -> None:
    """Leave the terminal to the bars: libraries speak through errors only.

    What a terminal has no letters for is written out and no error, as in the locale C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setFormatter(_Warnings())
    logging.basicConfig(level=os.environ.get("DARKCLR_LOG", "WARNING").upper(), handlers=[handler])
    warnings.filterwarnings("ignore", module="lightning")


def _print(text: str) -> None:
    """Write to standard output, all of it now.

    Raises:
        DarkclrError: that is not possible.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise DarkclrError(
            f"cannot be written ({problem.strerror or problem})", where="standard output"
        ) from problem


def _complain(text: object) -> None:
    """One line on standard error."""
    from darkclr.names import visible

    line = f"darkclr: {visible(' '.join(str(text).split()))}"
    sys.stderr.write(f"\033[31m{line}\033[0m\n" if sys.stderr.isatty() else f"{line}\n")


def _let_go_of_output() -> None:
    """Drop what standard output does not take; at its end Python would try once more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
