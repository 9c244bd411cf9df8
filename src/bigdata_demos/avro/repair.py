"""What is left of a damaged container file: its good blocks, byte by byte, and the good records of some damaged ones.

Each block is decoded. One that decodes to as many records as it says, and has nothing left then, is good. After anything
else the next sync marker is looked for. From a damaged block records are kept where it can be told that they are good:

- *Only the frame is damaged.* The data up to the next sync marker decode to as many records as the block says, or the
  size is right and the sync marker is damaged: all records are kept. So they are if the count alone is wrong, and the
  codec has a checksum (bzip2, snappy, xz) that says that the data are right.
- *The file ends inside the block.* What is there is its beginning, so the records that are there in full are kept.
- *Anything else*: a byte has been changed, or some are missing, nobody knows where. What decodes before the error may be
  wrong already, and what does not look wrong may be, too. It is left out, unless ``doubtful`` is asked for.

Without a checksum (codec null, mostly deflate, zstandard) a changed byte can make other records that decode well:
nothing in the file can tell. A header that is damaged ends the attempt.
"""

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

import fastavro

from ..errors import InputError
from ..formats import avro
from ..formats.avro import BadBlock, Header
from . import containers
from .containers import Decoder, Frame, Writer
from .streams import CHUNK, Source

CHECKED: Final = ("bzip2", "snappy", "xz")
"""Codecs whose data have a checksum."""


class Loss(NamedTuple):
    """Damage: where it starts and ends, why nothing else could be read there, how many records were kept.

    ``lost`` is how many more the block said it had, None if that cannot be told, or more than one block is damaged.
    """

    start: int
    end: int
    detail: str
    kept: int
    lost: int | None

    @property
    def complete(self) -> bool:
        """Whether no record was lost."""
        return self.lost == 0


class Salvage(NamedTuple):
    """Records found in a damaged block, encoded, and why there are no more; ``lost`` as in :class:`Loss`."""

    records: int
    data: bytes
    detail: str
    lost: int | None
    used: int | None = None
    """How long the block is, if that is not up to the next sync marker."""


def repair(source: Source, header: Header, writer: Writer, *, doubtful: bool = False) -> Iterator[Loss]:
    """Copy what is good, and tell of what is not, in the file's order. The writer has the header's codec and sync marker.

    Raises:
        InputError: if the codec's package is not installed.

    """
    decoder = Decoder(header)
    for block in containers.read_frames(source, header):
        if isinstance(block, Frame):
            error = decodes(decoder, block, header)
            if error is None:
                writer.copy(block.records, block.packed)
                continue
            found = inside(decoder, block, header, error, doubtful=doubtful)
            end = block.end
        else:
            gap, ends = to_sync(source, header.sync)
            found = between(decoder, block, header, gap, ends=ends, doubtful=doubtful)
            skip(source, header.sync, found.used)
            end = source.tell()
        if found.records:
            writer.write_block(found.records, found.data)
        yield Loss(block.offset, end, found.detail, found.records, found.lost)
    writer.flush()


def decodes(decoder: Decoder, frame: Frame, header: Header) -> str | None:
    """None if a block is good, or else what is wrong with it."""
    try:
        for _ in decoder.read(frame.records, avro.decompress(frame.packed, header.codec)):
            pass
    except InputError:
        raise
    except Exception as error:
        return containers.reason(error)
    return None


def to_sync(source: Source, sync: bytes) -> tuple[bytes, bool]:
    """The bytes before the next sync marker, and whether the file ends instead; not more than a block may have."""
    limit = avro.MAX_BLOCK + containers.LONGS + avro.SYNC_SIZE
    found = source.find(sync, limit)
    return source.peek(min(limit, len(source.ahead)) if found < 0 else found), found < 0 and source.ended


def skip(source: Source, sync: bytes, used: int | None) -> None:
    """Go on after so many bytes, or after the next sync marker."""
    if used is not None:
        source.skip(used)
        return
    while (found := source.find(sync, CHUNK)) < 0:
        if source.ended:
            source.skip(len(source.ahead))
            return
        source.skip(len(source.ahead) - len(sync) + 1)
    source.skip(found + len(sync))


def prefix(decoder: Decoder, count: int, data: bytes) -> tuple[int, int, str]:
    """How many of ``count`` records data begin with, where the last of them ends, and what is wrong then, if anything."""
    number = end = 0
    try:
        for end, _ in decoder.position(min(count, len(data)), data):  # noqa: B007
            number += 1
    except Exception as error:
        return number, end, containers.reason(error)
    return number, end, ""


def inside(decoder: Decoder, frame: Frame, header: Header, error: str, *, doubtful: bool) -> Salvage:
    """What can be had of a block whose frame is right, and whose count or data are not."""
    data = partly(frame.packed, header.codec)
    if header.codec in CHECKED:
        with suppress(Exception):
            data = avro.decompress(frame.packed, header.codec)
            number, end, wrong = prefix(decoder, len(data), data)
            if end == len(data):  # and then it cannot decode any more
                return Salvage(number, data, f"the block has {number} records, and says {frame.records}", 0)
            error = wrong or error
    if not doubtful:
        return Salvage(0, b"", error, frame.records)
    number, end, _ = prefix(decoder, frame.records, data)
    return Salvage(number, data[:end], f"{error} (the records kept may be wrong)", frame.records - number)


def between(decoder: Decoder, block: BadBlock, header: Header, gap: bytes, *, ends: bool, doubtful: bool) -> Salvage:
    """What can be had of the bytes from where a block starts up to the next sync marker, or to the file's end."""
    count, size, front = longs(gap)
    for packed, used in candidates(gap, count, size, front):
        frame = Frame(block.offset, count, packed, front)
        if count > 0 and decodes(decoder, frame, header) is None:
            data = avro.decompress(packed, header.codec)
            return Salvage(count, data, f"{block.detail}; all of its {count} records are there", 0, used)
    if not 0 < count <= avro.MAX_BLOCK or front > len(gap):
        return Salvage(0, b"", block.detail, None)
    cut = ends and front < len(gap) < front + size + avro.SYNC_SIZE and 0 < size <= avro.MAX_BLOCK
    if not (cut or doubtful):
        return Salvage(0, b"", block.detail, None)
    data = partly(gap[front : front + size] if size > 0 else gap[front:], header.codec)
    number, end, _ = prefix(decoder, count, data)
    note = "" if cut else " (the records kept may be wrong)"
    return Salvage(number, data[:end], block.detail + note, count - number if cut else None)


def longs(gap: bytes) -> tuple[int, int, int]:
    """A block's count and size, and how many bytes they take; -1 for what is not there."""
    file = io.BytesIO(gap[: containers.LONGS])
    found = [-1, -1]
    with suppress(Exception):
        for i in range(2):
            value: Any = fastavro.schemaless_reader(file, {"type": "long"}, None)
            found[i] = value
    return found[0], found[1], file.tell()


def candidates(gap: bytes, count: int, size: int, front: int) -> Iterator[tuple[bytes, int | None]]:
    """What a block's data may be, and how long it is then, if its sync marker or its size is damaged."""
    if 0 < size <= len(gap) - front:
        yield gap[front : front + size], min(front + size + avro.SYNC_SIZE, len(gap))
    after_count = len(avro.long(count)) if count > 0 else 0
    for width in range(1, 6):  # bytes of the size, which is that of what follows
        rest = len(gap) - after_count - width
        if after_count and rest > 0 and len(avro.long(rest)) == width and rest != size:
            yield gap[after_count + width :], None


def partly(packed: bytes, codec: str) -> bytes:
    """What a codec makes of data before it fails; nothing for snappy, which has no parts."""
    if codec == "null":
        return packed
    if codec not in avro.STREAMS:
        return b""
    decompressor, data = avro.STREAMS[codec](), bytearray()
    with suppress(Exception):
        for at in range(0, len(packed), 1024):  # what comes before the piece that fails is kept
            if decompressor.eof or len(data) > avro.MAX_BLOCK:
                break
            data += decompressor.decompress(packed[at : at + 1024], avro.MAX_BLOCK + 1 - len(data))
    return bytes(data[: avro.MAX_BLOCK])
