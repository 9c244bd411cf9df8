"""WARC files (ISO 28500), read from any byte to any byte, with nothing lost silently.

FastWARC does the reading. What is written here is what it leaves out: where the records of a split start, what is to be done
after a damaged record, and whether the file ends before its last record does. Bodies are decoded here as well: FastWARC's own
decoding stops the whole file at some of them, and has no bound.
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
"""Bytes over which members must follow one another before the first one's start counts as a boundary. A page can hold
a WARC.gz: its members are not the file's. Deflate stores what it cannot compress, as it is, but in blocks of at most
65,535 bytes (RFC 1951, section 3.2.4), each with a header before it, where a chain of such members ends."""
CHUNK: Final = 1 << 18
_PIECE: Final = 1 << 16
_CHUNK_HEAD: Final = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(;.*)?\r?\n?")
_TRUNCATED: Final = ("truncated", "the file ends, or is damaged, inside the record")


class Response(NamedTuple):
    """An HTTP response as it was recorded; ``body`` is decoded (chunks, content codings), and cut at the reader's limit."""

    url: str
    offset: int
    status: int
    content_type: str
    date: str
    body: bytes


class BadRecord(NamedTuple):
    """A record that cannot be read: where it starts, whose it is as far as known, and why."""

    offset: int
    url: str
    reason: str
    detail: str


class Unwanted(NamedTuple):
    """A response that is not wanted (see :func:`read_responses`)."""

    offset: int


def read_responses(file: BinaryIO, start: int, end: int, limit: int) -> Iterator[Response | BadRecord | Unwanted]:
    """The responses whose records start in ``start`` to ``end``; HTML with status 200 is wanted.

    Bodies are read up to ``limit + 1`` bytes. Other records (requests, metadata …) are passed over. A damaged record
    is reported, and reading goes on at the next one.
    """
    size = file.seek(0, io.SEEK_END)
    # Both edges are found in the same way: a range ends where the next one starts, whatever is damaged between them.
    at = start if start == 0 else _next_record(file, start, size, strict=True)
    end = size if end >= size else _next_record(file, end, size, strict=True)
    while at < end:
        held: Response | BadRecord | Unwanted | None = None  # the last one found, until its record is known to be whole
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
        except Exception as raised:  # whatever the data made the reader raise
            error = f"{type(raised).__name__}: {raised}"
        # The reader came to the end of the file, or took damage for it: what became of the last record it found?
        after = _record_end(file, at, size)
        if after is None or after > size:
            url = held.url if isinstance(held, (Response, BadRecord)) else ""
            yield BadRecord(at, url, *(("bad-record", error) if error and after is None else _TRUNCATED))
            at = _next_record(file, at + 1, size)
            continue
        if held:
            yield held
        elif seen != at:  # it is whole, and yet the reader made nothing of it
            yield BadRecord(at, "", "bad-record", error or "not a WARC record")
        at = after


def response(record: WarcRecord, limit: int) -> Response | BadRecord | Unwanted:
    """What a record of type response holds."""
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
    except Exception as error:  # what zlib, brotli and decoded() raise at a coding that does not decode
        return BadRecord(offset, url, "bad-encoding", f"{type(error).__name__}: {error}")
    return Response(url, offset, 200, content_type, record.headers.get("WARC-Date") or "", body)


def decoded(reader: Any, http: Any, limit: int, length: int) -> bytes:
    """A body without its chunks and content codings, cut at a limit; ``length``: what the record has of it, at most.

    Of a coding that is cut off, what there is is kept, as of any body that is; if that is nothing, or damaged, this raises.
    """
    codings = [coding.strip() for coding in (http.get("Content-Encoding") or "").lower().split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    chunked = "chunked" in (http.get("Transfer-Encoding") or "").lower()
    if not chunked and not codings:
        return bytes(reader.read(min(limit, length + 1)))  # it gets itself as much memory as it is told to read
    if unknown := set(codings) - _DECODERS.keys():
        raise ValueError(f"unknown content coding: {', '.join(unknown)}")
    body = io.BytesIO(reader.read(min(8 * limit, length + 1)))  # six bytes make a chunk of one
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
    """A body without HTTP's chunks; as it is if it has none: crawlers undo them, and some leave the header."""
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
    """A body without its compression: gzip's, or what ``wbits`` means to zlib."""
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
    """A body without deflate's compression: with zlib's header, as the standard has it, or without, as some servers do."""
    head = b""
    while len(head) < 2 and (piece := next(pieces, b"")):
        head += piece
    with_header = head[:1] == b"\x78" and int.from_bytes(head[:2], "big") % 31 == 0
    return _inflated(chain([head], pieces), 15 if with_header else -15)


def _unbrotli(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A body without brotli's compression."""
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
    """Whether an HTTP content type, or the lack of one, can be a web page's."""
    return content_type.partition(";")[0].strip().lower() in ("", "text/html", "application/xhtml+xml")


def _next_record(file: BinaryIO, start: int, size: int, *, strict: bool = False) -> int:
    """The first record boundary at or after ``start``; ``size`` if there is none. For ``strict`` see :func:`_chains`."""
    file.seek(0)
    magic = b"\r\n\r\n" + WARC if file.read(len(WARC)) == WARC else GZIP
    lead = 0 if magic == GZIP else 4
    found = find(file, magic, max(start - lead, 0))
    while found is not None:
        if _chains(file, found + lead, size, strict=strict):
            return found + lead
        found = find(file, magic, found + 1)
    return size


def find(file: BinaryIO, what: bytes, start: int) -> int | None:
    """The first occurrence of some bytes at or after ``start``."""
    file.seek(start)
    at, tail = start, b""
    while chunk := file.read(CHUNK):
        window = tail + chunk
        if (found := window.find(what)) >= 0:
            return at - len(tail) + found
        at += len(chunk)
        tail = window[-(len(what) - 1) :]
    return None


def _chains(file: BinaryIO, start: int, size: int, *, strict: bool = False) -> bool:
    """Whether records follow one another from ``start`` on, for :data:`_CHAIN` bytes or to the end of the file.

    If not ``strict``, one record is enough. That is for what follows damage, where more of it may be near; where a range
    starts, it would take a WARC inside a page for the file, and the range before reads on over the damage anyway.
    """
    at = start
    while at < min(start + _CHAIN, size):
        following = _record_end(file, at, size)
        if following is None:
            return at > start and not strict
        at = following
    return True


def _record_end(file: BinaryIO, start: int, size: int) -> int | None:
    """Where the record (a gzip member, or plain) that starts at ``start`` ends.

    ``None`` if there is no record, or a damaged one; more than ``size`` if the file ends inside it.
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
    """Whether a gzipped WARC was compressed as a whole, and not record by record as the standard recommends."""
    member, plain = zlib.decompressobj(wbits=31), b""
    while (chunk := file.read(CHUNK)) and not member.eof and len(plain) < 1 << 26:
        plain += member.decompress(chunk, 1 << 26)
        end = _plain_end(plain, 0, len(plain))
        if end is not None and len(plain) > end:
            return True
    return False


def _plain_end(head: bytes, start: int, size: int) -> int | None:
    """Where an uncompressed record ends, from its first bytes; ``None`` and more than ``size`` as in :func:`_record_end`."""
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
    """The HTML responses of a WARC file."""
    if piece.codec:
        with unpacked(file) as whole:
            yield from read_warc(whole, piece._replace(codec="", end=sys.maxsize))
        return
    for found in read_responses(file, piece.start, piece.end, MAX_BYTES):
        if isinstance(found, Response):
            yield Page(found.url, piece.path, found.offset, found.body, content_type=found.content_type, date=found.date)
        elif isinstance(found, BadRecord):
            yield Rejected(piece.path, found.offset, found.url, found.reason, found.detail)
        else:
            yield Skipped(piece.path, found.offset)
