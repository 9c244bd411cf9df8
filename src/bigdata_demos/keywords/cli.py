"""The command ``bigdata-demos keywords``."""

import argparse
import gc
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from .. import command
from ..errors import BigDataDemosError, UsageError
from .engines import ENGINES
from .model import EFFORTS, OUTPUT_FORMATS

if TYPE_CHECKING:
    from .runner import Result

_PAGES_SHOWN = 20  # in a table
_EPILOG = """\
The engines give the same answer: compare the digest in the last line.

examples:
  bigdata-demos keywords                                         keywords of the bundled crawl
  bigdata-demos keywords crawl.warc.gz site/ --output out/crawl  of a WARC and a directory; the index is in out/crawl/index
  bigdata-demos keywords site/ --language de                     of German pages, whatever their language seems to be
  bigdata-demos keywords crawl.warc.gz --output hdfs://HOST:8020/results/crawl   the same, written to HDFS by the workers
  bigdata-demos keywords 'CC-MAIN-*.warc.gz' --engine spark --cluster spark://localhost:7077 --output out/cc
  bigdata-demos keywords 'CC-MAIN-*.warc.gz' --output out/cc --resume   go on where the same command was killed
  bigdata-demos keywords dump.avro --reader-schema page.avsc     other field names, which page.avsc has as aliases
  bigdata-demos keywords crawl.warc.gz --index crawl.db          a database for bigdata-demos search
  zcat pages.jsonl.gz | bigdata-demos keywords - --format jsonl | jq -r '.keywords[0].phrase'
"""


def parser() -> command.Parser:
    """Return the command's parser; each ``dest`` is the name of a parameter of :func:`.runner.run`."""
    made = command.Parser(
        "bigdata-demos keywords",
        description="Extract the keywords of each page of a crawl, and an index from keywords to pages, on any engine.",
        epilog=_EPILOG,
    )
    made.after_interrupt = "all that was started has been stopped, nothing was written"
    made.add_argument(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help="directories of HTML; WARC(.gz), Avro or JSON lines files; globs; URLs; - for JSON lines on standard input "
        "(keys: url or id, html or text, title) (default: the bundled crawl)",
    )
    made.add_argument("--engine", choices=tuple(ENGINES), default="asyncio", help="where the job runs (default: asyncio)")
    made.add_argument(
        "--workers", type=int, default=0, metavar="N", help="tasks run at once (default: all cores of the machine or cluster)"
    )
    made.add_argument(
        "--cluster",
        metavar="URL",
        help="spark://HOST:7077, tcp:// or tls://HOST:8786 (Dask), hdfs://HOST:8020 (Hadoop) "
        "(default: $BIGDATA_DEMOS_SPARK, …_DASK, …_HADOOP, or else this machine)",
    )
    made.add_argument("--top", type=int, default=10, metavar="K", help="maximum number of keywords per page (default: 10)")
    made.add_argument(
        "--effort",
        choices=EFFORTS,
        default="standard",
        help="how much work goes into the choice of keywords: docs/quality.md has what each costs and gains (default: standard)",
    )
    made.add_argument(
        "--output",
        "-o",
        metavar="DIR",
        help="write keywords, index, rejected pages (Avro) and a manifest to this directory, which may be an hdfs:// URL",
    )
    made.add_argument(
        "--output-format",
        choices=OUTPUT_FORMATS,
        default="avro",
        help="parquet: write the tables of the --output as files of Parquet, too, in parquet/ (default: avro)",
    )
    made.add_argument("--overwrite", action="store_true", help="replace the --output of an earlier run")
    made.add_argument(
        "--format", choices=("table", "jsonl"), help="format of standard output (default: table on a terminal, else jsonl)"
    )
    made.add_argument(
        "--language",
        default="",
        metavar="CODE",
        help="the language of all pages, such as de (default: detected for each page)",
    )
    made.add_argument(
        "--stopwords",
        dest="stopword_list",
        default="",
        metavar="LIST",
        help="none, the code of a language, or a file: the words that end a phrase (default: those of each page's language)",
    )
    made.add_argument(
        "--max-rejected",
        type=float,
        default=50.0,
        metavar="PERCENT",
        help="fail if more than this percentage of the pages is unreadable (default: 50)",
    )
    made.add_argument(
        "--page-seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="reject a page that takes longer than this to be parsed and counted; 0 for no limit, which engine serial has "
        "anyway (default: 60)",
    )
    made.add_argument(
        "--keep-text",
        action="store_true",
        help="write the text of the pages to the --output, too, so that `bigdata-demos index` can make it searchable",
    )
    made.add_argument(
        "--index",
        metavar="DB",
        help="load the result into a database that `bigdata-demos search` reads: a file, or postgresql://…; implies --keep-text",
    )
    made.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        help="check the digests of WARC records, and reject records that have changed (default: in uncompressed files, since "
        "compressed ones have checksums)",
    )
    made.add_argument(
        "--split-bytes",
        type=int,
        metavar="N",
        help="input of one map task in bytes; compressed files count six times (default: 1/24 of the input, from 1 to 16 MiB)",
    )
    made.add_argument(
        "--reader-schema",
        default="",
        metavar="SCHEMA",
        help="schema to read Avro input with, if its fields have other names or types: a file, JSON, or a built-in one such as "
        "bigdata-demos:page/1 (default: the schema of each file)",
    )
    made.add_argument(
        "--resume",
        action="store_true",
        help="keep the results of map tasks beside the --output until the run has succeeded, and go on from those of an earlier "
        "run of the same command that was killed or failed",
    )
    made.add_argument(
        "--engine-option",
        dest="engine_options",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="engine-specific option; repeatable",
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nothing multiplies matrices, and NumPy is imported faster
    return command.run(parser(), _execute, argv)


def _execute(arguments: argparse.Namespace) -> None:
    if arguments.cluster is None:
        arguments.cluster = os.environ.get(f"BIGDATA_DEMOS_{arguments.engine.upper()}", "")
    if arguments.index:
        arguments.keep_text = True
        _check_index(arguments.index)
    result = _run(arguments)
    if arguments.index:
        _load(result, arguments)
    try:
        _print_result(result, arguments.format)
        sys.stdout.flush()
    except BrokenPipeError:
        command.drop_stdout()
    except KeyboardInterrupt:
        kept = f"all that was started has been stopped, {arguments.output} is complete"
        raise KeyboardInterrupt(*([kept] if arguments.output else [])) from None
    late = f"deadline={number} " if (number := result.reasons.get("too-slow")) else ""
    command.say(
        f"pages={result.pages} rejected={result.rejected} skipped={result.skipped} keywords={result.keywords} {late}"
        f"digest={result.digest} startup={result.startup:.2f} seconds={result.seconds:.2f}"
    )


def _check_index(database: str) -> None:
    """Find out whether a database can be written, before the work is done."""
    from ..index.database import open_database

    with open_database(database, write=True):
        pass


def _load(result: "Result", arguments: argparse.Namespace) -> None:
    """Load a result into the database of ``--index``. Errors say that the result is there, if it is."""
    from ..index.cli import load_output
    from ..index.database import open_database
    from ..storage.places import address

    later = f"{arguments.output} is complete: bigdata-demos index {arguments.output} --db {arguments.index}"
    try:
        with open_database(arguments.index, write=True) as database:
            load_output(database, address(result.output), workers=0, quiet=arguments.quiet)
    except BigDataDemosError as error:
        if arguments.output:
            raise type(error)(f"{error.args[0]}; {later}") from error
        raise
    except KeyboardInterrupt:
        raise KeyboardInterrupt(*([f"nothing was loaded; {later}"] if arguments.output else [])) from None


def _run(arguments: argparse.Namespace) -> "Result":
    started = command.created()
    gc.disable()
    from .runner import run

    gc.freeze()  # what was imported stays, so that collections need not look through it
    gc.enable()
    with command.Progress("task", quiet=arguments.quiet) as progress:
        return run(
            arguments.inputs,
            engine=arguments.engine,
            workers=arguments.workers,
            cluster=arguments.cluster,
            top=arguments.top,
            effort=arguments.effort,
            output=arguments.output,
            output_format=arguments.output_format,
            overwrite=arguments.overwrite,
            language=arguments.language,
            stopword_list=arguments.stopword_list,
            max_rejected=arguments.max_rejected,
            page_seconds=arguments.page_seconds,
            keep_text=arguments.keep_text,
            verify=arguments.verify,
            split_bytes=arguments.split_bytes,
            reader_schema=arguments.reader_schema,
            resume=arguments.resume,
            engine_options=dict(_key_and_value(text) for text in arguments.engine_options),
            stdin=sys.stdin.buffer if sys.stdin else None,
            progress=progress,
            started=started,
        )


def _key_and_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError(f"`engine_options[{text}]` is not of the form KEY=VALUE")
    return key, value


def _print_result(result: "Result", form: str | None) -> None:
    if form == "table" or (form is None and sys.stdout.isatty()):
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        _print_table(result)
    else:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        _print_jsonl(result)


def _print_jsonl(result: "Result") -> None:
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for page in result.read_keywords():
        keywords = [{name: keyword[name] for name in ("phrase", "score", "tf", "df")} for keyword in page["keywords"]]
        line = {name: page[name] for name in ("url", "title", "language")} | {"keywords": keywords, "declared": page["declared"]}
        sys.stdout.write(encode(line) + "\n")


def _print_table(result: "Result") -> None:
    width = min(max(shutil.get_terminal_size().columns, 40), 160)
    for page in islice(result.read_keywords(), _PAGES_SHOWN):
        print(_visible(page["title"] or page["url"], width))
        print(" ", _visible(page["url"], width - 2))
        phrases = " · ".join(_visible(keyword["phrase"]) for keyword in page["keywords"]) or "(no keywords)"
        print(textwrap.fill(phrases, width, initial_indent="    ", subsequent_indent="    "), end="\n\n")
    if result.pages > _PAGES_SHOWN:
        print(f"… and {result.pages - _PAGES_SHOWN} more pages: use --format jsonl or --output DIR to get all of them")


def _visible(text: str, width: int | None = None) -> str:
    """Return the text cut to a width, with control characters replaced by spaces."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown if width is None or len(shown) <= width else shown[: width - 1] + "…"
