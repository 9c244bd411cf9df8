"""Extracts the map-reduce code of the engines from their source, in steps that can be aligned.

The engines are not imported, so that pyspark and dask need not be installed.
"""

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from ..errors import InputError
from ..keywords.engines import ENGINES

SIDE_BY_SIDE: Final = tuple(ENGINES)
_VERBS: Final = ("map", "shuffle", "reduce")
STEPS: Final = ("", *(f"Pass {number}: {verb}" for number in (1, 2) for verb in _VERBS))
"""The steps of the code in order; the first, without a name, is the code before the first pass."""
FIRST: Final = "# Pass 1: map"
MARK: Final = re.compile(r"\s*# (?:Pass (?P<number>[12]): )?(?P<verbs>(?:map|shuffle|reduce)(?:, (?:map|shuffle|reduce))*)\b")


@dataclass(frozen=True)
class Block:
    """The lines of code of the steps ``first`` to ``last`` (indexes of :data:`STEPS`), from line ``start`` of the listing."""

    first: int
    last: int
    start: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """The function of an engine that runs both passes. ``source`` is its text, byte for byte; ``line`` is where it starts."""

    engine: str
    file: str
    function: str
    line: int
    source: str

    @property
    def blocks(self) -> list[Block]:
        """The source, split at the comments that mark the steps."""
        lines = self.source.removesuffix("\n").split("\n")
        marks = [(0, 0, 0), *marked(lines)]
        ends = [start for start, _, _ in marks[1:]] + [len(lines)]
        return [Block(first, last, start, tuple(lines[start:end])) for (start, first, last), end in zip(marks, ends, strict=True)]


def marked(lines: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yield line, first step and last step of each comment that begins a step; comments must not go back to an earlier step."""
    number, reached = 0, 0
    for at, line in enumerate(lines):
        if not (mark := MARK.match(line)):
            continue
        number = int(mark["number"] or number)
        if not number:
            continue
        steps = [1 + (number - 1) * len(_VERBS) + _VERBS.index(verb) for verb in mark["verbs"].split(", ")]
        if min(steps) > reached:
            reached = max(steps)
            yield at, min(steps), reached


def listing(engine: str) -> Listing:
    """Return the function of an engine's module that runs both passes: the innermost one with the comment ``# Pass 1: map``.

    Raises InputError if the engine's source does not exist, or has no such function.
    """
    module = ENGINES[engine].module
    file = f"keywords/engines/{module}.py"
    try:
        text = resources.files("bigdata_demos").joinpath(file).read_bytes().decode()
    except OSError as error:
        raise InputError(f"the source of engine {engine} is missing: {error}; install the package with its .py files") from None
    lines = text.split("\n")
    functions: list[tuple[int, str, list[str]]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            start = min(part.lineno for part in (node, *node.decorator_list))
            body = lines[start - 1 : node.end_lineno]
            if any(line.strip().startswith(FIRST) for line in body):
                functions.append((start, node.name, body))
    if not functions:
        raise InputError(f"{file} has no function with the comment {FIRST!r}")
    start, name, body = max(functions)
    return Listing(engine, file, name, start, "\n".join(body) + "\n")


def rows(listings: Sequence[Listing], heights: Sequence[Sequence[int]]) -> list[int]:
    """Return the row on which each step starts in all listings, and the total number of rows.

    ``heights`` has the number of rows of each block of each listing.
    """
    starts = [0] * (len(STEPS) + 1)
    for step in range(1, len(starts)):
        ends = [
            starts[block.first] + height
            for made, some in zip(listings, heights, strict=True)
            for block, height in zip(made.blocks, some, strict=True)
            if block.last < step
        ]
        starts[step] = max([starts[step - 1], *ends])
    return starts


def kinds(source: str) -> list[str]:
    """Return, for each line of a source, a text of the same length with the kind of each character.

    ``k`` keyword, ``s`` string, ``m`` comment that marks a step, ``c`` other comment, ``n`` number, ``d`` what a ``def`` defines,
    space: all else.
    """
    lines = source.removesuffix("\n").split("\n")
    marks = [[" "] * len(line) for line in lines]
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = _kind_of(token, before)
        before = token.string
        if kind == " ":
            continue
        for row in range(token.start[0], token.end[0] + 1):
            start = token.start[1] if row == token.start[0] else 0
            end = token.end[1] if row == token.end[0] else len(lines[row - 1])
            marks[row - 1][start:end] = kind * (end - start)
    return ["".join(marks_of_line) for marks_of_line in marks]


def _kind_of(token: tokenize.TokenInfo, before: str) -> str:
    if token.type == tokenize.COMMENT:
        return "m" if MARK.match(token.string) else "c"
    if token.type == tokenize.NUMBER:
        return "n"
    if token.type == tokenize.STRING or tokenize.tok_name[token.type].startswith("FSTRING"):
        return "s"
    if token.type != tokenize.NAME:
        return " "
    return "k" if keyword.iskeyword(token.string) else "d" if before == "def" else " "
