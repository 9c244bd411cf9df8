"""Measures what damage costs: ``python docs/measure_damage.py [--times N] [INPUT …]`` prints the table of docs/data-quality.md.

The pages of the input (by default the bundled crawl) are written in each format. Each file is then damaged many times, and read.
A page is intact if no byte of its unit (record, gzip member, Zstandard frame, line, Avro block) has changed, nor of the header
that all units need. In a file that was compressed as a whole (``one-gzip.warc.gz``), nothing up to its end may have changed.
"""

import argparse
import gzip
import random
import tempfile
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from bigdata_demos.avro.cli import main as avro
from bigdata_demos.corpus.cli import main as corpus
from bigdata_demos.crawl import plan, reader
from bigdata_demos.crawl.model import Page, Rejected, Skipped
from bigdata_demos.storage.compression import zstd

FORMATS: Final = ("warc.gz", "warc", "warc.zst", "one-gzip.warc.gz", "jsonl", "null.avro", "deflate.avro", "zstandard.avro")


class Damaged(NamedTuple):
    """The bytes of a damaged file, and the range of the original that is not as it was."""

    data: bytes
    start: int
    end: int


def _cut(data: bytes, at: int, _size: int) -> Damaged:
    return Damaged(data[:at], at, len(data))


def _flip(data: bytes, at: int, size: int) -> Damaged:
    return Damaged(data[:at] + bytes([data[at] ^ 1 << size % 8]) + data[at + 1 :], at, at + 1)


def _delete(data: bytes, at: int, size: int) -> Damaged:
    return Damaged(data[:at] + data[at + size :], at, at + size)


def _double(data: bytes, at: int, size: int) -> Damaged:
    return Damaged(data[: at + size] + data[at:], at + size, at + size)


def _zero(data: bytes, at: int, size: int) -> Damaged:
    return Damaged(data[:at] + bytes(len(data[at : at + size])) + data[at + size :], at, at + size)


KINDS: Final[dict[str, Callable[[bytes, int, int], Damaged]]] = {
    "cut": _cut,
    "bit flip": _flip,
    "bytes removed": _delete,
    "bytes doubled": _double,
    "bytes zeroed": _zero,
}


def _read(path: Path) -> list[Page | Rejected | Skipped]:
    splits, _ = plan.plan([str(path)])
    return [one for split in splits for one in reader.read(split)]


def measure(path: Path, damage: Callable[[bytes, int, int], Damaged], times: int) -> tuple[int, int, int, int]:
    """Return the crashes, the intact pages lost, and the files that report nothing of a page lost, or of one altered."""
    data = path.read_bytes()
    whole = _read(path)
    as_one = path.name.endswith("one-gzip.warc.gz")
    edges = [*sorted({one.offset for one in whole}), len(gzip.decompress(data) if as_one else data)]
    ends = dict(pairwise(edges))
    pages = {one.url: one for one in whole if isinstance(one, Page)}
    crashes = lost = silent = altered = 0
    copy = path.with_name(f"damaged-{path.name}")
    for seed in range(times):
        chance = random.Random(seed)  # noqa: S311
        changed = damage(data, chance.randrange(100, len(data)), chance.randrange(1, 2000))
        copy.write_bytes(changed.data)
        try:
            found = _read(copy)
        except Exception as error:
            crashes += 1
            print(f"{path.name} {damage.__name__} {seed}: {type(error).__name__}: {error}")
            continue
        read = {one.url: one.content for one in found if isinstance(one, Page)}
        reported = sum(isinstance(one, Rejected) for one in found) > sum(isinstance(one, Rejected) for one in whole)
        if as_one:
            changed = Damaged(b"", len(zlib.decompressobj(31).decompress(data[: changed.start])), edges[-1])
        intact = [url for url, one in pages.items() if ends[one.offset] <= changed.start or one.offset >= changed.end]
        if changed.start < edges[0]:  # the header of an Avro file, which all blocks need
            intact = []
        if changed.start == changed.end:  # bytes put in
            intact = [url for url in intact if not pages[url].offset < changed.start < ends[pages[url].offset]]
        contents = {(one.url, one.content) for one in found if isinstance(one, Page)}  # damage can repeat a URL
        lost += sum((url, pages[url].content) not in contents for url in intact)
        silent += not reported and not pages.keys() <= read.keys()
        altered += not reported and any(read[url] != page.content for url, page in pages.items() if url in read)
    return crashes, lost, silent, altered


def _write(path: Path, inputs: Sequence[str]) -> None:
    """Write the pages of the inputs in the format that a file's name says."""
    codec, _, suffix = path.name.removeprefix("pages.").partition(".")
    converted = path.with_name("pages.warc") if codec in ("warc", "one-gzip") and suffix in ("zst", "warc.gz") else path
    if not converted.exists() and corpus(["convert", *inputs, "--output", str(converted), "--quiet"]):
        raise SystemExit(1)
    if suffix == "avro":
        avro(["recode", str(path), "--codec", codec, "--output", str(path), "--overwrite", "--quiet"])
    elif suffix == "warc.gz":
        path.write_bytes(gzip.compress(converted.read_bytes()))
    elif suffix == "zst":
        data = converted.read_bytes()
        starts = sorted({one.offset for one in _read(converted)})
        checksum: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
        path.write_bytes(b"".join(zstd.compress(data[a:b], options=checksum) for a, b in pairwise([0, *starts[1:], len(data)])))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="*", metavar="INPUT")
    parser.add_argument("--times", type=int, default=300, help="damaged files of each kind and format (default: 300)")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as directory:
        print("| format | damage | crashes | intact pages lost | files with a page lost silently | altered silently |")
        print("|---|---|---|---|---|---|")
        for name in FORMATS:
            path = Path(directory, f"pages.{name}")
            _write(path, arguments.inputs or [str(plan.bundled_crawl())])
            for kind, damage in KINDS.items():
                print(f"| {name} | {kind} | {' | '.join(map(str, measure(path, damage, arguments.times)))} |", flush=True)


if __name__ == "__main__":
    main()
