"""HTTP messages as servers send them: odd headers, and headers that the bytes contradict."""

import gzip
import random
import zlib

import brotli  # type: ignore[import-untyped]
import pytest

from bigdata_demos.crawl import http
from bigdata_demos.storage.compression import zstd

TEXT = b"<p>a body " + b"of some length " * 20


def message(head: bytes, body: bytes = TEXT) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body


def read(block: bytes, limit: int = 10_000) -> bytes:
    """The body of a message."""
    parsed = http.parse(memoryview(block))
    assert parsed
    return http.body_of(memoryview(block), parsed, limit)


@pytest.mark.parametrize(
    ("block", "status", "content_type"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>", 200, "text/html"),
        (b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n<p>", 200, "text/html"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\n\n<p>", 200, "text/html"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\n<p>", 200, "text/html"),
        (b"HTTP/1.0 200\r\nCONTENT-TYPE :text/html\r\n\r\n<p>", 200, "text/html"),
        (b"HTTP/2 200\r\ncontent-type:\r\n  text/html;\r\n\tcharset=utf-8\r\n\r\n<p>", 200, "text/html; charset=utf-8"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Type: a/b\r\n\r\n<p>", 200, "text/html, a/b"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 No\r\n\r\n<p>", 404, ""),
        (b"HTTP/1.1 200 OK\r\n\r\n<p>", 200, ""),
    ],
)
def test_headers_are_read_leniently(block: bytes, status: int, content_type: str) -> None:
    """LF alone or mixed, any case, folded lines, fields that come twice, interim responses before the one that counts."""
    parsed = http.parse(memoryview(block))
    assert parsed
    assert (parsed.status, parsed.content_type) == (status, content_type)
    assert block[parsed.body :] == b"<p>"


@pytest.mark.parametrize("block", [b"", b"<p>no header", b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 two\r\n\r\n"])
def test_what_is_no_response(block: bytes) -> None:
    assert http.parse(memoryview(block)) is None


@pytest.mark.parametrize(
    ("content_type", "body", "identified", "expected"),
    [
        ("text/html", b"", "", True),
        ("text/html,text/html", b"", "", True),
        ("text/html charset=utf-8", b"", "", True),
        ("'text/html'", b"", "", True),
        ('"TEXT/HTML"', b"", "", True),
        (";charset=utf-8", b"", "", False),
        ("", b"", "", True),
        ("text/html;;charset=utf-8", b"", "", True),
        ("application/json, text/html", b"", "", True),
        ("html", b" \n<!doctype html>", "", True),
        ("html", b"\xef\xbb\xbf<p>", "", True),
        ("*/*", b"{}", "", False),
        ("unknown/unknown", b"\x89PNG", "", False),
        ("unknown/unknown", b"plain", "text/html", True),
        ("image/png", b"<p>", "text/html", False),
        ("text/htmlx", b"<p>", "", False),
        ("text/plain", b"<p>", "", False),
    ],
)
def test_types(content_type: str, body: bytes, identified: str, expected: bool) -> None:
    """A type that says something is believed; one that does not leaves it to the crawler's opinion and to the bytes."""
    assert http.is_html(content_type, body, identified) is expected


CODERS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstd.compress}


@pytest.mark.parametrize("said", ["gzip", "x-gzip", "deflate", "br", "zstd", "none", "UTF-8", "identity", "nonsense, gzip"])
def test_text_is_text_whatever_the_header_says(said: str) -> None:
    """A coding that was never applied, or is none, costs no page."""
    assert read(message(f"Content-Encoding: {said}\r\n".encode())) == TEXT


@pytest.mark.parametrize("coding", CODERS)
def test_codings_are_undone(coding: str) -> None:
    """Each coding; and gzip and zstd are known by their first bytes, under another name or none."""
    packed = CODERS[coding](TEXT)
    assert read(message(f"Content-Encoding: {coding}\r\n".encode(), packed)) == TEXT
    if coding in ("gzip", "zstd"):
        assert read(message(b"Content-Encoding: utf-8\r\n", packed)) == TEXT
    if coding == "gzip":
        assert read(message(b"", packed)) == TEXT


def test_gzip_of_several_members_and_codings() -> None:
    """All members are read, what follows the last is not, and codings are undone in reverse order."""
    members = gzip.compress(TEXT[:50]) + gzip.compress(b"") + gzip.compress(TEXT[50:])
    assert read(message(b"Content-Encoding: gzip\r\n", members)) == TEXT
    assert read(message(b"Content-Encoding: gzip\r\n", members + b"\0\0junk")) == TEXT
    assert read(message(b"Content-Encoding: gzip, br\r\n", brotli.compress(gzip.compress(TEXT)))) == TEXT


@pytest.mark.parametrize("coding", CODERS)
def test_damaged_codings(coding: str) -> None:
    """The beginning of a body that is cut is read; bytes that decode to nothing are an error, never an empty page."""
    long = b"<p>" + random.Random(0).randbytes(400_000)
    packed = CODERS[coding](long)
    header = f"Content-Encoding: {coding}\r\n".encode()
    cut = read(message(header, packed[: len(packed) * 2 // 3]), limit=1 << 20)
    assert long.startswith(cut)
    assert cut
    with pytest.raises((EOFError, ValueError)):
        read(message(header, b"\x01\x02\x03\xff" * 100))


def test_a_limit_bounds_what_is_decoded() -> None:
    """64 MB of zeros in 64 KB are read up to the limit."""
    bomb = gzip.compress(bytes(64 << 20))
    assert len(read(message(b"Content-Encoding: gzip\r\n", bomb), limit=1000)) == 1000
    assert len(read(message(b"", bomb), limit=1000)) == 1000
