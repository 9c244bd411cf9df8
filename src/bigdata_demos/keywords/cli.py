"""The command: arguments in, a table or JSON lines out, progress and errors to stderr. Nothing else here prints or exits."""

import argparse
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from ..cluster import registry
from ..command import created
from ..errors import BigDataDemosError, OutputError, UsageError
from .engines import ENGINES

if TYPE_CHECKING:
    from tqdm import tqdm

    from .runner import Result

stopped = threading.Event()
"""Whether the command was told to end by SIGTERM."""
PAGES_SHOWN = 20  # in a table
EPILOG = """\
examples:
  bigdata-demos keywords                                        keywords of the bundled crawl
  bigdata-demos keywords crawl.warc.gz site/ --output out/crawl  of a WARC and a directory; the index is in out/crawl/index
  bigdata-demos keywords crawl.warc.gz --output hdfs://HOST:8020/results/crawl   the same, written to HDFS by the workers
  bigdata-demos keywords 'CC-MAIN-*.warc.gz' --engine spark --cluster spark://localhost:7077 --output out/cc
  bigdata-demos keywords dump.avro --reader-schema page.avsc     fields of other names, which page.avsc has as aliases
  zcat pages.jsonl.gz | bigdata-demos keywords - --format jsonl | jq -r '.keywords[0].phrase'

The engines give the same answer: compare the digest in the last line. Exit status: 0, 1 failure, 2 wrong usage, 130 interrupted.
"""


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    made = argparse.ArgumentParser(
        "bigdata-demos keywords",
        description="Keywords of each page of a crawl, and an index from keywords to pages, on the engine of your choice.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "input",
        nargs="*",
        metavar="INPUT",
        help="directories of HTML, WARC(.gz), Avro or JSON lines files, globs, URLs; - for JSON lines on stdin "
        "(keys: url or id, html or text, title); none: the bundled crawl",
    )
    made.add_argument("--engine", choices=ENGINES, default="asyncio", help="where the job runs (default: asyncio)")
    made.add_argument(
        "--workers", type=int, default=0, metavar="N", help="tasks at once (default: all cores, or all that the cluster has)"
    )
    made.add_argument(
        "--cluster",
        metavar="URL",
        help="spark://HOST:7077, tcp://HOST:8786 (Dask), hdfs://HOST:8020 (Hadoop) "
        "(default: $BIGDATA_DEMOS_SPARK, …_DASK, …_HADOOP, else on this machine)",
    )
    made.add_argument("--top", type=int, default=10, metavar="K", help="keywords of each page, at most (default: 10)")
    made.add_argument(
        "--output", "-o", metavar="DIR", help="keep keywords, index, rejected pages (Avro) and a manifest there; hdfs://… as well"
    )
    made.add_argument("--overwrite", action="store_true", help="replace an earlier run's --output")
    made.add_argument("--format", choices=("table", "jsonl"), help="of stdout (default: table on a terminal, else jsonl)")
    made.add_argument(
        "--stopwords", default="en", metavar="LIST", help="en, none, another language's code, or a file (default: en)"
    )
    made.add_argument(
        "--max-rejected",
        type=float,
        default=50.0,
        metavar="PERCENT",
        help="of unreadable pages, before the run fails (default: 50)",
    )
    made.add_argument(
        "--split-bytes",
        type=int,
        metavar="N",
        help="input of a map task, before compression (default: 1/24 of all, from 1 to 16 MiB)",
    )
    made.add_argument(
        "--reader-schema",
        default="",
        metavar="SCHEMA",
        help="what Avro input is read with, if its fields have other names or types: a file, JSON, or one of our own, such as "
        "bigdata-demos:page/1 (default: each file's own)",
    )
    made.add_argument(
        "--engine-option", action="append", default=[], metavar="KEY=VALUE", help="what only one engine knows; repeatable"
    )
    made.add_argument("-v", "--verbose", action="store_true", help="say more on stderr")
    made.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
    made.add_argument("--version", action="version", version=version())
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    arguments = parser().parse_intermixed_args(argv)
    set_up_logging(verbose=arguments.verbose)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nothing multiplies matrices; NumPy's import is faster for it
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminated)
    result = None
    try:
        options = dict(option_of(text) for text in arguments.engine_option)
        if arguments.cluster is None:
            arguments.cluster = os.environ.get(f"BIGDATA_DEMOS_{arguments.engine.upper()}", "")
        check_shared(arguments.cluster, arguments.output)
        with tempfile.TemporaryDirectory(prefix="bigdata-demos-", dir=registry.spool(arguments.cluster)) as spool:
            result = run_with_progress(arguments, arguments.output or os.path.join(spool, "output"), options)
            write_result(result, arguments.format)
    except UsageError as error:
        say(f"error: {error}")
        return 2
    except (BigDataDemosError, KeyboardInterrupt) as error:
        if stopped.is_set() or isinstance(error, KeyboardInterrupt):  # a library may make another error of the interrupt
            complete = f"{arguments.output} is complete" if result and arguments.output else "nothing was written"
            say(f"interrupted: all that was started has been stopped, {complete}")
            return 130
        say(f"error: {error}")
        if arguments.verbose and error.__cause__:
            say(str(error.__cause__))
        return 1
    if not result.pages and not result.rejected:
        say("warning: there is no page in the input")
    say(
        f"pages={result.pages} rejected={result.rejected} skipped={result.skipped} keywords={result.keywords} "
        f"digest={result.digest} startup={result.startup:.2f} seconds={result.seconds:.2f}"
    )
    return 0


def check_shared(cluster: str, output: str | None) -> None:
    """Refuse to leave a cluster's results on the driver's own disk, where other machines cannot write them.

    Raises:
        UsageError: without an output, on a cluster that is not on this machine.

    """
    host = cluster.partition("://")[2].rpartition(":")[0]
    shared = host in ("", "localhost", "127.0.0.1", "[::1]") or registry.find(cluster)
    if not shared and output is None:
        raise UsageError(f"--cluster {cluster} needs an --output that its workers can write, at the same path as here")


def run_with_progress(arguments: argparse.Namespace, output: str, options: dict[str, str]) -> "Result":
    """Run the job, and show how far it is."""
    started = created()
    from .runner import run

    with progress_bar(quiet=arguments.quiet) as progress:
        return run(
            arguments.input,
            engine=arguments.engine,
            workers=arguments.workers,
            cluster=arguments.cluster,
            top=arguments.top,
            output=output,
            overwrite=arguments.overwrite,
            stopword_list=arguments.stopwords,
            max_rejected=arguments.max_rejected,
            split_bytes=arguments.split_bytes,
            reader_schema=arguments.reader_schema,
            engine_options=options,
            stdin=sys.stdin.buffer if sys.stdin else None,
            progress=progress,
            started=started,
        )


def set_up_logging(*, verbose: bool) -> None:
    """Log to stderr: this package's warnings; with ``verbose`` what it and its libraries say."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    if not verbose:  # py4j and distributed log errors that are told here in one line, or were meant, such as Ctrl-C
        handler.addFilter(logging.Filter("bigdata_demos"))
        logging.getLogger("bigdata_demos.cluster.hadoop").setLevel(logging.INFO)  # where to look at the job
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])


def option_of(text: str) -> tuple[str, str]:
    """Name and value of an engine's option.

    Raises:
        UsageError: if it is not of the form KEY=VALUE.

    """
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"--engine-option {text}: not of the form KEY=VALUE")
    return name, value


class Progress:
    """Progress on stderr: a bar for each phase on a terminal, a line every ten seconds elsewhere."""

    EVERY = 10.0

    def __init__(self) -> None:
        """Show nothing yet."""
        self.phase = ""
        self.bar: tqdm[NoReturn] | None = None
        self.said = time.monotonic()

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Show that a phase has done some of its tasks."""
        if not sys.stderr.isatty():
            if time.monotonic() - self.said > self.EVERY:
                say(f"{phase}: {done} of {total} tasks")
                self.said = time.monotonic()
            return
        from tqdm import tqdm

        if self.bar is None or phase != self.phase:
            self.close()
            self.phase = phase
            self.bar = tqdm(total=total, desc=f"{phase:6}", unit="task", leave=False, file=sys.stderr)
        self.bar.total = total
        self.bar.n = done
        self.bar.refresh()

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def no_progress(phase: str, done: int, total: int) -> None:
    """Show nothing."""


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Any]:
    """Somebody to report progress to."""
    if quiet:
        yield no_progress
        return
    progress = Progress()
    try:
        yield progress
    finally:
        progress.close()


def write_result(result: "Result", form: str | None) -> None:
    """Write the pages to stdout, as a table or as JSON lines.

    Raises:
        OutputError: if stdout is closed, or on a full disk.

    """
    if sys.stdout is None:
        raise OutputError("standard output is closed: keep the result with --output, or open it")
    try:
        if form == "table" or (form is None and sys.stdout.isatty()):
            sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
            write_table(result)
        else:
            sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
            write_jsonl(result)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(f"cannot write to standard output: {error.strerror or error}") from None


def write_jsonl(result: "Result") -> None:
    """Write one object for each page."""
    for page in result.read_keywords():
        keywords = [{name: keyword[name] for name in ("phrase", "score", "tf", "df")} for keyword in page["keywords"]]
        line = {"url": page["url"], "title": page["title"], "keywords": keywords, "declared": page["declared"]}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


def write_table(result: "Result") -> None:
    """Write the first pages and their keywords, for people."""
    width = min(max(shutil.get_terminal_size().columns, 40), 160)
    for page in islice(result.read_keywords(), PAGES_SHOWN):
        sys.stdout.write(shorten(printable(page["title"] or page["url"]), width) + "\n")
        sys.stdout.write("  " + shorten(printable(page["url"]), width - 2) + "\n")
        phrases = " · ".join(printable(keyword["phrase"]) for keyword in page["keywords"]) or "(no keywords)"
        sys.stdout.write(textwrap.fill(phrases, width, initial_indent="    ", subsequent_indent="    ") + "\n\n")
    if result.pages > PAGES_SHOWN:
        sys.stdout.write(f"… and {result.pages - PAGES_SHOWN} pages more: --format jsonl, or --output DIR, has all of them\n")


def shorten(text: str, width: int) -> str:
    """The text, cut to a width."""
    return text if len(text) <= width else text[: width - 1] + "…"


def printable(text: str) -> str:
    """The text without what would steer the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def say(text: str) -> None:
    """Talk on stderr."""
    sys.stderr.write(f"bigdata-demos keywords: {text}\n" if not text.startswith("pages=") else f"{text}\n")
    sys.stderr.flush()


def terminated(_signal: int, _frame: object) -> NoReturn:
    """End as after Ctrl-C, so that all that was started is stopped."""
    stopped.set()
    raise KeyboardInterrupt


def version() -> str:
    """The package's version."""
    from .. import __version__

    return f"bigdata-demos {__version__}"
