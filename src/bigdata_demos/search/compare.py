"""Compares two indexes: the pages and the keywords that came, went, or changed."""

import heapq
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ..index.database import Database

CHANGES: Final = ("came", "went", "changed")


class Change(NamedTuple):
    """A difference. ``before`` and ``after`` are a page's titles, or the numbers of pages that have a keyword."""

    kind: str
    change: str
    name: str
    before: str
    after: str


class Comparison(NamedTuple):
    """The differences that are shown, and the numbers of all, by kind (``page``, ``keyword``) and change."""

    shown: list[Change]
    numbers: Counter[tuple[str, str]]


def compare(before: Database, after: Database, limit: int) -> Comparison:
    """Compare two indexes. Rows are read in the same order from both, so memory does not depend on their sizes in SQLite.

    (The rows of PostgreSQL are held by its client.)

    A page has changed if its text has. Of keywords, those are shown whose numbers of pages differ most.

    Args:
        before: an index.
        after: another one.
        limit: how many differences are shown of each kind and change, at most.
    """
    numbers = Counter[tuple[str, str]]()
    sql = "SELECT url, title, content FROM pages ORDER BY url"
    pages = (
        Change("page", change, url, old[0] if old else "", new[0] if new else "")
        for change, url, old, new in _changes("page", before, after, sql, numbers)
    )
    shown = list(_limited(pages, limit))
    sql = "SELECT stems, min(phrase), count(*) FROM keywords GROUP BY stems ORDER BY stems"
    keywords = (
        Change("keyword", change, (new or old)[0], str(old[1] if old else 0), str(new[1] if new else 0))
        for change, _, old, new in _changes("keyword", before, after, sql, numbers)
    )
    largest = heapq.nsmallest(limit, keywords, key=lambda change: (-_size(change), change.name))
    return Comparison(shown + largest, numbers)


def _changes(
    kind: str, before: Database, after: Database, sql: str, numbers: Counter[tuple[str, str]]
) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield what differs in the rows of a query (name, label, value) by their values, and count it."""
    for name, old, new in _joined(before, after, sql):
        if old is None or new is None or old[1] != new[1]:
            change = _change(old, new)
            numbers[kind, change] += 1
            yield change, name, old, new


def _change(old: object, new: object) -> str:
    return "came" if old is None else "went" if new is None else "changed"


def _size(change: Change) -> int:
    return abs(int(change.after) - int(change.before))


def _limited(changes: Iterator[Change], limit: int) -> Iterator[Change]:
    """Yield the first changes of each sort."""
    seen = Counter[str]()
    for change in changes:
        seen[change.change] += 1
        if seen[change.change] <= limit:
            yield change


def _joined(before: Database, after: Database, sql: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the rows of both databases by their first column, which orders them: ``None`` for what only one has."""
    olds, news = iter(before.execute(sql)), iter(after.execute(sql))
    old: Any = next(olds, None)
    new: Any = next(news, None)
    while old or new:
        name = min(row[0] for row in (old, new) if row)
        in_old, in_new = bool(old) and old[0] == name, bool(new) and new[0] == name
        yield name, old[1:] if in_old else None, new[1:] if in_new else None
        old = next(olds, None) if in_old else old
        new = next(news, None) if in_new else new
