"""The command avro, on files of this and of other writers: what it says, what it writes, and how it ends."""

import importlib.util
import io
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import fastavro
import pytest

from bigdata_demos.avro import cli, containers, limits
from bigdata_demos.avro.streams import Source

SCHEMA = {
    "type": "record",
    "name": "Event",
    "namespace": "a.b",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "when", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "data", "type": "bytes"},
        {"name": "note", "type": ["null", "string", "double", "float"], "default": None},
    ],
}
EVENTS = [{"id": i, "when": 1_700_000_000_000 + i, "data": bytes([i, 255]), "note": [None, "x", 0.1][i % 3]} for i in range(250)]
PACKAGES = {"snappy": "cramjam", "zstandard": "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"}


def installed(codec: str) -> bool:
    """Whether a codec's package is there."""
    try:
        return codec not in PACKAGES or importlib.util.find_spec(PACKAGES[codec]) is not None
    except ModuleNotFoundError:
        return False


@pytest.fixture
def events(tmp_path: Path) -> str:
    """A file written by fastavro, of many blocks."""
    return write(tmp_path / "events.avro", SCHEMA, EVENTS, codec="deflate", metadata={"made-by": "a test"})


def write(path: Path, schema: Any, records: Any, **options: Any) -> str:
    """A file written by fastavro."""
    with path.open("wb") as file:
        fastavro.writer(file, schema, records, sync_interval=500, **options)
    return str(path)


def read(path: Any) -> list[Any]:
    """The records, as fastavro reads them."""
    with open(path, "rb") as file:
        return list(fastavro.reader(file))


class Command:
    """Runs the command in this process."""

    def __init__(self, capture: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.capture, self.monkeypatch = capture, monkeypatch

    def __call__(self, *arguments: Any, stdin: bytes = b"", status: int = 0) -> tuple[bytes, str]:
        self.capture.readouterr()
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Unseekable(stdin)))
        assert cli.main([str(argument) for argument in arguments]) == status
        out, err = self.capture.readouterr()
        return out, err.decode()


class Unseekable(io.BytesIO):
    """As a pipe is."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


@pytest.fixture
def run(capsysbinary: Any, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command."""
    return Command(capsysbinary, monkeypatch)


def test_json_and_back(run: Command, events: str, tmp_path: Path) -> None:
    """By the specification's encoding nothing gets lost; through pipes, too."""
    lines, _ = run("tojson", events)
    first, second, third, *_ = (json.loads(line) for line in lines.splitlines())
    assert first == {"id": 0, "when": 1_700_000_000_000, "data": "\0ÿ", "note": None}
    assert (second["note"], third["note"]) == ({"string": "x"}, {"double": 0.1})
    assert run("tojson", "-", stdin=Path(events).read_bytes())[0] == lines
    schema = tmp_path / "event.avsc"
    run("schema", events, "-o", schema)
    binary, err = run("fromjson", "-", "--schema", schema, stdin=lines)
    assert "records=250" in err
    assert list(fastavro.reader(io.BytesIO(binary))) == read(events)
    assert run("tojson", "-", stdin=binary)[0] == lines


def test_plain_json(run: Command, events: str) -> None:
    """Has no tags, and times that people can read."""
    lines, _ = run("head", "-n", 2, "--plain", events)
    assert [json.loads(line) for line in lines.splitlines()][1]["when"] == "2023-11-14T22:13:20.001Z"
    assert [json.loads(line)["note"] for line in lines.splitlines()] == [None, "x"]
    assert run("head", "-n", 0, events)[0] == b""
    assert len(run("head", events)[0].splitlines()) == 10


def test_head_does_not_read_on(run: Command, events: str) -> None:
    """What is damaged later does not matter."""
    content = Path(events).read_bytes()[:-1000]
    assert run("head", "-n", 1, "-", stdin=content)[0].startswith(b'{"id": 0')
    _, err = run("tojson", "-", stdin=content, status=1)
    assert err.startswith("error: stdin: damaged block at offset ")
    assert err.count("\n") == 1


def test_inferred_schema(run: Command, tmp_path: Path) -> None:
    """Of all values, on one line or on several."""
    out = tmp_path / "x.avro"
    run("fromjson", "-", "-o", out, stdin=b'\xef\xbb\xbf{"a": 1, "b": "x"}\n{\n "a": 2,\n "b": "\xc3\xa9"}{"a": 3, "b": "z"}')
    assert read(out) == [{"a": 1, "b": "x"}, {"a": 2, "b": "é"}, {"a": 3, "b": "z"}]
    big = b"".join(json.dumps({"a": i, "b": "y" * (i % 3000)}).encode() + b"\n" for i in range(300))
    run("fromjson", "-", "-o", out, "--overwrite", stdin=big)
    assert [len(record["b"]) for record in read(out)] == list(range(300))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'{"id": 1', "value 1 is not JSON"),
        (b'{"id": 1} x' + b" " * 100_000, "value 2 is not JSON"),
        (b'{"id": "x"}', "value 1: id: expected"),
        (b'{"id": 1}{"id": 1, "no": 2}', "value 2"),
        (b"[" * 100_000, "value 1 is nested too deeply"),
        (b'{"id": ' + b"9" * 5000 + b"}", "value 1: "),
        (b'{"id": "\xff"}', "value 1: not UTF-8"),
        (b'"' + b"x" * 200_000, "value 1 is not JSON: Unterminated"),
    ],
)
def test_bad_json(run: Command, tmp_path: Path, text: bytes, words: str) -> None:
    """Is told of with its number, and leaves nothing."""
    schema = '{"type": "record", "name": "R", "fields": [{"name": "id", "type": "long"}]}'
    _, err = run("fromjson", "-", "--schema", schema, "-o", tmp_path / "x.avro", stdin=text, status=1)
    assert f"stdin: {words}" in err
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_header(run: Command, events: str) -> None:
    """Schema, metadata and count, by avro-tools' names, too."""
    assert json.loads(run("getschema", events)[0]) == json.loads(run("schema", events)[0])
    lines = run("getmeta", events)[0].decode().splitlines()
    assert "avro.codec\tdeflate" in lines
    assert run("meta", "--key", "made-by", events)[0] == b"a test\n"
    assert "no key 'x'" in run("meta", "--key", "x", events, status=1)[1]
    assert run("count", events, events)[0] == b"500\n"
    assert run("count", "-", stdin=Path(events).read_bytes())[0] == b"250\n"


@pytest.mark.parametrize("codec", cli.CODECS)
def test_recode(run: Command, events: str, tmp_path: Path, codec: str) -> None:
    """Each codec is read by fastavro; what the header has besides stays; without its package, it says which."""
    out = tmp_path / "out.avro"
    if not installed(codec):
        assert f"codec {codec} needs the package" in run("recode", events, "--codec", codec, "-o", out, status=1)[1]
        assert not out.exists()
        return
    run("recode", events, "--codec", codec, "-o", out)
    assert read(out) == read(events)
    assert run("meta", "--key", "avro.codec", out)[0].decode() == f"{codec}\n"
    assert run("meta", "--key", "made-by", out)[0] == b"a test\n"
    assert "ok: records=250 " in run("validate", out)[0].decode()
    theirs = write(tmp_path / "theirs.avro", SCHEMA, EVENTS, codec=codec)
    assert "ok: records=250 " in run("validate", theirs)[0].decode()
    content = bytearray(Path(theirs).read_bytes())
    content[-40] ^= 1
    if codec in ("bzip2", "snappy", "xz"):
        assert "damaged block at offset" in run("validate", "-", stdin=bytes(content), status=1)[1]


def test_levels(run: Command, events: str, tmp_path: Path) -> None:
    """Those that a codec has."""
    for level in (1, 9):
        run("recodec", events, "--codec", "deflate", "--level", level, "-o", tmp_path / f"{level}.avro")
    assert (tmp_path / "9.avro").stat().st_size < (tmp_path / "1.avro").stat().st_size
    assert "from 1 to 9" in run("recode", events, "--codec", "deflate", "--level", 10, status=2)[1]
    assert "no levels" in run("recode", events, "--codec", "null", "--level", 1, status=2)[1]


def test_cat_copies_blocks(run: Command, events: str, tmp_path: Path) -> None:
    """Of files of the same schema and codec as they are, of other codecs recompressed."""
    other = tmp_path / "bzip2.avro"
    run("recode", events, "--codec", "bzip2", "-o", other)
    out = tmp_path / "out.avro"
    run("concat", events, other, events, "-o", out)
    assert read(out) == read(events) * 3
    packed = frames(out)
    assert packed[: len(packed) // 3] == frames(events) == packed[-len(packed) // 3 :]
    run("cat", out, "-o", out, "--overwrite", "--codec", "null")  # an input may be replaced by its own output
    assert read(out) == read(events) * 3


def frames(path: Any) -> list[bytes]:
    """The compressed data of each block."""
    with open(path, "rb") as file:
        source = Source(file, str(path))
        return [frame.packed for frame in containers.sound_frames(source, containers.read_header(source))]


def test_cat_resolves(run: Command, events: str, tmp_path: Path) -> None:
    """Records of another schema: promoted, renamed, left out, filled in; the default of bytes is bytes."""
    fields = [
        {"name": "number", "aliases": ["id"], "type": "double"},
        {"name": "data", "type": "bytes"},
        {"name": "note", "type": ["null", "double", "string"]},
        {"name": "more", "type": "bytes", "default": "\u00ff"},
        {
            "name": "inner",
            "type": {"type": "record", "name": "I", "fields": [{"name": "z", "type": "int", "default": 7}]},
            "default": {},
        },
        {"name": "choice", "type": ["double", "float"], "default": 0.1},
    ]
    schema = tmp_path / "new.avsc"
    schema.write_text(json.dumps({"type": "record", "name": "Event", "namespace": "a.b", "fields": fields}))
    out = tmp_path / "out.avro"
    run("cat", events, events, "--schema", schema, "-o", out)
    records = read(out)
    assert len(records) == 500
    assert records[2] == {"number": 2.0, "data": b"\2\xff", "note": 0.1, "more": b"\xff", "inner": {"z": 7}, "choice": 0.1}
    assert isinstance(records[1]["number"], float)
    assert "does not fit" in run("cat", out, events, "--schema", '"int"', "-o", tmp_path / "no.avro", status=1)[1]
    assert not (tmp_path / "no.avro").exists()


def test_fingerprint_and_canonical(run: Command, events: str, tmp_path: Path) -> None:
    """Those of the specification's own example of a primitive type, and of a file's schema."""
    assert run("canonical", '{"type": "int"}')[0] == b'"int"\n'
    assert run("fingerprint", "-", stdin=b'"int"')[0] == (0x7275D51A3F395C8F).to_bytes(8, "little").hex().encode() + b"\n"
    assert run("fingerprint", "--algorithm", "MD5", '"int"')[0] == b"ef524ea1b91e73173d938ade36c1db32\n"
    schema = tmp_path / "event.avsc"
    run("schema", events, "-o", schema)
    for algorithm in cli.ALGORITHMS:
        of_file, of_schema = (run("fingerprint", "--algorithm", algorithm, path)[0] for path in (events, schema))
        assert of_file == of_schema


def test_diff(run: Command) -> None:
    """Either direction, with reasons; what is needed decides the exit status."""
    old, new = ({"type": "record", "name": "R", "fields": [{"name": "a", "type": kind}]} for kind in ("int", "long"))
    out, _ = run("diff", json.dumps(old), json.dumps(new), status=1)
    assert out.startswith(b"backward (NEW reads data of OLD): yes\nforward (OLD reads data of NEW): no\n  ")
    for need, status in (("backward", 0), ("forward", 1), ("none", 0), ("full", 1)):
        run("diff", "--need", need, json.dumps(old), json.dumps(new), status=status)
    run("diff", json.dumps(old), json.dumps(old))


def test_validate(run: Command, events: str, tmp_path: Path) -> None:
    """Goes on to the next file after a bad one, and says where the damage is."""
    content = bytearray(Path(events).read_bytes())
    content[-1] ^= 1
    bad = tmp_path / "bad.avro"
    bad.write_bytes(content)
    out, err = run("validate", bad, events, tmp_path / "nosuch", status=1)
    assert out.decode().startswith(f"{events}: ok: records=250 blocks=")
    assert f"{bad}: damaged block at offset" in err
    assert "nosuch: No such file" in err
    assert err.count("\n") == 2


def test_repair(run: Command, events: str, tmp_path: Path) -> None:
    """Status 0 and the same bytes for a whole file; 1 and a report if something was lost."""
    out = tmp_path / "out.avro"
    run("repair", events, "-o", out)
    assert out.read_bytes() == Path(events).read_bytes()
    content = Path(events).read_bytes()
    middle = len(content) // 2
    _, err = run("repair", "-", "-o", out, "--overwrite", stdin=content[:middle] + content[middle + 5 :], status=1)
    assert "stdin: offset " in err
    assert "lost" in err
    assert 200 <= len(read(out)) < 250
    assert "ok" in run("validate", out)[0].decode()


LIST = {"type": "record", "name": "L", "fields": [{"name": "id", "type": "int"}, {"name": "next", "type": ["null", "L"]}]}


def linked(depth: int) -> Any:
    """A list of so many."""
    found: Any = None
    for i in range(depth):
        found = {"id": i, "next": found}
    return found


def test_schema_that_refers_to_itself(run: Command, tmp_path: Path) -> None:
    """Is read as any other, up to a depth; without decoding, to any."""
    path, out = write(tmp_path / "list.avro", LIST, [linked(3), linked(1), linked(99)]), tmp_path / "out.avro"
    lines, _ = run("tojson", path)
    assert json.loads(lines.splitlines()[1]) == {"id": 0, "next": None}
    assert json.loads(lines.splitlines()[0])["next"]["L"]["next"]["L"]["id"] == 0
    run("repair", path, "-o", out)
    assert out.read_bytes() == Path(path).read_bytes()
    deep = write(tmp_path / "deep.avro", LIST, [linked(150)] * 3)
    assert run("count", deep)[0] == b"3\n"
    run("recode", deep, "--codec", "xz", "-o", out, "--overwrite")
    run("cat", deep, out, "-o", out, "--overwrite")
    assert len(read(out)) == 6
    for command in ("tojson", "validate"):
        assert ": data that nest more than" in run(command, deep, status=1)[1]


def test_what_is_written_can_be_read(run: Command, tmp_path: Path) -> None:
    """JSON of a type that refers to itself, with the schema out of another file, to the depth that is read."""
    path, source, out = write(tmp_path / "list.avro", LIST, [linked(1)]), tmp_path / "x.json", str(tmp_path / "out.avro")
    deepest = write(tmp_path / "deepest.avro", LIST, [linked(100)])
    source.write_bytes(run("tojson", deepest)[0])
    run("fromjson", str(source), "--schema", path, "-o", out)
    assert read(out) == [linked(100)]
    assert run("tojson", out)[0] == source.read_bytes()
    source.write_text('{"id": 1, "next": {"L": ' + source.read_text() + "}}")
    assert (
        "value 1 does not match the schema: data that nest"
        in run("fromjson", str(source), "--schema", path, "-o", out, "--overwrite", status=1)[1]
    )


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        (LIST, b"\0\2" * 3_000_000),  # deeper than C's stack
        ({"type": "record", "name": "R", "fields": [{"name": "r", "type": "R"}]}, b"\0"),
        ({"type": "record", "name": "R", "fields": [{"name": "r", "type": {"type": "array", "items": "R"}}]}, b"\2" * 1_000_000),
        ({"type": "record", "name": "R", "fields": [{"name": "r", "type": {"type": "map", "values": "R"}}]}, b"\2\0" * 1_000_000),
    ],
)
def test_hostile_schema_that_refers_to_itself(tmp_path: Path, schema: Any, data: bytes) -> None:
    """Its data do not end the process."""
    path = tmp_path / "x.avro"
    with path.open("wb") as file:
        containers.Writer(file, json.dumps(schema), codec="deflate").write_block(1, data)
    command = [sys.executable, "-m", "bigdata_demos.avro", "validate", str(path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    assert b"record 1 of 1: data that nest more than" in done.stderr


def test_outputs(run: Command, events: str, tmp_path: Path) -> None:
    """Nothing is replaced unasked, nothing is left of what failed, and a device is written to as it is."""
    before = Path(events).read_bytes()
    assert "exists: set --overwrite" in run("recode", events, "--codec", "null", "-o", events, status=1)[1]
    assert Path(events).read_bytes() == before
    run("recode", "-", "--codec", "null", "-o", tmp_path / "x.avro", stdin=before[:-1], status=1)
    assert sorted(os.listdir(tmp_path)) == ["events.avro"]
    run("recode", events, "--codec", "null", "-o", os.devnull)
    assert "cannot write" in run("recode", events, "--codec", "null", "-o", tmp_path / "no" / "x", status=1)[1]
    assert "once only" in run("count", "-", "-", status=2)[1]
    assert "Is a directory" in run("count", tmp_path, status=1)[1]


def test_as_a_process(events: str) -> None:
    """A reader that has enough is no error; wrong usage is status 2; a name that would steer the terminal does not."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}

    def ended(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "bigdata_demos", "avro", *arguments]
        return subprocess.run(command, capture_output=True, check=False, env=environment, timeout=60)

    assert ended("nosuch").returncode == 2
    assert ended("count", events).stdout == b"250\n"
    assert b"\\x1b[31m" in ended("count", "\x1b[31m").stderr
    with subprocess.Popen([sys.executable, "-m", "bigdata_demos.avro", "tojson", *[events]], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 0


def test_bomb(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compressed zeros are told of before memory is full of them."""
    monkeypatch.setattr(limits, "MAX_BLOCK", 1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(1 << 22)) + packer.flush()
    file = io.BytesIO()
    writer = containers.Writer(file, '"bytes"', codec="deflate")
    writer.copy(1, packed)
    for command in ("tojson", "validate"):
        assert "decompressed" in run(command, "-", stdin=file.getvalue(), status=1)[1]
    assert "1 lost" in run("repair", "-", stdin=file.getvalue(), status=1)[1]
