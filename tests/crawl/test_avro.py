"""Pages of Avro container files, and damage that costs itself only."""

import io
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.avro import binary, containers
from bigdata_demos.avro.streams import Source
from bigdata_demos.crawl import plan
from bigdata_demos.crawl.model import Page, Rejected
from bigdata_demos.errors import BadAvro
from bigdata_demos.keywords.analysis.text import extract
from tests.support.crawl import AVRO, Found, container, numbered, read, rejections, urls, write
from tests.support.texts import text_of


def avro_file(tmp_path: Path, content: bytes, split_bytes: int = plan.SPLIT_BYTES) -> list[Found]:
    """What an Avro file holds."""
    return read(write(tmp_path / "pages.avro", content), split_bytes=split_bytes)


def header_end(content: bytes) -> int:
    """Where the first block starts."""
    return containers.read_header(Source(io.BytesIO(content), "x")).end


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_codecs(tmp_path: Path, codec: str) -> None:
    """Those that need no further package."""
    assert urls(avro_file(tmp_path, container(numbered(30), codec))) == [page["url"] for page in numbered(30)]


def test_pages_as_bytes(tmp_path: Path) -> None:
    """HTML as it came from the server, with its header; and records of other schemas, as far as they are pages."""
    fields = [
        {"name": name, "type": kind}
        for name, kind in (("id", "long"), ("html", "bytes"), ("content_type", "string"), ("date", "string"))
    ]
    schema = {"type": "record", "name": "Raw", "fields": fields}
    record = {"id": 7, "html": "<p>я".encode("koi8-r"), "content_type": "text/html; charset=koi8-r", "date": "9999-12-31"}
    [found] = avro_file(tmp_path, container([record], schema=schema))
    assert found == Page("7", str(tmp_path / "pages.avro"), header_end(container([record], schema=schema)), record["html"], False, "", record["content_type"], "9999-12-31")  # type: ignore[arg-type]  # fmt: skip
    assert text_of(extract(found)) == "я"
    assert rejections(avro_file(tmp_path, container(["x", "y"], schema="string"))) == [(header_end(container(["x"], schema="string")), "", "bad-record")] * 2  # type: ignore[list-item]  # fmt: skip


def test_records_without_url(tmp_path: Path) -> None:
    """Rejected one by one; those beside them in the block are read."""
    records = [
        {"url": "a", "text": "x"},
        {"text": "nobody's"},
        {"url": "", "text": "x"},
        {"url": "b"},
        {"url": "c", "html": "<p>x"},
    ]
    content = container(records, interval=10_000)
    found = avro_file(tmp_path, content)
    assert urls(found) == ["a", "c"]
    at = header_end(content)
    assert rejections(found) == [(at, "", "bad-record"), (at, "", "bad-record"), (at, "b", "bad-record")]


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_cut_at_every_byte(tmp_path: Path, codec: str) -> None:
    """Inside the header the file is unreadable; later, each whole block is read, and the one that is not is told of, once."""
    records = numbered(12)
    content = container(records, codec)
    edges = [header_end(content)]
    while (at := content.find(bytes(range(200, 216)), edges[-1])) >= 0:
        edges.append(at + 16)
    assert len(edges) > 5
    assert edges[-1] == len(content)
    offsets = Counter(one.offset for one in avro_file(tmp_path, content))
    for cut in range(len(content)):
        found = avro_file(tmp_path, content[:cut])
        if cut < 4:
            assert urls(found) == [], cut
        elif cut < edges[0]:
            assert rejections(found) == [(0, "", "unreadable")], cut
            assert urls(found) == [], cut
        else:
            whole = [edge for edge in edges if edge <= cut]
            count = sum(offsets[edge] for edge in whole[:-1])
            assert urls(found) == [page["url"] for page in records[:count]], cut
            assert rejections(found) == ([(whole[-1], "", "bad-record")] if cut > whole[-1] else []), cut


@pytest.mark.parametrize("split_bytes", [50, plan.SPLIT_BYTES])
def test_damaged_blocks_cost_themselves_only(tmp_path: Path, split_bytes: int) -> None:
    """A byte flipped in a block's count, its size, its sync marker: its records are lost and told of; all others are read."""
    records = numbered(40)
    content = container(records, "deflate", 200)
    sync = bytes(range(200, 216))
    blocks: list[tuple[int, int]] = []
    at = header_end(content)
    while at < len(content):
        blocks.append((at, content.index(sync, at)))
        at = blocks[-1][1] + 16
    assert len(blocks) >= 5
    of_block: dict[int, set[str]] = {start: set() for start, _ in blocks}
    for one in avro_file(tmp_path, content):
        assert isinstance(one, Page)
        of_block[one.offset].add(one.url)
    everything = set().union(*of_block.values())
    assert everything == {page["url"] for page in records}
    for start, end in blocks[1:-1]:
        for spot in (start, start + 1, start + 2, end, end + 7, end + 15):
            for mask in (0x01, 0x80, 0xFF, 0x7E):
                damaged = content[:spot] + bytes([content[spot] ^ mask]) + content[spot + 1 :]
                found = avro_file(tmp_path, damaged, split_bytes)
                lost = everything - set(urls(found))
                following = next(after for after, _ in blocks if after > start)
                spared = of_block[start] | (of_block[following] if spot >= end else set())
                assert lost <= spared, (spot, mask)
                assert len(urls(found)) == len(set(urls(found)))
                assert not lost or rejections(found), (spot, mask)
                assert set(rejections(found)) <= {(place, "", "bad-record") for place, _ in blocks}, (spot, mask)


def test_records_that_are_lost_with_a_block_are_counted(tmp_path: Path) -> None:
    """Each block without its data counts as all of its records, and its place is told; a wrong count costs no more than the block."""
    content, sync = container(numbered(40), "deflate", 200), bytes(range(200, 216))
    start = header_end(content)
    while start < len(content):
        end = content.index(sync, start)
        for lost in (content[start + 3 : end], b""):
            damaged = content[: start + 3] + bytes(len(lost)) + content[start + 3 + len(lost) :]
            found = avro_file(tmp_path, damaged)
            rejected = [one for one in found if isinstance(one, Rejected)]
            assert len(urls(found)) + sum(one.records for one in rejected) == 40
            assert [(one.offset, one.end) for one in rejected] == [(start, end + 16)] * bool(lost)
        start = end + 16


def test_bit_flips_anywhere(tmp_path: Path) -> None:
    """No exception, whatever bit is flipped; a file is one thing or the other."""
    for codec in ("null", "deflate", "bzip2"):
        content = container(numbered(10), codec)
        for seed in range(300):
            at = random.Random(seed).randrange(4, len(content))
            found = avro_file(tmp_path, content[:at] + bytes([content[at] ^ (1 << seed % 8)]) + content[at + 1 :])
            assert found, seed


@pytest.mark.parametrize("split_bytes", [40, plan.SPLIT_BYTES])
def test_damaged_header(tmp_path: Path, split_bytes: int) -> None:
    """A file that cannot be understood at all is told of in each of its splits' places, with no page and no exception."""
    content = container(numbered(5))
    at = content.index(b"avro.schema")
    for damaged in (
        content.replace(b'"record"', b'"rekord"'),
        content.replace(b"avro.schema", b"avro.sahema"),
        content.replace(b"null", b"nul\xff"),
        content[: at - 2] + b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + content[at:],
        content[:4] + b"\x00" + content[5:],
        b"Obj\x01",
    ):
        found = avro_file(tmp_path, damaged, split_bytes)
        assert urls(found) == []
        assert {reason for _, _, reason in rejections(found)} <= {"unreadable", "bad-record"}
        assert rejections(found)


@pytest.mark.parametrize("codec", ["nosuch", "snappy", "zstandard", "lz4"])
def test_unknown_codec(tmp_path: Path, codec: str) -> None:
    """One that nobody knows, and those that a package may be missing for: read, or told of."""
    content = container(numbered(3), "deflate")
    damaged = content.replace(b"avro.codec\x0edeflate", b"avro.codec" + bytes([2 * len(codec)]) + codec.encode())
    assert damaged != content
    found = avro_file(tmp_path, damaged)
    assert urls(found) == []
    assert rejections(found)[0][2] in {"unreadable", "bad-record"}


HOSTILE = {
    "nested-arrays": '{"type": "array", "items": ' * 5_000 + '"int"' + "}" * 5_000,
    "nested-arrays-200": '{"type": "array", "items": ' * 200 + '"int"' + "}" * 200,
    "nested-unions": "[" * 5_000 + '"int"' + "]" * 5_000,
    "recursive": '{"type": "record", "name": "R", "fields": [{"name": "r", "type": "R"}]}',
    "not-json": "{",
    "nothing": "",
    "no-such-type": '{"type": "record", "name": "R", "fields": [{"name": "r", "type": "NoSuch"}]}',
    "null-array": '{"type": "array", "items": "null"}',
    "linked-list": '{"type": "record", "name": "R", "fields": [{"name": "next", "type": ["null", "R"]}]}',
}
READ = """
import sys
from bigdata_demos.crawl import plan, reader
from bigdata_demos.crawl.model import Page
splits, _ = plan.plan([sys.argv[1]])
found = [one for split in splits for one in reader.read(split)]
print(sum(isinstance(one, Page) for one in found), len(found))
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_schema(tmp_path: Path, name: str) -> None:
    """A schema made to break readers ends no process: it is told of."""
    schema = HOSTILE[name].encode()
    meta = {"avro.schema": schema, "avro.codec": b"null"}
    data = b"\x02" * 200_000 + b"\0" if name == "linked-list" else b"\xfe\xff\x7f\0\0\0"
    block = b"".join(binary.pack(number, {"type": "long"}) for number in (1, len(data))) + data
    content = b"Obj\x01" + binary.pack(meta, {"type": "map", "values": "bytes"}) + b"s" * 16 + block + b"s" * 16
    path = write(tmp_path / "hostile.avro", content)
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["0", "1"]), done.stderr[-1000:]


def test_deep_schema_that_people_write(tmp_path: Path) -> None:
    """Twenty levels are fine."""
    deep: Any = "int"
    for _ in range(20):
        deep = {"type": "array", "items": deep}
    fields = [{"name": "url", "type": "string"}, {"name": "text", "type": "string"}, {"name": "deep", "type": deep}]
    schema = {"type": "record", "name": "Deep", "fields": fields}
    assert urls(avro_file(tmp_path, container([{"url": "u", "text": "x", "deep": []}], schema=schema))) == ["u"]


def test_reading_needs_a_header() -> None:
    """The format's own error, which names the file."""
    for content in (b"", b"Obj", b"nothing like it", AVRO[:20]):
        with pytest.raises(BadAvro, match="some-file"):
            containers.read_header(Source(io.BytesIO(content), "some-file"))


def test_schema_evolves(tmp_path: Path) -> None:
    """A file keeps its own schema: fields may come in any order, and there may be others."""
    fields = [
        {"name": "more", "type": {"type": "map", "values": "int"}},
        {"name": "text", "type": "string"},
        {"name": "url", "type": "string"},
    ]
    schema = {"type": "record", "name": "Other", "namespace": "a.b", "fields": fields}
    assert urls(avro_file(tmp_path, container([{"url": "u", "text": "x", "more": {"k": 1}}], schema=schema))) == ["u"]
