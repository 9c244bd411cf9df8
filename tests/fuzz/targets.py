"""What is fuzzed: each way in which bytes from outside get into the package, as a function of those bytes.

Each raises nothing, whatever the bytes are, unless there is something to mend: errors of the package's own family are
expected, and those of a file have to have its name, on one line. Hangs, crashes and memory are for who calls to watch.

The first bytes choose the target, a schema and a codec, so that what the fuzzer changes stays near to what gets far.
"""

import contextlib
import io
import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import fastavro

from bigdata_demos.avro import (
    binary,
    codecs,
    commands,
    containers,
    infer,
    jsontext,
    kinds,
    repair,
    resolution,
    schemas,
    single_object,
    values,
)
from bigdata_demos.avro.schemas import to_text
from bigdata_demos.avro.streams import Source
from bigdata_demos.crawl import avro
from bigdata_demos.crawl.model import Range
from bigdata_demos.errors import BadAvro, BigDataDemosError, RpcError
from bigdata_demos.rpc import wire
from bigdata_demos.rpc.protocol import Protocol, keyword_index
from bigdata_demos.rpc.server import Responder

NAME: Final = "x.avro"
MAX_BLOCK: Final = 16 << 20
"""Of :mod:`bigdata_demos.avro.limits`: less than it is there, for time's sake; no less than xz needs for itself."""
SYNC: Final = b"0123456789abcdef"


def record(name: str, **fields: Any) -> dict[str, Any]:
    """A record's schema."""
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields.items()]}


def decimal(**more: Any) -> dict[str, Any]:
    """A decimal's schema."""
    return {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2, **more}


SCHEMAS: Final[list[Any]] = [
    record("Page", url="string", html=["null", "bytes"], title=["null", "string"]),
    record("Page", id="long", links={"type": "array", "items": "string"}, heads={"type": "map", "values": "string"}),
    record("L", id="int", next=["null", "L"]),
    record("T", inner={"type": "array", "items": "T"}, named={"type": "map", "values": "T"}),
    ["null", "int", "long", "float", "double", "boolean"],
    {"type": "array", "items": ["null", record("R", a="boolean")]},
    record(
        "Logical",
        day={"type": "int", "logicalType": "date"},
        time={"type": "long", "logicalType": "time-micros"},
        at={"type": "long", "logicalType": "timestamp-millis"},
        local={"type": "long", "logicalType": "local-timestamp-micros"},
        much=decimal(),
        few=decimal(type="fixed", name="Few", size=4),
        id={"type": "string", "logicalType": "uuid"},
        long={"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"},
    ),
    record("E", kind={"type": "enum", "name": "K", "symbols": ["A", "B"]}, mark={"type": "fixed", "name": "F", "size": 3}),
    {"type": "map", "values": ["string", {"type": "array", "items": "double"}]},
    {**record("N", a=["null", {"type": "enum", "name": "K", "symbols": ["A"], "default": "A"}], b="bytes"), "namespace": "a.b"},
    "string",
    "double",
    record("Wide", nothing="null", none=record("Empty"), one="boolean"),
]


@cache
def parsed(index: int) -> tuple[Any, dict[str, Any]]:
    """A schema of the list, parsed, and its named types."""
    named: dict[str, Any] = {}
    return fastavro.parse_schema(json.loads(json.dumps(SCHEMAS[index])), named, _force=True), named


def text_of(index: int) -> str:
    """A schema of the list, as JSON."""
    return json.dumps(SCHEMAS[index % len(SCHEMAS)])


def expect(function: Callable[[], object], *, named: bool = True) -> None:
    """Call a function that may raise an error of the family, of one line, with the file's name if it is ``named``.

    Raises:
        AssertionError: if the error is not like that; any other goes through.

    """
    try:
        function()
    except BigDataDemosError as error:
        if "\n" in str(error) or (named and NAME not in str(error)):
            raise AssertionError(f"an error that does not say enough, or too much: {error!r}") from error


def opened(content: bytes, *, decoding: bool = True) -> tuple[Source, containers.Header]:
    """A file whose header has been read."""
    source = Source(io.BytesIO(content), NAME)
    return source, containers.read_header(source, decoding=decoding)


# Ways in


def job(content: bytes) -> None:
    """As the job reads it, in two ranges: pages and rejections."""
    middle = len(content) // 2
    for start, end in ((0, middle), (middle, len(content))):
        list(avro.read_avro(io.BytesIO(content), Range(NAME, start, end, "avro"), ""))


def to_json(content: bytes) -> None:
    """``tojson`` and ``validate``."""
    source, header = opened(content)
    for record in containers.read_records(source, header):
        for plain in (False, True):
            try:
                value = values.to_json(record, header.schema, kinds.named_types(header.schema), plain=plain)
            except BadAvro:  # who calls adds the file's name
                continue
            json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def recode(content: bytes) -> None:
    """``recode``."""
    source, header = opened(content, decoding=False)
    commands.copy(source, header, containers.Writer(io.BytesIO(), header.text, codec="deflate", meta=header.meta))


def concatenate(
    content: bytes, text: str = '{"type": "record", "name": "Page", "fields": [{"name": "url", "type": "string"}]}'
) -> None:
    """``cat``, with another schema."""
    source, header = opened(content, decoding=False)
    commands.append(source, header, schemas.load(text, recursive=True), containers.Writer(io.BytesIO(), text), as_is=True)


def mend(content: bytes, text: str | None = None) -> None:
    """``repair``: what it writes has to be sound."""
    source, file = Source(io.BytesIO(content), NAME), io.BytesIO()
    header, _ = repair.find_header(source, text)
    writer = containers.Writer(file, header.text, codec=header.codec, meta=header.meta, sync=header.sync)
    for doubtful in repair.repair(source, header, writer, doubtful=len(content) % 2 == 0):
        assert doubtful.end >= doubtful.start
    again, header = opened(file.getvalue())
    assert sum(1 for _ in containers.read_records(again, header)) == writer.records


def head(content: bytes) -> None:
    """``schema``, ``meta``, ``fingerprint``, ``canonical`` and ``diff``."""
    _, header = opened(content, decoding=False)
    with contextlib.suppress(BigDataDemosError):  # of the schema: no file's
        schema_text(header.text.encode())


WAYS: Final = (job, to_json, recode, concatenate, mend, head)


def every_way(content: bytes) -> None:
    """A file, into all of them."""
    for way in WAYS:
        expect(lambda way=way: way(content))  # type: ignore[misc]


# Targets


def container(text: str, codec: str, blocks: bytes) -> bytes:
    """A file with a good header."""
    meta = {"avro.schema": text.encode(), "avro.codec": codec.encode()}
    return containers.MAGIC + binary.pack(meta, {"type": "map", "values": "bytes"}) + SYNC + blocks


def raw_file(data: bytes) -> None:
    """A file, byte by byte as it is, with the magic or without."""
    every_way(data)
    every_way(containers.MAGIC + data)


def raw_blocks(data: bytes) -> None:
    """Blocks after a good header, byte by byte as they are."""
    every_way(container(text_of(data[0]), codecs.CODECS[data[1] % len(codecs.CODECS)], data[2:]))


def packed_block(data: bytes) -> None:
    """The data of a block whose frame is right: compressed as they should be."""
    codec = codecs.CODECS[data[1] % len(codecs.CODECS)]
    packed = codecs.compressor(codec, None)(data[3:])
    every_way(container(text_of(data[0]), codec, binary.long(data[2]) + binary.long(len(packed)) + packed + SYNC))


def bad_header(data: bytes) -> None:
    """A header that has some other bytes where the data say, before good blocks; the schema is known, or not."""
    index = data[0] % len(SCHEMAS)
    codec = ("null", "deflate")[data[1] % 2]
    packed = codecs.compressor(codec, None)(data[5:])
    content = bytearray(container(text_of(index), codec, (binary.long(data[2]) + binary.long(len(packed)) + packed + SYNC) * 2))
    at = data[3] % len(content)
    content[at : at + 1 + data[4] % 4] = data[5 : 6 + data[4] % 4]
    expect(lambda: mend(bytes(content)))
    expect(lambda: mend(bytes(content), text_of(index)))


def schema_text(data: bytes) -> None:
    """A schema: what it is like, and what it is to others."""
    text = data.decode("utf-8", "replace").strip()
    if not text.startswith(("{", "[", '"')):  # else it names a file
        text = "{" + text
    schema = schemas.load(text, recursive=True)
    schemas.fingerprint(schema)
    for index in range(len(SCHEMAS)):
        other, _ = parsed(index)
        resolution.compatibility(schema, other)
        resolution.compatibility(other, schema)
    resolution.compatibility(schema, schemas.load(schemas.canonical(schema), recursive=True))


def any_schema(data: bytes) -> None:
    """A schema and, after a byte of zero, data that are of it, or not."""
    text, _, block = data.partition(b"\0")
    expect(lambda: schema_text(text), named=False)
    frame = binary.long(1) + binary.long(len(block)) + block + SYNC
    meta = {"avro.schema": text, "avro.codec": b"null"}
    every_way(containers.MAGIC + binary.pack(meta, {"type": "map", "values": "bytes"}) + SYNC + frame)


def two_schemas(data: bytes) -> None:
    """Data of one schema read with another, which comes out of the data."""
    one, other, block = data[1:].split(b"\0", 2) if data.count(0, 1) > 1 else (b'"int"', data[1:], b"\2")
    texts = [text_of(data[0]) if len(text) < 2 else text.decode("utf-8", "replace") for text in (one, other)]

    def resolve() -> None:
        old, new = (schemas.load(text if text.startswith(("{", "[", '"')) else f'"{text}', recursive=True) for text in texts)
        if resolution.compatibility(old, new):
            return
        resolution.resolver(old, new)
        content = container(to_text(old), "null", binary.long(1) + binary.long(len(block)) + block + SYNC)
        concatenate(content, to_text(new))

    expect(resolve, named=False)


def json_text(data: bytes) -> None:
    """JSON values: data of a schema, by the specification and plainly, and records whose schema is to be found."""
    schema, named = parsed(data[0] % len(SCHEMAS))
    text = to_text(schema)

    def encode(*, plain: bool) -> None:
        writer, pack = containers.Writer(io.BytesIO(), text), containers.Encoder(schema)
        for _, value in jsontext.json_values(Source(io.BytesIO(data[1:]), NAME)):
            with contextlib.suppress(BigDataDemosError):
                datum = values.from_json(value, schema, named, plain=plain)
                writer.write(pack(datum))

    expect(lambda: encode(plain=False))
    expect(lambda: encode(plain=True))
    expect(lambda: infer.infer(value for _, value in jsontext.json_values(Source(io.BytesIO(data[1:]), NAME))), named=False)


@cache
def known() -> dict[bytes, Any]:
    """Schemas that messages may be of: those that do not refer to themselves."""
    return single_object.known(schemas.load(text_of(index)) for index in range(len(SCHEMAS)) if index not in (2, 3))


def message(data: bytes) -> None:
    """A message in single-object encoding."""
    marks = list(known())
    expect(lambda: single_object.decode(data, known()), named=False)
    expect(lambda: single_object.decode(single_object.MARKER + marks[data[0] % len(marks)] + data[1:], known()), named=False)


def call(data: bytes) -> None:
    """A request and an answer of RPC, and a protocol."""
    responder = Responder(keyword_index(), dict.fromkeys(keyword_index().messages, no_answer))
    handshake = wire.Request(keyword_index().md5, None, keyword_index().md5).pack()

    def answered(reader: wire.Reader) -> None:
        reader.response()
        reader.read("metadata", containers.META)
        reader.end()

    for function in (
        lambda: wire.unframe(data, wire.MAX_REQUEST),
        lambda: responder.respond(data),
        lambda: responder.respond(handshake + data),
        lambda: answered(wire.Reader(data)),
        lambda: [
            protocol.message(name) for protocol in [Protocol(data.decode("utf-8", "replace"))] for name in protocol.messages
        ],
    ):
        expect(function, named=False)


def no_answer(_parameters: Any) -> Any:
    """Answer no call.

    Raises:
        RpcError: always; the responder makes an answer of it.

    """
    raise RpcError("nothing is known here")


TARGETS: Final = (
    raw_file,
    raw_blocks,
    packed_block,
    bad_header,
    any_schema,
    two_schemas,
    json_text,
    message,
    call,
)


def fuzz(data: bytes) -> None:
    """One input: its first byte is the target's number."""
    if len(data) >= 8:
        TARGETS[data[0] % len(TARGETS)](data[1:])


def seeds() -> list[bytes]:
    """Inputs to start from: one at least of each target."""
    page = binary.pack({"url": "http://a.example/", "html": b"<p>", "title": None}, parsed(0)[0])
    block = binary.long(2) + binary.long(2 * len(page)) + 2 * page + SYNC
    number = {target: bytes([index]) for index, target in enumerate(TARGETS)}
    found = [number[raw_file] + container(text_of(0), "null", block)[4:]]
    found += [number[raw_blocks] + bytes([0, 0]) + block + block]
    for index in range(len(SCHEMAS)):
        found += [number[packed_block] + bytes([index, codec, 1]) + bytes(range(0, 24, 2)) for codec in range(len(codecs.CODECS))]
        found += [number[packed_block] + bytes([index, 0, 3]) + bytes(32)]
        found += [number[any_schema] + text_of(index).encode() + b"\0\2\2\2\0\0"]
        found += [number[two_schemas] + bytes([index]) + b"\0\0\2\2\2\0\0\0"]
    found += [number[packed_block] + bytes([0, codec, 2]) + 2 * page for codec in range(len(codecs.CODECS))]
    found += [number[bad_header] + bytes([0, codec, 2, at, 0]) + 2 * page for codec in (0, 1) for at in (0, 8, 60, 255)]
    pages = b'{"url": "x", "html": {"bytes": "y"}, "title": null}\n{"url": "x", "html": "y"} '
    found += [
        number[json_text] + b"\0" + pages,
        number[json_text] + b"\6" + b'{"day": "2026-11-24", "much": "1.25"} [1, "x", null]',
    ]
    found += [
        number[message] + b"\0" + page,
        number[message] + single_object.encode({"url": "x", "html": None, "title": None}, parsed(0)[0]),
    ]
    found += [number[call] + wire.frame(b"\0\0\0"), number[call] + keyword_index().text.encode()]
    found += [number[call] + b"\0" + binary.string(name) + b"\2a\0\0" for name in keyword_index().messages]
    return found
