"""Damaged container files: whatever the damage, records that are equal, or an error that names file and offset."""

import contextlib
import importlib.util
import io
import json
import os
import sys
import zlib
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bigdata_demos.avro import binary, codecs, containers, limits
from bigdata_demos.avro.limits import MAX_SEARCH
from bigdata_demos.avro.repair import Loss, find_header, repair
from bigdata_demos.avro.streams import Source
from bigdata_demos.errors import BadAvro, InputError

SCHEMA = {
    "type": "record",
    "name": "Page",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "url", "type": ["null", "string"]},
        {"name": "links", "type": {"type": "array", "items": "string"}},
    ],
}
BLOCKS, EACH = 6, 5
RECORDS = [
    {"id": i, "url": f"http://a.example/{i}" if i % 3 else None, "links": [f"/{j}" for j in range(i % 4)]}
    for i in range(BLOCKS * EACH)
]
SYNC = bytes(range(200, 216))
PACKAGES = {"snappy": "cramjam", "zstandard": "compression" if sys.version_info >= (3, 14) else "backports"}
CODECS = [codec for codec in codecs.CODECS if codec not in PACKAGES or importlib.util.find_spec(PACKAGES[codec])]
UNCHECKED = ("null", "deflate", "zstandard")  # codecs without a checksum


def container(codec: str) -> bytes:
    """All records, five a block."""
    file = io.BytesIO()
    writer, encode = containers.Writer(file, json.dumps(SCHEMA), codec=codec, sync=SYNC), containers.Encoder(SCHEMA)
    for number, record in enumerate(RECORDS, 1):
        writer.write(encode(record))
        if number % EACH == 0:
            writer.flush()
    return file.getvalue()


FILES = {codec: container(codec) for codec in CODECS}


def frames(content: bytes) -> list[containers.Frame]:
    """The blocks of a whole file."""
    source = Source(io.BytesIO(content), "x.avro")
    return list(containers.sound_frames(source, containers.read_header(source)))


def decoded(content: bytes) -> list[Any]:
    """All records, as plain dicts: what is wrong is raised."""
    source = Source(io.BytesIO(content), "x.avro")
    return list(containers.read_records(source, containers.read_header(source)))


def mended(content: bytes, *, doubtful: bool = False) -> tuple[list[Any], list[Loss]]:
    """The records of the repaired file, as fastavro itself reads them, and what was lost."""
    found, losses, _ = beheaded(content, doubtful=doubtful)
    return found, losses


def beheaded(
    content: bytes, schema: Any = None, codec: str | None = None, *, doubtful: bool = False
) -> tuple[list[Any], list[Loss], list[str]]:
    """:func:`mended`, and what was assumed for the header."""
    source, file = Source(io.BytesIO(content), "x.avro"), io.BytesIO()
    header, notes = find_header(source, schema and json.dumps(schema), codec)
    text = header.text
    writer = containers.Writer(file, text, codec=header.codec, meta=header.meta, sync=header.sync)
    losses = list(repair(source, header, writer, doubtful=doubtful))
    file.seek(0)
    return list(fastavro.reader(file)), losses, notes


@pytest.mark.parametrize("codec", CODECS)
def test_whole_file(codec: str) -> None:
    """Is read as fastavro reads it, and repaired to itself."""
    content = FILES[codec]
    assert decoded(content) == RECORDS == list(fastavro.reader(io.BytesIO(content)))
    assert mended(content) == (RECORDS, [])


@pytest.mark.parametrize("codec", CODECS)
def test_truncated_at_every_byte(codec: str) -> None:
    """A beginning of the records, and an error, unless the cut is between blocks; repair keeps no fewer than whole blocks."""
    content = FILES[codec]
    blocks = frames(content)
    ends = {blocks[0].offset, *(block.end for block in blocks)}
    for size in range(len(content) if codec in ("null", "deflate") else 0, 0, -1):
        cut = content[:size]
        if size < blocks[0].offset:
            with pytest.raises(BadAvro, match=r"x\.avro"):
                mended(cut)
            continue
        whole = sum(block.end <= size for block in blocks) * EACH
        if size in ends:
            assert decoded(cut) == RECORDS[:whole]
        else:
            with pytest.raises(BadAvro, match=f"offset {max(end for end in ends if end < size)}"):
                decoded(cut)
        found, losses = mended(cut)
        assert found == RECORDS[: len(found)]
        assert len(found) >= whole
        assert len(losses) == (size not in ends)
        if losses and losses[0].lost is not None:
            assert len(found) + losses[0].lost == whole + EACH


def test_truncated_block_keeps_its_beginning() -> None:
    """Of codec null, each record that is there in full."""
    content = FILES["null"]
    last = frames(content)[-1]
    found, [loss] = mended(content[: last.end - 16 - 3])
    assert found == RECORDS[:-1]
    assert (loss.kept, loss.lost, loss.start) == (EACH - 1, 1, last.offset)


@pytest.mark.parametrize("codec", CODECS)
def test_damaged_sync_marker(codec: str) -> None:
    """Costs nothing: the block's size leads to the next one."""
    content = bytearray(FILES[codec])
    for block in (frames(FILES[codec])[1], frames(FILES[codec])[2], frames(FILES[codec])[-1]):
        content[block.end - 7] ^= 4
    found, losses = mended(bytes(content))
    assert found == RECORDS
    assert [(loss.kept, loss.lost) for loss in losses] == [(EACH, 0)] * 3
    with pytest.raises(BadAvro, match="no sync marker"):
        decoded(bytes(content))


@pytest.mark.parametrize("codec", CODECS)
def test_damaged_size(codec: str) -> None:
    """Costs nothing: the data end where the next sync marker is."""
    block = frames(FILES[codec])[2]
    for change in (2, 4, 16):
        content = bytearray(FILES[codec])
        content[block.offset + 1] ^= change
        found, [loss] = mended(bytes(content))
        assert found == RECORDS
        assert (loss.start, loss.end, loss.lost) == (block.offset, block.end, 0)


def test_damaged_count() -> None:
    """Costs nothing if a checksum says that the data are right; otherwise the block is lost."""
    for codec, kept in (("bzip2", EACH), ("xz", EACH), ("null", 0), ("deflate", 0)):
        block = frames(FILES[codec])[2]
        content = bytearray(FILES[codec])
        content[block.offset] ^= 4
        found, [loss] = mended(bytes(content))
        assert len(found) == len(RECORDS) - EACH + kept
        assert loss.kept == kept


def test_damaged_data() -> None:
    """Cost their block; its beginning is kept if asked for."""
    block = frames(FILES["null"])[2]
    content = bytearray(FILES["null"])
    content[block.end - 17] ^= 0x10  # the end of the last record's array: now it has more items
    found, [loss] = mended(bytes(content))
    assert found == RECORDS[: 2 * EACH] + RECORDS[3 * EACH :]
    assert (loss.kept, loss.lost, loss.start, loss.end) == (0, EACH, block.offset, block.end)
    found, [loss] = mended(bytes(content), doubtful=True)
    assert found == RECORDS[: 3 * EACH - 1] + RECORDS[3 * EACH :]
    assert "may be wrong" in loss.detail


def test_bytes_missing_and_bytes_too_many() -> None:
    """Cost the block that they are in, not those after it."""
    for codec in CODECS:
        blocks = frames(FILES[codec])
        middle = (blocks[2].offset + blocks[2].end) // 2
        for content in (
            FILES[codec][:middle] + FILES[codec][middle + 9 :],
            FILES[codec][:middle] + b"\0" * 5000 + FILES[codec][middle:],
            FILES[codec][: blocks[2].offset] + b"garbage" + FILES[codec][blocks[2].offset :],
        ):
            found, losses = mended(content)
            assert found == RECORDS[: 2 * EACH] + RECORDS[3 * EACH :]
            assert [loss.kept for loss in losses] == [0]


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_damaged_header(codec: str) -> None:
    """Each byte of it, flipped and overwritten: with the schema all is repaired, without it all, or it says that it cannot be.

    A name that is changed is another name: then the records have the same values.
    """
    content = FILES[codec]
    size = frames(content)[0].offset
    repaired = 0
    for at in range(size):
        for byte in (content[at] ^ 1, content[at] ^ 0xFF):
            damaged = content[:at] + bytes([byte]) + content[at + 1 :]
            found, losses, _ = beheaded(damaged, SCHEMA)
            assert (found, losses) == (RECORDS, []), at
            try:
                found, losses, notes = beheaded(damaged)
            except BadAvro as error:
                assert "x.avro: " in str(error)  # noqa: PT017
                assert "give the schema" in str(error) or "no block" in str(error)  # noqa: PT017
                continue
            repaired += 1
            assert [list(record.values()) for record in found] == [list(record.values()) for record in RECORDS]
            assert losses == []
            if at < 4 or at >= size - 16:
                assert notes
    assert repaired > size // 3


def test_file_without_its_header() -> None:
    """Without any of it, or with bytes of something else before: blocks are found by themselves."""
    for codec in CODECS:
        first = frames(FILES[codec])[0].offset
        for content in (FILES[codec][first - 16 :], FILES[codec][first:], b"\2\4" * 9 + FILES[codec][first - 16 :]):
            found, losses, notes = beheaded(content, SCHEMA)
            assert (found, losses) == (RECORDS, [])
            assert f"the codec is taken to be {codec}" in notes
            assert any(SYNC.hex() in note for note in notes)
        assert beheaded(FILES[codec][first:], SCHEMA, codec)[0] == RECORDS
    with pytest.raises(BadAvro, match="give the schema"):
        beheaded(FILES["null"][first:])


def test_damaged_header_of_one_block() -> None:
    """The marker at the file's end is enough."""
    for codec in CODECS:
        [*_, last] = frames(FILES[codec])
        content = FILES[codec][last.offset :]
        found, losses, _ = beheaded(content, SCHEMA)
        assert (found, losses) == (RECORDS[-EACH:], [])


def test_damaged_header_and_blocks() -> None:
    """What was lost of the blocks is told as always."""
    for codec in CODECS:
        blocks = frames(FILES[codec])
        content = bytearray(FILES[codec])
        content[0] ^= 1
        content[blocks[0].offset + 9] ^= 0x55
        content[blocks[3].offset + 9] ^= 0x55
        found, losses, _ = beheaded(bytes(content), SCHEMA)
        kept = [record for record in found if record in RECORDS]
        assert len(kept) >= len(RECORDS) - 2 * EACH
        assert len(losses) == 2 or codec in UNCHECKED


def test_header_that_says_another_codec() -> None:
    """The one that the blocks decode with is taken; one that is asked for is taken as it is."""
    for codec in ("null", "bzip2"):
        other = "nullx" if codec == "null" else "bzip3"
        content = FILES[codec].replace(
            binary.string("avro.codec") + binary.string(codec), binary.string("avro.codec") + binary.string(other)
        )
        found, losses, notes = beheaded(content)
        assert (found, losses, notes) == (RECORDS, [], [f"the codec is taken to be {codec}"])
    found, losses, _ = beheaded(FILES["bzip2"], None, "deflate")
    assert found == []
    assert len(losses) == BLOCKS
    empty = hostile(0, 0, b"", "nosuch")
    with pytest.raises(InputError, match="unknown codec 'nosuch'"):
        beheaded(empty[: -(2 + 16)])


@pytest.mark.parametrize("codec", ["null", "bzip2"])
def test_damaged_marker_and_first_block(codec: str) -> None:
    """The header's marker and the block after it are damaged: that block is told of."""
    content = bytearray(container(codec))
    header = containers.read_header(Source(io.BytesIO(bytes(content)), "x"))
    content[header.end - 4 : header.end + 6] = bytes(10)
    source = Source(io.BytesIO(bytes(content)), "x.avro")
    found, _ = find_header(source)
    file = io.BytesIO()
    writer = containers.Writer(file, found.text, codec=found.codec, sync=found.sync)
    losses = list(repair(source, found, writer))
    assert [loss.start for loss in losses] == [header.end]
    assert 0 < writer.records < len(decoded(container(codec)))
    assert not losses[0].complete


@pytest.mark.parametrize("count", [0, 1])
def test_count_that_is_too_small(count: int) -> None:
    """Without a checksum nobody knows how many records are lost, and none at all is not said."""
    content = container("null")
    first = frames(content)[0]
    small = content[: first.offset] + binary.long(count) + content[first.offset + len(binary.long(first.records)) :]
    _, [loss] = mended(small)
    assert (loss.kept, loss.lost, loss.complete) == (0, None, False)
    _, [loss] = mended(small, doubtful=True)
    assert (loss.kept, loss.lost, loss.complete) == (count, None, False)


def test_no_blocks_of_the_schema() -> None:
    """Is said, and nothing is made of what may be anything; however long the file is."""
    content = b"x" + FILES["deflate"][1:]
    with pytest.raises(BadAvro, match="no block of the schema"):
        beheaded(content, {"type": "fixed", "name": "F", "size": 3})
    for junk in (bytes(1 << 20), b"\2\2" * (1 << 19), os.urandom(1 << 20), b"\2\x80\x80\x40" * (1 << 18)):
        with pytest.raises(BadAvro, match="no block of the schema"):
            beheaded(junk, SCHEMA)
    assert MAX_SEARCH < limits.MAX_HEADER


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(CODECS), st.data())
def test_bit_flips(codec: str, data: st.DataObject) -> None:
    """Equal records, or BadAvro. With codecs that have no checksum, and in the schema: maybe others."""
    content = bytearray(FILES[codec])
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    header = at < frames(FILES[codec])[0].offset
    try:
        records = decoded(bytes(content))
    except BadAvro as error:
        assert "x.avro" in str(error)  # noqa: PT017
    else:
        assert records == RECORDS or header or codec in UNCHECKED
    if not header:
        found, losses = mended(bytes(content))
        assert len(losses) <= 1
        kept = [record for record in found if record in RECORDS]
        assert len(kept) >= len(RECORDS) - EACH
        assert codec in UNCHECKED or len(kept) == len(found)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(CODECS))
def test_any_bytes_after_a_header(junk: bytes, codec: str) -> None:
    """Never anything but records or BadAvro; repair comes to its end."""
    content = FILES[codec][: frames(FILES[codec])[0].offset] + junk
    with contextlib.suppress(BadAvro):
        decoded(content)
    mended(content)
    mended(content + FILES[codec][frames(FILES[codec])[0].offset :])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_as_a_header(junk: bytes) -> None:
    """Never anything but BadAvro."""
    for content in (junk, containers.MAGIC + junk):
        with pytest.raises(BadAvro):
            containers.read_header(Source(io.BytesIO(content), "x.avro"))


def hostile(count: int, size: int, data: bytes, codec: str = "null", schema: Any = SCHEMA) -> bytes:
    """A file of one block that says of itself what it likes."""
    meta = {"avro.schema": json.dumps(schema).encode(), "avro.codec": codec.encode()}
    header = containers.MAGIC + binary.pack(meta, {"type": "map", "values": "bytes"}) + SYNC
    return header + binary.long(count) + binary.long(size) + data + SYNC


def deflated(data: bytes) -> bytes:
    """As Avro has it: without zlib's header."""
    return zlib.compress(data, 9, -15)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (hostile(-1, 4, b"\2\0\0\0"), "a block of -1 records"),
        (hostile(1, -4, b"\2\0\0\0"), "-4 bytes"),
        (hostile(1, 1 << 40, b"\2\0\0\0"), "bytes"),
        (hostile(1 << 62, 4, b"\2\0\0\0"), "records in 4 bytes"),
        (hostile(1 << 62, len(deflated(bytes(99))), deflated(bytes(99)), "deflate"), "records in 99 bytes"),
        (hostile(1, 4, b"\2\0\0\0", "nosuch"), "unknown codec"),
        (hostile(1, 4, b"\2\0\1\xff"), "record 1 of 1"),
        (hostile(1, 4, b"\2\0\0\0", schema={"type": "array", "items": "null"}), "invalid schema"),
        (hostile(1, 4, b"\2\0\0\0", schema="null"), "invalid schema"),
        (containers.MAGIC + binary.long(1) + binary.long(1 << 50), "damaged header"),
        (containers.MAGIC + binary.long(-(1 << 63)) + b"\2" * 99, "damaged header"),
    ],
)
def test_hostile(content: bytes, words: str) -> None:
    """Refused at once, in one line with the file's name."""
    with pytest.raises(BadAvro, match=words) as caught:
        decoded(content)
    assert str(caught.value).startswith("x.avro: ")
    assert "\n" not in str(caught.value)


def test_many_markers_cost_no_more_than_their_bytes() -> None:
    """Each is followed by a block that says it is large: what is ahead is read once."""
    start = hostile(0, 0, b"")
    content = start + (binary.long(3) + binary.long(500_000) + SYNC) * 40_000
    found, losses = mended(content)
    assert found == []
    assert sum(loss.end - loss.start for loss in losses) == len(content) - len(start)


def test_memory_does_not_grow_with_the_file() -> None:
    """A pipe of any length is read block by block."""
    import tracemalloc

    content = FILES["deflate"]
    first = frames(content)[0].offset

    class Endless(io.RawIOBase):
        left, at = 2000, 0
        rest = content

        def read(self, size: int = -1) -> bytes:
            if not self.rest and self.left:
                self.left -= 1
                self.rest = content[first:]
            found, self.rest = self.rest[:size], self.rest[size:]
            return found

    tracemalloc.start()
    source: Any = Source(Endless(), "pipe")  # type: ignore[arg-type]
    header = containers.read_header(source)
    counted = sum(frame.records for frame in containers.sound_frames(source, header))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counted == 2001 * len(RECORDS)
    assert peak < 4 << 20


def test_random_file_is_no_avro(tmp_path: Any) -> None:
    """The first thing that is said of it."""
    with pytest.raises(BadAvro, match="not an Avro container file"):
        containers.read_header(Source(io.BytesIO(os.urandom(1000)), "x.avro"))
