"""The command ``bigdata-demos bench search``: what an index costs beside the job that made its pages, and how fast it answers.

In each round, the job runs with ``--keep-text``, and its output is loaded into each database, in rotating order, all as processes
of their own. Then the queries are put to each database: keywords of its pages, drawn by a fixed seed, each once, after the
database was opened anew. Last, ``bigdata-demos serve`` is asked over HTTP for its views of SQLite, by one reader. The CPU seconds
and the memory of PostgreSQL's server are not measured.
"""

import http.client
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

from ...errors import JobFailed, UsageError
from ...index.database import Database, is_address, open_database
from ...index.load import drop
from ...keywords.output.reading import read_manifest
from ...search.searcher import Searcher
from ..engines.measure import Measured, measure
from ..statistics import spread

_SQLITE: Final = "SQLite"
_TIMEOUT: Final = 3600.0  # seconds, for a step
_SEED: Final = 1
_QUANTILES: Final = ((0.5, 12), (0.95, 9), (0.99, 9))  # and the widths of their columns


def run(
    inputs: Sequence[str], address: str, runs: int, queries: int, workers: int, progress: Callable[[str], None]
) -> Iterator[str]:
    """Yield the lines of the report.

    Args:
        inputs: as in the keywords command (default: the bundled crawl).
        address: of a PostgreSQL database to compare with, which must be empty; or ``""``.
        runs: rounds, of the job and each load once.
        queries: how many are put to each database.
        workers: processes of the job and of a load; 0 for their defaults.
        progress: is told of each step.

    Raises:
        JobFailed: a step failed.
        UsageError: the database at the address has runs.
    """
    with tempfile.TemporaryDirectory(prefix="bigdata-demos-") as name, ExitStack() as stack:
        if address:
            with open_database(address, write=True) as opened:
                if _runs(opened):
                    raise UsageError("`db` has runs already: name an empty database, since the benchmark removes what it loads")
            stack.callback(_clear, address)
        output, file = Path(name, "output"), Path(name, "index.db")
        databases = {_SQLITE: str(file)} | ({"PostgreSQL": address} if address else {})
        took: dict[str, list[Measured]] = {step: [] for step in ("job", *databases)}
        for number in range(runs):
            job = [
                "keywords",
                *inputs,
                "--keep-text",
                "--quiet",
                "--overwrite",
                "--workers",
                str(workers),
                "--output",
                str(output),
            ]
            took["job"].append(_step(job, f"job, run {number + 1}", progress))
            for step in sorted(databases, reverse=bool(number % 2)):
                _clear(databases[step])
                load = ["index", str(output), "--db", databases[step], "--workers", str(workers), "--quiet"]
                took[step].append(_step(load, f"loading into {step}, run {number + 1}", progress))
        manifest = read_manifest(output)
        text = sum((output / part).stat().st_size for part in manifest.parts["text"])
        yield f"{manifest.pages:,} pages; {text / 1e6:.1f} MB of text as Avro; {file.stat().st_size / 1e6:.1f} MB of SQLite"
        yield ""
        yield from _costs(took)
        yield ""
        yield f"{'queries':28}{'median ms':>12}{'p95':>9}{'p99':>9}{'slowest':>9}{'hits (median)':>15}"
        for step, database in databases.items():
            yield _answers(step, database, queries)
        progress("views of serve")
        yield ""
        yield f"{'views of serve':28}{'median ms':>12}{'p95':>9}{'p99':>9}{'slowest':>9}"
        yield from _views(str(file), queries)


def _runs(database: Database) -> list[str]:
    """Return the digests of the runs in a database."""
    return [digest for (digest,) in database.execute("SELECT digest FROM runs")] if database.has_tables else []


def _clear(database: str) -> None:
    """Remove a file, or all runs of a database that was empty before the benchmark."""
    if not is_address(database):
        Path(database).unlink(missing_ok=True)
        return
    with open_database(database, write=True) as opened:
        for digest in _runs(opened):
            drop(opened, digest)


def _step(arguments: Sequence[str], name: str, progress: Callable[[str], None]) -> Measured:
    progress(name)
    measured = measure([sys.executable, "-m", "bigdata_demos", *arguments], timeout=_TIMEOUT, environment=dict(os.environ))
    if measured.status != 0:
        said = (measured.stderr.strip().splitlines() or ["no message"])[-1].removeprefix("error: ")
        raise JobFailed(f"{name} failed: {said}")
    return measured


def _costs(took: Mapping[str, Sequence[Measured]]) -> Iterator[str]:
    """Yield the table of seconds, as median (least to most), and of the ratio to the job by round."""
    yield f"{'step':28}{'seconds':>22}{'CPU seconds':>22}{'peak MB':>9}{'× job':>8}"
    for step, runs in took.items():
        cells = []
        for values in ([one.seconds for one in runs], [one.cpu_seconds or 0.0 for one in runs]):
            some = spread(values)
            assert some
            cells.append(f"{some.median:.1f} ({some.least:.1f} to {some.most:.1f})")
        ratio = spread([one.seconds / job.seconds for one, job in zip(runs, took["job"], strict=True)])
        assert ratio
        memory = max(one.peak_memory_bytes or 0 for one in runs) / 1e6
        name = step if step == "job" else f"load into {step}"
        yield f"{name:28}{cells[0]:>22}{cells[1]:>22}{memory:9.0f}{ratio.median:8.2f}"


def _drawn(database: Database, column: str, table: str, number: int) -> list[str]:
    """Return some values of a column, drawn by a fixed seed."""
    values = [value for (value,) in database.execute(f"SELECT DISTINCT {column} FROM {table} ORDER BY {column}")]  # noqa: S608 (our own names)
    return random.Random(_SEED).sample(values, min(number, len(values)))  # noqa: S311


def _quantiles(name: str, took: Sequence[float]) -> str:
    """Return the start of a row: of milliseconds, the median, some quantiles, and the most."""
    ranked = sorted(took)
    quantiles = "".join(f"{ranked[min(len(ranked) - 1, int(share * len(ranked)))]:{width}.1f}" for share, width in _QUANTILES)
    return f"{name:28}{quantiles}{ranked[-1]:9.1f}"


def _views(path: str, number: int) -> Iterator[str]:
    """Ask a server for each of its views, for searches and pages so often; yield a row for each view."""
    with open_database(path) as database:
        searches = [f"/?{urlencode({'q': phrase})}" for phrase in _drawn(database, "phrase", "keywords", number)]
        pages = [f"/page?{urlencode({'url': url})}" for url in _drawn(database, "url", "pages", number)]
    line = [sys.executable, "-m", "bigdata_demos", "serve", path, "--port", "0", "--seconds", "60"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout
            host = urlsplit(server.stdout.readline().strip()).netloc
            if not host:
                raise JobFailed(f"{shlex.join(line)} does not start")
            connection = http.client.HTTPConnection(host, timeout=_TIMEOUT)
            for name, paths in (
                ("overview", ["/"] * 50),
                ("search", searches),
                ("page", pages),
                ("rejected", ["/rejected"] * 50),
                ("runs", ["/runs"] * 50),
            ):
                took = []
                for one in paths:
                    started = time.perf_counter()
                    connection.request("GET", one)
                    answer = connection.getresponse()
                    answer.read()
                    took.append(1000 * (time.perf_counter() - started))
                    if answer.status != 200:
                        raise JobFailed(f"{one} was answered with status {answer.status}")
                yield _quantiles(f"{len(took)} × {name}", took)
        finally:
            server.terminate()


def _answers(name: str, address: str, queries: int) -> str:
    """Put the queries to a database; return a row of the table."""
    with open_database(address) as database:
        searcher, took, hits = Searcher(database), [], []
        for phrase in _drawn(database, "phrase", "keywords", queries):
            started = time.perf_counter()
            try:
                found = searcher.search(phrase)
            except UsageError:  # a keyword such as "-" is no query
                continue
            took.append(1000 * (time.perf_counter() - started))
            hits.append(found.total)
    return f"{_quantiles(f'{len(took)} to {name}', took)}{sorted(hits)[len(hits) // 2]:15}"
