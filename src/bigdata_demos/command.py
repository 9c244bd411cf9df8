"""The shell around every command: arguments, signals, standard output, errors, exit statuses, logging, progress and tables.

A command is a :class:`Parser` and a function that takes the parsed arguments; :func:`run` does everything else. Data go to
standard output, messages to standard error. Only this module and the commands' ``cli`` modules print.

Exit statuses, the same for all commands: 0 success, 1 failure, 2 wrong usage, 130 after SIGINT (Ctrl-C), 143 after SIGTERM or
SIGHUP. A reader that closes standard output early, such as ``head``, is no failure.
"""

import argparse
import contextlib
import difflib
import errno
import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

from .errors import BigDataDemosError, UsageError, printable

if TYPE_CHECKING:
    from tqdm import tqdm

_FAILURE: Final = 1
_USAGE: Final = 2
_INTERRUPTED: Final = 130
_TERMINATED: Final = 143


class Parser(argparse.ArgumentParser):
    """A parser whose errors are UsageErrors that suggest the nearest name; ``-v``, ``-q`` and ``--version`` come with it."""

    after_interrupt = ""
    """The state that an interrupt leaves, for the message."""

    def __init__(self, prog: str | None = None, **settings: Any) -> None:
        settings = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False, **settings}
        super().__init__(prog, **settings)
        from . import __version__

        common = self.add_argument_group("messages on standard error")
        # The default is added by `run`: a subcommand's own default would replace what was given before its name.
        common.add_argument("-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help="show more messages")
        common.add_argument("-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="show no progress")
        self.add_argument("--version", action="version", version=f"bigdata-demos {__version__}", help="show the version and exit")

    def error(self, message: str) -> NoReturn:
        """Raise UsageError, with a suggestion if a word of the message is close to an option, a choice or a command."""
        invalid = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        if invalid:
            word, names = invalid[1], re.findall(r"[\w.-]+", invalid[2])
        else:
            unknown = re.search(r"unrecognized arguments: .*?(-[\w-]+)", message)
            word, names = unknown[1] if unknown else "", [name for action in _actions(self) for name in action.option_strings]
        nearest = difflib.get_close_matches(word, names, 1)
        suggestion = f": did you mean {nearest[0]}?" if nearest else ""
        raise UsageError(f"{message}{suggestion} (see `{self.prog} --help`)")


def number_from(least: float, most: float | None = None, kind: type[float] = int) -> Callable[[str], Any]:
    """Return a ``type`` for argparse: a number of a kind, within inclusive bounds."""

    def number(text: str) -> float:
        value = kind(text)
        if not least <= value <= (value if most is None else most):
            bounds = f"{least} or more" if most is None else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"must be {bounds}, not {text}")
        return value

    return number


def run(parser: Parser, execute: Callable[[argparse.Namespace], int | None], argv: Sequence[str] | None = None) -> int:
    """Parse the arguments, execute the command, and return its exit status. Only exceptions that are bugs are raised.

    ``execute`` returns an exit status, or None for 0. It can say what an interrupt leaves behind:
    ``raise KeyboardInterrupt("out/crawl is complete")``.
    """
    if sys.stdout is None:  # closed by the caller: writing must fail, not go to the next file that is opened
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    with _sigterm_interrupts() as terminated:
        try:
            status = _execute(parser, execute, argv)
            sys.stdout.flush()
            return status
        except BrokenPipeError:
            drop_stdout()
            return 0
        except (Exception, KeyboardInterrupt) as error:
            interrupt = _interrupt_behind(error)
            if terminated or interrupt:
                message, status = ("terminated", _TERMINATED) if terminated else ("interrupted", _INTERRUPTED)
                details = interrupt.args[0] if interrupt and interrupt.args else parser.after_interrupt
                message += f": {details}" if details else ""
                # `python -m` would end by SIGINT if the last exec() of a text was interrupted, such as namedtuple() has.
                exec("")  # noqa: S102
            else:
                message, status = _describe(error, parser)
            say(f"error: {message}")
            if error.__cause__:
                logging.getLogger(__name__).info("%s", error.__cause__)
            try:
                sys.stdout.flush()
            except (OSError, ValueError):
                drop_stdout()
            return status


def _execute(parser: Parser, execute: Callable[[argparse.Namespace], int | None], argv: Sequence[str] | None) -> int:
    defaults = argparse.Namespace(verbose=False, quiet=False)
    try:
        try:
            arguments = parser.parse_intermixed_args(argv, defaults)
        except TypeError:  # raised at once by a parser that has subcommands
            arguments = parser.parse_args(argv, defaults)
    except SystemExit:  # by --help and --version
        return 0
    _set_up_logging(verbose=arguments.verbose)
    return execute(arguments) or 0


def _interrupt_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the interrupt that an error is, or during whose handling a library raised it; None if there is none."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error


def _describe(error: BaseException, parser: Parser) -> tuple[str, int]:
    """Return the message and the exit status of an error; raises the error again if it is a bug."""
    if isinstance(error, BigDataDemosError):
        return error.spelled(_speller(parser)), _USAGE if isinstance(error, UsageError) else _FAILURE
    if isinstance(error, OSError):
        if error.filename is not None:
            return f"{error.filename}: {error.strerror}", _FAILURE
        closed = error.errno == errno.EBADF
        return "standard output is closed" if closed else f"cannot write: {error.strerror or error}", _FAILURE
    if isinstance(error, MemoryError):
        return "out of memory", _FAILURE
    raise error


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of its subcommands."""
    for action in parser._actions:  # noqa: SLF001 (there is no public way, and shtab does the same)
        yield action
        if isinstance(action.choices, dict):
            for subcommand in action.choices.values():
                if isinstance(subcommand, argparse.ArgumentParser):  # and not what an ordinary choice stands for
                    yield from _actions(subcommand)


def _speller(parser: argparse.ArgumentParser) -> Callable[[str, str | None, str | None], str | None]:
    """Return a function that spells a parameter of the Python interface as the command's option; see errors.py."""
    actions = {action.dest: action for action in _actions(parser)}

    def spell(name: str, key: str | None, value: str | None) -> str | None:
        if (action := actions.get(name)) is None:
            return None
        option = max(action.option_strings, key=len) if action.option_strings else str(action.metavar or name)
        if key is not None:
            value = key if value is None else f"{key}={value}"
        return option if value is None or action.nargs == 0 else f"{option} {value}"

    return spell


@contextlib.contextmanager
def _sigterm_interrupts() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, which all libraries handle; yields a list that gets the signal.

    SIGHUP stays ignored if it is, as ``nohup`` has it.
    """
    received: list[int] = []

    def interrupt(number: int, _frame: object) -> NoReturn:
        received.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def drop_stdout() -> None:
    """Discard what is buffered for standard output, which Python would otherwise fail to write at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """Write one line to standard error."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # it may be closed
        sys.stderr.write(f"{printable(text)}\n")
        sys.stderr.flush()


def _set_up_logging(*, verbose: bool) -> None:
    """Log this package's warnings to standard error or, if ``verbose``, all messages from INFO on, of libraries as well."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    if not verbose:  # py4j and distributed log errors that are reported here in one line, or are deliberate, such as Ctrl-C
        handler.addFilter(logging.Filter("bigdata_demos"))
        logging.getLogger("bigdata_demos.cluster.hadoop").setLevel(logging.INFO)  # the address of the job's web page
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])


class Progress:
    """Progress on standard error: a bar for each phase on a terminal, a line every ten seconds elsewhere."""

    _SECONDS: Final = 10.0

    def __init__(self, unit: str, *, quiet: bool = False) -> None:
        self._unit, self._quiet, self._phase = unit, quiet, ""
        self._bar: tqdm[NoReturn] | None = None
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __call__(self, phase: str, done: int, total: int | None = None) -> None:
        """Show how much of a phase is done."""
        if self._quiet or sys.stderr is None:
            return
        if not sys.stderr.isatty():
            if time.monotonic() - self._last > self._SECONDS:
                say(f"{phase}: {done}{f' of {total}' if total else ''} {self._unit}s")
                self._last = time.monotonic()
            return
        if self._bar is None or phase != self._phase:
            from tqdm import tqdm

            self.__exit__()
            self._phase = phase
            self._bar = tqdm(desc=f"{phase:6}", unit=self._unit, leave=False, file=sys.stderr)
        self._bar.total = total
        self._bar.update(done - self._bar.n)


def coloured() -> bool:
    """Return whether standard output takes colours: it is a terminal, and NO_COLOR is not set (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, with the first column aligned to the left and the others to the right; on a terminal, with a rule."""
    if sys.stdout.isatty():
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD)
        for number, name in enumerate(head):
            table.add_column(Text(name), justify="right" if number else "left")
        for row in rows:
            table.add_row(*map(Text, row))
        Console().print(table)  # which respects NO_COLOR
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for first, *others in [head, *rows]:
        cells = [first.ljust(widths[0]), *(text.rjust(width) for text, width in zip(others, widths[1:], strict=True))]
        print("  ".join(cells).rstrip())


def created() -> float:
    """Return when this process was created, in seconds since the epoch, as :func:`time.time` has it.

    psutil's answer is off by up to a second, since it adds to the boot time, which the kernel gives in whole seconds.
    """
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):  # not Linux
        import psutil

        return psutil.Process().create_time()
