"""The command ``bigdata-demos interview``: text on standard output, or a page in a file."""

import argparse
import difflib
import random
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .. import command
from ..errors import OutputError, UsageError
from ..storage.atomic import atomic, writing
from . import sheets
from .sheets import QUESTIONS

if TYPE_CHECKING:
    from . import terminal

SECTIONS: Final = ("questions", "engines", "code", "figures")
PAGE: Final = "out/interview.html"
_NARROWEST: Final = 40
EPILOG: Final = """\
examples:
  bigdata-demos interview                        all questions in 30 seconds each; the engines, their code, your figures
  bigdata-demos interview shuffle                everything on one question
  bigdata-demos interview all | less
  bigdata-demos interview --practice             be asked; or only some questions: --practice skew exactly-once
  bigdata-demos interview --section code --width 200 | less
  bigdata-demos interview --html                 one page, out/interview.html: open it in a browser
  bigdata-demos experiments run all              measure what the answers quote, in about nine minutes
"""


def parser() -> command.Parser:
    """Return the parser of the command line."""
    made = command.Parser(
        "bigdata-demos interview",
        description="Answer an interviewer: what to say in 30 seconds and in two minutes, the full answer with sources, "
        "follow-up questions, how the engines differ, their code side by side, and your own figures.",
        epilog=EPILOG,
    )
    made.add_argument(
        "questions", nargs="*", metavar="QUESTION", help=f"show the whole sheets of these: {', '.join(QUESTIONS)}, or all"
    )
    made.add_argument("--practice", action="store_true", help="ask the questions, and show afterwards what to have said")
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
    _check(arguments)
    if arguments.practice:
        _practice(arguments)
    elif arguments.html is None:
        _write_out(text(arguments))
    else:
        from ..experiments import records
        from . import code, figures, page

        listings = [code.listing(engine) for engine in code.SIDE_BY_SIDE]
        made = page.page(listings, figures.find(arguments.results), records.of_this_machine())
        if arguments.html == "-":
            _write_out(made, encoding="utf-8")
        else:
            save(made, Path(arguments.html))
            command.say(f"wrote {arguments.html}")


def _check(arguments: argparse.Namespace) -> None:
    """Raise UsageError if arguments contradict each other, or a question or a width is wrong."""
    for name in arguments.questions:
        if name not in (*QUESTIONS, "all"):
            nearest = difflib.get_close_matches(name, QUESTIONS, 1)
            said = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(QUESTIONS)}"
            raise UsageError(f"there is no question {name!r}: {said}")
    if arguments.html is not None and (arguments.section or arguments.width or arguments.questions or arguments.practice):
        raise UsageError("--html writes the whole page: leave out questions, --section, --width and --practice")
    if arguments.section and (arguments.questions or arguments.practice):
        raise UsageError("--section shows what is not about one question: leave out the questions and --practice")
    if arguments.width is not None and arguments.width < _NARROWEST:
        raise UsageError(f"`width={arguments.width}` is too narrow: use at least {_NARROWEST} columns")


def _chosen(arguments: argparse.Namespace) -> list[sheets.Sheet]:
    names = arguments.questions
    return [sheets.load(name) for name in (QUESTIONS if not names or "all" in names else dict.fromkeys(names))]


def _display(arguments: argparse.Namespace) -> tuple[int, "terminal.Paint"]:
    from . import terminal

    width = arguments.width or max(shutil.get_terminal_size().columns, _NARROWEST)
    return width, terminal.colourful if command.coloured() else terminal.plain


def _practice(arguments: argparse.Namespace) -> None:
    from . import practice

    width, paint = _display(arguments)
    try:
        for line in practice.practice(_chosen(arguments), input, width, paint, random.Random()):  # noqa: S311
            print(line, flush=True)
    except EOFError:
        print()  # after the prompt


def text(arguments: argparse.Namespace) -> str:
    """Return the answer as text."""
    from ..experiments import records
    from . import code, figures, terminal

    width, paint = _display(arguments)
    selection, recorded = figures.find(arguments.results), records.of_this_machine()
    if arguments.questions:
        shown = ("\n".join(terminal.sheet(one, recorded, selection, width, paint)) for one in _chosen(arguments))
        return "\n\n\n".join(shown) + "\n"
    parts: dict[str, Callable[[], str]] = {
        "questions": lambda: "\n".join(terminal.overview(_chosen(arguments), selection, width, paint)),
        "engines": lambda: "\n".join(terminal.engines(width, paint)),
        "code": lambda: "\n".join(terminal.listings([code.listing(engine) for engine in code.SIDE_BY_SIDE], width, paint)),
        "figures": lambda: "\n".join(terminal.measured(selection, width, paint)),
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
