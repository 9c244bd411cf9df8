"""WARC files (ISO 28500), read from any byte to any byte, with nothing lost silently.

FastWARC does the reading. What is written here is what it leaves out: where the records of a split start, what is to be done
after a damaged record, and whether the file ends before its last record does.
"""

import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

GZIP: Final = b"\x1f\x8b\x08"
WARC: Final = b"WARC/"
CHAIN: Final = 1 << 20
"""Bytes over which members must follow one another before the first one's start counts as a boundary. A page can hold
a WARC.gz: its members are not the file's. (One of more than this, stored as it is, would be taken for the file.)"""
CHUNK: Final = 1 << 18


TRUNCATED: Final = ("truncated", "the file ends, or is damaged, inside the record")


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
    at = start if start == 0 else next_record(file, start, size)
    while at < min(end, size):
        held: Response | BadRecord | Unwanted | None = None  # the last one found, until its record is known to be whole
        error = ""
        file.seek(at)
        try:
            for record in ArchiveIterator(file, record_types=WarcRecordType.response, auto_decode="all"):
                if held:
                    yield held
                if record.stream_pos >= end:
                    return
                at, held = record.stream_pos, response(record, limit)
                if isinstance(held, Response) and len(held.body) > limit:
                    error = "read in part"  # which leaves the iterator nowhere: another one starts after the record
                    break
        except Exception as raised:  # whatever the data made the reader raise
            error = f"{type(raised).__name__}: {raised}"
        # Without an error, the reader saw the end of the file, or took something in its middle for the end.
        reason = ("bad-record", error) if error else TRUNCATED
        after = record_end(file, at, size)
        if not is_whole(after, size):
            yield BadRecord(at, held.url if isinstance(held, (Response, BadRecord)) else "", *reason)
            at = next_record(file, at + 1, size)
            continue
        if held:
            yield held
        elif error:
            yield BadRecord(at, "", *reason)
        at = after or size  # is_whole says that it is not None
        while not error and at < size and is_whole(after := record_end(file, at, size), size):
            at = after or size
        # What is damaged at the start of the next range is told of here: that range starts at its first good record.
        after = record_end(file, at, size) if at < size else size
        if (after is None and (not error or at >= end)) or (not error and at < end and not is_whole(after, size)):
            yield BadRecord(at, "", *reason)
            at = next_record(file, at + 1, size)


def response(record: WarcRecord, limit: int) -> Response | BadRecord | Unwanted:
    """What a record of type response holds."""
    offset = record.stream_pos
    url = (record.headers.get("WARC-Target-URI") or "").strip("<>")
    http = record.http_headers
    if http is None:
        return Unwanted(offset)
    content_type = http.get("Content-Type") or ""
    if http.status_code != 200 or not is_html(content_type):
        return Unwanted(offset)
    if not url:
        return BadRecord(offset, "", "bad-record", "no WARC-Target-URI")
    try:
        body = record.reader.read(limit + 1)
    except Exception as error:  # a content coding that does not decode
        return BadRecord(offset, url, "bad-encoding", f"{type(error).__name__}: {error}")
    return Response(url, offset, 200, content_type, record.headers.get("WARC-Date") or "", body)


def is_html(content_type: str) -> bool:
    """Whether an HTTP content type, or the lack of one, can be a web page's."""
    return content_type.partition(";")[0].strip().lower() in ("", "text/html", "application/xhtml+xml")


def next_record(file: BinaryIO, start: int, size: int) -> int:
    """The first record boundary at or after ``start``; ``size`` if there is none."""
    file.seek(0)
    magic = b"\r\n\r\n" + WARC if file.read(len(WARC)) == WARC else GZIP
    lead = 0 if magic == GZIP else 4
    found = find(file, magic, max(start - lead, 0))
    while found is not None:
        if chains(file, found + lead, size):
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


def chains(file: BinaryIO, start: int, size: int) -> bool:
    """Whether records follow one another from ``start`` on, for :data:`CHAIN` bytes or to the end of the file."""
    at = start
    while at < min(start + CHAIN, size):
        following = record_end(file, at, size)
        if following is None:
            return at > start  # damage further on is not this record's
        at = following
    return True


def record_end(file: BinaryIO, start: int, size: int) -> int | None:
    """Where the record (a gzip member, or plain) that starts at ``start`` ends.

    ``None`` if there is no record, or a damaged one; more than ``size`` if the file ends inside it.
    """
    file.seek(start)
    head = file.read(CHUNK)
    if not head.startswith(GZIP):
        return plain_end(head, start, size)
    member, first, at = zlib.decompressobj(wbits=31), b"", start
    while head:
        at += len(head)
        try:
            data = member.decompress(head, CHUNK)
            first = first or data[: len(WARC)]
            if first and not WARC.startswith(first[: len(WARC)]):
                return None
            while member.unconsumed_tail and not member.eof:
                member.decompress(member.unconsumed_tail, 1 << 22)
        except zlib.error:
            return None
        if member.eof:
            return at - len(member.unused_data)
        head = file.read(CHUNK)
    return size + 1 if first == WARC else None


def is_whole(end: int | None, size: int) -> bool:
    """Whether a record of which :func:`record_end` said this is all there."""
    return end is not None and end <= size


def is_one_member(file: BinaryIO) -> bool:
    """Whether a gzipped WARC was compressed as a whole, and not record by record as the standard recommends."""
    member, plain = zlib.decompressobj(wbits=31), b""
    while (chunk := file.read(CHUNK)) and not member.eof and len(plain) < 1 << 26:
        plain += member.decompress(chunk, 1 << 26)
        end = plain_end(plain, 0, len(plain))
        if end is not None and len(plain) > end:
            return True
    return False


def plain_end(head: bytes, start: int, size: int) -> int | None:
    """Where an uncompressed record ends, from its first bytes."""
    fields, blank, _ = head.partition(b"\r\n\r\n")
    if not blank or not fields.startswith(WARC):
        return None
    for line in fields.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            end = start + len(fields) + 4 + int(value)
            return min(end + 4, size) if end <= size else size + 1  # two line ends follow it
    return None
