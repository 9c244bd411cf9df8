"""Files of Avro are damaged by a bit that flips, or cut at the end, and read again: what survives, and what goes unnoticed?

An Avro file consists of blocks with a sync marker between them, 16 random bytes. After a damaged block, a reader can search for
the next marker and go on. Most readers do not: they end at the first error. ``bigdata-demos avro repair`` does, and this is what
is measured here, beside a reader that ends.

Whether a flipped bit is noticed at all depends on the codec of the blocks. Without compression, most flips just make another
valid value. Deflate has no checksum in Avro (gzip's was left out), and many flips decompress to other data of the same length.
The codecs bzip2, xz and snappy have a checksum of each block; zstandard has one if the writer asks for it.
"""

import io
import random
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

import fastavro

from ..avro.binary import Schema, pack
from ..avro.containers import Writer, read_header, read_records
from ..avro.repair import repair
from ..avro.schemas import to_text
from ..avro.streams import Source
from ..corpus import synthetic
from ..corpus.writers import decoded
from ..errors import BadAvro
from . import Outcome, Setting

WATCH = (
    "the flips that nobody notices: all records are read, and one of them is wrong. With a checksum there are none. Then "
    "compare the records that survive a flip that is noticed: a repair loses one block, a reader that ends loses the rest of "
    "the file."
)
PAGES = (
    "none, which is the point: a wrong value looks like any other. A job whose reader notices damage fails with its error, on "
    "Spark's page of the stage. HDFS has checksums of its own (CRC-32C of every 512 bytes), but they protect only what is in "
    "HDFS."
)
LARGER = (
    "rare damage becomes certain. As a calculation with one flipped bit in 10^15 bits that are read or copied: a job that reads "
    "100 TB, 8 × 10^14 bits, meets 0.8 of them. A checksum of 4 bytes for each block of 64 KiB costs 0.006 % of the space."
)
CHECKED: Final = ("bzip2", "xz", "zstandard", "snappy")
_SCHEMA: Final[Schema] = fastavro.parse_schema(  # type: ignore[assignment]
    {"type": "record", "name": "Page", "fields": [{"name": name, "type": "string"} for name in ("url", "html")]}
)
_BLOCK: Final = 8 << 10  # bytes before compression
_UNCHECKED: Final = "zstandard, by fastavro"


class Read(NamedTuple):
    """How many records were read as they had been written, how many were altered, and whether the reader reported damage."""

    right: int
    wrong: int
    noticed: bool


def write(codec: str, records: Sequence[dict[str, str]]) -> bytes:
    """Return the bytes of a file."""
    file = io.BytesIO()
    if codec == _UNCHECKED:
        fastavro.writer(file, _SCHEMA, records, "zstandard", _BLOCK)
    else:
        writer = Writer(file, to_text(_SCHEMA), codec=codec, block_bytes=_BLOCK)
        for record in records:
            writer.write(pack(record, _SCHEMA))
        writer.flush()
    return file.getvalue()


def compared(found: Sequence[dict[str, str]], written: Sequence[dict[str, str]], *, noticed: bool) -> Read:
    """Compare records with those that were written."""
    right = (Counter(map(str, found)) & Counter(map(str, written))).total()
    return Read(right, len(found) - right, noticed)


def until_error(data: bytes, written: Sequence[dict[str, str]]) -> Read:
    """Read a file to its first error, as most readers do."""
    found: list[Any] = []
    source = Source(io.BytesIO(data), "pages.avro")
    try:
        for record in read_records(source, read_header(source)):
            found.append(record)  # noqa: PERF402 (what was read before an error counts)
    except BadAvro:
        return compared(found, written, noticed=True)
    return compared(found, written, noticed=False)


def repaired(data: bytes, written: Sequence[dict[str, str]]) -> Read:
    """Repair a file whose header is intact, and read it."""
    source = Source(io.BytesIO(data), "pages.avro")
    header, file = read_header(source), io.BytesIO()
    losses = list(repair(source, header, Writer(file, header.text, codec=header.codec, sync=header.sync)))
    return until_error(file.getvalue(), written)._replace(noticed=bool(losses))


def measure(setting: Setting) -> Outcome:
    """Damage files with each codec, and read them."""
    pages = synthetic.pages(40 if setting.quick else 100, seed=1, nbytes=1000)
    records = [{"url": page.url, "html": decoded(page)} for page in pages]
    times = 40 if setting.quick else 120
    codecs = ["null", "deflate", *(codec for codec in CHECKED if codec != "snappy" or find_spec("cramjam")), _UNCHECKED]
    rows: list[tuple[str | float, ...]] = []
    unnoticed, altered, survived = dict[str, int](), dict[str, int](), dict[str, int]()
    for codec in codecs:
        setting.say(codec)
        data = write(codec, records)
        start = read_header(Source(io.BytesIO(data), "pages.avro")).end
        chance = random.Random(1)  # noqa: S311
        flips, ended, cuts = [], [], []
        for _ in range(times):
            at = chance.randrange(start, len(data))
            flipped = data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
            flips.append(repaired(flipped, records))
            ended.append(until_error(flipped, records))
            cuts.append(repaired(data[:at], records))
        unnoticed[codec] = sum(not one.noticed and one.right < len(records) for one in flips)
        altered[codec] = sum(one.wrong for one in flips)
        survived[codec] = sum(one.right for one in flips)
        shares = [f"{sum(one.right for one in some) / len(records) / times:.1%}" for some in (flips, ended, cuts)]
        rows.append((codec, len(data) / 1e3, unnoticed[codec], altered[codec], *shares))
    checked = sum(number for codec, number in unnoticed.items() if codec in CHECKED)
    return Outcome(
        data=f"{len(records)} synthetic pages in a file of each codec, {times} times a flipped bit and a cut, behind the header",
        head=("codec", "kB", "flips unnoticed", "records altered", "survive a flip", "without repair", "survive a cut"),
        rows=rows,
        bars=unnoticed,
        unit=f"flips that were not noticed, of {times}",
        finding=(
            f"Of {times} flipped bits, {unnoticed['null']} went unnoticed without compression, {unnoticed['deflate']} with "
            f"deflate, {unnoticed[_UNCHECKED]} with zstandard as fastavro writes it, and {checked} with any codec that has "
            "a checksum."
        ),
        holds=checked == 0 < unnoticed["deflate"] < unnoticed["null"],
        counts={
            "records": len(records) * times,
            **{f"unnoticed, {codec}": number for codec, number in unnoticed.items()},
            **{f"survived, {codec}": number for codec, number in survived.items()},
        },
    )
