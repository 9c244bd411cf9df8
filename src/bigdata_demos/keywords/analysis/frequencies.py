"""Document frequencies, packed: what pass 1 shuffles and merges.

A table of n phrases is ``12 n`` bytes: n hashes (64 bits, ascending, each once), then n counts (32 bits), little-endian.
The number of pages is in the same table, as the frequency of the empty phrase, which every page has (so a corpus has fewer
than 2**32 pages). Tables form a commutative monoid: :func:`merge` is associative and commutative, its identity is ``b""``.
Buckets are ranges of hashes, so that merged buckets, joined in order, are one table again.
"""

import functools
import mmap
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ..model import Packed
from .candidates import Hashes, Integers

Table = bytes | mmap.mmap
"""A table, in memory or in a file that is mapped into it."""

Counts = npt.NDArray[np.uint32]

EMPTY: Final = 0
"""The hash of the empty phrase. (Another phrase has this hash with a probability of 2**-64, and would be counted with it.)"""

HASH, COUNT = np.dtype("<u8"), np.dtype("<u4")
ENTRY: Final = HASH.itemsize + COUNT.itemsize


class TableFull(MemoryError):
    """There is no memory for what a kernel holds of several pages, so that no single page is at fault."""


def pack(hashes: Hashes, counts: Counts | Integers) -> bytes:
    """Pack phrases, given in ascending order of their hashes, to a table."""
    return hashes.astype(HASH, copy=False).tobytes() + counts.astype(COUNT, copy=False).tobytes()


def unpack(packed: Table) -> tuple[Hashes, Counts]:
    """Return the hashes and the counts of a table, as views of its bytes."""
    size = len(packed) // ENTRY
    return np.frombuffer(packed, HASH, size), np.frombuffer(packed, COUNT, size, size * HASH.itemsize)


def count(pages: Sequence[Hashes]) -> bytes:
    """Count pages, each given as the distinct hashes of its candidates; return their table."""
    if not pages:
        return b""
    hashes, counts = np.unique(np.concatenate(pages), return_counts=True)
    return merge([pack(np.array([EMPTY], np.uint64), np.array([len(pages)])), pack(hashes, counts)])


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


def partition(table: bytes, bits: int) -> list[Packed]:
    """Split a table by the upper bits of the hashes into 2**bits buckets; empty ones are left out."""
    hashes, counts = unpack(table)
    edges = np.searchsorted(hashes, np.arange(1, 1 << bits, dtype=np.uint64) << np.uint64(64 - bits)).tolist()
    cuts = zip([0, *edges], [*edges, len(hashes)], strict=True)
    return [(bucket, pack(hashes[a:b], counts[a:b])) for bucket, (a, b) in enumerate(cuts) if a < b]


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


def join(buckets: Iterable[bytes]) -> bytes:
    """Join merged buckets, given in order, to one table."""
    some = [unpack(bucket) for bucket in buckets]
    if not some:
        return b""
    return pack(np.concatenate([hashes for hashes, _ in some]), np.concatenate([counts for _, counts in some]))


def look_up(table: Table, hashes: Hashes) -> Integers:
    """Return the frequency of each phrase, 1 for those that are not in the table."""
    known, counts = unpack(table)
    if not len(known):
        return np.ones(len(hashes), np.int64)
    at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return np.where(known[at] == hashes, counts[at], 1).astype(np.int64)


def pages(table: Table) -> int:
    """Return the number of pages that a table was counted over."""
    hashes, counts = unpack(table)
    return int(counts[0]) if len(hashes) and hashes[0] == EMPTY else 0


@functools.lru_cache(maxsize=1)
def mapped_file(path: str) -> Table:
    """Map a table in a file into memory, which all processes that do so share."""
    with Path(path).open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if os.fstat(file.fileno()).st_size else b""
