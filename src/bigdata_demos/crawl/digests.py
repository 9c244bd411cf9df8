"""Digests of WARC records: ``WARC-Block-Digest`` and ``WARC-Payload-Digest`` (ISO 28500, section 5.8 and 5.9).

A digest is ``algorithm:value``, for instance ``sha1:`` and 32 characters of base32. Its value may be in base32, base16 or base64,
which its length tells. Digests in unknown forms are ignored.

The block of a record is unambiguous, and its digest decides if there is one. The payload is not: some crawlers hash the body as
it was sent, others without chunks, or without content coding. Any of these is accepted.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final

from . import http

_ALGORITHMS: Final = {name: len(getattr(hashlib, name)().digest()) for name in ("md5", "sha1", "sha256", "sha384", "sha512")}
_LIMIT: Final = 1 << 30  # bytes of a decoded payload


def disagrees(fields: Mapping[str, str], block: memoryview, message: http.Message | None) -> str:
    """Return what is wrong if a record is not what its digest says, ``""`` if it is, or has no digest of a known form.

    ``fields`` are those of the record's header, by lower-case names; ``message`` is the HTTP header at the start of the block.
    """
    if digest := _parse(fields.get("warc-block-digest", "")):
        name, expected = digest
        return "" if hashlib.new(name, block, usedforsecurity=False).digest() == expected else "not its WARC-Block-Digest"
    if digest := _parse(fields.get("warc-payload-digest", "")):
        name, expected = digest
        hashes = (hashlib.new(name, payload, usedforsecurity=False).digest() for payload in _payloads(block, message))
        return "" if expected in hashes else "not its WARC-Payload-Digest"
    return ""


def _parse(text: str) -> tuple[str, bytes] | None:
    """Return the algorithm and the value of a digest."""
    label, _, value = text.partition(":")
    name = label.strip().lower().replace("-", "")
    size, value = _ALGORITHMS.get(name, 0), value.strip().rstrip("=")
    decoders: dict[int, Callable[[str], bytes]] = {
        -(-size * 8 // 4): bytes.fromhex,
        -(-size * 8 // 5): lambda value: base64.b32decode(value + "=" * (-len(value) % 8), casefold=True),
        -(-size * 8 // 6): lambda value: base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True),
    }
    try:
        decoded = decoders[len(value)](value.replace("+", "-").replace("/", "_")) if size else b""
    except (KeyError, ValueError, binascii.Error):
        return None
    return (name, decoded) if decoded else None


def _payloads(block: memoryview, message: http.Message | None) -> Iterator[bytes | memoryview]:
    """Yield what crawlers take for the payload of a record."""
    if message is None:
        yield block
        return
    yield block[message.body :]
    for decoded in (http.without_chunks, http.body_of):
        with suppress(EOFError, ValueError):
            yield decoded(block, message, _LIMIT)
