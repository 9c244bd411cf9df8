"""Records of WARC files, byte by byte."""

HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def record(
    url: str | None, payload: bytes, kind: str = "response", content_type: str = "application/http; msgtype=response", *more: str
) -> bytes:
    """A WARC record. ``more``: further fields, such as ``WARC-Truncated: length``."""
    fields = ["WARC/1.0", f"WARC-Type: {kind}", "WARC-Date: 2024-02-29T12:00:00Z", "WARC-Record-ID: <urn:uuid:0>"]
    fields += [f"WARC-Target-URI: {url}"] if url is not None else []
    fields += [*more, f"Content-Type: {content_type}", f"Content-Length: {len(payload)}", "", ""]
    return "\r\n".join(fields).encode() + payload + b"\r\n\r\n"


def page(url: str | None, body: bytes, head: bytes = HTML) -> bytes:
    """A record of an HTTP response."""
    return record(url, head + b"\r\n" + body)
