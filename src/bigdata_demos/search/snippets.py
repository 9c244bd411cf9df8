"""Chooses the part of a page that is shown with a hit.

Only lines with the first letters of a term are looked at, if there are any: to analyze all of a long page takes longer than to
find it.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from ..index.analyzer import analyzer, decode, shown

_SIZE: Final = 160  # characters
_SENTENCE: Final = 60  # characters of a line that is not a heading
FROM: Final = 100_000
"""Characters of a page that a snippet is looked for in."""
_BEGINNING: Final = 8_000  # characters that are looked at first: a sentence there with all terms is the best one of the page
_START: Final = 4  # letters of a word that its stem has, too, at most
_LINES: Final = 30  # that are analyzed to find the best one
_LONG: Final = 320  # characters; longer lines are divided
_WORD: Final = 30  # characters in which a space is looked for, to begin with a whole word
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
Mark = tuple[int, int]


def snippet(text: str, language: str, terms: Mapping[str, int]) -> tuple[str, list[Mark]]:
    """Return the part of a page's text with the most terms of a query, and where their tokens are in it.

    ``terms`` has the number of the term for each token.

    Sentences are preferred to headings, lines after the title to the title, and among equal ones the first.
    """
    text = text[:FROM]
    best, line = _best_line(text[: max(0, text.rfind("\n", 0, _BEGINNING))], language, terms, 0)
    if best < (len({*terms.values()}), _SENTENCE) or line == text.partition("\n")[0]:  # the rest may have a better one
        _, line = _best_line(text, language, terms, _LINES)
    words = analyzer(language)
    marks = [(start, end) for token, start, end in words.matches(line) if token in terms]
    whole = shown(line)
    indent = len(line) - len(line.removeprefix("\t"))
    first = marks[0][0] - indent if marks else 0
    start = max(0, first - _SIZE // 3)
    if len(whole) <= _SIZE:
        start = 0
    elif start:
        start = whole.rfind(" ", max(0, start - _WORD), start) + 1 or start
    end = start + _SIZE
    if end < len(whole):
        end = cut if (cut := whole.rfind(" ", start + _SIZE // 2, end)) >= 0 else end
    shift = indent + start
    return whole[start:end], [(a - shift, b - shift) for a, b in marks if start <= a - indent and b - indent <= end]


def _best_line(text: str, language: str, terms: Mapping[str, int], first: int) -> tuple[tuple[int, int], str]:
    """Return the best line, or piece of a long one, with the number of its terms, and its length up to ``_SENTENCE``.

    If no line is promising, it is one of the ``first`` ones, or the title.
    """
    title, *lines = text.split("\n")
    lines.append(title)
    words = analyzer(language)
    best, found = (-1, 0), title
    for most, line in islice(_candidates(terms, lines, first), _LINES):
        if best >= (most, _SENTENCE):
            break
        size = min(len(line), _SENTENCE)
        if (most, size) > best:
            number = len({terms[token] for token in words.tokens(line) if token in terms})
            if (number, size) > best:
                best, found = (number, size), line
    return best, found


def _candidates(terms: Mapping[str, int], lines: Sequence[str], first: int) -> Iterator[tuple[int, str]]:
    """Yield promising lines, or the ``first`` ones, and how many terms they may have; of long ones, the most promising pieces."""
    for most, line in _promising(terms, lines) or [(len({*terms.values()}), line) for line in lines[:first]]:
        if len(line) <= _LONG:
            yield most, line
        else:
            pieces = _promising(terms, list(_divided(line))) or [(most, line[:_LONG])]
            yield from ((most, piece) for number, piece in pieces if number == pieces[0][0])


def _divided(line: str) -> Iterator[str]:
    """Yield the pieces of a long line: sentences, or else words, as many as make at most ``_LONG`` characters."""
    start = 0
    while start + _LONG < len(line):
        half, end = start + _LONG // 2, start + _LONG
        end = next((cut + 1 for mark in (". ", " ", "\u200b") if (cut := line.rfind(mark, half, end)) >= 0), end)
        yield line[start:end].lstrip(" ")
        start = end
    yield line[start:].lstrip(" ")


def _promising(terms: Mapping[str, int], lines: Sequence[str]) -> list[tuple[int, str]]:
    """Return lines with words that start as terms do, and how many terms these may be: most first, then sentences first."""
    starts, shorter = _starts(tuple(terms.items()))
    text = "\n".join(lines).lower()
    found = {term: set().union(*(_lines_with(start, text) for start in some)) for term, some in starts.items()}
    if missing := [term for term, numbers in found.items() if not numbers]:
        text = _folded(text)  # stems have no accents
        found |= {term: set().union(*(_lines_with(start, text) for start in shorter[term])) for term in missing}
    most = Counter(number for numbers in found.values() for number in numbers)
    ranked = sorted([(-count, -min(len(lines[number]), _SENTENCE), number) for number, count in most.items()])
    return [(-count, lines[number]) for count, _, number in ranked[:_LINES]]


@lru_cache(maxsize=100)
def _starts(terms: Sequence[tuple[str, int]]) -> tuple[Mapping[int, set[str]], Mapping[int, set[str]]]:
    """Return what words with the tokens of terms start with, by term; and what they start with if a stem's end is not theirs.

    English stems end in ``i`` where words end in ``y``.
    """
    starts: tuple[dict[int, set[str]], dict[int, set[str]]] = defaultdict(set), defaultdict(set)
    for token, term in terms:
        stem = _folded(decode(token))
        shorter = stem[: max(1, min(_START, len(stem) - 1))]
        starts[0][term].add(shorter if stem.endswith("i") else stem[:_START])
        starts[1][term].add(shorter)
    return starts


def _lines_with(start: str, text: str) -> set[int]:
    """Return the numbers of the lines with a word that starts with some letters."""
    numbers, number, line = set(), 0, 0  # the line's number, and its start
    at = text.find(start)
    while at >= 0:
        if at and text[at - 1].isalnum():
            at = text.find(start, at + 1)
            continue
        number += text.count("\n", line, at)
        numbers.add(number)
        line = at
        end = text.find("\n", at)
        at = text.find(start, end) if end >= 0 else -1
    return numbers


def _folded(text: str) -> str:
    """Return a text in lower case and without accents, which some stems do not have. It has as many lines."""
    return text.lower() if text.isascii() else _ACCENTS.sub("", unicodedata.normalize("NFKD", text.lower()))
