"""Writes pages as WARC, Avro, JSON lines or a directory; :func:`open_output` is the way in.

Output is reproducible: equal pages give equal bytes, without timestamps or random identifiers. It is written under temporary
names beside the target and renamed at the end; a failed run leaves nothing.

Each format preserves these fields of a page:

=============  ============================  =====  ==========================  ====
kind           content                       title  content type                date
=============  ============================  =====  ==========================  ====
Avro           bytes or text, as it is       yes    yes                         yes
JSON lines     decoded                       yes    yes                         yes
WARC           bytes; text becomes UTF-8     no     yes, if it is HTML's        yes, if it is ISO 8601's
directory      bytes; text becomes UTF-8     no     no                          no
=============  ============================  =====  ==========================  ====

Titles and character sets are usually in the markup as well. Where one is lost, the output's ``notes`` count it. WARC and
directories hold plain text as minimal HTML. Content that is not HTML, such as an image named ``.html``, is written as well, but
JSON lines hold it decoded, and it can no longer be distinguished from text.
"""

import contextlib
import gzip
import html
import io
import json
import os
import re
import shutil
import uuid
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NamedTuple, Protocol, cast
from urllib.parse import quote

from .. import __version__
from ..avro.binary import pack
from ..crawl.model import Page
from ..errors import OutputError, UsageError

Kind = Literal["warc", "avro", "jsonl", "directory"]
SUFFIXES: Final[dict[str, tuple[Kind, bool]]] = {
    ".warc.gz": ("warc", True),
    ".warc": ("warc", False),
    ".avro": ("avro", False),
    ".jsonl.gz": ("jsonl", True),
    ".jsonl": ("jsonl", False),
}
"""The format of each suffix, and whether it is gzipped."""
DEFAULT_DATE: Final = "2026-01-01T00:00:00Z"
"""The WARC date of pages without one; it is fixed to keep the output reproducible."""
_LEVEL: Final = 4  # of zlib; level 6 takes twice as long and saves 6 %
_BLOCK_BYTES: Final = 256 << 10  # of Avro blocks, before compression
MARKER: Final = ".bigdata-demos-corpus"
"""The hidden file that marks a directory as ours, which may be overwritten. Readers skip hidden files."""
MAX_HEADER: Final = 8_000
"""The maximum length of a URL in a WARC, in bytes; FastWARC's limit for a header line is 8 KB."""
_MAX_NAME, _MAX_PATH, _MAX_PARTS = 150, 800, 24
_HTML_NAMES: Final = (".html", ".htm", ".xhtml")
_WARC_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?Z)?)?)?")  # W3C-DTF, as in WARC 1.1
_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|\ud800-\udfff]')
_URL_PARTS = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*))?([^?#]*)(.*)", re.DOTALL)
_PARAGRAPH = re.compile(r"\n\s*\n|\f")


class Unwritable(Exception):
    """This format cannot hold the page; ``args[0]`` is the reason."""


class Writer(Protocol):
    """Writes pages to one file or directory. ``notes`` counts the information that it could not hold, by description."""

    notes: Counter[str]
    nbytes: int

    def write(self, page: Page) -> None:
        """Write a page. Raises Unwritable if the format cannot hold it; nothing has been written then."""

    def close(self) -> None:
        """Flush and close the file."""


class Output:
    """Distributes pages over one or more writers, round robin."""

    def __init__(self, writers: Sequence[Writer]) -> None:
        self.writers, self.pages = writers, 0

    def write(self, page: Page) -> None:
        """Write the next page. Raises Unwritable if the format cannot hold it."""
        self.writers[self.pages % len(self.writers)].write(page)
        self.pages += 1

    @property
    def nbytes(self) -> int:
        """The number of bytes written; files count once they are closed."""
        return sum(writer.nbytes for writer in self.writers)

    @property
    def notes(self) -> Counter[str]:
        """Descriptions of lost information, with the number of pages affected."""
        return sum((writer.notes for writer in self.writers), Counter())


class Target(NamedTuple):
    """The format that an output's name selects. ``packed``: whether it is gzipped."""

    kind: Kind
    packed: bool
    suffix: str


def target_of(name: str) -> Target:
    """Return the format for a name by :data:`SUFFIXES`; without a suffix, or with a trailing slash, it is a directory.

    Raises UsageError if the suffix is unknown, or the name is a URL.
    """
    if "://" in name:
        raise UsageError(f"{name}: `output` must be a local path: write there, then copy it (hdfs dfs -put, aws s3 cp)")
    base = name.rpartition("/")[2]
    for suffix, (kind, packed) in SUFFIXES.items():
        if base.lower().endswith(suffix) and len(base) > len(suffix):
            return Target(kind, packed, base[-len(suffix) :])
    if not os.path.splitext(base)[1]:
        return Target("directory", packed=False, suffix="")
    raise UsageError(f"{name}: the format is chosen by the suffix of the name: {', '.join(SUFFIXES)}, or / for a directory")


def targets(name: str, files: int) -> list[Path]:
    """Return the paths of an output: its name, or ``name-00000.suffix`` and so on.

    Raises UsageError if several files are requested of a directory.
    """
    target = target_of(name)
    if files == 1:
        return [Path(name)]
    if target.kind == "directory":
        raise UsageError(f"{name}: a directory gets one file for each page: leave out `files`")
    stem = name[: -len(target.suffix)]
    return [Path(f"{stem}-{number:05}{target.suffix}") for number in range(files)]


def _check_free(name: str, files: int, *, overwrite: bool) -> list[Path]:
    """Return the paths that the output will replace, including all numbered files of an earlier run."""
    target, paths = target_of(name), targets(name, files)
    if files > 1:
        numbered = re.compile(re.escape(paths[0].name[: -len(target.suffix) - 5]) + r"\d{5}" + re.escape(target.suffix))
        parent = paths[0].parent
        there = sorted(path for path in parent.iterdir() if numbered.fullmatch(path.name)) if parent.is_dir() else []
    else:
        there = [path for path in paths if os.path.lexists(path)]
    if there and not overwrite:
        raise OutputError(f"{there[0]} exists already: name another `output`, or set `overwrite=True`")
    for path in there:
        ours = path.is_dir() and ((path / MARKER).exists() or not any(path.iterdir()))
        if path.is_symlink() or not (ours if target.kind == "directory" else path.is_file()):
            raise OutputError(f"{path} was not made by this command: it is not overwritten; remove it yourself")
    return there


@contextlib.contextmanager
def open_output(
    name: str, *, files: int = 1, overwrite: bool = False, only_bytes: bool = False, stdout: BinaryIO | None = None
) -> Iterator[Output]:
    """Open an output for pages. It is committed when the context exits without an error, and discarded otherwise.

    Args:
        name: a path whose suffix selects the format (see :func:`target_of`), or ``-`` for JSON lines to ``stdout``.
        files: the number of files, filled round robin.
        overwrite: whether an existing output may be replaced.
        only_bytes: whether markup is bytes only in Avro's schema, for readers that cannot tell strings from bytes.
        stdout: the stream for ``-``.

    Raises:
        UsageError: if the name selects no format.
        OutputError: if the output exists or cannot be written. ``BrokenPipeError`` is not converted.
    """
    if name == "-":
        if stdout is None or files > 1:
            raise UsageError("-: standard output is one stream: leave out `files`, or name an `output`")
        try:
            yield Output([JsonLines(stdout)])
            stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write to standard output: {error.strerror or error}: check where it goes") from None
        return
    with contextlib.ExitStack() as stack:
        try:
            replaced = _check_free(name, files, overwrite=overwrite)
            finals = targets(name, files)
            _make_parent(finals[0].absolute().parent, stack)
            unfinished = [path.absolute().with_name(f".{path.name[:40]}.{uuid.uuid4().hex}.unfinished") for path in finals]
            stack.callback(_remove, unfinished)
            writers: list[Writer] = []
            stack.callback(_close_quietly, writers)
            for number, path in enumerate(unfinished):
                writers.append(_open_writer(path, target_of(name), number, only_bytes=only_bytes))
            yield Output(writers)
            for writer in writers:
                writer.close()
            commit(unfinished, finals, replaced)
        except OSError as error:
            raise OutputError(f"cannot write {name}: {error.strerror or error}: check the path and the space on it") from None
        stack.pop_all()  # success: discard the cleanup


def _close_quietly(writers: Sequence[Writer]) -> None:
    for writer in writers:
        with contextlib.suppress(Exception):
            writer.close()


def _make_parent(parent: Path, stack: contextlib.ExitStack) -> None:
    """Make a directory and its parents; the stack removes those that are new and empty."""
    missing = [path for path in (parent, *parent.parents) if not path.exists()]
    for path in reversed(missing):  # before they are made: an interrupt comes at any moment
        stack.callback(_remove_empty, path)
    parent.mkdir(parents=True, exist_ok=True)


def _remove_empty(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.rmdir()


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def commit(unfinished: Sequence[Path], finals: Sequence[Path], replaced: Sequence[Path]) -> None:
    """Rename the finished files to their final names, and remove what they replace."""
    for path in replaced:
        if path.is_dir():
            old = unfinished[0].with_suffix(".old")
            path.rename(old)
            unfinished[0].rename(path)
            shutil.rmtree(old, ignore_errors=True)
            return
    for path, final in zip(unfinished, finals, strict=True):
        path.replace(final)
    _remove([path for path in replaced if path not in finals])


def _open_writer(path: Path, target: Target, number: int, *, only_bytes: bool) -> Writer:
    """Open a writer for a new file or directory; ``number`` is its index among the files."""
    if target.kind == "directory":
        return _Directory(path)
    file = path.open("xb")
    if target.kind == "avro":
        return Avro(file, number, only_bytes=only_bytes)
    if target.kind == "warc":
        return _Warc(file, number, packed=target.packed)
    if target.packed:
        return JsonLines(cast(BinaryIO, gzip.GzipFile("", "wb", _LEVEL, file, mtime=0)), file)
    return JsonLines(file, file)


class JsonLines:
    """Writes JSON lines with ``url``, ``html`` or ``text``, and the optional fields that are not empty."""

    def __init__(self, out: BinaryIO, file: BinaryIO | None = None) -> None:
        """Write to ``out``; ``file`` is the underlying file, to be closed, or None for a stream that stays open."""
        self.out, self.file, self.notes, self.nbytes = out, file, Counter[str](), 0

    def write(self, page: Page) -> None:
        """Write a page, decoded."""
        record = {
            "url": page.url,
            "text" if page.is_text else "html": decoded(page),
            "title": page.title,
            "content_type": page.content_type,
            "date": page.date,
        }
        fields = {key: value for key, value in record.items() if value or key in ("html", "text")}
        try:
            line = json.dumps(fields, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # lone surrogates, which JSON can escape
            line = json.dumps(fields).encode()
        self.out.write(line + b"\n")
        self.nbytes += len(line) + 1

    def close(self) -> None:
        """Flush and close the file, if there is one."""
        if self.file is None:
            return
        if self.out is not self.file:
            self.out.close()
        self.file.flush()
        self.nbytes = self.file.tell()
        self.file.close()


class Avro:
    """Writes an Avro container file with ``schemas/page.avsc``, or with a narrower schema that has markup as bytes only."""

    def __init__(self, file: BinaryIO, number: int, *, only_bytes: bool) -> None:
        """Write to a file. The sync marker is derived from its number and the URL of its first page."""
        self.file, self.number, self.notes, self.nbytes = file, number, Counter[str](), 0
        self.writer: Any = None
        self.schema: Any = None
        self.only_bytes = only_bytes

    def write(self, page: Page) -> None:
        """Write a page unchanged. Raises Unwritable if its markup is decoded, and the schema has bytes only."""
        if self.only_bytes and isinstance(page.content, str) and not page.is_text:
            raise Unwritable("its markup is decoded already, and --html-bytes has bytes only")
        if self.writer is None:
            self.start(page.url)
        content = _sound(page.content) if isinstance(page.content, str) else page.content
        record = {
            "url": _sound(page.url),
            "html": None if page.is_text else content,
            "text": _sound(decoded(page)) if page.is_text else None,
            "title": _sound(page.title) or None,
            "content_type": _sound(page.content_type),
            "date": _sound(page.date),
        }
        self.writer.write(pack(record, self.schema))

    def start(self, url: str) -> None:
        """Write the header."""
        import fastavro

        from ..avro.containers import SYNC_SIZE, Writer
        from ..avro.schemas import file_schema

        marker = sha256(f"{self.number} {_sound(url)}".encode()).digest()[:SYNC_SIZE]
        schema = json.loads(file_schema("page"))
        if self.only_bytes:
            [html] = [field for field in schema["fields"] if field["name"] == "html"]
            html["type"] = ["null", "bytes"]
        self.schema = fastavro.parse_schema(schema)
        self.writer = Writer(self.file, json.dumps(schema), level=_LEVEL, sync=marker, block_bytes=_BLOCK_BYTES)

    def close(self) -> None:
        """Write the last block."""
        if self.writer is None:
            self.start("")
        self.writer.flush()
        self.nbytes = self.file.tell()
        self.file.close()


class _GzipMembers:
    """Compresses each WARC record to a gzip member of its own; :meth:`flush` ends the member."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.member, self.empty = file, _new_member(), True

    def write(self, data: bytes) -> None:
        self.file.write(self.member.compress(data))
        self.empty = False

    def flush(self) -> None:
        if not self.empty:
            self.file.write(self.member.flush())
            self.member, self.empty = _new_member(), True


def _new_member() -> "zlib._Compress":
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)


class _Warc:
    """Writes a WARC 1.1 file: a ``warcinfo`` record, then a ``response`` record for each page."""

    def __init__(self, file: BinaryIO, number: int, *, packed: bool) -> None:
        """Write to a file. Record ids are derived from the file number, the record number and the URL."""
        from warcio.statusandheaders import StatusAndHeaders
        from warcio.warcwriter import WARCWriter

        self.file, self.number, self.notes, self.nbytes = file, number, Counter[str](), 0
        self.headers: Callable[..., Any] = StatusAndHeaders
        self.writer: Any = WARCWriter(_GzipMembers(file) if packed else file, gzip=False, warc_version="1.1")
        self.records = 0
        info = f"software: bigdata-demos/{__version__}\r\nformat: WARC File Format 1.1\r\n".encode()
        self.put("", "warcinfo", info, DEFAULT_DATE)

    def write(self, page: Page) -> None:
        url = _CONTROL.sub(lambda match: quote(match[0]), _sound(page.url))
        if len(url.encode()) > MAX_HEADER:
            raise Unwritable(f"a url of more than {MAX_HEADER} bytes, which no WARC reader takes")
        if url != page.url:
            self.notes["white space or control characters in the url, percent-encoded in the WARC"] += 1
        date = _warc_date(page.date)
        if page.date and not date:
            self.notes[f"no ISO 8601 date, which a WARC needs: {DEFAULT_DATE} written"] += 1
        content_type = " ".join(page.content_type.encode("ascii", "ignore").decode().split()) or "text/html"
        if content_type.partition(";")[0].strip().lower() not in ("text/html", "application/xhtml+xml"):
            if not page.is_text:
                self.notes[f"the content type {content_type[:80]} is not HTML's: text/html written"] += 1
            content_type = "text/html" + content_type[len(content_type.partition(";")[0]) :]
        content = content_of(page, self.notes)
        if isinstance(page.content, str) or page.is_text:
            content_type = f"{content_type.partition(';')[0]}; charset=utf-8"
        http = [("Content-Type", content_type), ("Content-Length", str(len(content)))]
        self.put(url, "response", content, date or DEFAULT_DATE, self.headers("200 OK", http, protocol="HTTP/1.1"))

    def put(self, url: str, kind: str, content: bytes, date: str, http: Any = None) -> None:
        identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{url}#{self.number}.{self.records}")
        self.records += 1
        headers = {"WARC-Record-ID": f"<urn:uuid:{identity}>", "WARC-Date": date}
        record = self.writer.create_warc_record(
            url, kind, io.BytesIO(content), len(content), warc_headers_dict=headers, http_headers=http
        )
        self.writer.write_record(record)

    def close(self) -> None:
        self.file.flush()
        self.nbytes = self.file.tell()
        self.file.close()


def _warc_date(date: str) -> str:
    """Return a valid WARC 1.1 date unchanged, and an ISO 8601 date with an offset in UTC; else ``""``."""
    if _WARC_DATE.fullmatch(date):
        return date
    try:
        parsed = datetime.fromisoformat(date)
        return f"{parsed.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if parsed.tzinfo else ""
    except (ValueError, OverflowError):
        return ""


class _Directory:
    """Writes each page to a file of a directory, named after its URL (see :func:`file_name`)."""

    def __init__(self, root: Path) -> None:
        self.root, self.notes, self.nbytes = root, Counter[str](), 0
        self.numbers = dict[str, int]()
        root.mkdir()
        (root / MARKER).touch()

    def write(self, page: Page) -> None:
        content = content_of(page, self.notes)
        if not page.is_text and isinstance(page.content, str) and _charset_of(content) not in ("", "utf-8"):
            content = b"\xef\xbb\xbf" + content  # a BOM overrides the declaration in the markup
        elif not page.is_text and isinstance(page.content, bytes) and page.content_type:
            served, own = _charset_of(content, page.content_type) or "utf-8", _charset_of(content) or "utf-8"
            if served != own and content.decode(served, "replace") != content.decode(own, "replace"):
                self.notes["a character set that only the HTTP header told: a directory can't say it"] += 1
        with self._create(file_name(page.url)) as file:
            file.write(content)
        self.nbytes += len(content)

    def _create(self, name: str) -> BinaryIO:
        """Create a file, with a number before its suffix if the name is taken."""
        stem, suffix = os.path.splitext(name)
        while True:
            number = self.numbers.get(name, 1)
            path = self.root / (f"{stem}-{number}{suffix}" if number > 1 else name)
            try:
                return path.open("xb")
            except FileExistsError:
                self.numbers[name] = number + 1
            except FileNotFoundError:
                path.parent.mkdir(parents=True)

    def close(self) -> None:
        """Do nothing: each file has been closed."""


def file_name(url: str) -> str:
    """Return a relative path for a URL: host and path, safe on any file system, with an HTML suffix.

    No component is empty, ``..``, hidden or overlong, and no directory has an HTML suffix. A query or fragment is replaced by
    its hash. Different URLs can get the same name.
    """
    host, path, rest = cast("re.Match[str]", _URL_PARTS.fullmatch(url)).groups(default="")  # always matches
    parts = [part for part in (host, *path.split("/")) if part not in ("", ".")]
    if path.endswith("/") or not path.strip("./"):
        parts.append("index.html")
    *folders, last = map(_safe, parts)
    folders = [f"{name}_" if name.lower().endswith(_HTML_NAMES) else name for name in folders]
    if not last.lower().endswith(_HTML_NAMES):
        last += ".html"
    if rest:
        stem, suffix = os.path.splitext(last)
        last = f"{stem}-{digest(rest)}{suffix}"
    name = "/".join([*folders, last])
    if len(name.encode()) > _MAX_PATH or len(folders) > _MAX_PARTS:
        return "/".join([*folders[:1], f"{digest(url)}.html"])
    return name


def _safe(part: str) -> str:
    """Make a path component safe for any file system."""
    name = _UNSAFE.sub("_", part)
    if name.startswith("."):
        name = f"_{name.lstrip('.')}"
    if len(name.encode()) > _MAX_NAME:
        stem, suffix = os.path.splitext(name)
        if suffix.lower() not in _HTML_NAMES:
            stem, suffix = name, ""
        name = f"{stem.encode()[: _MAX_NAME - 20].decode(errors='ignore')}-{digest(part)}{suffix}"
    return name


def digest(text: str) -> str:
    """Return the first 12 hex digits of a text's SHA-256."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def content_of(page: Page, notes: Counter[str]) -> bytes:
    """Return a page as HTML bytes; a lost title is counted in ``notes``."""
    if page.is_text:
        return _as_html(page.title, decoded(page)).encode()
    content = _sound(page.content).encode() if isinstance(page.content, str) else page.content
    if page.title and b"<title" not in content.lower():
        notes["a title that the markup lacks, dropped"] += 1
    return content


def _as_html(title: str, text: str) -> str:
    """Wrap plain text in a minimal page; empty lines separate paragraphs."""
    head = f"<title>{html.escape(_sound(title), quote=False)}</title>\n" if title else ""
    body = "".join(
        f"<p>{html.escape(paragraph, quote=False)}</p>\n"
        for paragraph in map(str.strip, _PARAGRAPH.split(_sound(text)))
        if paragraph
    )
    return f'<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n{head}</head>\n<body>\n{body}</body>\n</html>\n'


def decoded(page: Page) -> str:
    """Return a page's markup or text, decoded as in the job."""
    if isinstance(page.content, str):
        return page.content
    from ..crawl.charset import decode

    return decode(page.content, page.content_type)


def _charset_of(content: bytes, content_type: str = "") -> str:
    from ..crawl.charset import declared_charset

    return declared_charset(content, content_type)


def _sound(text: str) -> str:
    """Make text encodable as UTF-8: join surrogate pairs, and replace lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
