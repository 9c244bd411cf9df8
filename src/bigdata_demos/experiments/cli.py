"""The command ``bigdata-demos experiments``. Slow imports are inside the functions that need them."""

import argparse
import inspect
import os
import re
import shlex
import shutil
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .. import command
from ..errors import BigDataDemosError, EngineNotInstalled, ExperimentsFailed, InputError
from ..storage import scratch
from . import EXPERIMENTS, Module, Outcome, Setting, conclusion, load

if TYPE_CHECKING:
    from . import records

DIRECTORY: Final = "out/experiments"
EPILOG: Final = """\
examples:
  bigdata-demos experiments list
  bigdata-demos experiments run combiner
  bigdata-demos experiments run hot-key straggler --cluster spark://localhost:7077
  bigdata-demos experiments run all            all of them, in about nine minutes
  bigdata-demos experiments show combiner      its source, which is meant to be read
  bigdata-demos experiments report > mine.md   what was recorded, as Markdown
"""
_COLUMNS: Final = 100  # of text, at most
_BAR: Final = 40  # characters of the longest bar


def parser() -> command.Parser:
    """Return the parser of the command line."""
    made = command.Parser(
        "bigdata-demos experiments",
        description="Small programs that each show one effect of big data tools, by counts and times of this machine.",
        epilog=EPILOG,
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="list the experiments")
    show = commands.add_parser("show", help="print the source of an experiment")
    show.add_argument("name", choices=tuple(EXPERIMENTS), metavar="NAME", help="an experiment")
    report = commands.add_parser("report", help="print what was recorded, as Markdown")
    report.add_argument("records", nargs="?", default=DIRECTORY, metavar="DIR", help=f"directory (default: {DIRECTORY})")
    run = commands.add_parser("run", help="run experiments", epilog=EPILOG)
    run.add_argument("names", nargs="+", choices=(*EXPERIMENTS, "all"), metavar="NAME", help="experiments, or all")
    run.add_argument("--cluster", default="", metavar="URL", help="run Spark there (default: on this machine)")
    run.add_argument(
        "--workers", type=command.number_from(1), default=0, metavar="N", help="tasks at once (default: the number of cores)"
    )
    run.add_argument("--quick", action="store_true", help="run for seconds, on little data; `interview` quotes no such figures")
    run.add_argument("-o", "--output", default=DIRECTORY, metavar="DIR", help=f"directory for records (default: {DIRECTORY})")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return command.run(parser(), _execute, argv)


def _execute(arguments: argparse.Namespace) -> None:
    if arguments.command == "list":
        command.print_table(("name", "shows"), [(name, one.title) for name, one in EXPERIMENTS.items()])
    elif arguments.command == "show":
        print(Path(str(load(arguments.name).__file__)).read_text("utf-8"), end="")
    elif arguments.command == "report":
        _report(Path(arguments.records))
    else:
        _run_all(arguments)


def _report(directory: Path) -> None:
    from . import records

    found = [records.load(path) for name in EXPERIMENTS if (path := directory / f"{name}.json").exists()]
    if not found:
        raise InputError(f"{directory} has no records of experiments: `bigdata-demos experiments run all` makes them")
    print("# Experiments\n\n" + "\n\n".join(markdown(one) for one in found))


def markdown(one: "records.Record") -> str:
    """Return a record as a section of Markdown."""
    module = load(one.name)
    intro = inspect.cleandoc(module.__doc__ or "").replace("``", "`")
    finding = conclusion(one.finding, holds=one.holds)
    rows = [" | ".join(map(cell, row)) for row in one.rows]
    table = [" | ".join(one.head), " | ".join(["---", *["---:"] * (len(one.head) - 1)]), *rows]
    parts = [f"## {one.name}: {EXPERIMENTS[one.name].title}", intro]
    parts += [f"{'Quickly, on' if one.quick else 'On'} {one.data}:", "\n".join(f"| {row} |" for row in table), f"**{finding}**"]
    parts += [f"- *{title}*: {text}" for title, text in _texts(module)]
    parts += [f"`{one.command}`, {one.seconds:.0f} s, {one.created[:10]}, {one.machine.cores} cores, {one.machine.cpu}"]
    return "\n\n".join(parts)


def _texts(module: Module) -> tuple[tuple[str, str], ...]:
    return (("Look at", module.WATCH), ("On its pages", module.PAGES), ("On 100 machines", module.LARGER))


def _run_all(arguments: argparse.Namespace) -> None:
    """Run experiments, each of which may fail. Raises ExperimentsFailed at the end if one did."""
    wanted = list(EXPERIMENTS) if "all" in arguments.names else list(dict.fromkeys(arguments.names))
    failed = []
    for number, name in enumerate(wanted):
        if number:
            print("\n")
        try:
            run(name, arguments)
        except EngineNotInstalled as error:
            if len(wanted) == 1:
                raise
            print(f"{name} was left out: {error}")
        except BigDataDemosError as error:
            if len(wanted) == 1:
                raise
            print(f"{name} failed: {error}")
            failed.append(name)
    if failed:
        raise ExperimentsFailed(f"{len(failed)} of {len(wanted)} experiments failed: {', '.join(failed)}")


def run(name: str, arguments: argparse.Namespace) -> None:
    """Run an experiment, print its outcome, and save its record."""
    from . import records

    module = load(name)
    _print_heading(name)
    for paragraph in inspect.cleandoc(module.__doc__ or "").split("\n\n"):
        _print_text(paragraph)
    sys.stdout.flush()
    root = None
    if arguments.cluster:  # whose workers may see no other directory
        root = os.path.abspath("out")
        os.makedirs(root, exist_ok=True)
    directory = scratch.make(root)
    try:
        workers = arguments.workers or os.cpu_count() or 1
        say = (lambda _: None) if arguments.quiet else (lambda text: command.say(f"  {text}"))
        start = time.perf_counter()
        outcome = module.measure(Setting(directory, arguments.quick, workers, arguments.cluster, say))
        seconds = time.perf_counter() - start
    finally:
        scratch.discard(directory)
    line = ["bigdata-demos", "experiments", "run", name]
    line += ["--cluster", arguments.cluster] if arguments.cluster else []
    line += ["--workers", str(arguments.workers)] if arguments.workers else []
    made = records.record(name, outcome, seconds, quick=arguments.quick, command=shlex.join(line))
    path = records.save(made, Path(arguments.output))
    _print_outcome(outcome)
    for title, text in _texts(module):
        _print_text(f"{title}: {text}")
    print(f"\n{seconds:.0f} s on {made.machine.cores} cores ({made.machine.cpu}); recorded in {path}")


def _print_heading(name: str) -> None:
    title = f"{name}: {EXPERIMENTS[name].title}"
    print(f"\x1b[1m{title}\x1b[0m" if command.coloured() else title)


def _print_text(text: str) -> None:
    """Print a paragraph, or the items of a list, which start with a hyphen."""
    width = min(max(shutil.get_terminal_size().columns, 40), _COLUMNS)
    print()
    for part in re.split(r"\n(?=- )", text):
        indent = "  " if part.startswith("- ") else ""
        flat = " ".join(part.split())
        print(textwrap.fill(flat, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))


def _print_outcome(outcome: Outcome) -> None:
    print(f"\nOn {outcome.data}:\n")
    command.print_table(outcome.head, [tuple(map(cell, row)) for row in outcome.rows])
    print(f"\n{outcome.unit}:")
    for line in bars(outcome.bars):
        print(line)
    _print_text(conclusion(outcome.finding, holds=outcome.holds))


def cell(value: str | float) -> str:
    """Format a cell of a table: whole numbers with thousands separators, others with three digits."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 1000 else f"{value:.3g}"


def bars(lengths: Mapping[str, float]) -> list[str]:
    """Return the lines of a bar chart, in the order given."""
    longest, label = max(lengths.values(), default=0) or 1, max(map(len, lengths), default=0)
    return [f"  {name:{label}}  {'█' * round(_BAR * value / longest) or '▏'} {cell(value)}" for name, value in lengths.items()]
