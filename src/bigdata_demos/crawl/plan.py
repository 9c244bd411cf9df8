"""Where pages come from: :func:`plan` makes splits of paths, in the driver; :func:`read` makes pages of a split, in a worker.

What a path is gets decided by its first bytes, and by its name where they do not tell. Reasons for rejections here:

``bad-record``    a record that cannot be decoded, or that lacks what makes it a page (its URL, its content)
``bad-encoding``  a content coding (gzip, deflate, br) that does not decode
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
from .model import Range, Split

SPLIT_BYTES: Final = 16 << 20
"""Bytes of a split of a large input, not compressed; what is compressed counts :data:`_EXPANSION` times."""
_SMALL_SPLIT: Final = 1 << 20
"""Bytes of a split of a small input: less is not worth a task."""
_TASKS: Final = 24
"""Splits of an input of middle size, so that workers have about equal shares, and do not wait long for the last of them."""
_EXPANSION: Final = 6


def plan(inputs: Sequence[str], *, split_bytes: int | None = None) -> tuple[list[Split], int]:
    """The splits of some paths, globs and directories, and how many files among them are no pages.

    Splits depend on the input only, never on the number of workers. Small files share one; files that can be read from
    any byte (WARC.gz, Avro, JSON lines) are cut. If no ``split_bytes`` are given, they are a fraction of the input
    (one of :data:`_TASKS`), from :data:`_SMALL_SPLIT` to :data:`SPLIT_BYTES`.

    Raises:
        InputError: if a path is not there, or of no kind that is known.

    """
    expanded = [file for path in inputs for file in expand(path)]
    files = [file for file in expanded if file is not None]
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
    """About how many bytes a range has when it is not compressed."""
    packed = piece.codec or (piece.kind == "warc" and piece.path.endswith(".gz"))
    return (piece.end - piece.start) * (_EXPANSION if packed else 1)


def split_file(file: Range, split_bytes: int) -> Iterator[Range]:
    """The ranges of a file, none of them much larger than a split."""
    whole = file.codec or file.kind == "html" or (file.kind == "warc" and not file.path.endswith(".gz"))
    pieces = 1 if whole else max(1, round(estimated_size(file) / split_bytes))
    edges = [file.end * i // pieces for i in range(pieces + 1)]
    for start, end in pairwise(edges):
        yield file._replace(start=start, end=end)


def bundled_crawl() -> Path:
    """The crawl that comes with the package: in the wheel, or in the source tree that the package is run from.

    Raises:
        InputError: if it is in neither.

    """
    in_wheel = Path(str(files("bigdata_demos"))) / "data" / "site.warc.gz"
    in_tree = Path(__file__).parents[3] / "data" / "site.warc.gz"
    for path in (in_wheel, in_tree):
        if path.exists():
            return path
    raise InputError(f"the bundled crawl is not at {in_wheel}: name an input")
