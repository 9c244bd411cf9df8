"""Executes the commands of ``bigdata-demos avro``: one function for each, from arguments to an exit status."""

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Generator, Iterator
from typing import IO, Any

import fastavro
from tqdm import tqdm

from .. import command
from ..errors import BadAvro, BigDataDemosError, InputError, UsageError, printable
from . import containers, schemas, single_object, values
from .cli import CODECS
from .codecs import LEVELS
from .containers import MAGIC, Encoder, Writer
from .infer import infer
from .jsontext import json_values
from .kinds import named_types
from .limits import MAX_HEADER, measure
from .repair import find_header, repair
from .resolution import compatibility, resolver
from .schemas import parse, to_text, without_defaults
from .streams import Source, open_input, open_output


def _check_level(codec: str, level: int | None) -> None:
    if level is None:
        return
    if codec not in LEVELS:
        raise UsageError(f"--level: codec {codec} has no levels")
    least, most = LEVELS[codec]
    if not least <= level <= most:
        raise UsageError(f"--level: must be from {least} to {most} for {codec}, not {level}")


@contextlib.contextmanager
def opened(*names: str, quiet: bool = False) -> Iterator[Generator[Source, None, None]]:
    """Open inputs one after another on demand, with one progress bar for all of them on a terminal.

    Raises UsageError if standard input is named twice.
    """
    if names.count("-") > 1:
        raise UsageError("standard input can be read once only")
    sizes = [os.path.getsize(name) for name in names if os.path.isfile(name)]
    total = sum(sizes) if len(sizes) == len(names) else None
    shown = not quiet and sys.stderr.isatty()
    with tqdm(total=total, unit="B", unit_scale=True, disable=not shown, leave=False, file=sys.stderr) as bar:

        def one_by_one() -> Generator[Source, None, None]:
            for name in names:
                with open_input(name, bar.update) as source:
                    yield source

        with contextlib.closing(one_by_one()) as sources:
            yield sources


@contextlib.contextmanager
def _opened_one(name: str, *, quiet: bool = False) -> Iterator[Source]:
    with opened(name, quiet=quiet) as sources:
        yield next(sources)


@contextlib.contextmanager
def _from_input_to_output(arguments: argparse.Namespace, *, binary: bool) -> Iterator[tuple[Source, IO[bytes]]]:
    with (
        _opened_one(arguments.input, quiet=_to_terminal(arguments)) as source,
        open_output(arguments.output, binary=binary, overwrite=arguments.overwrite) as file,
    ):
        yield source, file


def _to_terminal(arguments: argparse.Namespace) -> bool:
    return arguments.output == "-" and sys.stdout is not None and sys.stdout.isatty()


def write_text(arguments: argparse.Namespace, text: str) -> int:
    """Write text to the output and return exit status 0."""
    with open_output(arguments.output, binary=False, overwrite=arguments.overwrite) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
    return 0


def summary(writer: Writer, arguments: argparse.Namespace) -> None:
    """Print on standard error what was written."""
    print(f"records={writer.records} blocks={writer.blocks} codec={writer.codec} output={arguments.output}", file=sys.stderr)


# Records


def to_json(arguments: argparse.Namespace) -> int:
    """Run ``tojson`` or ``head``."""
    limit = getattr(arguments, "lines", None)
    with _from_input_to_output(arguments, binary=False) as (source, file):
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


def _decoded_records(source: Source) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """Return the records of a container file, each with its schema and that schema's named types."""
    if source.peek(len(single_object.MARKER)) == single_object.MARKER:
        raise UsageError(f"{source.name}: not an Avro file; it looks like single-object encoding: name its schema with --schema")
    header = containers.read_header(source)
    named = named_types(header.schema)
    return ((record, header.schema, named) for record in containers.read_records(source, header))


def _decoded_messages(source: Source, names: list[str]) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """Yield the data of a single-object stream, each with its schema and that schema's named types."""
    if "-" in names:
        raise UsageError("--schema: standard input is used for the messages: name a file")
    if source.peek(len(MAGIC)) == MAGIC:
        raise UsageError(f"{source.name}: an Avro file contains its schema: leave out --schema")
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
    schema = _schema_of(name)
    try:
        measure(schema)
    except ValueError as error:
        raise InputError(f"{name}: invalid schema: {error}") from None
    return schema


def from_json(arguments: argparse.Namespace) -> int:
    """Run ``fromjson``."""
    if arguments.single_object and arguments.schema is None:
        raise UsageError("--single-object: name the schema with --schema, because a message contains only its fingerprint")
    if arguments.single_object and (arguments.codec or arguments.level is not None):
        raise UsageError("--single-object: messages have no blocks: leave out --codec and --level")
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
                raise InputError(f"{source.name}: value {number} does not match the schema: {error}") from None
        if blocks is not None:
            blocks.flush()
    if blocks is not None:
        summary(blocks, arguments)
    else:
        print(f"records={writer.records} output={arguments.output}", file=sys.stderr)
    return 0


def _spooled(source: Source, spool: IO[bytes]) -> Iterator[Any]:
    """Yield JSON values and copy each to a line of a temporary file."""
    for _, value in json_values(source):
        spool.write(json.dumps(value).encode() + b"\n")
        yield value


# Headers and schemas


def show_schema(arguments: argparse.Namespace) -> int:
    """Run ``schema``."""
    with _opened_one(arguments.input, quiet=True) as source:
        header = containers.read_header(source, decoding=False)
    return write_text(arguments, json.dumps(json.loads(header.text), indent=2, ensure_ascii=False) + "\n")


def show_meta(arguments: argparse.Namespace) -> int:
    """Run ``meta``."""
    with _opened_one(arguments.input, quiet=True) as source:
        meta = containers.read_header(source, decoding=False).meta
    if arguments.key is None:
        lines = (f"{printable(key)}\t{printable(value.decode('utf-8', 'backslashreplace'))}\n" for key, value in meta.items())
        return write_text(arguments, "".join(lines))
    if arguments.key not in meta:
        raise InputError(f"{source.name}: no key {arguments.key!r}; there are {', '.join(meta)}")
    with open_output(arguments.output, binary=False, overwrite=arguments.overwrite) as file:
        file.write(meta[arguments.key] + b"\n")
    return 0


def _schema_of(name: str) -> Any:
    """Load a schema from an Avro or JSON file, or from the argument itself."""
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


def show_fingerprint(arguments: argparse.Namespace) -> int:
    """Run ``fingerprint``."""
    return write_text(arguments, schemas.fingerprint(_schema_of(arguments.input), arguments.algorithm).hex() + "\n")


def show_canonical(arguments: argparse.Namespace) -> int:
    """Run ``canonical``."""
    return write_text(arguments, schemas.canonical(_schema_of(arguments.input)) + "\n")


def diff(arguments: argparse.Namespace) -> int:
    """Run ``diff``."""
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
    records = 0
    with opened(*arguments.inputs) as sources:
        for source in sources:
            header = containers.read_header(source, decoding=False)
            records += sum(frame.records for frame in containers.sound_frames(source, header))
    print(records)
    return 0


def recode(arguments: argparse.Namespace) -> int:
    """Run ``recode``."""
    _check_level(arguments.codec, arguments.level)
    with _from_input_to_output(arguments, binary=True) as (source, file):
        header = containers.read_header(source, decoding=False)
        writer = Writer(file, header.text, codec=arguments.codec, level=arguments.level, meta=header.meta)
        copy(source, header, writer)
    summary(writer, arguments)
    return 0


def copy(source: Source, header: Any, writer: Writer) -> None:
    """Copy all blocks, recompressed."""
    for frame in containers.sound_frames(source, header):
        writer.write_block(frame.records, containers.unpacked(frame, header.codec, source.name))


def concatenate(arguments: argparse.Namespace) -> int:
    """Run ``cat``."""
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
                    raise UsageError(f"{source.name}: its codec {codec!r} cannot be written: choose another with --codec")
                _check_level(codec, arguments.level)
                if arguments.schema is not None:
                    text = schemas.to_text(schemas.without_defaults(schema))
                writer = Writer(file, text, codec=codec, level=arguments.level, meta=header.meta)
            append(source, header, schema, writer, as_is=arguments.level is None)
        if writer is not None:
            writer.flush()
            summary(writer, arguments)
    return 0


def append(source: Source, header: Any, schema: Any, writer: Writer, *, as_is: bool) -> None:
    """Append a file's records, resolved to ``schema``; if the schemas are equal, blocks are recompressed or copied as they are.

    Raises BadAvro if the file is damaged, or its records do not fit the schema.
    """
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
    resolved, encode = resolver(written, schema), Encoder(schema)
    for number, record in enumerate(containers.read_records(source, header), 1):
        try:
            writer.write(encode(resolved(record)))
        except BigDataDemosError as error:
            raise BadAvro(f"{source.name}: record {number}: {error}") from None
        except (TypeError, ValueError, KeyError, OverflowError, AttributeError) as error:  # by fastavro
            raise BadAvro(f"{source.name}: record {number} does not fit: {error}") from None


def mend(arguments: argparse.Namespace) -> int:
    """Run ``repair``."""
    schema = to_text(_schema_of(arguments.schema)) if arguments.schema is not None else None
    losses = lost = 0
    with _from_input_to_output(arguments, binary=True) as (source, file):
        header, notes = find_header(source, schema, arguments.codec)
        for note in notes:
            command.say(f"{source.name}: {note}")
        writer = Writer(file, header.text, codec=header.codec, meta=header.meta, sync=header.sync)
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
