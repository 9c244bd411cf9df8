"""The answer as text, for a terminal or a pipe."""

import io
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from .. import command
from ..experiments import records
from . import answers, code, figures, ran, sheets
from .code import Listing
from .sheets import Sheet

_COLOURS: Final = {"k": "35", "s": "32", "m": "1;36", "c": "2", "n": "33", "d": "1;34", "title": "1", "dim": "2"}
"""The SGR parameters of the kinds of code (:func:`.code.kinds`) and of text."""
_COLUMN: Final = 58  # the least width of a column of code: below it, listings are below one another
TEXT: Final = 110  # the most columns of prose
_SIDE: Final = 17  # columns of a topic's title
ENGINE: Final = 9  # columns of an engine's name
_TEXT_OF_ENGINE: Final = 70  # columns of the text on it, for one line
BETWEEN: Final = " │ "
WRAPPED: Final = "    ↪ "

Paint = Callable[[str, str], str]
"""A function of a text and its kind (a key of :data:`_COLOURS`, or a space) that returns the text to write."""


def colourful(text: str, kind: str) -> str:
    """Colour a text by its kind."""
    return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if kind in _COLOURS else text


def plain(text: str, kind: str) -> str:  # noqa: ARG001 (a Paint)
    """Return the text without colours."""
    return text


def _fill(text: str, width: int, indent: str = "", hang: str = "") -> str:
    """Wrap a text to a width; the first line begins with ``indent``, the others with ``hang``."""
    return textwrap.fill(
        text, min(width, TEXT), initial_indent=indent, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    )


def markdown(text: str, width: int, indent: str = "  ") -> str:
    """Render Markdown as text of a width, without the spaces at the ends of lines."""
    from rich.console import Console
    from rich.markdown import Markdown

    columns = min(width, TEXT) - len(indent)
    console = Console(width=columns, file=io.StringIO(), force_terminal=command.coloured(), highlight=False)
    with console.capture() as rendered:
        console.print(Markdown(sheets.without_links(text)))
    return "\n".join(f"{indent}{line}".rstrip() for line in rendered.get().strip("\n").split("\n"))


def items(texts: Iterable[str], width: int) -> str:
    """Return a list, with an item for each text."""
    return markdown("\n".join(f"- {text}" for text in texts), width, " ")


def overview(shown: Sequence[Sheet], selection: figures.Selection, width: int, paint: Paint) -> Iterator[str]:
    """Yield all questions, each with what to say in 30 seconds."""
    said = figures.sentence(selection.here)
    yield paint("The questions, in 30 seconds each", "title")
    for sheet in shown:
        yield from ("", paint(sheet.question, "title"), markdown(sheets.filled(sheet.thirty_seconds, said), width))
        yield paint(f"  bigdata-demos interview {sheet.name}", "dim")


def sheet(
    shown: Sheet, recorded: Mapping[str, records.Record], selection: figures.Selection, width: int, paint: Paint
) -> Iterator[str]:
    """Yield the whole sheet of a question."""
    said = figures.sentence(selection.here)
    yield paint(shown.question, "title")
    yield from ("", paint("Points to make", "d"), items(shown.points, width))
    for heading, text in (
        ("Thirty seconds", shown.thirty_seconds),
        ("Two minutes", shown.two_minutes),
        ("The tools", shown.tools),
        ("This project", shown.project),
    ):
        yield from ("", paint(heading, "d"), markdown(sheets.filled(text, said), width))
    if shown.program:
        yield from ("", paint(f"The program: interview/{shown.program}", "d"), "")
        for line, marks in zip(shown.code().splitlines(), code.kinds(shown.code()), strict=True):
            yield "  " + "".join(paint(part, kind) for part, kind in runs(line, marks))
    yield from ("", paint("What you ran", "d"))
    for one in ran.of_sheet(shown, recorded, selection.here):
        yield _fill(one.finding, width, "  ", "  ")
        if one.where:
            yield paint(_fill(f"({one.where})", width, "    ", "    "), "dim")
        yield f"    $ {one.command}"
    yield from ("", paint("Follow-ups", "d"))
    for number, follow_up in enumerate(shown.follow_ups):
        yield from (
            *([""] if number else []),
            _fill(follow_up.question, width, "  ", "  "),
            markdown(follow_up.answer, width, "    "),
        )
    yield from ("", paint("The usual mistake", "d"), markdown(shown.mistake, width))
    yield from ("", paint("Sources", "d"), *(f"  {label}: {url}" for label, url in shown.sources().items()))


def engines(width: int, paint: Paint) -> Iterator[str]:
    """Yield a screen on the differences of the engines."""
    yield paint("How the engines differ", "title")
    beside = width >= _SIDE + ENGINE + _TEXT_OF_ENGINE  # there is room for a topic's title beside its text
    for topic in answers.TOPICS:
        if not beside:
            yield paint(topic.title, "d")
        for index, (engine, text) in enumerate(topic.engines.items()):
            side = (topic.title if index == 0 else "").ljust(_SIDE) if beside else "  "
            yield paint(side, "d") + _fill(text, width - len(side), f"{engine:{ENGINE}}", " " * (len(side) + ENGINE))
    yield paint("When one thread is better", "d")
    yield _fill(answers.ONE_THREAD, width, "  ", "  ")
    yield paint("Here", "d")
    yield markdown(answers.HERE, width)
    yield paint("Sources", "d")
    sources = "\xa0· ".join(source.text.replace(" ", "\xa0") for source in answers.SOURCES)
    yield _fill(sources, width, "  ", "  ").replace("\xa0", " ")


def listings(shown: Sequence[Listing], width: int, paint: Paint) -> Iterator[str]:
    """Yield the engines' code, in columns if there is room for them, else below one another."""
    yield paint("Map, shuffle, reduce: the code that runs", "title")
    column = (width - len(BETWEEN) * (len(shown) - 1)) // len(shown)
    if column < _COLUMN:
        for one in shown:
            yield from ("", paint(f"{one.engine}: {one.file}, line {one.line}", "d"), "")
            yield from (line for _, line in (pair for lines in blocks(one, width, paint) for pair in lines))
        return
    columns = [blocks(one, column, paint) for one in shown]
    starts = code.rows(shown, [[len(lines) for lines in made] for made in columns])
    table = [[(0, "")] * len(shown) for _ in range(starts[-1])]
    for index, (one, made) in enumerate(zip(shown, columns, strict=True)):
        for block, lines in zip(one.blocks, made, strict=True):
            for row, line in enumerate(lines, starts[block.first]):
                table[row][index] = line
    heads = [f"{one.engine}: {one.file}, line {one.line}"[:column] for one in shown]
    yield joined([(len(head), paint(head, "d")) for head in heads], column)
    yield "─┼─".join("─" * column for _ in shown)
    for cells in table:
        yield joined(cells, column)


def joined(cells: Iterable[tuple[int, str]], column: int) -> str:
    """Join cells, given with their visible lengths, to a row."""
    return BETWEEN.join(text + " " * (column - length) for length, text in cells).rstrip()


def blocks(listing: Listing, width: int, paint: Paint) -> list[list[tuple[int, str]]]:
    """Return the lines of each block of a listing, wrapped to a width, with their visible lengths."""
    kinds = code.kinds(listing.source)
    return [
        [
            (len(text), "".join(paint(part, kind) for part, kind in runs(text, marks)))
            for line, marks_of_line in zip(block.lines, kinds[block.start :], strict=False)
            for text, marks in wrapped(line, marks_of_line, width)
        ]
        for block in listing.blocks
    ]


def runs(text: str, kinds: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a text that have the same kind, with the kind."""
    for kind, group in groupby(zip(text, kinds, strict=True), key=lambda pair: pair[1]):
        yield "".join(char for char, _ in group), kind


def wrapped(line: str, kinds: str, width: int) -> Iterator[tuple[str, str]]:
    """Wrap a line to a width; yield its parts with their kinds, continued ones after ``↪``.

    It is wrapped at a space, which is left out, or before a dot, if the part would be less than half full.
    """
    head = ""
    inner = len(line) - len(line.lstrip())
    while len(head) + len(line) > width:
        room = width - len(head)
        space, dot = line.rfind(" ", inner + 1, room + 1), line.rfind(".", inner + 1, room + 1)
        end = space if space > max(inner, room // 2) or space > dot else dot if dot > inner else room
        then = end + 1 if end == space else end
        yield head + line[:end], " " * len(head) + kinds[:end]
        head, inner = head or " " * inner + WRAPPED, 0
        line, kinds = line[then:], kinds[then:]
    yield head + line, " " * len(head) + kinds


def measured(selection: figures.Selection, width: int, paint: Paint) -> Iterator[str]:
    """Yield the figures of this machine, or the command that measures them."""
    yield paint("Figures of this machine", "title")
    if selection.here is None:
        yield _fill(f"There are none yet. This makes them: {figures.COMMAND}", width, "  ", "  ")
    else:
        here = selection.here
        yield _fill(f"{here.created}, {here.cores} cores, {here.cpu} ({here.path})", width, "  ", "  ")
        yield f"  $ {here.command}"
        for table in here.tables:
            yield from ("", paint(f"  {figures.title(table)}", "d"))
            yield from _figures_table(table, width, paint)
        yield ""
        yield _fill(figures.LEGEND, width, "  ", "  ")
        yield from (_fill(remark, width, "  ", "    ") for remark in here.remarks)
    for reason in selection.left_out:
        yield paint(_fill(f"Not shown: {reason}", width, "  ", "    "), "dim")


def _figures_table(table: figures.Table, width: int, paint: Paint) -> Iterator[str]:
    cells = [figures.HEADS, *(figures.cells(one) for one in table.figures)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(figures.HEADS))]
    for row, one in zip(cells, [None, *table.figures], strict=True):
        text = "  ".join([row[0].ljust(widths[0]), *(cell.rjust(size) for cell, size in zip(row[1:], widths[1:], strict=True))])
        yield paint(f"  {text}", "dim" if one is None else " ")
        if one and (error := figures.failure(one)):
            yield _fill(error, width, "      ", "      ")
