"""A client of an Avro protocol over HTTP. Data are resolved between the client's and the server's protocols."""

import http
import http.client
import io
import time
from typing import Any, Final, Self
from urllib.parse import urlsplit

import fastavro
from fastavro import validation

from ..avro.binary import string
from ..avro.containers import META
from ..errors import BadMessage, RemoteError, RpcError, UsageError
from . import wire
from .protocol import Message, Protocol, keyword_index

_GONE: Final = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ConnectionAbortedError)
"""The exceptions of a connection that the server has closed between two requests."""
CHUNK: Final = 64 << 10


class Client:
    """A connection to a server, for one thread. The first call opens it, and a later one reopens it if the server has closed it.

    A call may therefore be sent twice, so messages must be idempotent, as lookups are.
    """

    def __init__(self, url: str, protocol: Protocol | None = None, *, seconds: float = 30, most: int = wire.MAX_RESPONSE) -> None:
        """``seconds`` is for one request and its answer, which has at most ``most`` bytes.

        Raises UsageError if the URL is not one of HTTP.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
            if parts.scheme != "http" or not host or not url.isascii() or not url.isprintable() or " " in url:
                raise ValueError
        except ValueError:
            raise UsageError(f"{url!r} is not the address of a server, such as http://127.0.0.1:8000/") from None
        self.url, self.path = url, parts.path or "/"
        self.protocol = protocol or keyword_index()
        self.seconds, self.most = seconds, most
        self.connection = http.client.HTTPConnection(host, port or 80, timeout=seconds)
        self.server = self.protocol  # a guess, which the first handshake corrects
        self.server_hash, self.introduce = self.protocol.md5, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def call(self, name: str, parameters: dict[str, Any] | None = None) -> Any:
        """Send a call, and return its response.

        Raises UsageError if the protocol has no such message, or it has other parameters; RemoteError if the server's answer is
        an error; RpcError if there is no valid answer.
        """
        message = self.protocol.message(name)
        if message is None:
            raise UsageError(f"no message {name!r}: {self.protocol.name} has {', '.join(self.protocol.messages)}")
        buffer = io.BytesIO()
        try:
            validation.validate(parameters or {}, message.request)  # the sizes of numbers, which the writer does not check
            fastavro.schemaless_writer(buffer, message.request, parameters or {}, strict_allow_default=True)
        except Exception as error:  # TypeError, ValueError, KeyError …, depending on the parameters
            takes = ", ".join(f"{each['name']}: {each['type']}" for each in message.request["fields"]) or "nothing"
            raise UsageError(f"{name} takes {takes}: {' '.join(str(error).split())}") from None
        call = b"\0" + string(name) + buffer.getvalue()
        for _ in range(2):
            request = wire.Request(self.protocol.md5, self.protocol.text if self.introduce else None, self.server_hash)
            reader = wire.Reader(self.post(request.pack() + call))
            if self.matched(reader.response()):
                return self.answer(reader, name, message)
        raise RpcError(f"{self.url} does not take the client's protocol: its handshake is NONE twice")

    def ping(self) -> None:
        """Check that the server answers, by a handshake and a call without a message's name. Raises RpcError if it does not."""
        for _ in range(2):
            request = wire.Request(self.protocol.md5, self.protocol.text if self.introduce else None, self.server_hash)
            if self.matched(wire.Reader(self.post(request.pack() + b"\0\0")).response()):
                return
        raise RpcError(f"{self.url} does not take the client's protocol: its handshake is NONE twice")

    def matched(self, handshake: wire.Response) -> bool:
        """Process a server's handshake; return whether an answer follows.

        Raises BadProtocol if the server's protocol is invalid.
        """
        if handshake.server_protocol is not None and handshake.match != "BOTH":
            self.server = Protocol(handshake.server_protocol)
            self.server_hash = handshake.server_hash or self.server.md5
        self.introduce = handshake.match == "NONE"
        return not self.introduce

    def answer(self, reader: wire.Reader, name: str, ours: Message) -> Any:
        """Read the response to a call. Raises RemoteError if it is an error; BadMessage if it is invalid."""
        reader.read("metadata", META)
        failed = reader.read("whether it is an error", {"type": "boolean"})
        theirs = self.server.message(name)
        if theirs is None:  # it can only be a system error
            theirs = Message(ours.request, ours.response, Protocol('{"protocol": "none"}').record("errors", _SYSTEM_ERRORS))
            if not failed:
                raise BadMessage(f"{self.url} answers the message {name}, which is not in its protocol")
        if not failed:
            response = reader.read("response", theirs.response, ours.response)
            reader.end()
            return response["value"]
        error = reader.read("error", theirs.errors, tagged=True)  # the server's, as ours may lack it
        reader.end()
        raise RemoteError(*wire.branch(error["value"]))

    def post(self, message: bytes) -> bytes:
        """Post a message, and return the answer. Raises RpcError if there is none in time, or the status is not 200."""
        again = self.connection.sock is not None
        try:
            try:
                return self.exchange(message)
            except _GONE:
                if not again:
                    raise
                self.connection.close()
                return self.exchange(message)
        except BaseException as error:
            self.connection.close()
            if isinstance(error, TimeoutError):
                raise RpcError(f"{self.url} did not answer in {self.seconds:g} seconds") from None
            if isinstance(error, (OSError, http.client.HTTPException)):
                said = getattr(error, "strerror", None) or str(error) or type(error).__name__
                raise RpcError(f"{self.url} gives no answer: {' '.join(said.split())[:300]}") from None
            raise

    def exchange(self, message: bytes) -> bytes:
        """Send a message, and read another.

        Raises OSError, HTTPException if the connection breaks; RpcError if the answer is not an Avro message.
        """
        end = time.monotonic() + self.seconds
        self.connection.request("POST", self.path, wire.frame(message), {"Content-Type": wire.CONTENT_TYPE})
        response = self.connection.getresponse()
        framed, most = bytearray(), self.most + self.most // 16 + 4
        while True:
            if self.connection.sock is not None:
                self.connection.sock.settimeout(max(end - time.monotonic(), 0.001))
            if time.monotonic() > end:
                raise TimeoutError
            chunk = response.read1(CHUNK)
            framed += chunk
            if not chunk or len(framed) > most:
                break
        left = response.length
        response.close()  # or the connection cannot be used again
        if len(framed) > most:
            raise BadMessage(f"{self.url} sends more than {self.most} bytes")
        if self.connection.sock is not None:
            self.connection.sock.settimeout(self.seconds)
        if response.status != http.HTTPStatus.OK:
            said = ascii(bytes(framed[:300]).decode("utf-8", "replace").strip())[1:-1]
            raise RpcError(f"{self.url} answers HTTP {response.status}: {said or response.reason}")
        if left:
            raise BadMessage(f"{self.url} closed the connection {left} bytes before the answer's end")
        return wire.unframe(bytes(framed), self.most)


_SYSTEM_ERRORS: Final = [{"name": "value", "type": ["string"]}]
