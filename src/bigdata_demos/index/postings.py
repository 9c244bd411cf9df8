"""Sorted runs of postings: how workers hand the words of pages to the merge, and how it adds them to the index.

It is the sort of MapReduce's shuffle. A worker writes *runs*: postings in the order of their tokens, a few million in each, so
that its memory is bounded. The merge reads all runs at once, a range of tokens at a time, which is one slice of each run. It adds
the words of the range to the table of words, and then their postings in the order of the table's key, so that a new table only
grows at its end.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from .database import Database
from .pages import Page
from .words import Vocabulary

Numbers = npt.NDArray[np.int64]
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
        self._tokens: list[npt.NDArray[np.int32]] = []
        self._impacts: list[npt.NDArray[np.int16]] = []
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
            self._tokens.append(page.words.tokens)
            self._impacts.append(page.impacts)
            self._size += len(page.impacts)
            yield page

    def _write(self) -> None:
        """Write a run: its tokens, where the postings of each end, and the pages and impacts of these."""
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
        np.save(path.with_suffix(".ends.npy"), np.cumsum(counts[in_order]))
        path.with_suffix(".tokens").write_text("".join(f"{token}\n" for token in tokens), encoding="ascii")


class _Run:
    """A run that is read, token after token; ``next`` has the next ones."""

    def __init__(self, tokens: Path) -> None:
        self.ends, self._pages, self._impacts = (
            np.load(tokens.with_suffix(f".{name}.npy"), mmap_mode="r") for name in ("ends", "pages", "impacts")
        )
        self._file = tokens.open(encoding="ascii")
        self._taken = self._read = self._start = 0  # tokens, and where the next postings start
        self.next: list[str] = []

    def fill(self, postings: int) -> bool:
        """Read tokens with so many postings, or one token; return whether there is any."""
        until = max(int(np.searchsorted(self.ends, self._start + postings)), self._taken + 1)
        self.next += (line[:-1] for line in islice(self._file, until - self._read))
        self._read = self._taken + len(self.next)
        if not self.next:
            self._file.close()
        return bool(self.next)

    def take(self, last: str) -> tuple[list[str], Numbers, Numbers, Numbers]:
        """Take the next tokens up to one: return them, how many postings each has, and the pages and impacts of these."""
        tokens = self.next[: bisect_right(self.next, last)]
        del self.next[: len(tokens)]
        start, ends = self._start, self.ends[self._taken : self._taken + len(tokens)]
        self._taken += len(tokens)
        self._start = int(ends[-1]) if tokens else start
        return tokens, np.diff(ends, prepend=start), self._pages[start : self._start], self._impacts[start : self._start]


def add(database: Database, directory: Path) -> None:
    """Add the postings of all runs in a directory, in a transaction.

    The temporary table ``numbers`` has the pages that they are added of: their numbers among the staged pages, and in the index.
    """
    runs = [_Run(path) for path in sorted(directory.glob("*.tokens"))]
    rows = database.execute("SELECT n, page FROM numbers ORDER BY n").fetchall()
    staged, pages = np.array(rows, np.int64).reshape(-1, 2).T
    words = _Words(database)
    for tokens, *columns in _ranges(runs):
        at = np.searchsorted(staged, columns[1])
        at[at == len(staged)] = 0
        stays = staged[at] == columns[1]  # no other page with its URL comes later
        ranks, page, impacts = columns[0][stays], pages[at[stays]], columns[2][stays]
        ids = words.count(tokens, np.bincount(ranks, minlength=len(tokens)))
        word = ids[ranks]
        order = np.argsort(word << 32 | page)  # much faster than to sort by two columns; both are of 31 bits
        database.insert("postings", *(column[order].tolist() for column in (word, page, impacts)))


def _ranges(runs: list[_Run]) -> Iterator[tuple[list[str], Numbers, Numbers, Numbers]]:
    """Yield the postings of all runs by ranges of tokens: the tokens; the token (its index), page and impact of each posting."""
    while runs := [run for run in runs if run.fill(_RANGE // len(runs))]:
        last = min(run.next[-1] for run in runs)
        taken = [run.take(last) for run in runs]
        tokens = sorted(set().union(*(some for some, *_ in taken)))
        ranks = dict(zip(tokens, range(len(tokens)), strict=True))
        columns = ((np.repeat([ranks[token] for token in some], counts), *rest) for some, counts, *rest in taken if some)
        one, two, three = map(np.concatenate, zip(*columns, strict=True))
        yield tokens, one, two, three


class _Words:
    """The table of words, in the transaction that adds postings."""

    def __init__(self, database: Database) -> None:
        self._database = database
        (self._last,) = database.execute("SELECT coalesce(max(id), 0) FROM words").fetchone()
        self._were_there = self._last > 0

    def count(self, tokens: list[str], pages: Numbers) -> Numbers:
        """Count more pages for words, given by their tokens in order; return the ids of words, 0 for those without more pages."""
        more = {tokens[i]: int(pages[i]) for i in np.flatnonzero(pages)}
        ids = self._count_known(more) if self._were_there else {}
        new = [token for token in more if token not in ids]
        ids |= zip(new, range(self._last + 1, self._last + 1 + len(new)), strict=True)
        self._database.insert("words", [ids[token] for token in new], new, [more[token] for token in new])
        self._last += len(new)
        return np.array([ids.get(token, 0) for token in tokens], np.int64)

    def _count_known(self, more: dict[str, int]) -> dict[str, int]:
        """Count more pages for the words that the table has; return the ids of these."""
        execute = self._database.execute
        execute(f"CREATE TEMPORARY TABLE more (token {self._database.types['text']} PRIMARY KEY, pages INTEGER NOT NULL)")
        self._database.insert("more", list(more), list(more.values()))
        execute("UPDATE words SET pages = words.pages + more.pages FROM more WHERE more.token = words.token")
        ids = dict(execute("SELECT token, id FROM words JOIN more USING (token)").fetchall())
        execute("DROP TABLE more")
        return ids
