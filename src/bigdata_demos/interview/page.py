"""The answer as one HTML page, without scripts and external resources."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources
from itertools import islice

from . import answers, code, figures, terminal
from .code import Listing

_BEFORE_METHOD = re.compile(r"(?<=[\w)\]])\.(?=\w+\()")  # the places where a line may be wrapped, besides spaces


def page(listings: Sequence[Listing], selection: figures.Selection) -> str:
    """Return the page."""
    style = resources.files(__package__).joinpath("page.css").read_text("utf-8")
    body = [*spoken(selection), *engines(), *_side_by_side(listings), *measured(selection)]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<title>Big data tools: one job, side by side</title>",
            f"<style>\n{style}</style>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            "</main>",
            "</body>",
            "</html>\n",
        ]
    )


def spoken(selection: figures.Selection) -> Iterator[str]:
    """Yield the questions, and the spoken answer."""
    yield "<h1>" + " ".join(f"<span>{escape(question)}</span>" for question in answers.QUESTIONS) + "</h1>"
    yield "<h2>In 30 seconds</h2>"
    yield f"<blockquote>{escape(answers.spoken(figures.sentence(selection.here)))}</blockquote>"


def engines() -> Iterator[str]:
    """Yield a table of the differences, with a row for each topic and a column for each engine; on narrow screens, a list."""
    names = list(answers.TOPICS[0].engines)
    yield "<h2>How the engines differ</h2>"
    yield '<table class="engines">'
    yield "<thead><tr><td></td>" + "".join(f'<th scope="col">{escape(name)}</th>' for name in names) + "</tr></thead>"
    yield "<tbody>"
    for topic in answers.TOPICS:
        cells = "".join(f'<td data-engine="{escape(name)}">{escape(topic.engines[name])}</td>' for name in names)
        yield f'<tr><th scope="row">{escape(topic.title)}</th>{cells}</tr>'
    yield "</tbody>"
    yield "</table>"
    yield f"<h3>When one thread is better</h3>\n<p>{escape(answers.ONE_THREAD)}</p>"
    yield f"<h3>Here</h3>\n<p>{escape(answers.HERE)}</p>"
    links = (f'<a href="{escape(source.url)}">{escape(source.text)}</a>' for source in answers.SOURCES)
    yield f'<p class="quiet">Sources: {" · ".join(links)}</p>'


def _side_by_side(listings: Sequence[Listing]) -> Iterator[str]:
    """Yield the engines' code in columns, with each step on the same row of the grid."""
    yield "<h2>Map, shuffle, reduce: the code that runs</h2>"
    yield f'<div class="code" style="--engines: {len(listings)}">'
    for column, one in enumerate(listings, 1):
        kinds = iter(code.kinds(one.source))
        yield f'<article class="engine" style="--column: {column}">'
        yield f"<h3>{escape(one.engine)} <small>{escape(one.file)}, line {one.line}</small></h3>"
        for block in one.blocks:
            rows = f"grid-row: {block.first + 2} / {block.last + 3}"  # row 1 has the engines' names
            lines = (_line_of_code(line, marks) for line, marks in zip(block.lines, islice(kinds, len(block.lines)), strict=True))
            yield f'<pre style="{rows}">{"".join(lines)}</pre>'
        yield "</article>"
    yield "</div>"


def _line_of_code(line: str, kinds: str) -> str:
    """Return a coloured line; if it is wrapped, it continues with a deeper indent."""
    parts = (
        f'<span class="{kind}">{escape(part, quote=False)}</span>'
        if kind != " "
        else _BEFORE_METHOD.sub("<wbr>.", escape(part, quote=False))
        for part, kind in terminal.runs(line, kinds)
    )
    indent = len(line) - len(line.lstrip())
    return f'<span class="line" style="--indent: {indent}">{"".join(parts)}\n</span>'


def measured(selection: figures.Selection) -> Iterator[str]:
    """Yield the figures of this machine, or the command that measures them."""
    yield "<h2>Figures of this machine</h2>"
    if selection.here is None:
        yield f"<p>There are none yet. This makes them:</p>\n<kbd>{escape(figures.COMMAND)}</kbd>"
    else:
        here = selection.here
        yield f"<p>{escape(f'{here.created}, {here.cores} cores, {here.cpu} ({here.path})')}</p>"
        yield f"<kbd>{escape(here.command)}</kbd>"
        for table in here.tables:
            yield f"<h3>{escape(figures.title(table))}</h3>"
            yield from _table_of(table)
        yield f'<p class="quiet">{escape(figures.LEGEND)}</p>'
        yield from (f'<p class="quiet">{escape(remark)}</p>' for remark in here.remarks)
    for reason in selection.left_out:
        yield f'<p class="quiet">Not shown: {escape(reason)}</p>'


def _table_of(table: figures.Table) -> Iterator[str]:
    yield '<div class="wide"><table class="figures">'
    yield "<thead><tr>" + "".join(f'<th scope="col">{escape(head)}</th>' for head in figures.HEADS) + "</tr></thead>"
    yield "<tbody>"
    for one in table.figures:
        name, *rest = figures.cells(one)
        yield f'<tr><th scope="row">{escape(name)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in rest) + "</tr>"
    yield "</tbody>"
    yield "</table></div>"
    for one in table.figures:
        if error := figures.failure(one):
            yield f'<p class="quiet">{escape(figures.cells(one)[0])} {escape(error)}</p>'
