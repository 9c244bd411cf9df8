"""Pages from WARC files (ISO 28500): any range of a file can be read, and damage is reported.

FastWARC parses the records. This module finds the records of a range, continues after damage, and notices a truncated last
record. It also decodes bodies, because FastWARC's decoding stops reading the file at some of them, and has no size limit.
"""

import io
import re
import sys
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO, Final, NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from ..storage.files import unpacked
from .model import MAX_BYTES, Page, Range, Rejected, Skipped

GZIP: Final = b"\x1f\x8b\x08"
WARC: Final = b"WARC/"
_CHAIN: Final = 1 << 16
"""Bytes over which members must follow one another before the first one's start counts as a boundary. A page can contain
a WARC.gz, whose members are not the file's. Deflate stores incompressible data unchanged, but in blocks of at most 65,535
bytes with a header each (RFC 1951, section 3.2.4), which interrupts a chain of such members."""
CHUNK: Final = 1 << 18
_PIECE: Final = 1 << 16
_CHUNK_HEAD: Final = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(;.*)?\r?\n?")
_TRUNCATED: Final = ("truncated", "the file ends, or is damaged, inside the record")


class Response(NamedTuple):
    """A recorded HTTP response. ``body`` is without chunks and content codings, and truncated at the reader's limit."""

    url: str
    offset: int
    status: int
    content_type: str
    date: str
    body: bytes


class BadRecord(NamedTuple):
    """A record that cannot be read: its start, its URL if known, and the reason."""

    offset: int
    url: str
    reason: str
    detail: str


class Unwanted(NamedTuple):
    """A response that is not HTML with status 200."""

    offset: int


def read_responses(file: BinaryIO, start: int, end: int, limit: int) -> Iterator[Response | BadRecord | Unwanted]:
    """Yield the responses whose records start from ``start`` to ``end``, as :class:`Unwanted` if not HTML with status 200.

    Bodies are read up to ``limit + 1`` bytes. Other records (requests, metadata …) are ignored. After a damaged record,
    which is reported, reading continues at the next one.
    """
    size = file.seek(0, io.SEEK_END)
    # Both edges are found in the same way, so that a range ends where the next one starts, even if there is damage between.
    at = start if start == 0 else _next_record(file, start, size, strict=True)
    end = size if end >= size else _next_record(file, end, size, strict=True)
    while at < end:
        held: Response | BadRecord | Unwanted | None = None  # the last record, until it is known to be complete
        seen, error = -1, ""
        file.seek(at)
        try:
            for record in ArchiveIterator(file, record_types=WarcRecordType.any_type, auto_decode="none"):
                if held:
                    yield held
                    held = None
                if record.stream_pos >= end:
                    return
                at = record.stream_pos
                if record.record_type == WarcRecordType.response:
                    held = response(record, limit)
                seen = at
        except Exception as raised:  # the reader may raise anything for damaged data
            error = f"{type(raised).__name__}: {raised}"
        # The reader ends at the end of the file, and at some damage: find out by the last record.
        after = _record_end(file, at, size)
        if after is None or after > size:
            url = held.url if isinstance(held, (Response, BadRecord)) else ""
            yield BadRecord(at, url, *(("bad-record", error) if error and after is None else _TRUNCATED))
            at = _next_record(file, at + 1, size)
            continue
        if held:
            yield held
        elif seen != at:  # it is complete, and yet the reader did not yield it
            yield BadRecord(at, "", "bad-record", error or "not a WARC record")
        at = after


def response(record: WarcRecord, limit: int) -> Response | BadRecord | Unwanted:
    """Decode a record of type response."""
    offset = record.stream_pos
    url = (record.headers.get("WARC-Target-URI") or "").strip("<>")
    http = record.http_headers
    if http is None:
        return Unwanted(offset)
    content_type = http.get("Content-Type") or ""
    if http.status_code != 200 or not _is_html(content_type):
        return Unwanted(offset)
    if not url:
        return BadRecord(offset, "", "bad-record", "no WARC-Target-URI")
    try:
        body = decoded(record.reader, http, limit + 1, record.content_length)
    except Exception as error:  # errors of zlib, brotli and decoded()
        return BadRecord(offset, url, "bad-encoding", f"{type(error).__name__}: {error}")
    return Response(url, offset, 200, content_type, record.headers.get("WARC-Date") or "", body)


def decoded(reader: Any, http: Any, limit: int, length: int) -> bytes:
    """Read a body without its chunks and content codings, up to a limit; the record has at most ``length`` bytes of it.

    Of truncated data, the decodable beginning is returned; if there is none, or the data are damaged, this raises.
    """
    codings = [coding.strip() for coding in (http.get("Content-Encoding") or "").lower().split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    chunked = "chunked" in (http.get("Transfer-Encoding") or "").lower()
    if not chunked and not codings:
        return bytes(reader.read(min(limit, length + 1)))  # it allocates as much memory as it is asked to read
    if unknown := set(codings) - _DECODERS.keys():
        raise ValueError(f"unknown content coding: {', '.join(unknown)}")
    body = io.BytesIO(reader.read(min(8 * limit, length + 1)))  # a chunk of one byte takes six
    pieces = _unchunked(body) if chunked else iter(lambda: body.read(_PIECE), b"")
    for coding in reversed(codings):
        pieces = _DECODERS[coding](pieces)
    data = bytearray()
    try:
        for piece in pieces:
            data += piece
            if len(data) >= limit:
                break
    except EOFError:
        if not data:
            raise
    return bytes(data[:limit])


def _unchunked(body: BinaryIO) -> Iterator[bytes]:
    """Remove HTTP's chunks from a body, if it has any: some crawlers remove them, but not the header that announces them."""
    started = False
    while line := body.readline():
        head = _CHUNK_HEAD.fullmatch(line)
        if head is None:
            if started:
                raise ValueError(f"no chunk starts with {line[:20]!r}")
            yield line + body.read()
            return
        started, size = True, int(head[1], 16)
        if size == 0:
            return
        data = body.read(size)
        yield data
        if len(data) < size:
            raise EOFError("the body ends inside a chunk")
        body.readline(2)


def _inflated(pieces: Iterator[bytes], wbits: int = 31) -> Iterator[bytes]:
    """Decompress a body: gzip, or as ``wbits`` means to zlib."""
    member = zlib.decompressobj(wbits)
    for piece in pieces:
        rest = piece
        while rest:
            yield member.decompress(rest, _PIECE)
            rest = member.unconsumed_tail
        if member.eof:
            return
    yield member.flush()
    if not member.eof:
        raise EOFError("the body ends inside its compression")


def _undeflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress a deflate body, with zlib's header, as in the standard, or without it, as some servers send it."""
    head = b""
    while len(head) < 2 and (piece := next(pieces, b"")):
        head += piece
    with_header = head[:1] == b"\x78" and int.from_bytes(head[:2], "big") % 31 == 0
    return _inflated(chain([head], pieces), 15 if with_header else -15)


def _unbrotli(pieces: Iterator[bytes]) -> Iterator[bytes]:
    import brotli  # type: ignore[import-untyped]  # comes with FastWARC

    member = brotli.Decompressor()
    for piece in pieces:
        yield member.process(piece, output_buffer_limit=_PIECE)
        while not member.can_accept_more_data():
            yield member.process(b"", output_buffer_limit=_PIECE)
    if not member.is_finished():
        raise EOFError("the body ends inside its compression")


_DECODERS: Final = {"gzip": _inflated, "x-gzip": _inflated, "deflate": _undeflated, "br": _unbrotli}


def _is_html(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in ("", "text/html", "application/xhtml+xml")


def _next_record(file: BinaryIO, start: int, size: int, *, strict: bool = False) -> int:
    """Return the first record boundary at or after ``start``, ``size`` if there is none. For ``strict`` see :func:`_chains`."""
    file.seek(0)
    magic = b"\r\n\r\n" + WARC if file.read(len(WARC)) == WARC else GZIP
    lead = 0 if magic == GZIP else 4
    position = find(file, magic, max(start - lead, 0))
    while position is not None:
        if _chains(file, position + lead, size, strict=strict):
            return position + lead
        position = find(file, magic, position + 1)
    return size


def find(file: BinaryIO, what: bytes, start: int) -> int | None:
    """Return the first occurrence of bytes at or after ``start``."""
    file.seek(start)
    at, tail = start, b""
    while chunk := file.read(CHUNK):
        window = tail + chunk
        if (offset := window.find(what)) >= 0:
            return at - len(tail) + offset
        at += len(chunk)
        tail = window[-(len(what) - 1) :]
    return None


def _chains(file: BinaryIO, start: int, size: int, *, strict: bool = False) -> bool:
    """Return whether records follow one another from ``start`` on, for :data:`_CHAIN` bytes or to the end of the file.

    If not ``strict``, one record is enough: after damage, where there may be more nearby. At the start of a range, that would
    accept a record of a WARC inside a page.
    """
    at = start
    while at < min(start + _CHAIN, size):
        following = _record_end(file, at, size)
        if following is None:
            return at > start and not strict
        at = following
    return True


def _record_end(file: BinaryIO, start: int, size: int) -> int | None:
    """Return the end of the record (a gzip member, or uncompressed) that starts at ``start``.

    It is ``None`` if there is no record, or a damaged one, and more than ``size`` if the file ends inside it.
    """
    file.seek(start)
    head = file.read(_PIECE)
    if not GZIP.startswith(head[: len(GZIP)]):
        return _plain_end(head + file.read(CHUNK - _PIECE), start, size)
    member, first, at = zlib.decompressobj(wbits=31), b"", start
    while head:
        at += len(head)
        try:
            data = member.decompress(head, _PIECE)
            first = first or data[: len(WARC)]
            if first and not WARC.startswith(first[: len(WARC)]):
                return None
            while member.unconsumed_tail and not member.eof:
                member.decompress(member.unconsumed_tail, 1 << 22)
        except zlib.error:
            return None
        if member.eof:
            return at - len(member.unused_data)
        head = file.read(_PIECE)
    return size + 1 if WARC.startswith(first) else None


def is_one_member(file: BinaryIO) -> bool:
    """Return whether a WARC was compressed as a whole, and not record by record, as the standard recommends."""
    member, plain = zlib.decompressobj(wbits=31), b""
    while (chunk := file.read(CHUNK)) and not member.eof and len(plain) < 1 << 26:
        plain += member.decompress(chunk, 1 << 26)
        end = _plain_end(plain, 0, len(plain))
        if end is not None and len(plain) > end:
            return True
    return False


def _plain_end(head: bytes, start: int, size: int) -> int | None:
    """Return the end of an uncompressed record from its first bytes; for special values see :func:`_record_end`."""
    fields, blank, _ = head.partition(b"\r\n\r\n")
    if not WARC.startswith(fields[: len(WARC)]):
        return None
    if not blank:
        return size + 1 if start + len(head) >= size else None
    for line in fields.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            end = start + len(fields) + 4 + int(value)
            return min(end + 4, size) if end <= size else size + 1  # two line ends follow it
    return None


def read_warc(file: BinaryIO, piece: Range) -> Iterator[Page | Rejected | Skipped]:
    """Yield the HTML responses of a WARC file."""
    if piece.codec:
        with unpacked(file) as whole:
            yield from read_warc(whole, piece._replace(codec="", end=sys.maxsize))
        return
    for record in read_responses(file, piece.start, piece.end, MAX_BYTES):
        if isinstance(record, Response):
            yield Page(record.url, piece.path, record.offset, record.body, content_type=record.content_type, date=record.date)
        elif isinstance(record, BadRecord):
            yield Rejected(piece.path, record.offset, record.url, record.reason, record.detail)
        else:
            yield Skipped(piece.path, record.offset)
