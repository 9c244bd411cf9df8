"""The command ``bigdata-demos avro``.

Standard output is for data only. Modules that take long to import are imported in the functions that use them.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any, Final

from .. import command
from ..errors import BadAvro, BigDataDemosError, InputError, UsageError

if TYPE_CHECKING:
    from .containers import Writer
    from .streams import Source

_INTERRUPTED: Final = 130
CODECS: Final = ("null", "deflate", "bzip2", "snappy", "xz", "zstandard")
ALGORITHMS: Final = ("CRC-64-AVRO", "MD5", "SHA-256")
_NEEDS: Final = ("full", "backward", "forward", "none")

EPILOG: Final = """\
examples:
  bigdata-demos avro head -n 3 events.avro
  bigdata-demos avro tojson --plain events.avro | jq .user
  bigdata-demos avro fromjson events.jsonl --codec deflate -o events.avro
  bigdata-demos avro cat 2026-*.avro -o 2026.avro
  bigdata-demos avro repair broken.avro -o whole.avro
  bigdata-demos avro tojson messages.bin --schema event.avsc        single-object encoding
  curl -s https://example.org/events.avro | bigdata-demos avro count -

`bigdata-demos avro COMMAND --help` says more. - is standard input or output. What avro-tools calls getschema, getmeta,
recodec and concat goes by these names, too. Exit status: 0, 1 failure, 2 wrong usage, 130 interrupted.
"""
_EPILOGS: Final = {
    "tojson": """\
examples:
  bigdata-demos avro tojson events.avro > events.jsonl
  bigdata-demos avro tojson --plain events.avro | jq -r .when
  kcat -C -t events -D '' | bigdata-demos avro tojson - --schema event-1.avsc --schema event-2.avsc

With --schema the input is no Avro file, but messages in single-object encoding (C3 01, the fingerprint of a schema, a datum),
one after another: the fingerprint chooses among the schemas. A schema is a file, JSON, an Avro file that has one, or one of
this package's own: bigdata-demos:page, bigdata-demos:page/1.
A record a line, in the specification's JSON encoding, as avro-tools writes it: a union's value is tagged with its type,
{"string": "x"}, bytes are Latin-1. --plain has no tags, and dates, times and decimals as people write them.
""",
    "head": """\
examples:
  bigdata-demos avro head events.avro
  curl -s https://example.org/events.avro | bigdata-demos avro head -n 1 --plain -
""",
    "fromjson": """\
examples:
  bigdata-demos avro fromjson events.jsonl -o events.avro                       the schema is inferred, and so --plain
  bigdata-demos avro fromjson events.jsonl --schema event.avsc -o events.avro
  bigdata-demos avro tojson a.avro | bigdata-demos avro fromjson - --schema a.avsc -o b.avro
  bigdata-demos avro fromjson event.json --schema event.avsc --single-object -o event.bin

--single-object: no Avro file, but a message for each value (C3 01, the schema's fingerprint, the datum), one after another.
JSON values one after another, on one line or on several. With --schema they are in the specification's JSON encoding, as
tojson and avro-tools write it; with --plain, as people write JSON.
""",
    "schema": "example:\n  bigdata-demos avro schema events.avro > event.avsc\n",
    "meta": """\
examples:
  bigdata-demos avro meta events.avro
  bigdata-demos avro meta --key avro.codec events.avro
""",
    "count": """\
example:
  bigdata-demos avro count events.avro

The sum of what the blocks say of themselves: nothing is decompressed. validate counts the records themselves.
""",
    "cat": """\
examples:
  bigdata-demos avro cat monday.avro tuesday.avro -o both.avro
  bigdata-demos avro cat old.avro new.avro --schema new.avsc --codec zstandard -o all.avro

Without --schema, all becomes of the first file's. Blocks of files that have the same schema and codec are copied as they
are; records of another schema are resolved (specification, "Schema Resolution").
""",
    "recode": """\
example:
  bigdata-demos avro recode events.avro --codec zstandard --level 9 -o small.avro

Blocks are recompressed, records are not decoded. The metadata stay. snappy and zstandard need packages:
pip install 'bigdata-demos[avro]'.
""",
    "fingerprint": """\
examples:
  bigdata-demos avro fingerprint event.avsc
  bigdata-demos avro fingerprint --algorithm SHA-256 events.avro

Of the schema's canonical form, in hexadecimal digits; CRC-64-AVRO has the lowest byte first, as avro-tools
and single-object encoding have it.
""",
    "canonical": "example:\n  bigdata-demos avro canonical event.avsc\n",
    "diff": """\
examples:
  bigdata-demos avro diff old.avsc new.avsc
  bigdata-demos avro diff --need backward old.avro new.avsc

backward: who has NEW reads data of OLD; forward: who has OLD reads data of NEW; full: both. Exit status 1 if what is
needed (default: full) is not so.
""",
    "repair": """\
examples:
  bigdata-demos avro repair broken.avro -o whole.avro
  cat broken.avro | bigdata-demos avro repair - -o whole.avro
  bigdata-demos avro repair headless.avro --schema event.avsc -o whole.avro

Good blocks are copied as they are. What is damaged, and what was lost there, is told on standard error. Records of a
damaged block are kept if they are known to be good: if the file ends inside the block, or only the block's frame is
damaged. --doubtful keeps all that decode before the error: with a byte changed somewhere, they may be wrong. What cannot
be seen: with codec null, deflate or zstandard a changed byte may well make another good record. Of a damaged header, sync
marker and codec are found by what the blocks decode with; the schema, if its JSON is damaged, has to be given. Exit status: 0 if
no record was lost, 1 if some were (the output is written all the same).
""",
    "validate": """\
example:
  bigdata-demos avro validate *.avro

Reads and decodes everything. Exit status 1 with the first error of each file, its offset and its record.
""",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return command.run(parser(), lambda arguments: arguments.run(arguments), argv)


def parser() -> command.Parser:
    """Return the parser of the command line."""
    top = command.Parser(
        "bigdata-demos avro", description="Show, convert, join, recompress, compare and repair Avro files.", epilog=EPILOG
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], int], description: str, *aliases: str, output: bool = True
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            aliases=aliases,
            help=(description if description[1].isupper() else description[0].lower() + description[1:]).rstrip("."),
            description=description,
            epilog=_EPILOGS[name],
        )
        made.set_defaults(run=run)
        if output:
            made.add_argument("-o", "--output", metavar="PATH", default="-", help="what to write (default: -)")
            made.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
        return made

    def codec(made: argparse.ArgumentParser, default: str | None, shown: str) -> None:
        made.add_argument("--codec", choices=CODECS, default=default, required=shown == "", help=shown or "of the blocks")
        made.add_argument(
            "--level", metavar="N", type=int, help="the codec's: deflate, bzip2 1 to 9, xz 0 to 9, zstandard 1 to 22"
        )

    def messages(made: argparse.ArgumentParser) -> None:
        made.add_argument(
            "--schema",
            metavar="SCHEMA",
            action="append",
            default=[],
            help="the input is messages in single-object encoding, of this schema; repeatable",
        )

    made = add("tojson", to_json, "Records as JSON lines.")
    made.add_argument("input", metavar="FILE")
    messages(made)
    made.add_argument("--plain", action="store_true", help="no tags in unions, dates and decimals as people write them")
    made = add("head", to_json, "The first records as JSON lines.")
    made.add_argument("input", metavar="FILE")
    made.add_argument("-n", "--lines", metavar="N", type=_natural, default=10, help="how many (default: 10)")
    made.add_argument("--plain", action="store_true", help="as in tojson")
    messages(made)
    made = add("fromjson", from_json, "JSON values as an Avro file.")
    made.add_argument("input", metavar="FILE", help="JSON lines")
    made.add_argument(
        "--schema", metavar="SCHEMA", help="JSON, a file of it, or an Avro file that has one (default: inferred from all values)"
    )
    made.add_argument("--plain", action="store_true", help="values are plain JSON, without tags in unions")
    made.add_argument("--single-object", action="store_true", help="write messages in single-object encoding, of --schema")
    codec(made, None, "of the blocks (default: deflate)")
    made = add("schema", _show_schema, "The schema of a file, as JSON.", "getschema")
    made.add_argument("input", metavar="FILE")
    made = add("meta", _show_meta, "The metadata of a file: a key, a tab and its value a line.", "getmeta")
    made.add_argument("input", metavar="FILE")
    made.add_argument("--key", metavar="KEY", help="the value of this one only")
    made = add("count", count, "How many records there are, in all files.", output=False)
    made.add_argument("inputs", metavar="FILE", nargs="+")
    made = add("cat", concatenate, "Several files as one.", "concat")
    made.add_argument("inputs", metavar="FILE", nargs="+")
    made.add_argument(
        "--schema", metavar="SCHEMA", help="JSON, a file of it, or an Avro file that has one (default: that of the first file)"
    )
    codec(made, None, "of the blocks (default: that of the first file)")
    made = add("recode", recode, "The same records, compressed by another codec.", "recodec")
    made.add_argument("input", metavar="FILE")
    codec(made, None, "")
    made = add("fingerprint", _show_fingerprint, "The fingerprint of a schema.")
    made.add_argument("input", metavar="SCHEMA", help="a schema, or an Avro file that has one")
    made.add_argument("--algorithm", choices=ALGORITHMS, default="CRC-64-AVRO", help="(default: CRC-64-AVRO)")
    made = add("canonical", _show_canonical, "A schema's canonical form.")
    made.add_argument("input", metavar="SCHEMA", help="a schema, or an Avro file that has one")
    made = add("diff", diff, "Whether data of one schema can be read with another, and why not.")
    made.add_argument("old", metavar="OLD", help="a schema, or an Avro file that has one")
    made.add_argument("new", metavar="NEW", help="another")
    made.add_argument("--need", choices=_NEEDS, default="full", help="what makes the exit status 0 (default: full)")
    made = add("repair", mend, "What is left of a damaged file, as a whole one.")
    made.add_argument("input", metavar="FILE")
    made.add_argument("--doubtful", action="store_true", help="keep records that decode, but may be wrong")
    made.add_argument("--schema", metavar="SCHEMA", help="a file, or JSON, if the header is damaged (default: the header's)")
    made.add_argument("--codec", choices=CODECS, help="of the blocks (default: the header's, or one that they decode with)")
    made = add("validate", validate, "Reads everything; tells the first error.", output=False)
    made.add_argument("inputs", metavar="FILE", nargs="+")
    return top


def _natural(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be 0 or more, not {value}")
    return value


def _check_level(codec: str, level: int | None) -> None:
    from .codecs import LEVELS

    if level is None:
        return
    if codec not in LEVELS:
        raise UsageError(f"--level: codec {codec} has no levels")
    least, most = LEVELS[codec]
    if not least <= level <= most:
        raise UsageError(f"--level: those of {codec} are from {least} to {most}, not {level}")


@contextlib.contextmanager
def opened(*names: str, quiet: bool = False) -> Iterator[Generator["Source", None, None]]:
    """Open inputs one after another on demand, with one progress bar for all of them on a terminal.

    Raises UsageError if standard input is named twice.
    """
    from tqdm import tqdm

    from .streams import open_input

    if names.count("-") > 1:
        raise UsageError("standard input can be read once only")
    sizes = [os.path.getsize(name) for name in names if os.path.isfile(name)]
    total = sum(sizes) if len(sizes) == len(names) else None
    shown = not quiet and sys.stderr.isatty()
    with tqdm(total=total, unit="B", unit_scale=True, disable=not shown, leave=False, file=sys.stderr) as bar:

        def one_by_one() -> Generator["Source", None, None]:
            for name in names:
                with open_input(name, bar.update) as source:
                    yield source

        with contextlib.closing(one_by_one()) as sources:
            yield sources


@contextlib.contextmanager
def _opened_one(name: str, *, quiet: bool = False) -> Iterator["Source"]:
    with opened(name, quiet=quiet) as sources:
        yield next(sources)


def _to_terminal(arguments: argparse.Namespace) -> bool:
    return arguments.output == "-" and sys.stdout is not None and sys.stdout.isatty()


def write_text(arguments: argparse.Namespace, text: str) -> int:
    """Write text to the output and return exit status 0."""
    from .streams import open_output

    with open_output(arguments.output, binary=False, overwrite=arguments.overwrite) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
    return 0


def summary(writer: "Writer", arguments: argparse.Namespace) -> None:
    """Print on standard error what was written."""
    print(f"records={writer.records} blocks={writer.blocks} codec={writer.codec} output={arguments.output}", file=sys.stderr)


# Records


def to_json(arguments: argparse.Namespace) -> int:
    """Run ``tojson`` or ``head``."""
    from . import values
    from .streams import open_output

    limit = getattr(arguments, "lines", None)
    with (
        _opened_one(arguments.input, quiet=_to_terminal(arguments)) as source,
        open_output(arguments.output, binary=False, overwrite=arguments.overwrite) as file,
    ):
        records = _decoded_messages(source, arguments.schema) if arguments.schema else _decoded_records(source)
        if limit == 0:
            return 0
        for number, (record, schema, named) in enumerate(records, 1):
            try:
                value = values.to_json(record, schema, named, plain=arguments.plain)
            except BadAvro as error:
                raise BadAvro(f"{source.name}: record {number}: {error}") from None
            file.write(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
            if number == limit:
                break
    return 0


def _decoded_records(source: "Source") -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """Return the records of a container file, each with its schema and that schema's named types."""
    from . import containers, single_object
    from .kinds import named_types

    if source.peek(len(single_object.MARKER)) == single_object.MARKER:
        raise UsageError(f"{source.name}: not an Avro file, but single-object encoding, as it seems: name its schema by --schema")
    header = containers.read_header(source)
    named = named_types(header.schema)
    return ((record, header.schema, named) for record in containers.read_records(source, header))


def _decoded_messages(source: "Source", names: list[str]) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """Yield the data of a single-object stream, each with its schema and that schema's named types."""
    import io

    import fastavro

    from . import schemas, single_object, values
    from .containers import MAGIC
    from .kinds import named_types

    if "-" in names:
        raise UsageError("--schema: standard input has the messages, or nothing: name a file")
    if source.peek(len(MAGIC)) == MAGIC:
        raise UsageError(f"{source.name}: an Avro file, which has its schema with it: leave --schema out")
    known = single_object.known(map(_decodable_schema, names))
    raw = {mark: values.raw_schema(schema) for mark, schema in known.items()}
    named = {mark: named_types(schema) for mark, schema in known.items()}
    for number, (mark, packed) in enumerate(single_object.messages(source, known), 1):
        try:
            datum = fastavro.schemaless_reader(io.BytesIO(packed), raw[mark], None, **values.READ_OPTIONS)
        except Exception as error:  # fastavro raises many types for damaged data
            raise BadAvro(f"{source.name}: message {number}: {schemas.one_line(error)}") from None
        yield datum, known[mark], named[mark]


def _decodable_schema(name: str) -> Any:
    """Load a schema argument and check that its data can be decoded."""
    from .limits import measure

    schema = _schema_of(name)
    try:
        measure(schema)
    except ValueError as error:
        raise InputError(f"{name}: unusable schema: {error}") from None
    return schema


def from_json(arguments: argparse.Namespace) -> int:
    """Run ``fromjson``."""
    from . import single_object, values
    from .containers import Encoder, Writer
    from .infer import infer
    from .jsontext import json_values
    from .kinds import named_types
    from .schemas import parse, to_text, without_defaults
    from .streams import open_output

    if arguments.single_object and arguments.schema is None:
        raise UsageError("--single-object: name the schema by --schema: a message has its fingerprint only")
    if arguments.single_object and (arguments.codec or arguments.level is not None):
        raise UsageError("--single-object: messages have no blocks: leave --codec and --level out")
    codec = arguments.codec or "deflate"
    _check_level(codec, arguments.level)
    with contextlib.ExitStack() as stack:
        schema = _schema_of(arguments.schema) if arguments.schema is not None else None
        source = stack.enter_context(_opened_one(arguments.input, quiet=_to_terminal(arguments)))
        if schema is None:
            spool: IO[bytes] = stack.enter_context(tempfile.TemporaryFile(prefix="bigdata-demos-avro-"))
            try:
                schema = infer(_spooled(source, spool))
            except InputError as error:
                raise InputError(f"{source.name}: {str(error).removeprefix(f'{source.name}: ')}") from None
            spool.seek(0)
            numbered: Iterator[tuple[int, Any]] = ((i, json.loads(line)) for i, line in enumerate(spool, 1))
        else:
            numbered = json_values(source)
        parsed = parse(to_text(schema))
        named, encode = named_types(parsed), Encoder(parsed)
        file = stack.enter_context(open_output(arguments.output, binary=True, overwrite=arguments.overwrite))
        inferred = arguments.schema is None  # optional fields have the default null
        text = to_text(schema if inferred else without_defaults(schema))
        blocks = None if arguments.single_object else Writer(file, text, codec=codec, level=arguments.level)
        writer = blocks or single_object.Writer(file, parsed)
        for number, value in numbered:
            try:
                datum = values.from_json(value, parsed, named, plain=arguments.plain or arguments.schema is None)
                writer.write(encode(datum))
            except BigDataDemosError as error:
                raise InputError(f"{source.name}: value {number}: {error}") from None
            except (TypeError, ValueError, KeyError, OverflowError, AttributeError, RecursionError) as error:  # by fastavro
                raise InputError(f"{source.name}: value {number} is not of the schema: {error}") from None
        if blocks is not None:
            blocks.flush()
    if blocks is not None:
        summary(blocks, arguments)
    else:
        print(f"records={writer.records} output={arguments.output}", file=sys.stderr)
    return 0


def _spooled(source: "Source", spool: IO[bytes]) -> Iterator[Any]:
    """Yield JSON values and copy each to a line of a temporary file."""
    from .jsontext import json_values

    for _, value in json_values(source):
        spool.write(json.dumps(value).encode() + b"\n")
        yield value


# Headers and schemas


def _show_schema(arguments: argparse.Namespace) -> int:
    from . import containers

    with _opened_one(arguments.input, quiet=True) as source:
        header = containers.read_header(source, decoding=False)
    return write_text(arguments, json.dumps(json.loads(header.text), indent=2, ensure_ascii=False) + "\n")


def _show_meta(arguments: argparse.Namespace) -> int:
    from ..errors import printable
    from . import containers
    from .streams import open_output

    with _opened_one(arguments.input, quiet=True) as source:
        meta = containers.read_header(source, decoding=False).meta
    if arguments.key is None:
        lines = (f"{printable(key)}\t{printable(value.decode('utf-8', 'backslashreplace'))}\n" for key, value in meta.items())
        return write_text(arguments, "".join(lines))
    if arguments.key not in meta:
        raise InputError(f"{source.name}: no key {arguments.key!r}, only {', '.join(meta)}")
    with open_output(arguments.output, binary=False, overwrite=arguments.overwrite) as file:
        file.write(meta[arguments.key] + b"\n")
    return 0


def _schema_of(name: str) -> Any:
    """Load a schema from an Avro or JSON file, or from the argument itself."""
    from . import containers, schemas
    from .containers import MAGIC
    from .limits import MAX_HEADER

    if name != "-" and not os.path.isfile(name):
        return schemas.load(name, recursive=True)
    with _opened_one(name, quiet=True) as source:
        if source.peek(len(MAGIC)) == MAGIC:
            return schemas.load(containers.read_header(source, decoding=False).text, recursive=True)
        if name != "-":
            return schemas.load(name, recursive=True)
        text = source.read(MAX_HEADER).decode("utf-8", "replace").strip()
    if not text.startswith(("{", "[", '"')):
        raise InputError("stdin: neither an Avro file nor a schema as JSON")
    return schemas.load(text, recursive=True)


def _show_fingerprint(arguments: argparse.Namespace) -> int:
    from . import schemas

    return write_text(arguments, schemas.fingerprint(_schema_of(arguments.input), arguments.algorithm).hex() + "\n")


def _show_canonical(arguments: argparse.Namespace) -> int:
    from . import schemas

    return write_text(arguments, schemas.canonical(_schema_of(arguments.input)) + "\n")


def diff(arguments: argparse.Namespace) -> int:
    """Run ``diff``."""
    from ..errors import printable
    from .resolution import compatibility

    if arguments.old == arguments.new == "-":
        raise UsageError("standard input can be read once only")
    old, new = _schema_of(arguments.old), _schema_of(arguments.new)
    reasons = {"backward": compatibility(old, new), "forward": compatibility(new, old)}
    readers = {"backward": "NEW reads data of OLD", "forward": "OLD reads data of NEW"}
    lines = []
    for direction, problems in reasons.items():
        lines.append(f"{direction} ({readers[direction]}): {'no' if problems else 'yes'}\n")
        lines += [f"  {printable(reason)}\n" for reason in problems]
    write_text(arguments, "".join(lines))
    needed = reasons if arguments.need == "full" else [arguments.need]
    return 1 if any(reasons.get(direction) for direction in needed) else 0


# Blocks


def count(arguments: argparse.Namespace) -> int:
    """Run ``count``."""
    from . import containers

    records = 0
    with opened(*arguments.inputs) as sources:
        for source in sources:
            header = containers.read_header(source, decoding=False)
            records += sum(frame.records for frame in containers.sound_frames(source, header))
    print(records)
    return 0


def recode(arguments: argparse.Namespace) -> int:
    """Run ``recode``."""
    from . import containers
    from .streams import open_output

    _check_level(arguments.codec, arguments.level)
    with (
        _opened_one(arguments.input, quiet=_to_terminal(arguments)) as source,
        open_output(arguments.output, binary=True, overwrite=arguments.overwrite) as file,
    ):
        header = containers.read_header(source, decoding=False)
        writer = containers.Writer(file, header.text, codec=arguments.codec, level=arguments.level, meta=header.meta)
        copy(source, header, writer)
    summary(writer, arguments)
    return 0


def copy(source: "Source", header: Any, writer: "Writer") -> None:
    """Copy all blocks, recompressed."""
    from . import containers

    for frame in containers.sound_frames(source, header):
        writer.write_block(frame.records, containers.unpacked(frame, header.codec, source.name))


def concatenate(arguments: argparse.Namespace) -> int:
    """Run ``cat``."""
    from . import containers, schemas
    from .streams import open_output

    schema = _schema_of(arguments.schema) if arguments.schema is not None else None
    if arguments.codec:
        _check_level(arguments.codec, arguments.level)
    writer: Writer | None = None
    with (
        opened(*arguments.inputs, quiet=_to_terminal(arguments)) as sources,
        open_output(arguments.output, binary=True, overwrite=arguments.overwrite) as file,
    ):
        for source in sources:
            header = containers.read_header(source, decoding=False)
            if writer is None:
                text = header.text if arguments.schema is None else schemas.to_text(schema)
                schema = schemas.load(text, recursive=True)
                codec = arguments.codec or header.codec
                if codec not in CODECS:
                    raise UsageError(f"{source.name}: its codec {codec!r} is not one that is written here: add --codec")
                _check_level(codec, arguments.level)
                if arguments.schema is not None:
                    text = schemas.to_text(schemas.without_defaults(schema))
                writer = containers.Writer(file, text, codec=codec, level=arguments.level, meta=header.meta)
            append(source, header, schema, writer, as_is=arguments.level is None)
        if writer is not None:
            writer.flush()
            summary(writer, arguments)
    return 0


def append(source: "Source", header: Any, schema: Any, writer: "Writer", *, as_is: bool) -> None:
    """Append a file's records, resolved to ``schema``; if the schemas are equal, blocks are recompressed or copied as they are.

    Raises BadAvro if the file is damaged, or its records do not fit the schema.
    """
    from . import containers, schemas
    from .resolution import compatibility, resolver

    written = schemas.load(header.text, recursive=True)
    if written == schema or schemas.canonical(written) == schemas.canonical(schema):
        if header.codec != writer.codec or not as_is:
            copy(source, header, writer)
            return
        for frame in containers.sound_frames(source, header):
            writer.copy(frame.records, frame.packed)
        return
    reasons = compatibility(written, schema, by_record=True)
    if reasons:
        raise BadAvro(f"{source.name}: its schema does not fit: {'; '.join(reasons[:3])}{' …' if reasons[3:] else ''}")
    containers.check_decodable(header, source.name)
    resolved, encode = resolver(written, schema), containers.Encoder(schema)
    for number, record in enumerate(containers.read_records(source, header), 1):
        try:
            writer.write(encode(resolved(record)))
        except BigDataDemosError as error:
            raise BadAvro(f"{source.name}: record {number}: {error}") from None
        except (TypeError, ValueError, KeyError, OverflowError, AttributeError) as error:  # by fastavro
            raise BadAvro(f"{source.name}: record {number} does not fit: {error}") from None


def mend(arguments: argparse.Namespace) -> int:
    """Run ``repair``."""
    from . import containers
    from .repair import find_header, repair
    from .schemas import to_text
    from .streams import open_output

    schema = to_text(_schema_of(arguments.schema)) if arguments.schema is not None else None
    losses = lost = 0
    with (
        _opened_one(arguments.input, quiet=_to_terminal(arguments)) as source,
        open_output(arguments.output, binary=True, overwrite=arguments.overwrite) as file,
    ):
        header, notes = find_header(source, schema, arguments.codec)
        for note in notes:
            command.say(f"{source.name}: {note}")
        writer = containers.Writer(file, header.text, codec=header.codec, meta=header.meta, sync=header.sync)
        unknown = False
        for loss in repair(source, header, writer, doubtful=arguments.doubtful):
            missing = "an unknown number" if loss.lost is None else loss.lost
            where = f"offset {loss.start} to {loss.end} ({loss.end - loss.start} bytes)"
            command.say(f"{source.name}: {where}: {loss.detail}: {loss.kept} records kept, {missing} lost")
            losses += not loss.complete
            lost += loss.lost or 0
            unknown |= loss.lost is None
    summary(writer, arguments)
    if losses:
        command.say(f"{source.name}: records lost: {'at least ' * unknown}{lost}; places damaged: {losses}")
    return 1 if losses else 0


def validate(arguments: argparse.Namespace) -> int:
    """Run ``validate``."""
    from . import containers

    if arguments.inputs.count("-") > 1:
        raise UsageError("standard input can be read once only")
    bad = 0
    for name in arguments.inputs:
        try:
            with _opened_one(name) as source:
                header = containers.read_header(source)
                decoder, records, blocks = containers.Decoder(header), 0, 0
                for frame in containers.sound_frames(source, header):
                    blocks += 1
                    records += sum(1 for _ in decoder.records(frame, source.name))
            print(f"{source.name}: ok: records={records} blocks={blocks} codec={header.codec}")
        except (BadAvro, InputError) as error:
            command.say(str(error))
            bad = 1
    return bad
