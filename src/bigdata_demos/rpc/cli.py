"""The command ``bigdata-demos rpc``.

Slow imports are inside the functions that need them.
"""

import argparse
import contextlib
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from .. import command
from ..errors import UsageError

EPILOG: Final = """\
examples:
  bigdata-demos keywords --index site.db
  bigdata-demos rpc serve site.db --port 8090
  bigdata-demos rpc call http://127.0.0.1:8090/ pages '{"query": "spark shuffle -python", "limit": 3}'
  bigdata-demos rpc call http://127.0.0.1:8090/ stats
"""
_SERVE_EPILOG: Final = """\
The server prints its address on standard output when it is ready. There is no password and no encryption: if --host is not
a local address, everyone who can reach the port can query the index. Ctrl-C or SIGTERM ends the server (exit status 0).
"""
_CALL_EPILOG: Final = """\
messages:
  keywords  {"url": STRING}                     the keywords of a page
  pages     {"query": STRING, "phrase": STRING, "limit": INT}    the best pages, by default 10, as `bigdata-demos search`
                                                finds them; a phrase is the same as a query in quotes
  suggest   {"prefix": STRING}                  keywords that start with the prefix
  stats     {}                                  counts and digest of the index

The answer is one line of JSON on standard output. An error is one line on standard error, and exit status 1.
"""


class Ended(BaseException):
    """A signal ends the server."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return command.run(parser(), execute, argv)


def execute(arguments: argparse.Namespace) -> None:
    """Serve until a signal comes, or send a message."""
    if arguments.command == "call":
        call(arguments)
        return
    with contextlib.suppress(Ended):
        serve(arguments)


def parser() -> command.Parser:
    """Return the parser of the command line."""
    top = command.Parser("bigdata-demos rpc", description="Serve the keyword index by Avro RPC over HTTP.", epilog=EPILOG)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    about = "Answer lookups in an index, or in an output of the keywords command."
    server = commands.add_parser("serve", help=about.lower(), description=about, epilog=_SERVE_EPILOG)
    server.add_argument(
        "index",
        metavar="INDEX",
        help="a database made by `bigdata-demos index`, or an output of the keywords command, which is indexed first, in a cache",
    )
    server.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine only)")
    server.add_argument("--port", type=int, default=0, help="port to listen on (default: 0, any that is free)")
    server.add_argument("--seconds", type=seconds, default=30.0, help="time limit of a request (default: 30)")
    server.add_argument(
        "--connections", type=command.number_from(1, 10_000), default=64, help="most connections at once (default: 64)"
    )
    about = "Send a message to a server, and print the answer."
    caller = commands.add_parser("call", help=about.lower(), description=about, epilog=_CALL_EPILOG)
    caller.add_argument("url", metavar="URL", help="the server's address, such as http://127.0.0.1:8090/")
    caller.add_argument("message", metavar="MESSAGE", help="keywords, pages, suggest or stats")
    caller.add_argument(
        "parameters", metavar="ARGUMENTS", nargs="?", default="{}", help="parameters as a JSON object (default: {})"
    )
    caller.add_argument("--seconds", type=seconds, default=30.0, help="time limit for the answer (default: 30)")
    return top


def seconds(text: str) -> float:
    """Convert an argument to a finite number of seconds above zero."""
    value = float(text)
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError(f"must be above 0 and up to 86400, not {text}")
    return value


def serve(arguments: argparse.Namespace) -> None:
    """Answer calls until a signal comes. Raises BigDataDemosError if it cannot start; Ended when a signal comes."""
    from ..index.cache import index_of
    from ..search.pool import open_searchers
    from .protocol import keyword_index
    from .server import POLL, Limits, Responder, Server
    from .service import handlers

    limits = Limits(arguments.seconds, arguments.connections)
    with (
        _ending_by_signal(),
        open_searchers(
            index_of(arguments.index, command.say, partial(command.Progress, "page", quiet=arguments.quiet)), arguments.seconds
        ) as searchers,
    ):
        responder = Responder(keyword_index(), handlers(searchers), limits, command.say)
        server = Server(arguments.host, arguments.port, responder)
        try:
            print(server.url, flush=True)
            with searchers.lookup() as searcher:
                stats = searcher.stats()
            command.say(f"pages={stats['pages']} phrases={stats['phrases']} postings={stats['postings']}")
            server.serve_forever(POLL)
        finally:
            server.close()


@contextlib.contextmanager
def _ending_by_signal() -> Iterator[None]:
    """Let the first SIGINT or SIGTERM raise :class:`Ended`, and ignore further ones."""

    def end(*_: object) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise Ended

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def call(arguments: argparse.Namespace) -> None:
    """Print the answer to a message. Raises BigDataDemosError if there is none, or it is an error."""
    from .client import Client

    try:
        parameters: Any = json.loads(arguments.parameters)
    except (ValueError, RecursionError) as error:
        raise UsageError(f'ARGUMENTS must be a JSON object, as in \'{{"prefix": "wo"}}\': {error}') from None
    if not isinstance(parameters, dict):
        raise UsageError('ARGUMENTS must be a JSON object, as in \'{"prefix": "wo"}\'')
    with Client(arguments.url, seconds=arguments.seconds) as client:
        print(json.dumps(client.call(arguments.message, parameters), ensure_ascii=sys.stdout.encoding.lower() != "utf-8"))
