"""Sorted runs of postings: how workers hand the words of pages to the merge, and how it adds them to the index.

It is the sort of MapReduce's shuffle. A worker writes *runs*: postings in the order of their tokens, a few million in each, so
that its memory is bounded. The merge reads all runs at once, a range of tokens at a time, which is one slice of each run. It adds
the words of the range to the table of words, and then their postings in the order of the table's key, so that a new table only
grows at its end.
"""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final, Self

import numpy as np

from .database import Database
from .pages import Page
from .words import Numbers, Vocabulary

_RUN: Final = 4_000_000  # postings of a run, about 50 MB in memory
_RANGE: Final = 1_000_000  # postings that are merged at once


class Runs:
    """Writes the postings of parts of an output into files that start with ``name``. A context, at whose end all are written."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory, self._name = directory, name.replace(".", "-")
        self._written = 0
        self._start()

    def _start(self, vocabulary: Vocabulary | None = None) -> None:
        self._vocabulary = vocabulary
        self._pages: list[int] = []
        self._tokens: list[Numbers] = []
        self._impacts: list[Numbers] = []
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._write()

    def passing(self, pages: Iterable[Page], first: int) -> Iterator[Page]:
        """Yield pages, which are numbered from ``first`` on, and write their postings as they pass."""
        for number, page in enumerate(pages, first):
            if self._size > _RUN or page.words.vocabulary is not self._vocabulary:
                self._write()
                self._start(page.words.vocabulary)
            self._pages.append(number)
            self._tokens.append(page.words.tokens.astype(np.int32))
            self._impacts.append(page.impacts.astype(np.int16))
            self._size += len(page.impacts)
            yield page

    def _write(self) -> None:
        """Write a run: its tokens with the numbers of their postings, as text, and the pages and impacts of these."""
        if not self._vocabulary:
            return
        numbers = np.concatenate(self._tokens)
        counts = np.bincount(numbers)
        tokens = sorted(map(self._vocabulary.tokens.__getitem__, np.flatnonzero(counts).tolist()))
        in_order = [self._vocabulary[token] for token in tokens]
        ranks = np.zeros(len(counts), np.int32)
        ranks[in_order] = np.arange(len(in_order))
        order = np.argsort(ranks[numbers], kind="stable")
        pages = np.repeat(np.array(self._pages), list(map(len, self._tokens)))
        path = self._directory / f"{self._name}-{self._written}"
        self._written += 1
        np.save(path.with_suffix(".pages.npy"), pages[order])
        np.save(path.with_suffix(".impacts.npy"), np.concatenate(self._impacts)[order])
        lines = (f"{token} {count}\n" for token, count in zip(tokens, counts[in_order].tolist(), strict=True))
        path.with_suffix(".tokens").write_text("".join(lines), encoding="ascii")


class _Run:
    """A run that is read: ``at`` is where its next postings are."""

    def __init__(self, tokens: Path) -> None:
        self.tokens, self.at = tokens, 0
        self.pages, self.impacts = (np.load(tokens.with_suffix(f".{name}.npy"), mmap_mode="r") for name in ("pages", "impacts"))

    def words(self, number: int) -> Iterator[tuple[str, int, int]]:
        """Yield the tokens, the number of the run, and how many postings each has."""
        with self.tokens.open(encoding="ascii") as file:
            for line in file:
                token, count = line.split()
                yield token, number, int(count)


def add(database: Database, directory: Path) -> None:
    """Add the postings of all runs in a directory, in a transaction.

    The temporary table ``numbers`` has the pages that they are added of: their numbers among the staged pages, and in the index.
    """
    runs = [_Run(path) for path in sorted(directory.glob("*.tokens"))]
    rows = database.execute("SELECT n, page FROM numbers ORDER BY n").fetchall()
    staged, pages = np.array(rows, np.int64).reshape(-1, 2).T
    database.execute(f"CREATE TEMPORARY TABLE new_words (token {database.types['text']} PRIMARY KEY, pages INTEGER NOT NULL)")
    for tokens, *columns in _ranges(runs):
        at = np.searchsorted(staged, columns[1])
        at[at == len(staged)] = 0
        stays = staged[at] == columns[1]  # no other page with its URL comes later
        ranks, page, impacts = columns[0][stays], pages[at[stays]], columns[2][stays]
        word = _word_ids(database, tokens, np.bincount(ranks, minlength=len(tokens)))[ranks]
        order = np.lexsort((page, word))
        database.insert("postings", *(column[order].tolist() for column in (word, page, impacts)))
    database.execute("DROP TABLE new_words")


def _ranges(runs: list[_Run]) -> Iterator[tuple[list[str], Numbers, Numbers, Numbers]]:
    """Yield the postings of all runs by ranges of tokens: the tokens; the token (its index), page and impact of each posting."""
    tokens: list[str] = []
    found: list[list[tuple[int, int]]] = [[] for _ in runs]
    size = 0

    def take() -> tuple[list[str], Numbers, Numbers, Numbers]:
        columns: list[tuple[Numbers, ...]] = []
        for run, words in zip(runs, found, strict=True):
            ranks, counts = np.array(words, np.int64).reshape(-1, 2).T
            start, run.at = run.at, run.at + int(counts.sum())
            columns.append((np.repeat(ranks, counts), run.pages[start : run.at], run.impacts[start : run.at]))
            words.clear()
        one, two, three = map(np.concatenate, zip(*columns, strict=True))
        return tokens, one, two, three

    for token, group in groupby(merge(*(run.words(number) for number, run in enumerate(runs))), itemgetter(0)):
        for _, run, count in group:
            found[run].append((len(tokens), count))
            size += count
        tokens.append(token)
        if size > _RANGE:
            yield take()
            tokens, size = [], 0
    if tokens:
        yield take()


def _word_ids(database: Database, tokens: list[str], counts: Numbers) -> Numbers:
    """Count more pages for words, given by their tokens in order; return the ids of words, 0 for those without more pages."""
    some = np.flatnonzero(counts)
    database.insert("new_words", [tokens[i] for i in some], counts[some].tolist())
    database.execute(
        "INSERT INTO words (token, pages) SELECT token, pages FROM new_words WHERE true ORDER BY token"
        " ON CONFLICT (token) DO UPDATE SET pages = words.pages + excluded.pages"
    )
    ids = np.zeros(len(tokens), np.int64)
    rows = database.execute("SELECT words.id FROM new_words JOIN words ON words.token = new_words.token ORDER BY new_words.token")
    ids[some] = [number for (number,) in rows]
    database.execute("DELETE FROM new_words")
    return ids
