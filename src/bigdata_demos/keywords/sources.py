"""Where pages come from: :func:`plan` makes splits of paths, in the driver; :func:`read` makes pages of a split, in a worker.

What a path is gets decided by its first bytes, and by its name where they do not tell. Reasons for rejections here:

``bad-record``    a record that cannot be decoded, or that lacks what makes it a page (its URL, its content)
``bad-encoding``  a content coding (gzip, deflate, br) that does not decode
``truncated``     the file ends inside the record
``unreadable``    the file cannot be opened or read at all
"""

import codecs
import io
import json
import lzma
import os
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import fsspec

from ..errors import BadAvro, InputError, UsageError
from ..formats import avro, schemas, warc
from .model import Kind, Page, Range, Rejected, Skipped, Split
from .text import MAX_BYTES

SPLIT_BYTES: Final = 16 << 20
"""Bytes of a split of a large input, not compressed; what is compressed counts :data:`EXPANSION` times."""
SMALL_SPLIT: Final = 1 << 20
"""Bytes of a split of a small input: less is not worth a task."""
TASKS: Final = 24
"""Splits of an input of middle size, so that workers have about equal shares, and do not wait long for the last of them."""
EXPANSION: Final = 6
MAX_LINE: Final = 4 * MAX_BYTES
"""Bytes of the longest line of JSON: a page of the largest size, escaped."""

HTML_NAMES: Final = (".html", ".htm", ".xhtml")
KIND_OF_NAME: Final[dict[str, Kind]] = {
    **dict.fromkeys(HTML_NAMES, "html"),
    ".warc": "warc",
    ".avro": "avro",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
CODECS: Final = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}
DAMAGED: Final = (OSError, EOFError, zlib.error, lzma.LZMAError, BadAvro)
"""What reading a file raises that is cut, damaged, or not what it seems."""
HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|title|body|meta)\b", re.IGNORECASE | re.DOTALL
)


def plan(inputs: Sequence[str], *, split_bytes: int | None = None) -> tuple[list[Split], int]:
    """The splits of some paths, globs and directories, and how many files among them are no pages.

    Splits depend on the input only, never on the number of workers. Small files share one; files that can be read from
    any byte (WARC.gz, Avro, JSON lines) are cut. If no ``split_bytes`` are given, they are a fraction of the input
    (one of :data:`TASKS`), from :data:`SMALL_SPLIT` to :data:`SPLIT_BYTES`.

    Raises:
        InputError: if a path is not there, or of no kind that is known.

    """
    found = [file for path in inputs for file in expand(path)]
    files = [file for file in found if file is not None]
    if split_bytes is None:
        split_bytes = min(max(sum(map(weigh, files)) // TASKS, SMALL_SPLIT), SPLIT_BYTES)
    pieces = [piece for file in files for piece in cut(file, split_bytes)]
    splits: list[Split] = []
    group: list[Range] = []
    size = 0
    for piece in pieces:
        weight = weigh(piece)
        if group and size + weight > split_bytes:
            splits.append(Split(len(splits), tuple(group)))
            group, size = [], 0
        group.append(piece)
        size += weight
    if group:
        splits.append(Split(len(splits), tuple(group)))
    return splits, len(found) - len(files)


def weigh(piece: Range) -> int:
    """About how many bytes a range has when it is not compressed."""
    packed = piece.codec or (piece.kind == "warc" and piece.path.endswith(".gz"))
    return (piece.end - piece.start) * (EXPANSION if packed else 1)


def cut(file: Range, split_bytes: int) -> Iterator[Range]:
    """The ranges of a file, none of them much larger than a split."""
    whole = file.codec or file.kind == "html" or (file.kind == "warc" and not file.path.endswith(".gz"))
    pieces = 1 if whole else max(1, round(weigh(file) / split_bytes))
    edges = [file.end * i // pieces for i in range(pieces + 1)]
    for start, end in pairwise(edges):
        yield file._replace(start=start, end=end)


def expand(path: str) -> Iterator[Range | None]:
    """The files of a path, a glob or a directory, in order of their names; ``None`` for each that is no page.

    Raises:
        InputError: if there is none, or one that was named is of no known kind.

    """
    try:
        local = "://" not in path
        fs, root = (fsspec.filesystem("file"), os.path.abspath(path)) if local else fsspec.core.url_to_fs(path)
        if fs.isdir(root):
            base = root.rstrip("/")
            for name, info in sorted(fs.find(root, detail=True).items()):
                inside = name[len(base) + 1 :]
                if info["type"] == "other" and not info.get("islink"):  # a pipe, a socket, a device: nothing to read to an end
                    yield None
                elif not any(part.startswith(".") for part in inside.split("/")):
                    yield identify(name if local else url_of(fs, path, name), info["size"], inside)
            return
        if fs.isfile(root):  # first, for a name may have brackets in it
            names = [root]
        elif fsspec.core.has_magic(root):
            names = sorted(name for name in fs.glob(root) if fs.isfile(name))
            if not names:
                raise InputError(f"{path}: no file matches: check the pattern (** goes into directories)")
        else:
            raise InputError(f"{path}: no such file or directory")
        for name in names:
            file = identify(name if local else url_of(fs, path, name), fs.size(name), os.path.basename(name))
            if file is None:
                raise InputError(f"{path}: not a web page, WARC, Avro or JSON lines file, by its content or its name")
            yield file
    except (OSError, ImportError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def url_of(fs: Any, path: str, name: str) -> str:
    """The URL of a file that a file system found for a path; names in HDFS say nothing of the host."""
    scheme, _, rest = path.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}{name}" if scheme == "webhdfs" else str(fs.unstrip_protocol(name))


def identify(path: str, size: int, name: str) -> Range | None:
    """What a file is; ``None`` if it is nothing that has pages."""
    stem, suffix = os.path.splitext(path.lower())
    codec = CODECS.get(suffix, "")
    kind = KIND_OF_NAME.get(os.path.splitext(stem)[1] if codec else suffix)
    if kind == "html" and not codec:  # thousands of these are common: they are opened once, where they are read
        return Range(path, 0, size, "html", name)
    start = head_of(path, codec)
    found: Kind | None = None
    if start.startswith(avro.MAGIC):
        found = "avro"
    elif start.startswith(warc.WARC):
        found = "warc"
    elif HTML_START.match(start):
        found = "html"
    elif start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and kind != "html":
        found = "jsonl"
    kind = found or kind
    if kind is None:
        return None
    if kind == "warc" and codec == "gzip":
        with open_file(path) as file:
            codec = "gzip" if warc.is_one_member(file) else ""
    return Range(path, 0, size, kind, name if kind == "html" else "", codec)


def head_of(path: str, codec: str) -> bytes:
    """The first bytes of a file, decompressed; ``b""`` if they cannot be."""
    try:
        with open_file(path, codec) as file:
            return file.read(2048)
    except DAMAGED:
        return b""


def open_file(path: str, codec: str = "") -> BinaryIO:
    """A file, opened to read bytes, decompressed if it has a codec."""
    if not codec and "://" not in path:
        return Path(path).open("rb")
    file = fsspec.open("file://" + path if "://" not in path else path, "rb", compression=codec or None).open()
    return cast(BinaryIO, io.BufferedReader(file))  # some decompressors have no lines, some URLs' files no limit to theirs


def read(split: Split, reader: str = "") -> Iterator[Page | Rejected | Skipped]:
    """The pages of a split, and what it has instead of pages. Nothing in a file is fatal.

    ``reader``: the schema, as JSON, that Avro is read with; ``""`` for its own.
    """
    for piece in split.ranges:
        try:
            with open_file(piece.path, piece.codec) as file:
                yield from read_file(file, piece, reader)
        except DAMAGED as error:
            reason = "truncated" if isinstance(error, EOFError) else "unreadable"
            yield Rejected(piece.path, piece.start, piece.name, reason, f"{type(error).__name__}: {error}")


def read_file(file: BinaryIO, piece: Range, reader: str) -> Iterator[Page | Rejected | Skipped]:
    """The pages of a file of any kind."""
    if piece.kind == "avro":
        return read_avro(file, piece, reader)
    if piece.kind == "html":
        return read_html(file, piece, reader)
    return read_warc(file, piece) if piece.kind == "warc" else read_jsonl(file, piece)


def read_html(file: BinaryIO, piece: Range, reader: str) -> Iterator[Page | Rejected | Skipped]:
    """The one page of an HTML file."""
    content = file.read(MAX_BYTES + 1)
    if content.startswith((avro.MAGIC, warc.WARC)):  # whatever it is named
        kind: Kind = "avro" if content.startswith(avro.MAGIC) else "warc"
        yield from read_file(file, piece._replace(kind=kind), reader)
    else:
        yield Page(piece.name, piece.path, 0, content)


def read_warc(file: BinaryIO, piece: Range) -> Iterator[Page | Rejected | Skipped]:
    """The HTML responses of a WARC file."""
    if piece.codec:
        with plain(file) as unpacked:
            yield from read_warc(unpacked, piece._replace(codec="", end=sys.maxsize))
        return
    for found in warc.read_responses(file, piece.start, piece.end, MAX_BYTES):
        if isinstance(found, warc.Response):
            yield Page(found.url, piece.path, found.offset, found.body, content_type=found.content_type, date=found.date)
        elif isinstance(found, warc.BadRecord):
            yield Rejected(piece.path, found.offset, found.url, found.reason, found.detail)
        else:
            yield Skipped(piece.path, found.offset)


def read_jsonl(file: BinaryIO, piece: Range) -> Iterator[Page | Rejected | Skipped]:
    """The pages of JSON lines; a line belongs to the range in which it starts. Compressed files are read whole."""
    end = sys.maxsize if piece.codec else piece.end
    source = piece.name or piece.path
    at = piece.start
    if at:
        file.seek(at - 1)
        at += pass_line(file) - 1
    while at < end:
        line = file.readline(MAX_LINE + 1)
        if not line:
            return
        offset, at = at, at + len(line)
        if len(line) > MAX_LINE:
            at += pass_line(file) if not line.endswith(b"\n") else 0
            yield Rejected(source, offset, "", "too-large", f"a line of more than {MAX_LINE} bytes")
            continue
        line = line.removeprefix(codecs.BOM_UTF8).strip()
        if not line:
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Rejected(source, offset, "", "bad-record", f"{type(error).__name__}: {error}")
        else:
            yield page_of(record, source, offset)


def pass_line(file: BinaryIO) -> int:
    """Read to the end of the line, without keeping it; returns how many bytes that was."""
    passed = 0
    while chunk := file.readline(1 << 20):
        passed += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return passed


@contextmanager
def plain(file: BinaryIO) -> Iterator[BinaryIO]:
    """The content of a compressed file in a temporary one, for readers that go back and forth."""
    with tempfile.TemporaryFile() as unpacked:
        shutil.copyfileobj(file, unpacked, 1 << 20)
        yield cast(BinaryIO, unpacked)


def read_avro(file: BinaryIO, piece: Range, reader: str = "") -> Iterator[Page | Rejected | Skipped]:
    """The pages of an Avro container file."""
    if piece.codec:
        with plain(file) as unpacked:
            yield from read_avro(unpacked, piece._replace(codec="", end=sys.maxsize), reader)
        return
    for block in avro.read_blocks(file, piece.path, piece.start, piece.end, partial(chain, reader=reader)):
        if isinstance(block, avro.BadBlock):
            yield Rejected(piece.path, block.offset, "", "bad-record", block.detail)
            continue
        offset, records = block
        try:
            for record in records:
                if isinstance(record, avro.Unresolved):
                    yield Rejected(piece.path, offset, name_of(record.record, reader), "bad-record", record.detail)
                else:
                    yield page_of(record, piece.path, offset)
        except Exception as error:  # fastavro raises whatever the data made it do
            yield Rejected(piece.path, offset, "", "bad-record", f"{type(error).__name__}: {error}")


def load_reader(source: str) -> str:
    """The JSON of a schema that Avro is to be read with: of a file, of JSON, or one of our own (``bigdata-demos:page/1``).

    Raises:
        InputError: if there is none.
        UsageError: if no page could come of its records.

    """
    reader = schemas.to_text(schemas.load(source))
    readers_schema(reader)
    return reader


@cache
def readers_schema(reader: str) -> avro.Schema:
    """The parsed schema that Avro is read with, of its JSON.

    Raises:
        InputError: if it is none.
        UsageError: if no page could come of its records.

    """
    schema = schemas.load(reader)
    fields = schema["fields"] if isinstance(schema, dict) and schema["type"] == "record" else []
    names = {field["name"] for field in [*fields, *(avro.schema("page")["fields"] if is_earlier_page(schema) else [])]}
    if not (names & {"url", "id"} and names & {"html", "text"}):
        raise UsageError(
            "--reader-schema: it has to be a record with fields url or id, and html or text; "
            'a field of the files that has another name is its alias: {"name": "url", "aliases": ["link"], …}'
        )
    return cast(avro.Schema, schema)


def is_earlier_page(schema: Any) -> bool:
    """Whether a parsed schema is our page's, and has a field under an earlier name: all else in it is read by its names."""
    page = avro.schema("page")
    if not isinstance(schema, dict) or schema.get("name") != page["name"]:
        return False
    names = {field["name"] for field in schema["fields"]}
    renamed = any(names.intersection(field.get("aliases", ())) and field["name"] not in names for field in page["fields"])
    return renamed and not schemas.compatibility(schema, page, by_record=True)


def chain(written: avro.Schema, reader: str) -> list[avro.Schema]:
    """What records of a file's schema are made data of: of the reader's schema, if there is one, and of our present page.

    Raises:
        BadAvro: if the reader's schema is for other records.

    """
    found = [written]
    if reader and schemas.canonical(wanted := readers_schema(reader)) != schemas.canonical(written):
        if reasons := schemas.compatibility(written, wanted, by_record=True):
            raise BadAvro(f"cannot be read with --reader-schema: {'; '.join(reasons[:3])}{' …' if reasons[3:] else ''}")
        found.append(schemas.adapted(written, wanted))
    if is_earlier_page(found[-1]):
        found.append(schemas.adapted(found[-1], avro.schema("page")))
    return found[1:]


def check_reader(splits: Iterable[Split], reader: str) -> None:
    """Refuse a reader's schema that is not for the Avro files of some splits; those that are damaged are rejected later.

    Raises:
        InputError: naming the first file, and why; or if there is no Avro file.

    """
    files = {piece.path: piece for split in splits for piece in split.ranges if piece.kind == "avro"}
    if not files:
        raise InputError("--reader-schema: there is no Avro file in the input: leave it out")
    for path, piece in files.items():
        try:
            with open_file(path, piece.codec) as file:
                written = avro.parse_header(file, path).schema
        except DAMAGED:
            continue
        try:
            chain(written, reader)
        except BadAvro as error:
            raise InputError(
                f"{piece.name or path} {error}: add aliases or defaults; `bigdata-demos avro schema` shows the file's own schema"
            ) from None


def name_of(record: Any, reader: str) -> str:
    """The name of the page of a record that the reader's schema has no place for, as far as it can be told."""
    fields = readers_schema(reader)["fields"] if reader else avro.schema("page")["fields"]
    names = [name for field in fields if field["name"] in ("url", "id") for name in (field["name"], *field.get("aliases", ()))]
    found = (record.get(name) for name in names) if isinstance(record, dict) else ()
    return next((str(value) for value in found if is_name(value)), "")


def is_name(value: Any) -> bool:
    """Whether a value can name a page: some text or a number (not the NaN and infinity that Python reads in JSON)."""
    if isinstance(value, str):
        return value != ""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and float("-inf") < value < float("inf")


def page_of(record: Any, source: str, offset: int) -> Page | Rejected:
    """The page that a record (of JSON lines, of Avro) holds: ``url`` or ``id``, ``html`` or ``text``, and what it may have."""
    if not isinstance(record, dict):
        return Rejected(source, offset, "", "bad-record", "not an object")
    name = record.get("url")
    if name is None or name == "":
        name = record.get("id")
    if not is_name(name):
        return Rejected(source, offset, "", "bad-record", "neither url nor id")
    url = str(name)
    html, text = record.get("html"), record.get("text")
    content = html if html is not None else text
    if not isinstance(content, (str, bytes)):
        return Rejected(source, offset, url, "bad-record", "neither html nor text")

    def string(key: str) -> str:
        value = record.get(key)
        return value if isinstance(value, str) else ""

    return Page(url, source, offset, content, html is None, string("title"), string("content_type"), string("date"))


def spool_lines(lines: Iterable[bytes], path: Path) -> None:
    """Write standard input to a file that workers can open."""
    with path.open("wb") as file:
        for line in lines:
            file.write(line)


def bundled_crawl() -> Path:
    """The crawl that comes with the package: in the wheel, or in the source tree that the package is run from.

    Raises:
        InputError: if it is in neither.

    """
    in_wheel = Path(str(files("bigdata_demos"))) / "data" / "site.warc.gz"
    in_tree = Path(__file__).parents[3] / "data" / "site.warc.gz"
    for path in (in_wheel, in_tree):
        if path.exists():
            return path
    raise InputError(f"the bundled crawl is not at {in_wheel}: name an input")
