"""``bigdata-demos COMMAND …``: hands over to the command's own ``cli`` module, which is imported only then."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from .command import Parser, run

COMMANDS = {
    "keywords": "extract the keywords of a crawl, on any engine",
    "index": "load the output of runs into a database that can be searched",
    "search": "search the pages of a crawl",
    "serve": "look at a crawl in a browser: search, keywords, pages",
    "report": "write what a crawl is about into one HTML file",
    "export": "export keywords and pages to Parquet, DuckDB, CSV or JSON lines",
    "corpus": "make a corpus of pages, or convert one",
    "avro": "show, convert, join, recompress, compare and repair Avro files",
    "bench": "measure the engines side by side: time, CPU, memory, COST",
    "quality": "measure keywords by gold standards, beside other extractors",
    "rpc": "serve the keyword index by Avro RPC over HTTP",
    "interview": "print an interview answer: the engines compared, their code, your measurements",
    "experiments": "show single effects of big data tools: combiner, skew, stragglers, formats",
    "cluster": "start and stop Spark, Dask and Hadoop on this machine, in containers or as processes",
}
EPILOG = """\
`bigdata-demos COMMAND --help` has the details of a command.

examples:
  bigdata-demos keywords                      the keywords of the bundled crawl
  bigdata-demos help avro cat
  eval "$(bigdata-demos completion bash)"     in ~/.bashrc: complete commands and options with the tab key (also: zsh)
"""


def parser() -> Parser:
    """Return the parser of everything before the command's own arguments."""
    top = Parser(
        "bigdata-demos", description="One MapReduce job, keyword extraction from a crawl, on every engine.", epilog=EPILOG
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        commands.add_parser(name, help=summary)
    commands.add_parser("help", help="show the help of a command")
    completion = commands.add_parser("completion", help="print a script that makes a shell complete commands and options")
    completion.add_argument("shell", choices=("bash", "zsh"))
    return top


def _print_completion(arguments: argparse.Namespace) -> None:
    import shtab

    top = parser()
    commands = next(action.choices for action in top._actions if isinstance(action.choices, dict))  # noqa: SLF001
    commands.update((name, import_module(f"bigdata_demos.{name}.cli").parser()) for name in COMMANDS)
    print(shtab.complete(top, arguments.shell))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command named first in ``argv`` (default: the process' arguments); returns its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    if arguments and arguments[0] in COMMANDS:
        return int(import_module(f"bigdata_demos.{arguments[0]}.cli").main(arguments[1:]))
    return run(parser(), _print_completion, arguments or ["--help"])


if __name__ == "__main__":
    sys.exit(main())
