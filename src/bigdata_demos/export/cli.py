"""The command ``bigdata-demos export``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import command
from ..errors import UsageError
from ..keywords.output.reading import read_manifest
from ..keywords.output.tables import TABLES, require, rows, tables_of
from ..keywords.outputs import place_of
from ..storage.atomic import atomic, check_new, writing
from .formats import FORMATS, counted

_EPILOG = """\
tables:
  keywords   a row for each page, with the list of its keywords (nested; JSON in CSV)
  flat       a row for each keyword of a page
  index      a row for each page of a keyword, best first
  rejected   a row for each page that could not be read
  text       a row for each page, with its text, if --keep-text was given

examples:
  bigdata-demos export out/crawl --to crawl.parquet           keywords
  bigdata-demos export out/crawl --to crawl.csv               flat
  bigdata-demos export out/crawl --to crawl.duckdb            all tables in one database
  bigdata-demos export out/crawl --table rejected | jq -r .reason | sort | uniq -c
"""


def parser() -> command.Parser:
    """Return the command's parser."""
    made = command.Parser(
        "bigdata-demos export", description="Export the tables of an output of the keywords command.", epilog=_EPILOG
    )
    made.after_interrupt = "nothing was written"
    made.add_argument("run", nargs="?", metavar="OUTPUT", help="an output directory of the keywords command, also in HDFS")
    made.add_argument(
        "--to", metavar="FILE", default="-", help="the file to write, such as x.parquet (default: -, standard output)"
    )
    made.add_argument("--table", choices=TABLES, help="the table (default: keywords; of CSV: flat; of DuckDB: all)")
    made.add_argument(
        "--output-format", choices=tuple(FORMATS), help="the format (default: by the name of FILE; jsonl on standard output)"
    )
    made.add_argument("--overwrite", action="store_true", help="replace FILE")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return command.run(parser(), _execute, argv)


def _execute(arguments: argparse.Namespace) -> None:
    if not arguments.run:
        raise UsageError("name an output of the keywords command")
    suffix = "jsonl" if arguments.to == "-" else Path(arguments.to).suffix.removeprefix(".")
    name = arguments.output_format or suffix
    if name not in FORMATS:
        raise UsageError(
            f"`to={arguments.to}` does not end in {', '.join(f'.{known}' for known in FORMATS)}: name an `output_format`"
        )
    form = FORMATS[name]
    if arguments.to == "-" and name in ("parquet", "duckdb"):
        raise UsageError(f"`output_format={name}` is not written to standard output: name a file by `to`")
    for package in form.packages:
        require(package)
    if arguments.to != "-":
        check_new(arguments.to, overwrite=arguments.overwrite)
    place = place_of(arguments.run)
    manifest = read_manifest(place)
    names = [arguments.table] if arguments.table else form.tables or tables_of(manifest)
    with command.Progress("row", quiet=arguments.quiet) as progress:
        tables = {table: counted(rows(place, table), progress, table) for table in names}
        if arguments.to == "-":
            form.write(sys.stdout.buffer, tables)
            return
        with writing(arguments.to), atomic(arguments.to) as file:
            form.write(file, tables)
    command.say(f"tables={','.join(names)} pages={manifest.pages} bytes={os.path.getsize(arguments.to)} file={arguments.to}")
