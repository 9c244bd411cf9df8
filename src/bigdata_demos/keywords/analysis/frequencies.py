"""Document frequencies, packed: what pass 1 shuffles and merges.

A table of n phrases is ``12 n`` bytes: n hashes (64 bits, ascending, each once), then n counts (32 bits), little-endian.
The number of pages is in the same table, as the frequency of the empty phrase, which every page has (so a corpus has fewer
than 2**32 pages). Tables form a commutative monoid: to merge them is associative and commutative, its identity is ``b""``.
Buckets are ranges of hashes, so that merged buckets, joined in order, are one table again.

How tables are counted and merged is in :mod:`.counting`, in readable form, and in ``kernels/kernel.c``.
"""

import functools
import mmap
import os
import struct
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ..model import Packed

Table = bytes | mmap.mmap
"""A table, in memory or in a file that is mapped into it."""

EMPTY: Final = 0
"""The hash of the empty phrase. (Another phrase has this hash with a probability of 2**-64, and would be counted with it.)"""

HASH, COUNT = struct.Struct("<Q"), struct.Struct("<I")
ENTRY: Final = HASH.size + COUNT.size


class TableFull(MemoryError):
    """There is no memory for what a kernel holds of several pages, so that no single page is at fault."""


def of_pages(pages: int) -> bytes:
    """Return the table that has only a number of pages."""
    return HASH.pack(EMPTY) + COUNT.pack(pages)


def pages(table: Table) -> int:
    """Return the number of pages that a table was counted over."""
    if not len(table) or hash_at(table, 0) != EMPTY:
        return 0
    counted: int = COUNT.unpack_from(table, len(table) // ENTRY * HASH.size)[0]
    return counted


def hash_at(table: Table, index: int) -> int:
    """Return one of the hashes of a table, the last one for -1."""
    found: int = HASH.unpack_from(table, (index % (len(table) // ENTRY)) * HASH.size)[0]
    return found


def partition(table: bytes, bits: int) -> list[Packed]:
    """Split a table by the upper bits of the hashes into 2**bits buckets; empty ones are left out."""
    size = len(table) // ENTRY
    hashes, counts = memoryview(table)[: size * HASH.size], memoryview(table)[size * HASH.size :]
    edges = [0]
    for edge in range(1, 1 << bits):
        edges.append(bisect_left(range(size), edge << (64 - bits), edges[-1], key=functools.partial(hash_at, table)))
    cuts = zip(edges, [*edges[1:], size], strict=True)
    return [
        (bucket, b"".join([hashes[a * HASH.size : b * HASH.size], counts[a * COUNT.size : b * COUNT.size]]))
        for bucket, (a, b) in enumerate(cuts)
        if a < b
    ]


def join(buckets: Iterable[bytes]) -> bytes:
    """Join merged buckets, given in order, to one table."""
    some = [(bucket, len(bucket) // ENTRY * HASH.size) for bucket in buckets]
    return b"".join([*(bucket[:end] for bucket, end in some), *(bucket[end:] for bucket, end in some)])


@functools.lru_cache(maxsize=1)
def mapped_file(path: str) -> Table:
    """Map a table in a file into memory, which all processes that do so share."""
    with Path(path).open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if os.fstat(file.fileno()).st_size else b""
