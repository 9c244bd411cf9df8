"""The command ``bigdata-demos bench``: tables on standard output, messages on standard error."""

import argparse
import contextlib
import dataclasses
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from .. import command
from ..errors import OutputError, UsageError
from ..storage.atomic import atomic, writing
from .results import FILE, FORMAT, Results, Run, load, save

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[command.Parser]  # noqa: SLF001 (argparse has no public name for it)
    from .engines.rounds import Plan

_PROG: Final = "bigdata-demos bench"
PAGE: Final = "index.html"
EPILOG: Final = """\
examples:
  bigdata-demos bench                                             on the bundled crawl: two minutes on two cores
  bigdata-demos bench --estimate --sizes 1,4 --input 'crawl/*.warc.gz'      how long would that take?
  bigdata-demos bench --workers 1,2 --sizes 1,2,4 --input 'crawl/*.warc.gz' --output out/bench/first
  bigdata-demos bench --engines spark --peers spark-wordcount --cluster spark://localhost:7077 --input crawl/*.warc.gz
  bigdata-demos bench compare out/bench/first out/bench/second   what got slower? Exit status 1 if anything did
  bigdata-demos bench report out/bench/first                     write table and page again, from results.json
  bigdata-demos bench search 'crawl/*.warc.gz'                   loading an index, and queries
  bigdata-demos bench access 'crawl/*.warc.gz'                   the same records as JSON lines, Avro, Parquet

serial (one thread) runs in every round as the control. DIR/results.json has every run, DIR/index.html the plots.
Exit status: 1 if a run failed or its digest differed. After an interrupt, results.json keeps what was measured.
"""

_HADOOP_EPILOG: Final = """\
examples:
  bigdata-demos bench hadoop                                    the bundled crawl, on a Hadoop that is started for it
  bigdata-demos cluster up hadoop
  bigdata-demos bench hadoop 'crawl/*.warc.gz' --cluster hdfs://127.0.0.1:8020 --runs 5
"""
_SEARCH_EPILOG: Final = """\
examples:
  bigdata-demos bench search 'crawl/*.warc.gz'
  bigdata-demos bench search 'crawl/*.warc.gz' --db postgresql://me@localhost/empty --runs 5
"""
_ACCESS_EPILOG: Final = """\
examples:
  bigdata-demos bench access                                           the bundled crawl
  bigdata-demos bench access 'crawl/*.warc.gz' --pages 500 --runs 5
  bigdata-demos bench access crawl.avro --results out/bench/first      and show it on that benchmark's page
"""


def parser() -> command.Parser:
    """Return the parser of a benchmark's arguments."""
    made = command.Parser(
        _PROG,
        description="Run the job on each engine, repeatedly, and report time, CPU and memory.",
        usage="%(prog)s [OPTION …]\n       %(prog)s {compare,report,access,hadoop,search} …",
        epilog=EPILOG,
    )
    made.add_argument(
        "--engines", type=names, metavar="A,B", help="engines beside serial (default: all, Hadoop only with its --cluster)"
    )
    made.add_argument(
        "--peers", type=names, metavar="A,B", help="other programs to compare with: word counts (default: all; none)"
    )
    made.add_argument("--workers", type=numbers, metavar="1,2", help="numbers of workers (default: 1 and the number of cores)")
    made.add_argument("--sizes", type=numbers, default=[1], metavar="1,2,4", help="multiples of the input (default: 1)")
    made.add_argument(
        "--input", nargs="+", action="extend", default=[], metavar="PATH", help="input of the job (default: the bundled crawl)"
    )
    made.add_argument(
        "--cluster",
        action="append",
        default=[],
        metavar="URL",
        help="spark://HOST:7077, tcp://HOST:8786, hdfs://HOST:8020: run its engine there; repeatable; local adds this machine",
    )
    made.add_argument(
        "--runs", type=command.number_from(1), default=3, metavar="N", help="measured runs of each contestant (default: 3)"
    )
    made.add_argument(
        "--estimate", action="store_true", help="run each contestant once on the smallest size, and say how long all would take"
    )
    made.add_argument("--no-cold", action="store_true", help="leave out the first round, whose runs are reported separately")
    made.add_argument("--seed", type=int, default=1, metavar="N", help="seed for the order of each round (default: 1)")
    made.add_argument("--timeout", type=float, default=900.0, metavar="SECONDS", help="time limit of a run (default: 900)")
    made.add_argument("--split-bytes", type=command.number_from(1), metavar="N", help="as in the keywords command")
    made.add_argument("--output", metavar="DIR", help="directory for results.json and index.html (default: out/bench/<now>)")
    made.set_defaults(execute=_run_command)
    commands = made.add_subparsers(metavar="COMMAND", title="other commands", prog=_PROG)
    _add_compare(commands)
    _add_report(commands)
    _add_access(commands)
    _add_hadoop(commands)
    _add_search(commands)
    return made


def names(text: str) -> list[str]:
    """Parse a comma-separated list of names for argparse."""
    return [] if text == "none" else [name.strip() for name in text.split(",") if name.strip()]


def numbers(text: str) -> list[int]:
    """Parse a comma-separated list of positive numbers for argparse; returns them distinct and ascending."""
    number = command.number_from(1)
    return sorted({number(part) for part in text.split(",")})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return command.run(parser(), lambda parsed: int(parsed.execute(parsed, arguments)), arguments)


def _run_command(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    if arguments.timeout <= 0:
        raise UsageError("`timeout` must be more than 0 seconds")
    from . import environment
    from .engines import rounds

    asked = set(arguments.engines or ()) | set(arguments.peers or ())
    directory = Path(arguments.output or f"out/bench/{rounds.stamp()}").absolute()
    if (directory / FILE).exists():
        raise UsageError(f"{directory} has a benchmark already: name another `output`, or remove it")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {directory}: {error.strerror or error}") from None
    try:
        plan, absent = prepare(arguments, directory)
        results = Results(
            format=FORMAT,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            command=["python", "-m", "bigdata_demos.bench", *argv],
            machine=environment.machine(),
            versions=environment.versions(),
            commit=environment.commit(),
            inputs=arguments.input or ["(the bundled crawl)"],
            rounds=arguments.runs,
            seed=arguments.seed,
            jobs=[],
            runs=[],
            absent=absent,
            notes=notes(plan),
        )
        load_before = results.machine.load_before
        if load_before is not None and load_before > results.machine.cores / 2:
            command.say(f"warning: the machine is busy (load {load_before}): times will scatter")
        if arguments.estimate:
            return _estimate(plan, results, asked)
        try:
            results = rounds.run(plan, results, _tell)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{FILE} has what was measured; `{_PROG} report` makes a table and a page of it") from None
    finally:
        with contextlib.suppress(OSError):
            directory.rmdir()  # if it is empty
    _show(results, directory)
    return int(any(one.error is not None for one in results.runs) or bool(asked & absent.keys()))


def _estimate(plan: "Plan", results: Results, asked: set[str]) -> int:
    """Run each contestant once on the smallest size, and print how long the whole plan would take, without those that failed."""
    from .engines import rounds

    small = dataclasses.replace(plan, sizes=plan.sizes[:1], rounds=1, cold=False)
    try:
        runs = rounds.run(small, results, _tell).runs
    finally:
        (plan.directory / FILE).unlink(missing_ok=True)
    failed = {one.key for one in runs if one.error is not None}
    planned = [run for run in plan.runs() if run[2].key not in failed]
    without = f", without {', '.join(sorted({key[0] for key in failed}))}, which failed" if failed else ""
    write(f"{len(planned)} runs, which take about {_duration(rounds.estimate(planned, runs) or 0)}{without}")
    return int(bool(failed or asked & results.absent.keys()))


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def prepare(arguments: argparse.Namespace, directory: Path) -> tuple["Plan", dict[str, str]]:
    """Return the plan, and the contestants that cannot run with the reasons.

    Raises BigDataDemosError if the arguments are invalid, or the input does not exist.
    """
    from ..keywords.engines import ENGINES
    from .engines import contestants, rounds
    from .engines.peers import PEERS

    # Hadoop takes a minute for each run, most of it to start, so it runs only if it is asked for.
    usual = [name for name, engine in ENGINES.items() if name != "hadoop" or _uses(engine.scheme, arguments.cluster)]
    engines = usual if arguments.engines is None else arguments.engines
    peers = list(PEERS) if arguments.peers is None else arguments.peers
    workers = arguments.workers or sorted({1, os.cpu_count() or 1})
    chosen, absent = contestants.choose(engines, peers, workers, arguments.cluster)
    inputs = rounds.local_inputs(arguments.input, directory, arguments.cluster)
    absent |= (refused := contestants.check_peers(inputs, chosen))
    chosen = [one for one in chosen if one.name not in refused]
    options = ["--split-bytes", str(arguments.split_bytes)] if arguments.split_bytes else []
    return (
        rounds.Plan(
            inputs=inputs,
            sizes=arguments.sizes,
            contestants=chosen,
            rounds=arguments.runs,
            cold=not arguments.no_cold,
            seed=arguments.seed,
            timeout=arguments.timeout,
            directory=directory,
            options=options,
        ),
        absent,
    )


def _uses(scheme: str, clusters: Sequence[str]) -> bool:
    return any(url.startswith(f"{scheme}://") for url in clusters)


def notes(plan: "Plan") -> dict[str, str]:
    """Return how each peer in the plan differs from the job."""
    from .engines.peers import PEERS

    return {one.name: PEERS[one.name].note for one in plan.contestants if one.name in PEERS}


def _tell(done: int, total: int, one: Run, left: float | None) -> None:
    from .engines.contestants import label

    took = one.error or f"{one.seconds:.2f} s"
    when = f", {_duration(left)} left" if left else ""
    command.say(f"{done}/{total} round {one.round}{' (cold)' if one.cold else ''} size {one.size} {label(one.key)}: {took}{when}")


def _show(results: Results, directory: Path) -> None:
    """Write the tables to standard output, and the page to its file."""
    from .formats.access_report import text
    from .report.table import table

    write(table(results))
    if results.access:
        write(f"\n{text(results.access)}")
    try:
        path = _write_page(results, directory)
    except UsageError as error:
        raise UsageError(f"{error}, then: bigdata-demos bench report {directory}") from None
    command.say(f"{path}, {directory / FILE}")


def _write_page(results: Results, directory: Path) -> Path:
    from .report.page import page

    path = directory / PAGE
    with writing(path), atomic(path) as file:
        file.write(page(results).encode())
    return path


def _add_compare(commands: "Commands") -> None:
    made = commands.add_parser(
        "compare",
        help="compare two benchmarks",
        description="Report what got slower from A to B; exit status 1 if anything did, or fails now. "
        "One thread is judged by the word count, so both need it among their peers.",
    )
    made.add_argument("a", metavar="A.json", help="results.json, or its directory, from before the change")
    made.add_argument("b", metavar="B.json", help="the same, from after it")
    made.set_defaults(execute=_compare_command)


def _compare_command(arguments: argparse.Namespace, _argv: Sequence[str]) -> int:
    from .report import compare

    before, after = load(arguments.a), load(arguments.b)
    differences = compare.compare(before, after)
    if not differences:
        raise UsageError("the two benchmarks have no contestant and size in common")
    write(compare.report(differences, [*compare.warnings(before, after), *compare.without_control(differences)]))
    return int(compare.worse(differences))


def _add_report(commands: "Commands") -> None:
    description = "Write the table and the page of a benchmark again, from its results.json."
    made = commands.add_parser("report", help="write table and page again", description=description)
    made.add_argument("path", metavar="DIR", help="the directory with results.json, or the file")
    made.set_defaults(execute=_report_command)


def _report_command(arguments: argparse.Namespace, _argv: Sequence[str]) -> int:
    path = Path(arguments.path)
    _show(load(path), path if path.is_dir() else path.parent)
    return 0


def _add_access(commands: "Commands") -> None:
    made = commands.add_parser(
        "access",
        help="compare JSON lines, Avro and Parquet",
        description="Write and read the same records as JSON lines, Avro (each codec) and Parquet, and report time and size.",
        epilog=_ACCESS_EPILOG,
    )
    made.add_argument("input", nargs="*", metavar="INPUT", help="what the job reads (default: the bundled crawl)")
    made.add_argument(
        "--runs", type=command.number_from(1), default=3, metavar="N", help="number of rounds, with each format once (default: 3)"
    )
    made.add_argument(
        "--pages", type=command.number_from(1), default=2000, metavar="N", help="number of pages from the input (default: 2000)"
    )
    made.add_argument(
        "--results", metavar="FILE", help="add the results to this results.json of a benchmark, and write its page again"
    )
    made.set_defaults(execute=access_command)


def access_command(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    """Run the benchmark of file formats."""
    from .formats import access, access_report

    path = Path(arguments.results) if arguments.results else None
    path = path / FILE if path and path.is_dir() else path
    results = load(path) if path else None  # before measuring: an invalid file must fail at the start
    line = ["python", "-m", "bigdata_demos.bench", *argv]
    measured = access.measure(arguments.input, line, pages=arguments.pages, rounds=arguments.runs, progress=command.say)
    if path and results:
        results = replace(results, access=measured)
        save(results, path)
        command.say(f"{_write_page(results, path.parent)}, {path}")
    write(access_report.text(measured))
    return 0


def _add_hadoop(commands: "Commands") -> None:
    made = commands.add_parser(
        "hadoop",
        help="compare ways in which Hadoop reads a crawl",
        description="Compare two ways in which Hadoop reads a crawl, and its JSON with Avro.",
        epilog=_HADOOP_EPILOG,
    )
    made.add_argument("input", nargs="*", metavar="INPUT", help="what the job reads (default: the bundled crawl)")
    made.add_argument("--cluster", default="", metavar="URL", help="hdfs://HOST:8020 (default: one is started)")
    made.add_argument("--workers", type=command.number_from(1), default=2, metavar="N", help="tasks at once (default: 2)")
    made.add_argument(
        "--runs", type=command.number_from(1), default=3, metavar="N", help="runs of each way of reading (default: 3)"
    )
    made.set_defaults(execute=_hadoop_command)


def _hadoop_command(arguments: argparse.Namespace, _argv: Sequence[str]) -> int:
    from .hadoop import ways

    for line in ways.measure(arguments.input, arguments.cluster, arguments.workers, arguments.runs):
        write(line)
    return 0


def _add_search(commands: "Commands") -> None:
    made = commands.add_parser(
        "search",
        help="measure loading an index, and queries",
        description="Measure the job, loading its output into SQLite (and PostgreSQL), and queries made of its keywords.",
        epilog=_SEARCH_EPILOG,
    )
    made.add_argument("input", nargs="*", metavar="INPUT", help="what the job reads (default: the bundled crawl)")
    made.add_argument("--db", default="", metavar="ADDRESS", help="an empty database, postgresql://…, to compare with SQLite")
    made.add_argument("--workers", type=command.number_from(0), default=0, metavar="N", help="processes (default: all cores)")
    made.add_argument("--runs", type=command.number_from(1), default=3, metavar="N", help="rounds (default: 3)")
    made.add_argument("--queries", type=command.number_from(1), default=1000, metavar="N", help="queries (default: 1000)")
    made.set_defaults(execute=_search_command)


def _search_command(arguments: argparse.Namespace, _argv: Sequence[str]) -> int:
    from .search import indexes

    for line in indexes.run(arguments.input, arguments.db, arguments.runs, arguments.queries, arguments.workers, command.say):
        write(line)
    return 0


def write(text: str) -> None:
    """Print a text and flush standard output."""
    print(text)
    sys.stdout.flush()
