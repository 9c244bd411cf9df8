"""The command ``bigdata-demos report``."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import Final

from .. import command
from ..errors import UsageError
from ..index.cache import index_of
from ..index.database import shown_name
from ..search.searcher import open_searcher
from ..storage.atomic import atomic, check_new, writing
from .file import MOST, report

_EPILOG: Final = """\
examples:
  bigdata-demos report site.db -o report.html
  bigdata-demos report out/site -o report.html     an output, which is indexed first, in a cache
  bigdata-demos report site.db | gzip > report.html.gz
"""


def parser() -> command.Parser:
    """Return the command's parser."""
    made = command.Parser(
        "bigdata-demos report",
        description="Write what a crawl is about into one HTML file, to send to someone: keywords, sites, languages, rejected "
        f"pages, and a search over the titles and keywords of up to {MOST:,} pages.",
        epilog=_EPILOG,
    )
    made.after_interrupt = "nothing was written"
    made.add_argument(
        "index", nargs="?", metavar="INDEX", help="a database made by `bigdata-demos index`, or an output of the keywords command"
    )
    made.add_argument("-o", "--to", metavar="FILE", default="-", help="the file to write (default: -, standard output)")
    made.add_argument("--overwrite", action="store_true", help="replace FILE")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return command.run(parser(), _execute, argv)


def _execute(arguments: argparse.Namespace) -> None:
    if not arguments.index:
        raise UsageError("name an index, or an output of the keywords command")
    if arguments.to != "-":
        check_new(arguments.to, overwrite=arguments.overwrite)
    index = index_of(arguments.index, command.say, partial(command.Progress, "page", quiet=arguments.quiet))
    with open_searcher(index) as searcher:
        html = report(searcher, shown_name(arguments.index)).encode()
        pages = searcher.pages
    if arguments.to == "-":
        sys.stdout.buffer.write(html)
        return
    with writing(arguments.to), atomic(arguments.to) as file:
        file.write(html)
    command.say(f"pages={pages} searchable={min(pages, MOST)} bytes={len(html)} file={arguments.to}")
