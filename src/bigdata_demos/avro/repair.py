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
nothing in the file can tell.

A header that is damaged is made anew (:func:`find_header`): the sync marker is what stands before and after a block that
decodes, the codec is the one that it decodes with, and the schema is given, or its JSON is still there in one piece.
"""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final, NamedTuple

import fastavro

from ..errors import BadAvro, BigDataDemosError, InputError
from . import containers, limits
from .binary import long, pack
from .codecs import CODECS, decompress, decompress_partly
from .containers import MAGIC, META, SYNC_SIZE, BadBlock, Decoder, Frame, Header, Writer, skip_to_sync
from .limits import MAX_SEARCH
from .streams import Source

_CHECKED: Final = ("bzip2", "snappy", "xz")
"""Codecs whose data have a checksum."""
_SCHEMA_KEY: Final = b"avro.schema"
_MAX_TRIES: Final = 30
"""Blocks that are decoded to find out whether they are some."""


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


def find_header(source: Source, schema: str | None = None, codec: str | None = None) -> tuple[Header, list[str]]:
    """The header of a file, made anew where it is damaged, and what was assumed for that; the source is then after it.

    ``schema`` (JSON) and ``codec`` are taken instead of what the header says. Without them, a header that can be read, whose
    sync marker comes again in the file, and whose codec some block decodes with, is taken as it is.

    Raises:
        BadAvro: if the header is damaged, and either there is no schema, or no block that is of it.

    """
    window = source.peek(limits.MAX_HEADER)
    header, error = readable(window, source.name)
    text = schema or (header.text if header else _schema_in(window))
    if text is None:
        raise BadAvro(f"{error}; the JSON of its schema is damaged, too: give the `schema`")
    old = header.codec if header else None
    choices = [codec] if codec else sorted(CODECS, key=lambda name: name != old)  # the header's own first
    meta = header.meta if header else {}
    try:
        model = made(text, choices[0], bytes(SYNC_SIZE), meta, source.name)
    except BadAvro as unusable:
        raise BadAvro(f"{unusable}{'' if schema else '; give the `schema`'}") from None
    if header and window.find(header.sync, header.end) >= 0:
        best = _guessed(window, header, model, choices) or codec or header.codec
        found: tuple[int, bytes, str] | None = header.end, header.sync, best
    else:
        found = search(window, model, choices, whole=source.ended and len(source.ahead) == len(window))
    if found is None:
        if header is None:
            raise BadAvro(f"{error}; no block of {'the' if schema else 'its'} schema was found, either")
        found = header.end, header.sync, codec or header.codec
    begin, sync, codec = found
    if header is not None:
        begin = header.end  # what is between there and the first good block is a block's, and lost
    notes = [f"damaged header: {str(error).removeprefix(f'{source.name}: ')}"] if header is None else []
    if schema is None and header is None:
        notes.append("its schema is taken from the JSON that is still there")
    if header is None or codec != header.codec:
        notes.append(f"the codec is taken to be {codec}")
    if header is None or (begin, sync) != (header.end, header.sync):
        notes.append(f"the sync marker is taken to be {sync.hex()}, and blocks to start at offset {begin}")
    if codec not in CODECS:
        raise InputError(f"{source.name}: unknown codec {codec!r}")
    source.skip(begin)
    return made(text, codec, sync, meta, source.name)._replace(end=begin), notes


def readable(window: bytes, name: str) -> tuple[Header | None, BadAvro | None]:
    """The header that a file starts with, or what is wrong with it."""
    try:
        return containers.read_header(Source(io.BytesIO(window), name)), None
    except BadAvro as error:
        return None, error


def made(text: str, codec: str, sync: bytes, meta: dict[str, bytes], name: str) -> Header:
    """A header of these parts.

    Raises:
        BadAvro: if the schema is none, or one that cannot be decoded safely.

    """
    file = io.BytesIO()
    parts = {**meta, "avro.schema": text.encode(), "avro.codec": codec.encode()}
    file.write(MAGIC + pack(parts, META) + sync)
    file.seek(0)
    return containers.read_header(Source(file, name))


def _schema_in(window: bytes) -> str | None:
    """The first JSON object or array of a damaged header, if its length or the metadata's key of schemas stands before it.

    A part of a schema is mostly a schema, too: of JSON that is not in one piece nothing is taken.
    """
    starts = [at for at in (window.find(b"{"), window.find(b"[")) if at >= 0]
    if not starts:
        return None
    start = min(starts)
    with suppress(ValueError, RecursionError):
        end = json.JSONDecoder().raw_decode(window[start:].decode("utf-8", "surrogateescape"))[1]
        text = window[start:].decode("utf-8", "surrogateescape")[:end]
        size = long(len(text.encode("utf-8", "surrogateescape")))
        before = window[:start]
        if before.endswith(size) or before[: -len(size)].endswith(_SCHEMA_KEY):
            return text.encode("utf-8", "surrogateescape").decode()
    return None


def _guessed(window: bytes, header: Header, model: Header, choices: Sequence[str]) -> str | None:
    """The first codec that any of the first blocks decodes with; None if there is none."""
    source = Source(io.BytesIO(window), "")
    source.read(header.end)
    frames = list(islice((frame for frame in _sound(source, header)), _MAX_TRIES))
    return next((codec for codec in choices for frame in frames if fits(frame, model, codec)), None)


def _sound(source: Source, header: Header) -> Iterator[Frame]:
    """The blocks whose frame is right."""
    for block in containers.read_frames(source, header._replace(codec="")):
        if isinstance(block, Frame):
            yield block
        else:
            skip(source, header.sync, None)


def fits(frame: Frame, model: Header, codec: str) -> bool:
    """Whether a block is a good one with a codec; without the codec's package, it is not."""
    try:
        return decodes(Decoder(model), frame, model._replace(codec=codec)) is None
    except BigDataDemosError:
        return False


def search(window: bytes, model: Header, choices: Sequence[str], *, whole: bool) -> tuple[int, bytes, str] | None:
    """Where blocks start, their sync marker and their codec, by the first block that decodes; None if there is none.

    A block's last 16 bytes are a sync marker if they are before the block, too, or end the next block, too, or the file
    (``window`` is all of it, if it is ``whole``).
    """
    tries = 0
    for at in range(min(len(window), MAX_SEARCH)):
        count, start, end = _extent(window, at)
        if not count:
            continue
        sync = window[end : end + SYNC_SIZE]
        _, _, after = _extent(window, end + SYNC_SIZE)
        again = window.startswith(sync, after) or window.endswith(sync, 0, at)
        if not (again or (whole and end + SYNC_SIZE == len(window))):
            continue
        frame = Frame(at, count, window[start:end], start - at)
        for codec in choices:
            if fits(frame, model, codec):
                return min(window.find(sync) + SYNC_SIZE, at), sync, codec
        tries += 1
        if tries == _MAX_TRIES:
            break
    return None


def _extent(window: bytes, at: int) -> tuple[int, int, int]:
    """The count of what would be a block at an offset, and where its data start and end.

    The count is 0 if there are no two positive lengths, or the bytes do not go that far; then data end where there is nothing.
    """
    if at < len(window) and window[at] and not window[at] & 1:  # odd: a negative count; most offsets end here
        count, size, front = _longs(window[at : at + containers.LONGS])
        if 0 < count <= limits.MAX_BLOCK and 0 < size <= len(window) - at - front - SYNC_SIZE:
            return count, at + front, at + front + size
    return 0, 0, len(window)


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
            gap, ends = _to_sync(source, header.sync)
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
        for _ in decoder.read(frame.records, decompress(frame.packed, header.codec)):
            pass
    except InputError:
        raise
    except Exception as error:
        return containers.reason(error)
    return None


def _to_sync(source: Source, sync: bytes) -> tuple[bytes, bool]:
    """The bytes before the next sync marker, and whether the file ends instead; not more than a block may have."""
    limit = limits.MAX_BLOCK + containers.LONGS + SYNC_SIZE
    found = source.find(sync, limit)
    return source.peek(min(limit, len(source.ahead)) if found < 0 else found), found < 0 and source.ended


def skip(source: Source, sync: bytes, used: int | None) -> None:
    """Go on after so many bytes, or after the next sync marker."""
    if used is None:
        skip_to_sync(source, sync)
    else:
        source.skip(used)


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
    data = decompress_partly(frame.packed, header.codec)
    if header.codec in _CHECKED:
        with suppress(Exception):
            data = decompress(frame.packed, header.codec)
            number, end, wrong = prefix(decoder, len(data), data)
            if end == len(data):  # and then it cannot decode any more
                return Salvage(number, data, f"the block has {number} records, and says {frame.records}", 0)
            error = wrong or error
    number, end, wrong = prefix(decoder, frame.records, data)
    more = not wrong and end < len(data) < limits.MAX_BLOCK  # than the count says: nobody knows how many
    if not doubtful:
        return Salvage(0, b"", error, None if more else frame.records)
    return Salvage(number, data[:end], f"{error} (the records kept may be wrong)", None if more else frame.records - number)


def between(decoder: Decoder, block: BadBlock, header: Header, gap: bytes, *, ends: bool, doubtful: bool) -> Salvage:
    """What can be had of the bytes from where a block starts up to the next sync marker, or to the file's end."""
    count, size, front = _longs(gap)
    for packed, used in candidates(gap, count, size, front):
        frame = Frame(block.offset, count, packed, front)
        if count > 0 and decodes(decoder, frame, header) is None:
            data = decompress(packed, header.codec)
            return Salvage(count, data, f"{block.detail}; all of its {count} records are there", 0, used)
    if not 0 < count <= limits.MAX_BLOCK or front > len(gap):
        return Salvage(0, b"", block.detail, None)
    cut = ends and front < len(gap) < front + size + SYNC_SIZE and 0 < size <= limits.MAX_BLOCK
    if not (cut or doubtful):
        return Salvage(0, b"", block.detail, None)
    data = decompress_partly(gap[front : front + size] if size > 0 else gap[front:], header.codec)
    number, end, _ = prefix(decoder, count, data)
    note = "" if cut else " (the records kept may be wrong)"
    return Salvage(number, data[:end], block.detail + note, count - number if cut else None)


def _longs(gap: bytes) -> tuple[int, int, int]:
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
        yield gap[front : front + size], min(front + size + SYNC_SIZE, len(gap))
    after_count = len(long(count)) if count > 0 else 0
    for width in range(1, 6):  # bytes of the size, which is that of what follows
        rest = len(gap) - after_count - width
        if after_count and rest > 0 and len(long(rest)) == width and rest != size:
            yield gap[after_count + width :], None
