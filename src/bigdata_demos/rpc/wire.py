"""The wire format: frames, handshakes, calls and answers (Avro specification, "Protocol Wire Format", "Handshake").

A message consists of frames, each with a length of 4 bytes, big-endian, and as many bytes; a length of zero ends it. A request
is a handshake, then a call: metadata, the message's name, its parameters. An answer is a handshake, then metadata, whether it is
an error (one byte), and the response, or a branch of the union of errors.
"""

import io
import json
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import fastavro

from ..avro.binary import Schema, pack, string
from ..avro.resolution import resolver
from ..avro.values import READ_OPTIONS, raw_schema, untagged
from ..errors import BadMessage

CONTENT_TYPE: Final = "avro/binary"
_FRAME: Final = 64 << 10  # the most bytes of a frame that is written
_MAX_FRAME: Final = 1 << 20  # the most bytes of a frame that is read
MAX_REQUEST: Final = 1 << 20
"""The most bytes of a request that a server reads, over all frames."""
MAX_RESPONSE: Final = 16 << 20
"""The most bytes of an answer that is written, or read by a client."""
SYSTEM_ERROR: Final = b"\0\1\0"
"""No metadata, the error flag, and the first branch of the union, ``string``; the string follows."""


def frame(message: bytes) -> bytes:
    """Encode a message as frames."""
    parts = bytearray()
    for start in range(0, len(message), _FRAME):
        part = message[start : start + _FRAME]
        parts += len(part).to_bytes(4, "big") + part
    return bytes(parts + bytes(4))


def unframe(framed: bytes, most: int) -> bytes:
    """Decode the message of frames.

    There may be several frames of length zero at the end: Avro's Java implementation writes one for a call without parameters
    (an empty buffer becomes a frame), and another one for the end.

    Raises BadMessage if the last frame is missing, data follow it, or a frame or the message is too large.
    """
    message, at = bytearray(), 0
    while True:
        length = int.from_bytes(framed[at : at + 4], "big")
        if at + 4 + length > len(framed) and length <= _MAX_FRAME:
            raise BadMessage(f"it ends inside the frame at offset {at}")
        if length > _MAX_FRAME or len(message) + length > most:
            raise BadMessage(f"a frame of {length} bytes at offset {at}; {_MAX_FRAME} a frame and {most} a message are the most")
        at += 4 + length
        if not length:
            break
        message += framed[at - length : at]
    if len(framed) % 4 != at % 4 or framed.count(0, at) < len(framed) - at:
        raise BadMessage(f"{len(framed) - at} bytes after the frame of length zero")
    return bytes(message)


@cache
def _handshake_schemas() -> tuple[Schema, Schema]:
    text = (files("bigdata_demos") / "rpc" / "handshake.json").read_text(encoding="utf-8")
    [request, response] = [fastavro.parse_schema(each, {}) for each in json.loads(text)]
    return request, response  # type: ignore[return-value]


class Request(NamedTuple):
    """The handshake of a request: hashes of both protocols, and the client's own if the server may not know it."""

    client_hash: bytes
    client_protocol: str | None
    server_hash: bytes

    def pack(self) -> bytes:
        """Its bytes."""
        parts = {"clientHash": self.client_hash, "clientProtocol": self.client_protocol, "serverHash": self.server_hash}
        return pack({**parts, "meta": None}, _handshake_schemas()[0])


class Response(NamedTuple):
    """The handshake of an answer.

    ``match``: BOTH if both know the other's protocol; CLIENT if only the server does, whose protocol is sent; NONE if the
    server needs the client's: no answer follows, and the client repeats the request with it.
    """

    match: str
    server_protocol: str | None = None
    server_hash: bytes | None = None

    def pack(self) -> bytes:
        """Its bytes."""
        parts = {"match": self.match, "serverProtocol": self.server_protocol, "serverHash": self.server_hash}
        return pack({**parts, "meta": None}, _handshake_schemas()[1])


class Reader:
    """Reads a message from its start."""

    def __init__(self, message: bytes) -> None:
        self.file, self.size = io.BytesIO(message), len(message)

    def read(self, what: str, schema: Any, wanted: Schema | None = None, *, tagged: bool = False) -> Any:
        """Read the next datum, resolved to ``wanted`` if given. ``tagged``: with the names of unions' branches.

        Raises BadMessage if it is invalid.
        """
        try:
            if not tagged and wanted in (None, schema):
                return fastavro.schemaless_reader(self.file, schema, None)
            datum = fastavro.schemaless_reader(self.file, raw_schema(schema), None, **READ_OPTIONS)
            return datum if tagged else untagged(resolver(schema, wanted)(datum))
        except Exception as error:  # EOFError, ValueError, IndexError, KeyError, SchemaResolutionError …, depending on the bytes
            raise BadMessage(f"{what}: {' '.join(f'{type(error).__name__}: {error}'.split())[:300]}") from None

    def request(self) -> Request:
        """Read the handshake of a request."""
        parts = self.read("handshake", _handshake_schemas()[0])
        return Request(parts["clientHash"], parts["clientProtocol"], parts["serverHash"])

    def response(self) -> Response:
        """Read the handshake of an answer."""
        parts = self.read("handshake", _handshake_schemas()[1])
        return Response(parts["match"], parts["serverProtocol"], parts["serverHash"])

    def end(self) -> None:
        """Check that the message ends here. Raises BadMessage if it does not."""
        if left := self.size - self.file.tell():
            raise BadMessage(f"{left} bytes are left after its end")


def system_error(text: str) -> bytes:
    """Encode a system error as an answer without its handshake."""
    return SYSTEM_ERROR + string(text)


def branch(value: Any) -> tuple[str, Any]:
    """Return the name of an error that was read ``tagged`` (without a namespace; ``""``: a system error), and its value."""
    return (str(value[0]).rpartition(".")[2], untagged(value[1])) if isinstance(value, tuple) else ("", value)
