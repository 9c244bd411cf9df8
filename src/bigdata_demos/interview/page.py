"""The answer as one HTML page, without scripts and external resources."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from ..experiments.records import Record
from ..web.render import render
from . import answers, code, figures, ran, sheets, terminal
from .code import Listing

_BEFORE_METHOD = re.compile(r"(?<=[\w)\]])\.(?=\w+\()")  # the places where a line may be wrapped, besides spaces
_Line = tuple[int, list[tuple[Markup, str]]]
"""A line of code: its indent, and its parts with their kinds (``""`` for plain code)."""


def page(listings: Sequence[Listing], selection: figures.Selection, recorded: Mapping[str, Record]) -> str:
    """Return the page. ``recorded``: the records of experiments that may be quoted."""
    measured = selection.here
    said = figures.sentence(measured)
    shown = [sheets.load(name) for name in sheets.QUESTIONS]
    return render(
        "interview",
        sheets=[(one, ran.of_sheet(one, recorded, measured), list(_lines(one.code())) if one.program else []) for one in shown],
        markdown=lambda text: _markdown(sheets.filled(text, said)),
        engines=list(answers.TOPICS[0].engines),
        topics=answers.TOPICS,
        one_thread=answers.ONE_THREAD,
        here=answers.HERE,
        sources=answers.SOURCES,
        listings=[(one, list(_blocks(one))) for one in listings],
        measured=measured,
        tables=[_table(one) for one in measured.tables] if measured else [],
        heads=figures.HEADS,
        legend=figures.LEGEND,
        to_measure=figures.COMMAND,
        left_out=selection.left_out,
    )


def _markdown(text: str) -> Markup:
    """Render Markdown, with links to the sources. HTML in it is text."""
    definitions = "\n".join(f"[{label}]: {url}" for label, url in sheets.sources().items())
    renderer = MarkdownIt("commonmark", {"html": False})
    return Markup(renderer.render(f"{sheets.without_links(text)}\n\n{definitions}"))  # noqa: S704 (rendered, without HTML)


def _lines(source: str) -> Iterator[_Line]:
    """Yield the lines of a source."""
    for line, kinds in zip(source.removesuffix("\n").split("\n"), code.kinds(source), strict=True):
        yield _line(line, kinds)


def _blocks(one: Listing) -> Iterator[tuple[str, list[_Line]]]:
    """Yield the blocks of an engine's code: rows in the grid, where a step has the same for all engines, and lines."""
    kinds = iter(code.kinds(one.source))
    for block in one.blocks:
        lines = zip(block.lines, islice(kinds, len(block.lines)), strict=True)
        yield f"{block.first + 2} / {block.last + 3}", [_line(*line) for line in lines]  # row 1 has the engines' names


def _line(line: str, kinds: str) -> _Line:
    """Return a line of code; if it is wrapped, it continues with a deeper indent."""
    parts = [
        (escape(part), kind) if kind != " " else (Markup(_BEFORE_METHOD.sub("<wbr>.", escape(part))), "")  # noqa: S704 (escaped)
        for part, kind in terminal.runs(line, kinds)
    ]
    return len(line) - len(line.lstrip()), parts


def _table(table: figures.Table) -> tuple[str, list[tuple[str, ...]], list[str]]:
    """Return the title, the rows and the failures of a table of figures."""
    rows = [tuple(figures.cells(one)) for one in table.figures]
    failures = [f"{row[0]} {error}" for row, one in zip(rows, table.figures, strict=True) if (error := figures.failure(one))]
    return figures.title(table), rows, failures
