"""Avro container files made to break their readers, by their schema or by their blocks; and harmless ones that look like it."""

import bz2
import io
import json
import lzma
import subprocess
import sys
import zlib
from collections.abc import Callable
from typing import Any

import fastavro
import pytest

from bigdata_demos.avro import binary, containers, limits
from bigdata_demos.avro.streams import Source
from bigdata_demos.avro.values import untagged
from bigdata_demos.errors import BadAvro

PAGE = {"type": "record", "name": "Page", "fields": [{"name": "url", "type": "string"}]}
PAGES = [{"url": f"http://a.example/{i}"} for i in range(3)]


def container(schema: Any, count: int, data: bytes, codec: str = "null") -> bytes:
    """A container file of one block, which may hold anything."""
    meta = {"avro.schema": json.dumps(schema).encode(), "avro.codec": codec.encode()}
    frame = binary.pack(count, {"type": "long"}) + binary.pack(data, {"type": "bytes"})
    return containers.MAGIC + binary.pack(meta, {"type": "map", "values": "bytes"}) + b"s" * 16 + frame + b"s" * 16


def read(content: bytes) -> list[Any]:
    """All records; what is wrong is raised."""
    source = Source(io.BytesIO(content), "x.avro")
    return [untagged(record) for record in containers.read_records(source, containers.read_header(source))]


def read_elsewhere(content: bytes) -> str:
    """What reading raises, in a process that may end of it: with 2 GB of memory and 20 seconds."""
    code = """if True:
    import io, resource, sys
    from bigdata_demos.avro import containers, streams
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    source = streams.Source(sys.stdin.buffer, "x.avro")
    try:
        for record in containers.read_records(source, containers.read_header(source)):
            pass
    except Exception as error:
        print(type(error).__name__, error)
    """
    done = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout.decode()


def record(name: str, **fields: Any) -> dict[str, Any]:
    """A record's schema."""
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields.items()]}


def wrapped(innermost: Any, count: int, **more: str) -> list[Any]:
    """A union of records, each of which has the one before."""
    first = record("R0", value=innermost)
    return [first, *(record(f"R{i}", inner=f"R{i - 1}", **dict.fromkeys(more, f"R{i - 1}")) for i in range(1, count))]


LIST = record("List", value="string", next=["null", "List"])
HOSTILE = {
    "itself": LIST,
    "itself-by-full-name": {**record("List", next=["null", "a.b.List"]), "namespace": "a.b"},
    "itself-through-another": record("A", b=["null", record("B", c={"type": "map", "values": ["null", "A"]})]),
    "itself-marked-as-parsed": {**LIST, "__fastavro_parsed": True, "__named_schemas": {"List": {"type": "string"}}},
    "itself-deep-in-an-array": record(
        "A", b={"type": "array", "items": record("B", c=["string", {"type": "array", "items": "A"}])}
    ),
    "chain-of-names": wrapped("string", 70),
    "long-chain-of-names": wrapped("string", 3_000),
    "doubling": wrapped("string", 40, again=""),
    "doubling-nothing": wrapped("null", 40, again=""),
    "array-of-null": record("A", b={"type": "array", "items": "null"}, url="string"),
    "array-of-empty-records": record("A", b={"type": "array", "items": record("B", c="null", d=record("C"))}, url="string"),
    "array-of-empty-fixed": record("A", b={"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}),
    "null": "null",
    "empty-record": record("A"),
    "named-like-a-type": record("null", b={"type": "array", "items": "null"}, url="string"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_schema(name: str) -> None:
    """Refused when the header is read, or, if it refers to itself, when data nest too deep; the process lives."""
    said = read_elsewhere(container(HOSTILE[name], 1, b"\x02" * 200_000))
    refused = "BadAvro x.avro: damaged block at offset" if name.startswith("itself") else "BadAvro x.avro: invalid schema"
    assert said.startswith(refused)
    assert not name.startswith("itself") or "nest more than" in said or "end too early" in said


def test_schemas_that_people_write() -> None:
    """A type used often, the same name in two namespaces, thirty levels of names, null and empty records outside arrays."""
    inner = {**record("Page", url="string"), "namespace": "old"}
    often = record("Often", first=record("Word", text="string"), **{f"more{i}": "Word" for i in range(500)})
    for schema, datum in (
        (
            {**record("Page", was=inner, nothing="null", empty=record("Empty")), "namespace": "new"},
            {"was": {"url": "u"}, "nothing": None, "empty": {}},
        ),
        (often, {"first": {"text": "x"}} | {f"more{i}": {"text": "y"} for i in range(500)}),
        (wrapped("string", 30), {"value": "x"}),
        (record("Page", links={"type": "array", "items": ["null", "string"]}), {"links": [None, "x"]}),
    ):
        buffer = io.BytesIO()
        fastavro.writer(buffer, schema, [datum])
        assert read(buffer.getvalue()) == [datum]


def deflate(data: bytes) -> bytes:
    """As Avro has it: without zlib's header."""
    return zlib.compress(data, wbits=-15)


CODECS: dict[str, Callable[[bytes], bytes]] = {"null": bytes, "deflate": deflate, "bzip2": bz2.compress, "xz": lzma.compress}
DATA = b"".join(binary.pack(page, fastavro.parse_schema(PAGE)) for page in PAGES)  # type: ignore[arg-type]


@pytest.mark.parametrize("codec", CODECS)
def test_count_and_data(codec: str) -> None:
    """A block has as many records as it says, neither more nor less, of all of its data."""
    pack = CODECS[codec]
    assert read(container(PAGE, 3, pack(DATA), codec)) == PAGES
    for count, data in ((2, DATA), (3, DATA + b"\0"), (0, DATA)):
        with pytest.raises(BadAvro, match=r"left after|0 records in"):
            read(container(PAGE, count, pack(data), codec))
    for count, data in ((4, DATA), (3, DATA[:-1]), (1 << 60, DATA), (1, b"")):
        with pytest.raises(BadAvro, match=r"end too early|records in \d+ bytes"):
            read(container(PAGE, count, pack(data), codec))


@pytest.mark.parametrize("codec", ["deflate", "bzip2", "xz"])
def test_decompression_bomb(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block is decompressed up to a size only; one of exactly that size is read."""
    monkeypatch.setattr(limits, "MAX_BLOCK", 1 << 26)
    datum = {"url": "x" * ((1 << 26) - 4)}
    data = binary.pack(datum, fastavro.parse_schema(PAGE))  # type: ignore[arg-type]
    assert len(data) == 1 << 26
    assert read(container(PAGE, 1, CODECS[codec](data), codec)) == [datum]
    with pytest.raises(BadAvro, match="decompressed"):
        read(container(PAGE, 1, CODECS[codec](data + b"x"), codec))


def test_decompression_bomb_of_a_gigabyte() -> None:
    """The process lives."""
    packer = zlib.compressobj(wbits=-15)
    bomb = b"".join(packer.compress(bytes(1 << 24)) for _ in range(64)) + packer.flush()
    assert "decompressed" in read_elsewhere(container(PAGE, 1, bomb, "deflate"))


def test_unknown_codec() -> None:
    """One that nobody knows is told of when the records are read."""
    with pytest.raises(BadAvro, match="nosuch"):
        read(container(PAGE, 3, DATA, "nosuch"))


def test_damaged_header() -> None:
    """The error names the file."""
    with pytest.raises(BadAvro, match=r"x\.avro"):
        read(container(PAGE, 3, DATA).replace(b"avro.schema", b"avro.sahema"))
