"""HTTP messages in WARC records: header, chunks and content codings, read leniently, since servers send anything.

Where a header and the bytes contradict each other, the bytes are believed.
"""

import io
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, NamedTuple

from isal import isal_zlib

from ..storage.compression import zstd

_STATUS: Final = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})\b")
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_FIELD: Final = re.compile(
    rb"^(content-type|content-encoding|transfer-encoding)[ \t]*:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_CHUNK_HEAD: Final = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(;.*)?\r?\n?")
_MARKUP: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[!?/A-Za-z]")
_CONTROL: Final = bytes(set(range(0x20)) - set(b"\t\n\f\r\x1b"))
_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_MEANINGLESS: Final = frozenset({"*/*", "unknown/unknown", "application/unknown", "content/unknown"})
_PIECE: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b\x08"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


class Message(NamedTuple):
    """A response: its status, the fields that matter here, and where its body starts in the record's block."""

    status: int
    content_type: str
    content_encoding: str
    chunked: bool
    body: int


def parse(block: memoryview) -> Message | None:
    """Parse the header of a response, after any interim ones (1xx); None if the block is no HTTP.

    Lines may end in LF alone (RFC 9112, section 2.2), names may have any case, and lines may be folded.
    """
    at = 0
    while status := _STATUS.match(block, at):
        blank = _BLANK_LINE.search(block, status.end())
        end, body = blank.span() if blank else (len(block), len(block))
        if status[1].startswith(b"1") and body < len(block):
            at = body
            continue
        fields: dict[bytes, list[str]] = {}
        for name, value in _FIELD.findall(block[status.end() : end]):
            fields.setdefault(name.lower(), []).append(" ".join(value.decode("latin-1").split()))
        content_type, encoding, transfer = (
            ", ".join(fields.get(name, ())) for name in (b"content-type", b"content-encoding", b"transfer-encoding")
        )
        return Message(int(status[1]), content_type, encoding, "chunked" in transfer.lower(), body)
    return None


def is_html(content_type: str, body: bytes | memoryview = b"", identified: str = "") -> bool:
    """Return whether a ``Content-Type`` is that of HTML, or is missing.

    It may be written twice or in quotes. If it is none at all, such as ``html`` or ``*/*``, the crawler's own opinion or the
    beginning of the body decides.
    """
    values = (value.replace('"', " ").replace("'", " ").replace(";", " ").split() for value in content_type.lower().split(","))
    types = [value[0] for value in values if value]
    if not types or not _HTML.isdisjoint(types):
        return True
    if all("/" not in name or name in _MEANINGLESS for name in types):
        return identified.partition(";")[0].strip().lower() in _HTML or _MARKUP.match(body) is not None
    return False


def body_of(block: memoryview, message: Message, limit: int) -> bytes:
    """Return the body without chunks and content codings, up to ``limit`` bytes.

    Of a body that ends too early, the beginning is returned. A coding that the bytes contradict is passed over: text is
    text, and gzip is gzip, whatever the header says.

    Raises:
        EOFError: the body ends before anything could be decoded.
        ValueError: the body is damaged, or in an unknown coding.
    """
    body = without_chunks(block, message, 8 * limit)
    codings = [coding.strip() for coding in message.content_encoding.lower().split(",")]
    for coding in reversed([coding for coding in codings if coding not in ("", "identity")]):
        body = _decoded(body, coding, limit)
    if body.startswith(_GZIP):  # compressed without saying so, or twice
        body = _decoded(body, "gzip", limit)
    return body[:limit]


def without_chunks(block: memoryview, message: Message, limit: int) -> bytes:
    """Return the body with its content codings. If it is in chunks, up to ``limit`` bytes; EOFError and ValueError as above."""
    body = bytes(block[message.body :])
    return _taken(_unchunked(io.BytesIO(body)), limit) if message.chunked else body


def _decoded(body: bytes, coding: str, limit: int) -> bytes:
    if not body or (coding in ("gzip", "x-gzip", "zstd") and _MARKUP.match(body)):
        return body
    if body.startswith(_GZIP):
        coding = "gzip"
    elif body.startswith(_ZSTD):
        coding = "zstd"
    decoder = _DECODERS.get(coding)
    try:
        if decoder is None:
            raise ValueError(f"unknown content coding: {coding}")
        return _taken(decoder(body), limit)
    except Exception as error:
        if _is_text(body):
            return body
        raise error if isinstance(error, (EOFError, ValueError)) else ValueError(f"{type(error).__name__}: {error}") from None


def _taken(pieces: Iterator[bytes], limit: int) -> bytes:
    """Join pieces up to a limit. If they end in EOFError, what came before is returned; if there is nothing, it is raised."""
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


def _is_text(body: bytes) -> bool:
    """Whether bytes look like text in some character set: they have no control characters."""
    start = body[:1024]
    return len(start.translate(None, _CONTROL)) == len(start) and (_MARKUP.match(body) is not None or start.isascii())


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


def _inflated(body: bytes, wbits: int = 31) -> Iterator[bytes]:
    """Decompress a body: gzip, of one member or more, or as ``wbits`` means to zlib. What follows the last member is ignored."""
    rest = body
    while True:
        member = isal_zlib.decompressobj(wbits)
        while not member.eof:
            piece = member.decompress(rest, _PIECE)
            rest = member.unconsumed_tail
            yield piece
            if not piece and not rest and not member.eof:
                raise EOFError("the body ends inside its compression")
        rest = member.unused_data
        if not (wbits == 31 and rest.startswith(_GZIP)):
            return


def _undeflated(body: bytes) -> Iterator[bytes]:
    """Decompress a deflate body, with zlib's header, as in the standard, or without it, as some servers send it."""
    with_header = body[:1] == b"\x78" and int.from_bytes(body[:2], "big") % 31 == 0
    return _inflated(body, 15 if with_header else -15)


def _unbrotli(body: bytes) -> Iterator[bytes]:
    import brotli  # type: ignore[import-untyped]

    member = brotli.Decompressor()
    yield member.process(body, output_buffer_limit=_PIECE)
    while not member.can_accept_more_data():
        yield member.process(b"", output_buffer_limit=_PIECE)
    if not member.is_finished():
        raise EOFError("the body ends inside its compression")


def _unzstd(body: bytes) -> Iterator[bytes]:
    member = zstd.ZstdDecompressor()
    yield member.decompress(body, max_length=_PIECE)
    while not member.eof:
        if member.needs_input:
            raise EOFError("the body ends inside its compression")
        yield member.decompress(b"", max_length=_PIECE)


_DECODERS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {
    "gzip": _inflated,
    "x-gzip": _inflated,
    "deflate": _undeflated,
    "br": _unbrotli,
    "zstd": _unzstd,
}
