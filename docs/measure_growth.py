"""Measures how words and pairs of words grow in number: ``python docs/measure_growth.py OUTPUT LARGER``.

Both are outputs of ``bigdata-demos keywords --keep-text``: of some pages, and of the larger corpus that ``bigdata-demos corpus
vary`` made of them. Prints how many times as many different words, and pairs of neighbouring words, the pages have as an eighth
of them, drawn at random; and the larger corpus as the pages.
"""

import random
import re
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import fastavro

WORD = re.compile(r"\w+")
PART = 8


def texts(output: Path) -> list[str]:
    """Return the texts of an output's pages."""
    found = []
    for part in sorted((output / "text").glob("*.avro")):
        with part.open("rb") as file:
            found += [str(page["text"]) for page in fastavro.reader(file) if isinstance(page, dict)]
    return found


def different(pages: Iterable[str]) -> tuple[int, int]:
    """Return the numbers of different words and of different pairs of neighbouring words."""
    words, pairs = set[str](), set[tuple[str, str]]()
    for page in pages:
        found = WORD.findall(page.lower())
        words.update(found)
        pairs.update(pairwise(found))
    return len(words), len(pairs)


def main() -> None:
    """Print a line for each comparison."""
    pages, larger = (texts(Path(output)) for output in sys.argv[1:3])
    random.Random(1).shuffle(pages)  # noqa: S311
    part, whole, more = different(pages[: len(pages) // PART]), different(pages), different(larger)
    for name, some, base in (("pages / an eighth of them", whole, part), ("larger corpus / pages", more, whole)):
        print(f"{name}: {some[0] / base[0]:.1f} times as many words, {some[1] / base[1]:.1f} times as many pairs")


if __name__ == "__main__":
    main()
