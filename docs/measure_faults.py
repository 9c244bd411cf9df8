"""Measures what faults cost on each engine: ``python docs/measure_faults.py [ENGINE …]`` prints a table.

Each fault happens to a real run of the bundled crawl, with two workers. Processes are killed from outside (SIGKILL) when a phase
begins. "no such": the engine has no worker processes, or no such phase. A run that ends well must have the digest of an
undisturbed run on one thread.
"""

import argparse
import contextlib
import itertools
import signal
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import psutil

from bigdata_demos.corpus.cli import main as corpus
from bigdata_demos.crawl import plan
from bigdata_demos.errors import BigDataDemosError
from bigdata_demos.keywords import Result, Session, open_session, run

ENGINES: Final = ("serial", "asyncio", "dask", "spark")
PHASES: Final = ("map", "merge", "score", "index")
_WORKERS: Final = ("multiprocessing.spawn", "spark_daemon")  # in their command lines
_LIMIT: Final = 1.0  # seconds for a page

Progress = Callable[[str, int, int], None]


def _kill_worker() -> bool:
    """Kill the youngest worker process of this driver; returns whether there was one."""
    workers, parents = [], set[int]()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it may have ended meanwhile
            if any(name in " ".join(process.cmdline()) for name in _WORKERS):
                workers.append(process)
                parents.add(process.ppid())
    leaves = [process for process in workers if process.pid not in parents]
    if leaves:
        max(leaves, key=psutil.Process.create_time).send_signal(signal.SIGKILL)
    return bool(leaves)


class _Once:
    """A progress function that does something when a phase begins, once."""

    def __init__(self, phase: str, action: Callable[[], object]) -> None:
        self.phase, self.action, self.result = phase, action, None

    def __call__(self, phase: str, _done: int, _total: int) -> None:
        """Act if it is time."""
        if phase == self.phase and self.result is None:
            self.result = self.action()


def _attempt(session: Session, crawl: Path, output: Path, progress: Progress, **more: float) -> Result | str:
    """Run the job; returns the error's message if it fails."""
    try:
        return run([crawl], engine=session, output=output, split_bytes=20_000, progress=progress, **more)  # type: ignore[arg-type]
    except BigDataDemosError as error:
        return str(error)


def _with_a_slow_page(crawl: Path, directory: Path) -> Path:
    """Write the crawl as HTML files, and a page that takes seconds: a million words whose lower case is found in Python."""
    site = directory / "site"
    corpus(["convert", str(crawl), "--output", str(site), "--quiet"])
    letters = itertools.product("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", repeat=5)
    words = " ".join(f"Σ{''.join(some)}" for some in itertools.islice(letters, 1_000_000))
    (site / "slow.html").write_text(f"<title>Slow page</title><p>{words}", encoding="utf-8")
    return site


def measure(engine: str, directory: Path, expected: str, *, seconds: bool) -> dict[str, str]:
    """Return what each fault did to an engine's run.

    ``expected``: the digest of an undisturbed run. ``seconds``: whether to tell how much longer the disturbed run took.
    """
    outcomes: dict[str, str] = {}
    options = {} if engine == "serial" else {"workers": 2}

    def outcome(result: Result | str) -> str:
        if isinstance(result, str):
            return "fails"
        said = "same digest" if result.digest == expected else "**another digest**"
        return f"{said}, {max(result.seconds - quiet.seconds, 0):.1f} s lost" if isinstance(quiet, Result) else said

    crawl = directory / "crawl.warc.gz"
    quiet = None
    if seconds:
        with open_session(engine, **options) as session:
            quiet = _attempt(session, crawl, directory / f"{engine}-quiet", lambda *_: None)
    for phase in PHASES:
        with open_session(engine, **options) as session:
            kill = _Once(phase, _kill_worker)
            result = _attempt(session, crawl, directory / f"{engine}-{phase}", kill)
        if kill.result is False and engine != "serial":
            raise RuntimeError(f"no worker process of {engine} was found: are they called otherwise than {_WORKERS}?")
        outcomes[f"a worker is killed at the start of `{phase}`"] = outcome(result) if kill.result else "no such"
    with open_session(engine, **options) as session:
        site = directory / "site"
        slow = _attempt(session, site, directory / f"{engine}-slow", lambda *_: None, page_seconds=_LIMIT)
        reasons = slow.reasons if isinstance(slow, Result) else {}
        outcomes["a page takes longer than `--page-seconds`"] = "rejected" if reasons.get("too-slow") == 1 else "no limit"

        gone = directory / f"gone-{engine}"
        gone.mkdir()
        for name in ("a", "b"):
            (gone / f"{name}.warc.gz").write_bytes(crawl.read_bytes())
        remove = _Once("map", lambda: [path.unlink() for path in gone.iterdir()])
        result = _attempt(session, gone, directory / f"{engine}-gone", remove)
        named = isinstance(result, str) and ".warc.gz" in result
        outcomes["the input is removed after planning"] = "fails, and names the file" if named else outcome(result)

        output = directory / f"{engine}-exists"
        appear = _Once("map", lambda: [output.mkdir(), (output / "mine").touch()])
        result = _attempt(session, crawl, output, appear)
        kept = isinstance(result, str) and [path.name for path in output.iterdir()] == ["mine"]
        outcomes["the output appears during the run"] = "fails, and replaces nothing" if kept else f"**{outcome(result)}**"
    return outcomes


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="*", metavar="ENGINE", default=ENGINES)
    parser.add_argument("--seconds", action="store_true", help="tell how many seconds each fault cost")
    arguments = parser.parse_args(argv)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        crawl = directory / "crawl.warc.gz"
        crawl.write_bytes(plan.bundled_crawl().read_bytes())
        _with_a_slow_page(crawl, directory)
        expected = run([crawl], engine="serial", output=directory / "expected").digest
        table = {engine: measure(engine, directory, expected, seconds=arguments.seconds) for engine in arguments.engines}
    print(f"| fault | {' | '.join(table)} |")
    print(f"|---|{'---|' * len(table)}")
    for fault in next(iter(table.values())):
        print(f"| {fault} | {' | '.join(outcomes[fault] for outcomes in table.values())} |")


if __name__ == "__main__":
    main()
