"""Repair of container files: keeps the good blocks, byte for byte, and the good records of some damaged blocks.

A block is good if it decodes to its record count and no data are left. After a damaged block, reading continues at the next
sync marker. Records of a damaged block are kept if they are known to be good:

- *Only the frame is damaged.* The data up to the next sync marker decode to the record count, or the size is right and the
  sync marker is damaged: all records are kept. The same holds if only the count is wrong, and the checksum of the codec
  (bzip2, snappy, xz) confirms the data.
- *The file ends inside the block.* Complete records at the beginning of the block are kept.
- *Anything else*: bytes were changed or are missing at an unknown place, so even records that decode may be wrong. They are
  dropped unless ``doubtful`` is set.

Codecs without a checksum (null, mostly deflate, zstandard) do not reveal a changed byte that results in other valid records.

A damaged header is reconstructed (:func:`find_header`): the sync marker is the one before and after a block that decodes, the
codec is the one with which it decodes, and the schema is given, or its JSON is still intact.
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

_CHECKED: Final = ("bzip2", "snappy", "xz")  # codecs with a checksum
_SCHEMA_KEY: Final = b"avro.schema"
_MAX_TRIES: Final = 30  # blocks that are decoded to find the codec or the first block


class Loss(NamedTuple):
    """A damaged place: its start and end offsets, the reason, and the number of records kept.

    ``lost`` is the number of records lost, or None if it is unknown.
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
    """The encoded records that were saved from a damaged block, and the reason for the damage; ``lost`` as in :class:`Loss`."""

    records: int
    data: bytes
    detail: str
    lost: int | None
    used: int | None = None  # length of the block, if it does not extend to the next sync marker


def find_header(source: Source, schema: str | None = None, codec: str | None = None) -> tuple[Header, list[str]]:
    """Return the header, reconstructed where it is damaged, and the assumptions made; the source is then positioned after it.

    ``schema`` (JSON) and ``codec`` replace those of the header. Without them, a readable header is used unchanged if its sync
    marker occurs again in the file and its codec decodes a block.

    Raises BadAvro if the header is damaged, and there is no schema or no block that it decodes.
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
        layout: tuple[int, bytes, str] | None = header.end, header.sync, best
    else:
        layout = search(window, model, choices, whole=source.ended and len(source.ahead) == len(window))
    if layout is None:
        if header is None:
            raise BadAvro(f"{error}; no block of {'the' if schema else 'its'} schema was found, either")
        layout = header.end, header.sync, codec or header.codec
    begin, sync, codec = layout
    if header is not None:
        begin = header.end  # bytes before the first good block belong to a damaged block
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
    """Return the header at the start of a file, or the error."""
    try:
        return containers.read_header(Source(io.BytesIO(window), name)), None
    except BadAvro as error:
        return None, error


def made(text: str, codec: str, sync: bytes, meta: dict[str, bytes], name: str) -> Header:
    """Build a header from its parts. Raises BadAvro if the schema is invalid or cannot be decoded safely."""
    file = io.BytesIO()
    parts = {**meta, "avro.schema": text.encode(), "avro.codec": codec.encode()}
    file.write(MAGIC + pack(parts, META) + sync)
    file.seek(0)
    return containers.read_header(Source(file, name))


def _schema_in(window: bytes) -> str | None:
    """Return the first JSON object or array of a damaged header, if its length or the key ``avro.schema`` precedes it.

    Incomplete JSON is not used, because parts of a schema are often valid schemas.
    """
    start = min((at for at in (window.find(b"{"), window.find(b"[")) if at >= 0), default=len(window))
    with suppress(ValueError, RecursionError):
        text = window[start:].decode("utf-8", "surrogateescape")
        end = json.JSONDecoder().raw_decode(text)[1]
        packed = text[:end].encode("utf-8", "surrogateescape")
        size, before = long(len(packed)), window[:start]
        if before.endswith(size) or before[: -len(size)].endswith(_SCHEMA_KEY):
            return packed.decode()
    return None


def _guessed(window: bytes, header: Header, model: Header, choices: Sequence[str]) -> str | None:
    """Return the first codec that decodes any of the first blocks, or None."""
    source = Source(io.BytesIO(window), "")
    source.read(header.end)
    frames = list(islice(_sound(source, header), _MAX_TRIES))
    return next((codec for codec in choices for frame in frames if fits(frame, model, codec)), None)


def _sound(source: Source, header: Header) -> Iterator[Frame]:
    for block in containers.read_frames(source, header._replace(codec="")):
        if isinstance(block, Frame):
            yield block
        else:
            skip(source, header.sync, None)


def fits(frame: Frame, model: Header, codec: str) -> bool:
    """Whether a block decodes with a codec; False if the codec's package is not installed."""
    try:
        return decodes(Decoder(model), frame, model._replace(codec=codec)) is None
    except BigDataDemosError:
        return False


def search(window: bytes, model: Header, choices: Sequence[str], *, whole: bool) -> tuple[int, bytes, str] | None:
    """Search for a block that decodes. Return the offset where blocks start, their sync marker and their codec, or None.

    The last 16 bytes of a block are accepted as a sync marker if they also precede the block, end the next block, or end the file
    (if ``window`` is the ``whole`` file).
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
    """Return the count of a possible block at an offset, and the start and end of its data; the count is 0 if there is none."""
    if at < len(window) and window[at] and not window[at] & 1:  # odd bytes start a negative count; most offsets fail here
        count, size, front = _longs(window[at : at + containers.LONGS])
        if 0 < count <= limits.MAX_BLOCK and 0 < size <= len(window) - at - front - SYNC_SIZE:
            return count, at + front, at + front + size
    return 0, 0, len(window)


def repair(source: Source, header: Header, writer: Writer, *, doubtful: bool = False) -> Iterator[Loss]:
    """Copy good blocks and yield the losses in file order. The writer must have the header's codec and sync marker.

    Raises InputError if the codec's package is not installed.
    """
    decoder = Decoder(header)
    for block in containers.read_frames(source, header):
        if isinstance(block, Frame):
            error = decodes(decoder, block, header)
            if error is None:
                writer.copy(block.records, block.packed)
                continue
            salvage = inside(decoder, block, header, error, doubtful=doubtful)
            end = block.end
        else:
            gap, ends = _to_sync(source, header.sync)
            salvage = between(decoder, block, header, gap, ends=ends, doubtful=doubtful)
            skip(source, header.sync, salvage.used)
            end = source.tell()
        if salvage.records:
            writer.write_block(salvage.records, salvage.data)
        yield Loss(block.offset, end, salvage.detail, salvage.records, salvage.lost)
    writer.flush()


def decodes(decoder: Decoder, frame: Frame, header: Header) -> str | None:
    """Return None if a block is good, otherwise the reason."""
    try:
        for _ in decoder.read(frame.records, decompress(frame.packed, header.codec)):
            pass
    except InputError:
        raise
    except Exception as error:
        return containers.reason(error)
    return None


def _to_sync(source: Source, sync: bytes) -> tuple[bytes, bool]:
    """Return the bytes before the next sync marker, at most as many as a block may have, and whether the file ends instead."""
    limit = limits.MAX_BLOCK + containers.LONGS + SYNC_SIZE
    size = source.find(sync, limit)
    return source.peek(min(limit, len(source.ahead)) if size < 0 else size), size < 0 and source.ended


def skip(source: Source, sync: bytes, used: int | None) -> None:
    """Skip ``used`` bytes, or to the byte after the next sync marker if it is None."""
    if used is None:
        skip_to_sync(source, sync)
    else:
        source.skip(used)


def prefix(decoder: Decoder, count: int, data: bytes) -> tuple[int, int, str]:
    """Return how many of ``count`` records decode, the offset where the last one ends, and the error, if any."""
    number = end = 0
    try:
        for end, _ in decoder.position(min(count, len(data)), data):  # noqa: B007
            number += 1
    except Exception as error:
        return number, end, containers.reason(error)
    return number, end, ""


def inside(decoder: Decoder, frame: Frame, header: Header, error: str, *, doubtful: bool) -> Salvage:
    """Save records of a block whose frame is intact, but whose count or data are damaged."""
    data = decompress_partly(frame.packed, header.codec)
    if header.codec in _CHECKED:
        with suppress(Exception):
            data = decompress(frame.packed, header.codec)
            number, end, wrong = prefix(decoder, len(data), data)
            if end == len(data):
                return Salvage(number, data, f"the block has {number} records, and says {frame.records}", 0)
            error = wrong or error
    number, end, wrong = prefix(decoder, frame.records, data)
    more = not wrong and end < len(data) < limits.MAX_BLOCK  # the count is too low, by an unknown number
    if not doubtful:
        return Salvage(0, b"", error, None if more else frame.records)
    return Salvage(number, data[:end], f"{error} (the records kept may be wrong)", None if more else frame.records - number)


def between(decoder: Decoder, block: BadBlock, header: Header, gap: bytes, *, ends: bool, doubtful: bool) -> Salvage:
    """Save records of a block with a damaged frame; ``gap`` has the bytes up to the next sync marker or the end of the file."""
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
    """Return a block's count and size, -1 for each that is missing, and how many bytes they take."""
    file = io.BytesIO(gap[: containers.LONGS])
    longs = [-1, -1]
    with suppress(Exception):
        for i in range(2):
            value: Any = fastavro.schemaless_reader(file, {"type": "long"}, None)
            longs[i] = value
    return longs[0], longs[1], file.tell()


def candidates(gap: bytes, count: int, size: int, front: int) -> Iterator[tuple[bytes, int | None]]:
    """Yield the possible data of a block with a damaged sync marker or size, and its length if not up to the next sync marker."""
    if 0 < size <= len(gap) - front:
        yield gap[front : front + size], min(front + size + SYNC_SIZE, len(gap))
    after_count = len(long(count)) if count > 0 else 0
    for width in range(1, 6):  # bytes that encode the size of the rest
        rest = len(gap) - after_count - width
        if after_count and rest > 0 and len(long(rest)) == width and rest != size:
            yield gap[after_count + width :], None
