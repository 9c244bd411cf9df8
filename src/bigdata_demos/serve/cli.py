"""The command ``bigdata-demos serve``."""

import argparse
import contextlib
import socket
from collections.abc import Sequence
from functools import partial
from typing import Final

from .. import command
from ..errors import UsageError
from ..index.cache import index_of
from ..index.database import open_database, shown_name
from ..search.compare import compare
from ..search.pool import open_searchers

_EPILOG: Final = """\
examples:
  bigdata-demos serve site.db                            http://127.0.0.1:8000/
  bigdata-demos serve out/site --port 0                  an output, which is indexed first, in a cache; at any free port
  bigdata-demos serve tuesday.db --diff monday.db        with a page of what came, went and changed
  curl 'http://127.0.0.1:8000/api/search?q=spark'        the same as JSON, which /openapi.json describes

The address is printed on standard output when the server is ready. It only reads. There is no password and no encryption: if
--host is not a local address, everyone who can reach the port can search the crawl. Ctrl-C or SIGTERM ends the server.
"""
_LOCAL: Final = ("127.0.0.1", "localhost", "[::1]")
_ALL: Final = ("0.0.0.0", "::")  # noqa: S104 (they are asked for)
_CHANGES: Final = 200  # differences of each kind that are shown


def parser() -> command.Parser:
    """Return the command's parser."""
    made = command.Parser(
        "bigdata-demos serve", description="Look at a crawl in a browser: search, keywords, pages.", epilog=_EPILOG
    )
    made.add_argument(
        "index", nargs="?", metavar="INDEX", help="a database made by `bigdata-demos index`, or an output of the keywords command"
    )
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine only)")
    made.add_argument(
        "--port",
        type=command.number_from(0, 65_535),
        default=8000,
        help="port to listen on, 0 for any that is free (default: 8000)",
    )
    made.add_argument("--diff", metavar="INDEX", help="an earlier index or output, with which this one is compared")
    made.add_argument(
        "--seconds", type=command.number_from(0.01, 3600, float), default=5.0, help="time limit of a lookup (default: 5)"
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return command.run(parser(), _serve, argv)


def _serve(arguments: argparse.Namespace) -> None:
    if not arguments.index:
        raise UsageError("name an index, or an output of the keywords command")
    from .app import Site, make_app

    try:
        import uvicorn
    except ImportError:
        raise UsageError("serve requires the package uvicorn: pip install 'bigdata-demos[web]'") from None
    progress = partial(command.Progress, "page", quiet=arguments.quiet)
    index = index_of(arguments.index, command.say, progress)
    comparison = None
    if arguments.diff:
        with open_database(index_of(arguments.diff, command.say, progress)) as before, open_database(index) as after:
            comparison = compare(before, after, _CHANGES)
    with _listening(arguments.host, arguments.port) as listener, open_searchers(index, arguments.seconds) as searchers:
        site = Site(searchers, shown_name(arguments.index), comparison, shown_name(arguments.diff or ""))
        hosts = ("*",) if arguments.host in _ALL else (*_LOCAL, arguments.host)
        settings = uvicorn.Config(make_app(site, hosts), log_level="warning", access_log=False, lifespan="off")
        server = uvicorn.Server(settings)
        host, port = listener.getsockname()[:2]
        print(f"http://{f'[{host}]' if ':' in host else host}:{port}/", flush=True)
        command.say(f"serving {site.name}; Ctrl-C ends it")
        with contextlib.suppress(KeyboardInterrupt):  # ending is what a signal asks of a server
            server.run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises UsageError if the address cannot be used."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
        # Connections inherit it, and asyncio does not set it. Without it, an answer takes 40 ms more.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise UsageError(f"cannot listen at `host` {host}, `port` {port}: {error.strerror or error}: take another port") from None
