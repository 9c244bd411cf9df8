"""The command ``bigdata-demos index``."""

import argparse
import os
import time
from collections.abc import Sequence

from .. import command
from ..errors import InputError, UsageError
from ..keywords.output.reading import read_manifest
from ..keywords.outputs import place_of
from .database import Database, is_address, open_database
from .load import drop, load

_EPILOG = """\
The index is an SQLite file, which other tools can open, too, or a database of PostgreSQL. Loading an output again changes
nothing; a page that is in the index already is replaced. Only `--keep-text` of the keywords command makes all words of the pages
searchable.

examples:
  bigdata-demos keywords site/ --keep-text --output out/site
  bigdata-demos index out/site --db site.db                  both at once: bigdata-demos keywords site/ --index site.db
  bigdata-demos search site.db 'map reduce'
  bigdata-demos index --db site.db --drop sha256:c1631b      remove the pages of a run
  bigdata-demos index out/site --db postgresql://me@localhost/crawls     the password is in ~/.pgpass or $PGPASSWORD
"""


def parser() -> command.Parser:
    """Return the command's parser."""
    made = command.Parser(
        "bigdata-demos index", description="Load the output of runs into a database that can be searched.", epilog=_EPILOG
    )
    made.after_interrupt = "nothing was loaded"
    made.add_argument("outputs", nargs="*", metavar="OUTPUT", help="output directories of the keywords command")
    made.add_argument(
        "--db", metavar="DB", help="a file, which is created if there is none, or postgresql://USER@HOST/DATABASE (required)"
    )
    made.add_argument("--drop", metavar="DIGEST", help="remove the run with this digest, which may be cut")
    made.add_argument(
        "--workers",
        type=command.number_from(0),
        default=0,
        metavar="N",
        help="processes that analyze pages (default: one for every 5,000 pages, up to the number of cores)",
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return command.run(parser(), _execute, argv)


def _execute(arguments: argparse.Namespace) -> None:
    if not arguments.db:
        raise UsageError("name a database by `db`")
    if not (arguments.outputs or arguments.drop):
        raise UsageError("name an output of the keywords command")
    for output in arguments.outputs:
        read_manifest(place_of(output))  # before a database is created
    if arguments.drop and not is_address(arguments.db) and not os.path.exists(arguments.db):
        raise InputError(f"{arguments.db}: no such index")
    with open_database(arguments.db, write=True) as database:
        if arguments.drop:
            command.say(f"dropped={drop(database, arguments.drop)} db={database.name}")
        for output in arguments.outputs:
            load_output(database, output, workers=arguments.workers, quiet=arguments.quiet)


def load_output(database: Database, output: str, *, workers: int, quiet: bool) -> None:
    """Load an output, show the progress, and say what was loaded."""
    started = time.monotonic()
    with command.Progress("page", quiet=quiet) as progress:
        manifest = load(database, output, progress, workers=workers)
    text = "yes" if manifest.parts["text"] else "no (titles and keywords only: run keywords with --keep-text)"
    command.say(f"pages={manifest.pages} text={text} db={database.name} seconds={time.monotonic() - started:.2f}")
