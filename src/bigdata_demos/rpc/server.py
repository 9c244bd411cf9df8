"""A server of an Avro protocol: a responder from bytes to bytes, and an HTTP server with limits on time, size and connections.

The transport is the specification's ("Message Transports", HTTP): each request is a POST of type avro/binary, and starts with
a handshake, because HTTP is stateless. An invalid request gets an HTTP status and one line, a valid one an Avro answer.
"""

import contextlib
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Final, NamedTuple

from ..avro.binary import pack
from ..avro.containers import META
from ..errors import BadMessage, BadProtocol, UsageError
from . import wire
from .protocol import Message, Protocol
from .service import DeclaredError, Handler

MAX_REMEMBERED: Final = 64
"""The most client protocols in a server's cache, which drops the least recently used one."""
_GRACE: Final = 2.0  # seconds for running calls to finish when the server ends
POLL: Final = 0.2
"""Seconds between two checks for connections that are too slow."""


class Limits(NamedTuple):
    """Limits for clients. ``seconds``: from a connection's start, or its last answer, to the end of its next answer."""

    seconds: float = 30.0
    connections: int = 64
    request_bytes: int = wire.MAX_REQUEST
    response_bytes: int = wire.MAX_RESPONSE


class Responder:
    """Answers requests of a protocol. It is thread-safe if the handlers are."""

    def __init__(
        self,
        protocol: Protocol,
        handlers: Mapping[str, Handler],
        limits: Limits = Limits(),  # noqa: B008 - immutable
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``say`` gets one line for each internal error."""
        self.protocol, self.handlers, self.limits, self.say = protocol, handlers, limits, say
        self.lock, self.remembered = threading.Lock(), OrderedDict({protocol.md5: protocol})

    def respond(self, message: bytes) -> bytes:
        """Return the answer to a request. Raises BadMessage, BadProtocol if there is no valid handshake."""
        reader = wire.Reader(message)
        request = reader.request()
        client = self.client_protocol(request)
        if client is None:
            return wire.Response("NONE", self.protocol.text, self.protocol.md5).pack()
        match = wire.Response("BOTH")
        if request.server_hash != self.protocol.md5:
            match = wire.Response("CLIENT", self.protocol.text, self.protocol.md5)
        try:
            answer = self.call(reader, client)
        except (BadMessage, BadProtocol) as error:
            answer = wire.system_error(str(error))
        return match.pack() + answer

    def client_protocol(self, request: wire.Request) -> Protocol | None:
        """Return the client's protocol, if it is known or was sent; it is cached if its hash is right.

        Raises BadProtocol if the protocol that was sent is invalid.
        """
        with self.lock:
            if known := self.remembered.get(request.client_hash):
                self.remembered.move_to_end(request.client_hash)
                return known
        if request.client_protocol is None:
            return None
        protocol = Protocol(request.client_protocol)
        if protocol.md5 == request.client_hash:
            with self.lock:
                self.remembered[protocol.md5] = protocol
                if len(self.remembered) > MAX_REMEMBERED:
                    oldest = next(key for key in self.remembered if key != self.protocol.md5)
                    del self.remembered[oldest]
        return protocol

    def call(self, reader: wire.Reader, client: Protocol) -> bytes:
        """Return the answer to a call, without the handshake; nothing for a ping, which has no message's name.

        Raises BadMessage, BadProtocol if the call is invalid.
        """
        reader.read("metadata", META)
        name = reader.read("message name", {"type": "string"})
        if not name:
            return b""
        theirs, ours = client.message(name), self.protocol.message(name)
        if theirs is None or ours is None:
            whose = "server" if theirs else "client"
            raise BadMessage(f"no message {name[:100]!r} in the {whose}'s protocol")
        parameters = reader.read(f"parameters of {name}", theirs.request, ours.request)
        reader.end()
        return self._invoke(name, ours, parameters)

    def _invoke(self, name: str, message: Message, parameters: dict[str, Any]) -> bytes:
        """Call a handler; return the encoded answer: metadata, whether it is an error, and the response or the error."""
        try:
            try:
                answer = b"\0\0" + pack({"value": self.handlers[name](parameters)}, message.response)
            except DeclaredError as error:
                named = next(each for each in self.protocol.named if each.rpartition(".")[2] == error.name)
                answer = b"\0\1" + pack({"value": (named, error.fields)}, message.errors)
        except TimeoutError as error:
            answer = wire.system_error(str(error))
        except Exception as error:  # a bug of a handler: the client gets an answer without details
            self.say(f"{name} failed: {' '.join(f'{type(error).__name__}: {error}'.split())}")
            answer = wire.system_error("internal error")
        if len(answer) > self.limits.response_bytes:
            return wire.system_error(f"a response of {len(answer)} bytes; {self.limits.response_bytes} are the most")
        return answer


class _Handling(BaseHTTPRequestHandler):
    """A connection, whose requests are answered in a thread of its own."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # HTTP 0.9 has no status
    server_version, sys_version = "bigdata-demos", ""
    error_message_format, error_content_type = "%(message)s\n", "text/plain;charset=utf-8"
    disable_nagle_algorithm = True
    server: "Server"

    def do_POST(self) -> None:
        """Answer a request."""
        limits = self.server.responder.limits
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.get_content_type() != wire.CONTENT_TYPE:
            return self.send_error(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"a request is of type {wire.CONTENT_TYPE}")
        if self.headers.get("Transfer-Encoding") or not lengths:
            return self.send_error(HTTPStatus.LENGTH_REQUIRED, "a request has a Content-Length")
        if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit() and len(lengths[0]) < 20):
            return self.send_error(HTTPStatus.BAD_REQUEST, "Content-Length is one number")
        most = limits.request_bytes + limits.request_bytes // 16 + 4  # including the lengths of its frames
        if int(lengths[0]) > most:
            return self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {limits.request_bytes} bytes")
        try:
            framed = self.rfile.read(int(lengths[0]))
            if len(framed) < int(lengths[0]):
                raise BadMessage("it ends before its Content-Length")
            answer = wire.frame(self.server.responder.respond(wire.unframe(framed, limits.request_bytes)))
        except (BadMessage, BadProtocol) as error:
            said = str(error).encode("ascii", "backslashreplace").decode()
            return self.send_error(HTTPStatus.BAD_REQUEST, f"not a request of Avro's RPC: {said}"[:400])
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", wire.CONTENT_TYPE)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.server.renew(self.connection)
        return None

    def other(self) -> None:
        """Refuse other methods than POST."""
        self.send_response(HTTPStatus.METHOD_NOT_ALLOWED)
        for name, value in (("Allow", "POST"), ("Content-Length", "0"), ("Connection", "close")):
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = other  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log nothing."""


class Server(ThreadingMixIn, TCPServer):
    """The HTTP server: a thread for each connection, with limits on their number and time."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, responder: Responder) -> None:
        """Listen. Raises UsageError if it cannot listen there."""
        self.responder = responder
        self.open: dict[socket.socket, float] = {}
        self.changed = threading.Condition()
        if not 0 <= port <= 65535:
            raise UsageError(f"port {port} is not between 0 (any free port) and 65535")
        try:
            [(self.address_family, _, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            super().__init__(address[:2], _Handling)  # type: ignore[arg-type]
        except (OSError, OverflowError, UnicodeError) as error:
            raise UsageError(f"cannot listen on {host} port {port}: {getattr(error, 'strerror', None) or error}") from None

    @property
    def url(self) -> str:
        """Its address."""
        host, port = self.socket.getsockname()[:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def renew(self, connection: socket.socket) -> None:
        """Restart the time of a connection, for its next request."""
        with self.changed:
            if connection in self.open:
                self.open[connection] = time.monotonic() + self.responder.limits.seconds

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a new connection, or refuse it."""
        with self.changed:
            full = len(self.open) >= self.responder.limits.connections
            if not full:
                self.open[request] = time.monotonic() + self.responder.limits.seconds
        if full:
            with contextlib.suppress(OSError):
                request.setblocking(False)
                request.send(
                    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self.changed:
            self.open.pop(request, None)
            self.changed.notify_all()
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Close connections whose time is over, which ends their threads' reads and writes. Called every :data:`POLL` seconds."""
        now = time.monotonic()
        with self.changed:
            for connection in [each for each, deadline in self.open.items() if deadline < now]:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore broken connections, which are closed."""

    def close(self) -> None:
        """Stop accepting connections, wait for running calls for some seconds, and close all connections."""
        self.server_close()
        end = time.monotonic() + _GRACE
        with self.changed:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)  # ends threads that wait for a request
            self.changed.wait_for(lambda: not self.open, max(end - time.monotonic(), 0))
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def serving(host: str, port: int, responder: Responder) -> Iterator[Server]:
    """Run a server in another thread until the context ends. Raises UsageError if it cannot listen there."""
    server = Server(host, port, responder)
    thread = threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.close()
