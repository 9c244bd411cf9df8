"""Tables of document frequencies as arrays: how the readable kernel counts, merges and looks up phrases.

A shuffle join restricts them, with either kernel.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from .candidates import Hashes, Integers
from .frequencies import COUNT, EMPTY, ENTRY, HASH, Table, of_pages

Counts = npt.NDArray[np.uint32]

_HASH, _COUNT = np.dtype(HASH.format), np.dtype(COUNT.format)


def pack(hashes: Hashes, counts: Counts | Integers) -> bytes:
    """Pack phrases, given in ascending order of their hashes, to a table."""
    return hashes.astype(_HASH, copy=False).tobytes() + counts.astype(_COUNT, copy=False).tobytes()


def unpack(packed: Table) -> tuple[Hashes, Counts]:
    """Return the hashes and the counts of a table, as views of its bytes."""
    size = len(packed) // ENTRY
    return np.frombuffer(packed, _HASH, size), np.frombuffer(packed, _COUNT, size, size * _HASH.itemsize)


def count(pages: Sequence[Hashes]) -> bytes:
    """Count pages, each given as the distinct hashes of its candidates; return their table."""
    if not pages:
        return b""
    hashes, counts = np.unique(np.concatenate(pages), return_counts=True)
    return merge([of_pages(len(pages)), pack(hashes, counts)])


def merge(tables: Iterable[bytes]) -> bytes:
    """Merge tables: add the counts of each phrase."""
    some = [unpack(table) for table in tables if table]
    if not some:
        return b""
    hashes = np.concatenate([table[0] for table in some])
    counts = np.concatenate([table[1] for table in some])
    order = np.argsort(hashes, kind="stable")  # a merge sort, which is fast on sorted runs
    hashes = hashes[order]
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    return pack(hashes[starts], np.add.reduceat(counts[order], starts, dtype=np.uint32))


def at_least(least: int, table: bytes) -> bytes:
    """Drop phrases of fewer pages. Those of one page need not be sent, since 1 is the default."""
    hashes, counts = unpack(table)
    keep = (counts >= least) | (hashes == EMPTY)
    return pack(hashes[keep], counts[keep])


def restrict(table: bytes, phrases: bytes) -> bytes:
    """Return the part of a table for the phrases of another table."""
    hashes, counts = unpack(table)
    keep = np.isin(hashes, unpack(phrases)[0], assume_unique=True)
    return pack(hashes[keep], counts[keep])


def look_up(table: Table, hashes: Hashes) -> Integers:
    """Return the frequency of each phrase, 1 for those that are not in the table."""
    known, counts = unpack(table)
    if not len(known):
        return np.ones(len(hashes), np.int64)
    at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return np.where(known[at] == hashes, counts[at], 1).astype(np.int64)
