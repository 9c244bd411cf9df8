"""Files in a run's working directory, by which tasks hand on what nobody should have to hold in memory.

Each is written under another name and then renamed: a task that is run twice changes nothing. All workers see the directory
(they write the output's parts there, too, unless these go to HDFS).
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ...storage.atomic import atomic
from ...storage.places import remove
from ..analysis.frequencies import COUNT, ENTRY, HASH
from ..model import Packed


class Segment(NamedTuple):
    """Bytes ``start`` to ``end`` of a file: what a task has for a bucket."""

    path: str
    start: int
    end: int


@contextmanager
def directory(workdir: str) -> Iterator[str]:
    """A directory for spilled files, removed at the end."""
    path = Path(workdir, "spill")
    path.mkdir()
    try:
        yield str(path)
    finally:
        remove(path)


def keep(spill: str, number: int, kept: bytes) -> None:
    """Write what pass 1 keeps of a split."""
    with atomic(Path(spill, f"{number}.kept")) as file:
        file.write(kept)


def kept(spill: str, number: int) -> bytes:
    """What pass 1 kept of a split."""
    return Path(spill, f"{number}.kept").read_bytes()


def write(spill: str, name: str, packed: Iterable[Packed]) -> list[tuple[int, Segment]]:
    """Write what a task has for some buckets, one after another; returns where each is."""
    path, segments, at = Path(spill, name), [], 0
    with atomic(path) as file:
        for bucket, data in packed:
            segments.append((bucket, Segment(str(path), at, at + len(data))))
            at += file.write(data)
    return segments


def read(segment: Segment) -> bytes:
    """What :func:`write` wrote for a bucket."""
    with Path(segment.path).open("rb") as file:
        file.seek(segment.start)
        return file.read(segment.end - segment.start)


def join(spill: str, tables: Sequence[Segment]) -> str:
    """The file with the one table (see :mod:`.frequencies`) of merged buckets, given in order, without holding it."""
    path = Path(spill, "frequencies")
    with atomic(path) as file:
        for width in (HASH.itemsize, COUNT.itemsize):  # all hashes, then all counts
            for table in tables:
                phrases = (table.end - table.start) // ENTRY
                start = table.start + (phrases * HASH.itemsize if width == COUNT.itemsize else 0)
                with Path(table.path).open("rb") as piece:
                    piece.seek(start)
                    copy(piece, file, phrases * width)
    return str(path)


def copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    """Copy some bytes."""
    while size and (chunk := source.read(min(size, shutil.COPY_BUFSIZE))):  # type: ignore[attr-defined]
        size -= target.write(chunk)
