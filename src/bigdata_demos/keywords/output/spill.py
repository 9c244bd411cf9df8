"""Spilled files: the data that tasks exchange, in a directory that all workers see, so that no process holds all of them.

Each file is written under another name and then renamed, so a task may run twice.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ...storage.atomic import atomic
from ...storage.places import remove
from ..analysis.frequencies import COUNT, ENTRY, HASH
from ..model import Packed


class Segment(NamedTuple):
    """Bytes ``start`` to ``end`` of a file: a task's data for one bucket."""

    path: str
    start: int
    end: int


@contextmanager
def directory(workdir: str) -> Iterator[str]:
    """Yield a directory for spilled files, which is removed at the end."""
    path = Path(workdir, "spill")
    path.mkdir()
    try:
        yield str(path)
    finally:
        remove(path)


def keep(spill: str, number: int, kept: bytes) -> None:
    """Write the data that pass 1 keeps of a split for pass 2."""
    with atomic(Path(spill, f"{number}.kept")) as file:
        file.write(kept)


def kept(spill: str, number: int) -> bytes:
    """Read the data that pass 1 kept of a split."""
    return Path(spill, f"{number}.kept").read_bytes()


def write(spill: str, name: str, packed: Iterable[Packed]) -> list[tuple[int, Segment]]:
    """Write a task's data for some buckets to one file; return the segment of each bucket."""
    path, segments, at = Path(spill, name), [], 0
    with atomic(path) as file:
        for bucket, data in packed:
            segments.append((bucket, Segment(str(path), at, at + len(data))))
            at += file.write(data)
    return segments


def read(segment: Segment) -> bytes:
    """Read a segment."""
    with Path(segment.path).open("rb") as file:
        file.seek(segment.start)
        return file.read(segment.end - segment.start)


def join(spill: str, merged: Iterable[tuple[int, Segment]]) -> str:
    """Join the merged tables of all buckets to one (see :mod:`.frequencies`) in a file; return its path."""
    path, tables = Path(spill, "frequencies"), [table for _, table in sorted(merged)]
    with atomic(path) as file:
        for width in (HASH.size, COUNT.size):  # all hashes, then all counts
            for table in tables:
                phrases = (table.end - table.start) // ENTRY
                start = table.start + (phrases * HASH.size if width == COUNT.size else 0)
                with Path(table.path).open("rb") as piece:
                    piece.seek(start)
                    _copy(piece, file, phrases * width)
    return str(path)


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size and (chunk := source.read(min(size, shutil.COPY_BUFSIZE))):  # type: ignore[attr-defined]
        size -= target.write(chunk)
