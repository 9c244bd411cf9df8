"""The command ``bigdata-demos interview``: text on standard output, or a page in a file."""

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from .. import command
from ..errors import OutputError, UsageError
from ..storage.atomic import atomic, writing

SECTIONS: Final = ("spoken", "engines", "code", "figures")
PAGE: Final = "out/interview.html"
_NARROWEST: Final = 40
EPILOG: Final = """\
examples:
  bigdata-demos interview                        all of it; with 180 columns, the engines' code side by side
  bigdata-demos interview --section spoken       what to say in 30 seconds
  bigdata-demos interview --section code --width 200 | less
  bigdata-demos interview --html                 one page, out/interview.html: open it in a browser
  bigdata-demos interview --results out/bench    figures of these results, if they are of this machine
"""


def parser() -> command.Parser:
    """Return the parser of the command line."""
    made = command.Parser(
        "bigdata-demos interview",
        description="Answer an interviewer: what to say, how the engines differ, their code side by side, and your own figures.",
        epilog=EPILOG,
    )
    made.add_argument("--section", choices=SECTIONS, help="print only this section (default: all)")
    made.add_argument(
        "--html", nargs="?", const=PAGE, metavar="FILE", help=f"write a page instead (default: {PAGE}; - for standard output)"
    )
    made.add_argument("--results", metavar="DIR|FILE", help="benchmark results to show (default: the newest below out/bench*)")
    made.add_argument("--width", type=int, metavar="N", help="columns of the text (default: the terminal's; 80 in a pipe)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return command.run(parser(), answer, argv)


def answer(arguments: argparse.Namespace) -> None:
    """Make the answer, and write it to standard output or to a file.

    Raises BigDataDemosError if an input is missing, or the output cannot be written.
    """
    if arguments.html is None:
        _write_out(text(arguments))
        return
    if arguments.section or arguments.width:
        raise UsageError("--html writes the whole page: leave out --section and --width")
    from . import code, figures, page

    made = page.page([code.listing(engine) for engine in code.SIDE_BY_SIDE], figures.find(arguments.results))
    if arguments.html == "-":
        _write_out(made, encoding="utf-8")
    else:
        save(made, Path(arguments.html))
        command.say(f"wrote {arguments.html}")


def text(arguments: argparse.Namespace) -> str:
    """Return the answer as text. Raises UsageError if the width is too small."""
    if arguments.width is not None and arguments.width < _NARROWEST:
        raise UsageError(f"`width={arguments.width}` is too narrow: use at least {_NARROWEST} columns")
    from . import code, figures, terminal

    width = arguments.width or max(shutil.get_terminal_size().columns, _NARROWEST)
    paint = terminal.colourful if command.coloured() else terminal.plain
    parts: dict[str, Callable[[], str]] = {
        "spoken": lambda: "\n".join(terminal.spoken(figures.find(arguments.results), width, paint)),
        "engines": lambda: "\n".join(terminal.engines(width, paint)),
        "code": lambda: "\n".join(terminal.listings([code.listing(engine) for engine in code.SIDE_BY_SIDE], width, paint)),
        "figures": lambda: "\n".join(terminal.measured(figures.find(arguments.results), width, paint)),
    }
    return "\n\n\n".join(parts[section]() for section in ([arguments.section] if arguments.section else SECTIONS)) + "\n"


def _write_out(made: str, encoding: str | None = None) -> None:
    """Write to standard output, with question marks for characters that its encoding lacks."""
    sys.stdout.reconfigure(encoding=encoding, errors="replace")  # type: ignore[union-attr]
    sys.stdout.write(made)


def save(made: str, path: Path) -> None:
    """Write a file atomically; its directory is created. Raises OutputError if it cannot be written."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise OutputError(f"cannot write {path}: it is a directory")
        with atomic(path) as file:
            file.write(made.encode())
