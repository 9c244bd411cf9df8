"""What reading and parsing alone take: the least for any job on web pages, beside a word count and the job itself.

``python -m bigdata_demos.bench.engines.floor INPUT…`` runs each stage in a process of its own, on one thread. A stage does more
than the one before it. The stages up to the word count are FastWARC's and Resiliparse's functions, and import little else.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from resiliparse.parse.html import HTMLTree

from ... import command
from ...errors import JobFailed
from . import wordcount

_MODULE: Final = "bigdata_demos.bench.engines.floor"
_TIMEOUT: Final = 3600.0  # seconds, of a stage
JOB: Final = "job"
COUNT: Final = "count"


class Stage(NamedTuple):
    """What a stage does with a page, given by its body and character set; None if it reads none, or is a command."""

    help: str
    run: Callable[[bytes, str], object] | None = None


COUNTS: Final = Counter[str]()


def count(body: bytes, charset: str) -> None:
    """Count the words of a page."""
    COUNTS.update(wordcount.WORD.findall(wordcount.extract(body, charset).lower()))


STAGES: Final[Mapping[str, Stage]] = {
    "start": Stage("start Python, import the libraries"),
    "read": Stage("decompress WARC and HTTP", lambda body, _: len(body)),
    "decode": Stage("detect character sets, decode", wordcount.decode),
    "parse": Stage("parse HTML to a tree", lambda body, charset: HTMLTree.parse(wordcount.decode(body, charset))),
    "extract": Stage("extract the plain text", wordcount.extract),
    COUNT: Stage(r"count \w+ of the lower-cased text", count),
    JOB: Stage("keywords --engine serial, whole command"),
}


def run_stage(name: str, files: Sequence[str]) -> None:
    """Run a stage in this process."""
    if run := STAGES[name].run:
        for file in files:
            for body, charset in wordcount.bodies(file):
                run(body, charset)


def cpu_seconds(line: Sequence[str]) -> float:
    """Run a command; return its CPU seconds, user and system. Raises JobFailed if it fails."""
    from .measure import measure

    measured = measure(line, timeout=_TIMEOUT)
    if measured.status != 0 or measured.cpu_seconds is None:
        last = measured.stderr.strip().rpartition("\n")[2]
        raise JobFailed(f"{' '.join(line[1:4])} … ends with {measured.status}: {last}")
    return measured.cpu_seconds


def compare(files: Sequence[str], rounds: int) -> str:
    """Run all stages in turn, so many rounds; return a table of CPU seconds, and ratios to the word count of the same round."""
    from ..statistics import paired, spread

    lines = {name: [sys.executable, "-m", _MODULE, "--stage", name, *files] for name in STAGES}
    lines[JOB] = [sys.executable, "-m", "bigdata_demos.keywords", "--engine", "serial", *files]
    seconds: dict[str, dict[int, float]] = {name: {} for name in STAGES}
    for number in range(rounds):
        for name, line in lines.items():
            seconds[name][number] = cpu_seconds(line)
    rows = [f"{'stage':8}{'CPU s':>7}  {'range':13}{'/ count':>7}  {'range':11}"]
    for name, stage in STAGES.items():
        own, ratio = spread(list(seconds[name].values())), spread(paired(seconds[name], seconds[COUNT]))
        if own and ratio:
            span, between = f"{own.least:.2f}–{own.most:.2f}", f"{ratio.least:.2f}–{ratio.most:.2f}"
            rows.append(f"{name:8}{own.median:7.2f}  {span:13}{ratio.median:7.2f}  {between:11}  {stage.help}")
    return "\n".join(rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Compare the stages, and print the table; returns the exit status."""
    parser = command.Parser(f"python -m {_MODULE}", description="Time reading and parsing alone, on local WARC files.")
    parser.add_argument("--rounds", type=command.number_from(1), default=5, help="rounds of all stages (default: 5)")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="WARC files, globs and directories")

    def execute(arguments: argparse.Namespace) -> None:
        if arguments.stage:
            run_stage(arguments.stage, arguments.inputs)
            return
        from .peers import warcs

        print(compare(warcs(arguments.inputs), arguments.rounds))

    return command.run(parser, execute, argv)


if __name__ == "__main__":
    sys.exit(main())
