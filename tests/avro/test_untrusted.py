"""Files made to break their reader, against every way in: the process lives, and the error is one line with the file's name.

What is tried: test_containers.py has the job's reader and its schemas, test_repair.py damage of all kinds. Here are the command's
ways in, what only some of them do, and what was found while the fuzzer (fuzz/README.md) was made.
"""

import bz2
import io
import json
import lzma
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.avro import binary, containers, limits, schemas
from bigdata_demos.avro.streams import Source
from bigdata_demos.errors import BadAvro, InputError
from tests.fuzz import targets

PAGE = targets.record("Page", url="string", text="string")
MEGABYTE = 1 << 20


def container(schema: Any, count: int, data: bytes, codec: str = "null", *, size: int | None = None) -> bytes:
    """A file of one block: ``schema`` is JSON, or becomes some; ``data`` are packed already, and of a ``size`` that may be a lie."""
    text = schema if isinstance(schema, str) else json.dumps(schema)
    frame = binary.long(count) + binary.long(len(data) if size is None else size) + data
    return targets.container(text, codec, frame + targets.SYNC)


def deflated(data: bytes) -> bytes:
    """As Avro has it: without zlib's header."""
    return zlib.compress(data, 9, -15)


def field(kind: str, name: str = '"x"') -> str:
    """The JSON of a record with a field of a type, both as JSON."""
    return (
        f'{{"type": "record", "name": "R", "fields": [{{"name": {name}, "type": {kind}}}, {{"name": "url", "type": "string"}}]}}'
    )


def marked(**named: Any) -> dict[str, Any]:
    """A schema that says that fastavro has parsed it, and what came of it."""
    return {**targets.record("R", x="B", url="string"), "__fastavro_parsed": True, "__named_schemas": named}


ZEROS = bytes(20 * MEGABYTE)
DATA = b"\2x\2y"
ITEMS = binary.long(2 * MEGABYTE) + bytes(2 * MEGABYTE) + b"\0"
ENDLESS = '{"type": "record", "name": "R", "fields": [{"name": "x", "type": "R", "default": {}}]}'
FILES = {
    "schema-deep": container('{"type": "array", "items": ' * 5000 + '"int"' + "}" * 5000, 1, DATA),
    "schema-refers-to-itself": container(targets.record("L", id="int", next=["null", "L"]), 1, b"\0\2" * MEGABYTE),
    "schema-is-itself": container(targets.record("R", r="R"), 1, b"\0"),
    "schema-of-many-digits": container(f'{{"type": "fixed", "name": "F", "size": {"9" * 5000}}}', 1, DATA),
    "schema-not-utf-8": container(PAGE, 1, DATA).replace(b"Page", b"P\xffge"),
    "schema-marked-as-parsed": container(marked(B={"type": "weird"}), 1, DATA),
    "schema-marked-as-parsed-to-a-union": container(marked(B={"type": ["null", "string"]}), 1, DATA),
    "schema-marked-as-parsed-to-a-number": container(marked(B=5), 1, DATA),
    "name-of-our-own": container([targets.record("bigdata_demos__raw.int", value="string"), "int", "long"], 1, b"\2\2"),
    "name-is-a-list": container(field('"int"', "[]"), 1, DATA),
    "alias-is-a-number": container({**PAGE, "aliases": [5]}, 1, DATA),
    "union-in-a-union": container([["int"], "string"], 1, b"\0\0\2"),
    "fixed-of-a-text": container(field('{"type": "fixed", "name": "F", "size": "x"}'), 1, DATA),
    "fixed-of-infinity": container(field('{"type": "fixed", "name": "F", "size": 1e999}'), 1, DATA),
    "fixed-of-less-than-nothing": container(field('{"type": "fixed", "name": "F", "size": -1}'), 1, DATA),
    "array-of-null": container({"type": "array", "items": "null"}, 1, binary.long(5_000_000) + b"\0"),
    "array-of-booleans": container(targets.record("R", x={"type": "array", "items": "boolean"}), 1, deflated(ITEMS), "deflate"),
    "array-of-records": container(
        targets.record("R", x={"type": "array", "items": targets.record("B", a="boolean")}), 1, deflated(ITEMS), "deflate"
    ),
    "decimal": container(
        targets.record("R", d=targets.decimal(precision=10_000_000)),
        1,
        deflated(binary.long(4 * MEGABYTE) + b"\x7f" * 4 * MEGABYTE),
        "deflate",
    ),
    "bomb-deflate": container(PAGE, 1, deflated(ZEROS), "deflate"),
    "bomb-bzip2": container(PAGE, 1, bz2.compress(ZEROS), "bzip2"),
    "bomb-xz": container(PAGE, 1, lzma.compress(ZEROS, preset=0), "xz"),
    "count-negative": container(PAGE, -1, DATA),
    "count-huge": container(PAGE, 1 << 62, DATA),
    "size-negative": container(PAGE, 1, DATA, size=-4),
    "size-huge": container(PAGE, 1, DATA, size=1 << 40),
    "length-negative": container(PAGE, 1, b"\1\2\2"),
    "length-huge": container(PAGE, 1, binary.long(1 << 50) + b"x"),
    "codec-unknown": container(PAGE, 1, DATA, "nosuch"),
    "codec-not-utf-8": container(PAGE, 1, DATA).replace(b"\x08null", b"\x08n\xffll"),
    "marker-wrong": container(PAGE, 1, DATA)[:-1] + b"!",
    "header-huge": containers.MAGIC + binary.long(1) + binary.long(1 << 50),
    "header-negative": containers.MAGIC + binary.long(-(1 << 63)) + b"\2" * 99,
}
COMMANDS = (
    ("tojson",),
    ("tojson", "--plain"),
    ("head", "-n", "1"),
    ("count",),
    ("validate",),
    ("cat", "-o", "/dev/null"),
    ("cat", "--schema", json.dumps(targets.SCHEMAS[0]), "-o", "/dev/null"),
    ("recode", "--codec", "deflate", "-o", "/dev/null"),
    ("repair", "-o", "/dev/null"),
    ("repair", "--doubtful", "--schema", json.dumps(PAGE), "-o", "/dev/null"),
    ("schema",),
    ("meta",),
    ("fingerprint",),
    ("canonical",),
    ("diff", "--need", "none", '"string"'),
)
RUN = """if True:
    import contextlib, io, json, os, resource, sys
    from bigdata_demos.avro import cli
    from bigdata_demos.errors import BadAvro
    from bigdata_demos.avro import limits
    from bigdata_demos.crawl import avro as avro_pages
    from bigdata_demos.crawl.model import Range
    limits.MAX_BLOCK, limits.MAX_VALUES = 16 << 20, 1 << 20  # for time's sake: the real bounds are only larger
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    path, commands = sys.argv[1], json.loads(sys.argv[2])
    ended = []
    out, sys.stdout = sys.stdout, open(os.devnull, "w")
    for command in commands:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            status = cli.main([*command, path])
        ended.append((command, status, said.getvalue()))
    with open(path, "rb") as file:
        try:
            found = list(avro_pages.read_avro(file, Range(path, 0, os.path.getsize(path), "avro")))
        except BadAvro as error:
            found = [error]
    json.dump([ended, [str(each)[:300] for each in found[:3]]], out)
"""


@pytest.mark.parametrize("name", FILES)
def test_every_way_in(name: str, tmp_path: Path) -> None:
    """Each command ends by itself, with 2 GB of memory; what it says is a line with the file's name, and no traceback."""
    path = tmp_path / f"{name}.avro"
    path.write_bytes(FILES[name])
    line = [sys.executable, "-c", RUN, str(path), json.dumps(COMMANDS)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    ended, found = json.loads(done.stdout)
    for command, status, said in ended:
        assert status in (0, 1) or "choose another with --codec" in said, (command, said)
        assert "Traceback" not in said
        assert "out of memory" not in said, command
        if status:
            assert f"{path}: " in said, (command, said)
    failed = {command[0] for command, status, _ in ended if status}
    assert {"tojson", "validate"} <= failed or name == "decimal", failed
    assert found
    assert all(str(path) in each for each in found)


def test_job_on_all_of_them(tmp_path: Path) -> None:
    """Each is a rejection, a bad header too; the good page beside them is there, as is what comes before the damage."""
    (tmp_path / "good.avro").write_bytes(
        container(PAGE, 1, binary.string("http://a.example/") + binary.string("keyword extraction"))
    )
    for name, content in FILES.items():
        (tmp_path / f"{name}.avro").write_bytes(content)
    line = [
        sys.executable,
        "-m",
        "bigdata_demos.keywords",
        "--engine",
        "serial",
        "--format",
        "jsonl",
        "--max-rejected",
        "100",
        f"{tmp_path}/*.avro",
    ]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert '"http://a.example/"' in done.stdout
    assert int(done.stderr.partition(" rejected=")[2].split()[0]) >= len(FILES)


SMALL = targets.container(
    json.dumps(PAGE), "deflate", 2 * (binary.long(2) + binary.long(len(deflated(2 * DATA))) + deflated(2 * DATA) + targets.SYNC)
)


def test_truncated_at_every_byte() -> None:
    """By every way in; what repair writes is sound."""
    for size in range(len(SMALL)):
        targets.every_way(SMALL[:size])


def test_a_bit_of_every_byte_flipped() -> None:
    """By every way in."""
    for at in range(len(SMALL)):
        content = bytearray(SMALL)
        content[at] ^= 1 << (at * 5 % 8)
        targets.every_way(bytes(content))


def test_fuzz_targets_on_their_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a fuzzer: all targets are reached, and nothing is found."""
    monkeypatch.setattr(limits, "MAX_BLOCK", targets.MAX_BLOCK)
    seeds = targets.seeds()
    assert {seed[0] for seed in seeds} == set(range(len(targets.TARGETS)))
    for seed in seeds:
        targets.fuzz(seed)


def test_default_that_does_not_end() -> None:
    """Neither one that is in itself, nor one whose parts double with each level."""
    parts = ['{"name": "r0", "type": {"type": "record", "name": "R0", "fields": [{"name": "a", "type": "int", "default": 0}]}}']
    for i in range(1, 40):
        twice = ", ".join(f'{{"name": "{each}", "type": "R{i - 1}", "default": {{}}}}' for each in "ab")
        parts.append(f'{{"name": "r{i}", "type": {{"type": "record", "name": "R{i}", "fields": [{twice}]}}, "default": {{}}}}')
    doubling = f'{{"type": "record", "name": "D", "fields": [{", ".join(parts)}]}}'.replace(
        '}]}}, {"name": "r1"', '}]}, "default": {}}, {"name": "r1"', 1
    )
    for inner in (ENDLESS, doubling):
        reader = f'{{"type": "record", "name": "Page", "fields": [{{"name": "d", "type": {inner}, "default": {{}}}}]}}'
        with pytest.raises(BadAvro, match=r"x\.avro: record 1: a default of more than"):
            targets.concatenate(container(PAGE, 1, DATA), reader)


def test_large_arrays_are_counted() -> None:
    """A block that is large, and has few values, is read all the same."""
    schema = targets.record("R", url="string", x={"type": "array", "items": "string"})
    data = binary.string("u" * 9 * MEGABYTE) + b"\2" + binary.string("x") + b"\0"
    content = container(schema, 1, data)
    source = Source(io.BytesIO(content), "x.avro")
    [found] = containers.read_records(source, containers.read_header(source))
    assert found["x"] == ["x"]


def test_schema_texts() -> None:
    """What is none is refused as such, whatever it makes fastavro do; what is one, is not."""
    for text in (
        field('"int"', "[]"),
        '[["int"], "null"]',
        field('{"type": "fixed", "name": "F", "size": "x"}'),
        json.dumps(marked(B=5)),
    ):
        with pytest.raises(InputError, match="invalid schema"):
            schemas.load(text, recursive=True)
    for schema in targets.SCHEMAS:
        assert schemas.load(json.dumps(schema), recursive=True)
    assert schemas.load('{"type": "array", "items": "null"}', recursive=True)
