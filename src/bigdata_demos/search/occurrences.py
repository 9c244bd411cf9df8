"""Finds where a page's keywords are in its text."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from ..index.analyzer import Analyzer, analyzer, encoded, parts_of, shown

_FIRST: Final = 60_000  # characters of a page that are shown


class Piece(NamedTuple):
    """A piece of a line, the rank of the keyword that it is (0: of none), and whether the keyword is nowhere before it."""

    text: str
    rank: int = 0
    first: bool = False


class Line(NamedTuple):
    """A line of a page's text; ``weak`` if it is not the page's own: a menu, say."""

    pieces: list[Piece]
    weak: bool


def marked(text: str, language: str, keywords: Sequence[str]) -> tuple[list[Line], int]:
    """Return the lines after the title with the keywords in them, and how many characters at the end are left out.

    ``keywords`` are given by their stems, best first. Where two overlap, the longer one counts, or else the better one.
    """
    words = analyzer(language)
    sequences: dict[str, list[tuple[list[str], int]]] = defaultdict(list)
    for rank, stems in enumerate(keywords, 1):
        if tokens := encoded(parts_of(stems)):
            sequences[tokens[0]].append((tokens, rank))
    for some in sequences.values():
        some.sort(key=lambda one: -len(one[0]))  # stable: the better one of equal length first
    end = text.find("\n", _FIRST) if len(text) > _FIRST else -1
    if len(text) > _FIRST and end < 0:
        end = 2 * _FIRST
    part = text if end < 0 else text[:end]
    seen = set[int]()
    lines = [Line(list(_pieces(line, words, sequences, seen)), line.startswith("\t")) for line in part.split("\n")[1:]]
    return lines, len(text) - len(part)


def _pieces(line: str, words: Analyzer, sequences: dict[str, list[tuple[list[str], int]]], seen: set[int]) -> Iterator[Piece]:
    """Yield the pieces of a line; adds the keywords in it to those that were ``seen``."""
    whole = shown(line)
    indent = len(line) - len(line.removeprefix("\t"))
    matches = list(words.matches(line))
    tokens = [token for token, _, _ in matches]
    last = number = 0
    while number < len(tokens):
        step = 1
        for sequence, rank in sequences.get(tokens[number], ()):
            run = matches[number : number + len(sequence)]
            if tokens[number : number + len(sequence)] == sequence and _unbroken(line.replace("\u200b", ""), run):
                step = len(sequence)
                start, end = run[0][1] - indent, run[-1][2] - indent
                if start >= last:
                    if start > last:
                        yield Piece(whole[last:start])
                    yield Piece(whole[start:end], rank, rank not in seen)
                    seen.add(rank)
                    last = end
                break
        number += step
    if last < len(whole):
        yield Piece(whole[last:])


def _unbroken(line: str, matches: Sequence[tuple[str, int, int]]) -> bool:
    """Whether there are only spaces and hyphens between tokens."""
    return all(not line[one[2] : other[1]].strip(" -_") for one, other in pairwise(matches))
