"""Plans the splits of the input, in the driver; workers read them with :func:`.reader.read`.

The format of a file is decided by its first bytes, or else by its name. Reading can reject pages for these reasons:

``bad-record``    a record that cannot be decoded, or that has no URL or no content
``bad-encoding``  a content coding (gzip, deflate, br) that does not decode
``bad-digest``    a WARC record that is not what its digest says
``truncated``     the file ends inside the record
``unreadable``    the file cannot be opened or read at all
"""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Final

from ..errors import InputError
from .files import expand
from .model import MEMBERS, Range, Split

SPLIT_BYTES: Final = 16 << 20
"""Uncompressed bytes of a split of a large input; compressed bytes count :data:`_EXPANSION` times."""
_SMALL_SPLIT: Final = 1 << 20  # bytes of a split of a small input, below which a task costs more than it does
_TASKS: Final = 24
"""The number of splits of a medium input, so that workers have about equal shares and finish at about the same time."""
_EXPANSION: Final = 6


def plan(inputs: Sequence[str], *, split_bytes: int | None = None, verify: bool | None = None) -> tuple[list[Split], int]:
    """Return the splits of paths, globs and directories, and the number of files among them without pages.

    Splits depend on the input only, not on the number of workers. Small files share one; files that can be read from
    any byte (WARC.gz, Avro, JSON lines) are split. If no ``split_bytes`` are given, they are a fraction of the input
    (one of :data:`_TASKS`), from :data:`_SMALL_SPLIT` to :data:`SPLIT_BYTES`.

    ``verify``: whether digests of WARC records are checked; ``None`` to check them in files that are not compressed, where no
    other checksum would notice damage.

    Raises InputError if a path does not exist, or has an unknown format.
    """
    expanded = [file for path in inputs for file in expand(path)]
    files = [file._replace(verify=not file.codec if verify is None else verify) for file in expanded if file is not None]
    if split_bytes is None:
        split_bytes = min(max(sum(map(estimated_size, files)) // _TASKS, _SMALL_SPLIT), SPLIT_BYTES)
    pieces = [piece for file in files for piece in split_file(file, split_bytes)]
    splits: list[Split] = []
    group: list[Range] = []
    size = 0
    for piece in pieces:
        weight = estimated_size(piece)
        if group and size + weight > split_bytes:
            splits.append(Split(len(splits), tuple(group)))
            group, size = [], 0
        group.append(piece)
        size += weight
    if group:
        splits.append(Split(len(splits), tuple(group)))
    return splits, len(expanded) - len(files)


def estimated_size(piece: Range) -> int:
    """Estimate the uncompressed bytes of a range."""
    return (piece.end - piece.start) * (_EXPANSION if piece.codec else 1)


def split_file(file: Range, split_bytes: int) -> Iterator[Range]:
    """Split a file into ranges, none much larger than a split."""
    whole = file.kind in ("html", "warc") if not file.codec else file.codec != MEMBERS
    pieces = 1 if whole else max(1, round(estimated_size(file) / split_bytes))
    edges = [file.end * i // pieces for i in range(pieces + 1)]
    for start, end in pairwise(edges):
        yield file._replace(start=start, end=end)


def bundled_crawl() -> Path:
    """Return the path of the bundled crawl, in the installed package or in the source tree.

    Raises InputError if it is in neither.
    """
    in_wheel = Path(str(files("bigdata_demos"))) / "data" / "site.warc.gz"
    in_tree = Path(__file__).parents[3] / "data" / "site.warc.gz"
    for path in (in_wheel, in_tree):
        if path.exists():
            return path
    raise InputError(f"the bundled crawl is missing ({in_wheel}): name an input")
