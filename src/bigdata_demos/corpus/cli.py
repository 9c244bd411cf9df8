"""The command ``bigdata-demos corpus``.

Only data is written to standard output. Slow imports are deferred until they are needed.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn

from .. import command
from ..errors import InputError, UsageError

if TYPE_CHECKING:
    from tqdm import tqdm

    from ..crawl.model import Page, Rejected, Skipped
    from .writers import Output

_MIN_BYTES, MAX_BYTES = 256, 1 << 18
MOST_COPIES: Final = 100  # each has its own spelling of rare words

_OUTPUT_HELP: Final = """
The suffix of --output selects the format: .warc.gz, .warc, .avro, .jsonl, .jsonl.gz; a name without a suffix, or with a
trailing slash, is a directory of HTML files; - (the default) writes JSON lines to standard output. Equal pages result in
equal bytes. A failed run leaves nothing. The last line on standard error has the counts.
"""
EPILOG: Final = f"""\
examples:
  bigdata-demos corpus pydoc --output pydoc.warc.gz
  bigdata-demos corpus synthetic --pages 1000000 --files 32 --output big.warc.gz
  bigdata-demos corpus convert data/site --base-url https://example.org/ --output site.avro
  bigdata-demos corpus vary crawl.warc.gz --copies 8 --output larger.warc.gz
{_OUTPUT_HELP}"""
_PYDOC_EPILOG: Final = f"""\
examples:
  bigdata-demos corpus pydoc --output pydoc.warc.gz
  bigdata-demos corpus pydoc | head -3
  bigdata-demos corpus pydoc -v --output pydoc/       # -v names the modules that cannot be imported here
{_OUTPUT_HELP}"""
_CONVERT_EPILOG: Final = f"""\
examples:
  bigdata-demos corpus convert site/ --base-url https://example.org/ --output site.warc.gz
  bigdata-demos corpus convert 'crawl/*.warc.gz' --files 8 --output crawl.avro
  curl -s https://example.org/pages.jsonl | bigdata-demos corpus convert - --output pages/

Avro keeps all fields of a page. JSON lines contain decoded markup. WARC and directories contain HTML only: text without markup
becomes a minimal page. Lost information is counted on standard error, where unreadable pages are listed, too.
{_OUTPUT_HELP}"""
_SYNTHETIC_EPILOG: Final = f"""\
examples:
  bigdata-demos corpus synthetic --pages 100000 --output synthetic.warc.gz
  bigdata-demos corpus synthetic --pages 1000000 --seed 7 --files 32 --output big.warc.gz
  bigdata-demos corpus synthetic --pages 3 --bytes 512

Words follow Zipf's law, sizes are log-normal with --bytes as the median. Page n is the same for equal --seed and --bytes,
however many pages there are and whatever they are written as.
{_OUTPUT_HELP}"""
_VARY_EPILOG: Final = f"""\
examples:
  bigdata-demos corpus vary crawl.warc.gz --copies 8 --output larger.warc.gz
  bigdata-demos corpus vary 'crawl/*.warc.gz' --copies 32 --files 16 --output larger/pages.warc.gz

Copies of the same pages would have no new words. In these, the rarest words are spelled anew, as many as Heaps' law says of a
crawl of that size; its exponent is measured on the given pages, and is in the first line on standard error. Copy k of a page has
?copy=k in its URL.
{_OUTPUT_HELP}"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return command.run(parser(), execute, argv)


def parser() -> command.Parser:
    """Return the parser of the command line."""
    top = command.Parser("bigdata-demos corpus", description="Make a corpus, or convert one, offline.", epilog=EPILOG)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, description: str, epilog: str) -> command.Parser:
        summary = description[0].lower() + description[1:].rstrip(".")
        made = commands.add_parser(name, help=summary, description=description, epilog=epilog)
        _add_output_options(made)
        return made

    add("pydoc", "Write the documentation of this Python's standard library.", _PYDOC_EPILOG)
    convert = add("convert", "Convert a corpus to another format.", _CONVERT_EPILOG)
    convert.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="a directory of HTML, WARC, Avro or JSON lines, a glob; - for JSON lines on stdin",
    )
    convert.add_argument(
        "--html-bytes",
        action="store_true",
        help="for Avro: write a schema with markup as bytes only, which Hadoop's AvroAsTextInputFormat needs",
    )
    convert.add_argument("--base-url", metavar="URL", default="", help="prefix for each url that has no scheme")
    synthetic = add("synthetic", "Generate synthetic pages.", _SYNTHETIC_EPILOG)
    synthetic.add_argument("--pages", metavar="N", type=command.number_from(0), required=True, help="number of pages")
    synthetic.add_argument(
        "--seed", metavar="S", type=command.number_from(0), default=0, help="seed of the random numbers (default: 0)"
    )
    synthetic.add_argument(
        "--bytes",
        metavar="B",
        type=command.number_from(_MIN_BYTES, MAX_BYTES),
        default=4096,
        help="median size of the pages (default: 4096)",
    )
    vary = add("vary", "Make a larger corpus of copies whose rare words differ.", _VARY_EPILOG)
    vary.add_argument("inputs", metavar="INPUT", nargs="+", help="a directory of HTML, WARC, Avro or JSON lines, a glob")
    vary.add_argument(
        "--copies",
        metavar="N",
        type=command.number_from(1, MOST_COPIES),
        required=True,
        help="how many times as many pages there will be, the given ones among them",
    )
    return top


def _add_output_options(made: command.Parser) -> None:
    group = made.add_argument_group("output")
    group.add_argument("-o", "--output", metavar="PATH", default="-", help="output path (default: -, JSON lines to stdout)")
    group.add_argument(
        "--files",
        metavar="K",
        type=command.number_from(1),
        default=1,
        help="spread the pages over K files, NAME-00000.warc.gz and so on",
    )
    group.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    group.add_argument(
        "--date",
        metavar="DATE",
        type=date,
        help="date of pages without one: ISO 8601 in UTC, or now (default: none; in a WARC, 2026-01-01T00:00:00Z)",
    )


def date(text: str) -> str:
    """Parse a WARC date for argparse; ``now`` is the current time."""
    if text == "now":
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-6]\dZ", text):
        raise argparse.ArgumentTypeError(f"must be a time such as 2026-01-31T23:59:59Z, or now, not {text!r}")
    return text


def execute(arguments: argparse.Namespace) -> None:
    """Copy the pages to the output, and report the counts on standard error.

    Raises BigDataDemosError if the run fails; no output is left.
    """
    from tqdm import tqdm

    from .writers import open_output

    started = time.monotonic()
    counts = Counter[str]()
    stdout: BinaryIO | None = getattr(sys.stdout, "buffer", None)
    shown = sys.stderr.isatty() and not (arguments.output == "-" and sys.stdout.isatty())
    with (
        open_output(
            arguments.output,
            files=arguments.files,
            overwrite=arguments.overwrite,
            only_bytes=getattr(arguments, "html_bytes", False),
            stdout=stdout,
        ) as output,
        tqdm(total=getattr(arguments, "pages", None), unit=" pages", disable=not shown, file=sys.stderr) as bar,
    ):
        for item in source(arguments, bar):
            became, why = put(output, item, arguments.date or "")
            counts[became] += 1
            bar.update()
            if became == "rejected" or (became == "skipped" and arguments.verbose):
                bar.write(f"{became}: {why}", file=sys.stderr)
        if counts["rejected"] and not output.pages:
            raise InputError(f"none of the {counts['rejected']} pages can be read: see the reasons above, and check the input")
    for note, number in output.notes.items():
        command.say(f"note: {number} pages: {note}")
    command.say(
        f"pages={output.pages} rejected={counts['rejected']} skipped={counts['skipped']} bytes={output.nbytes}"
        f" output={arguments.output} seconds={time.monotonic() - started:.1f}"
    )


def source(arguments: argparse.Namespace, bar: "tqdm[NoReturn]") -> "Iterable[Page | Rejected | Skipped]":
    """Return the pages that the command line asks for. What is read before the first one is shown on the bar, too."""
    if arguments.command == "pydoc":
        from . import pydoc_pages

        return pydoc_pages.pages()
    if arguments.command == "synthetic":
        from . import synthetic

        return synthetic.pages(arguments.pages, arguments.seed, arguments.bytes)
    if arguments.command == "vary":
        from . import variants

        if "-" in arguments.inputs:
            raise UsageError("-: the input is read once for each copy: name a file")
        bar.set_description_str("growth")
        grown = variants.growth(arguments.inputs, bar.update)
        bar.clear()
        command.say(f"n times as many pages have n**{grown.exponent:.2f} times as many words")
        bar.set_description_str("copies")
        bar.reset(grown.pages * arguments.copies)
        return variants.pages(arguments.inputs, arguments.copies, grown)
    from . import convert

    stdin: BinaryIO | None = getattr(sys.stdin, "buffer", None)
    return convert.pages(arguments.inputs, base_url=arguments.base_url, stdin=stdin)


def put(output: "Output", item: "Page | Rejected | Skipped", date: str) -> tuple[str, str]:
    """Write a page; return its fate (``written``, ``rejected`` or ``skipped``) and the reason."""
    from ..crawl.model import Page, Skipped
    from .writers import Unwritable

    if isinstance(item, Skipped):
        return "skipped", f"{item.source} at {item.offset}" if item.offset else item.source
    if isinstance(item, Page):
        try:
            output.write(item._replace(date=date) if date and not item.date else item)
            return "written", ""
        except Unwritable as error:
            reason = str(error)
    else:
        reason = f"{item.reason} ({item.detail})" if item.detail else item.reason
    url = item.url[:200].encode("ascii", "backslashreplace").decode()
    where = f"{item.source} at {item.offset}: " if item.source else ""
    return "rejected", " ".join(f"{where}{url}: {reason}".split())
