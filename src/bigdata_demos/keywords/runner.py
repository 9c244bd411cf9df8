"""Runs the job: plan, open an engine, run, commit. :func:`run` is the Python interface; the command only wraps it."""

import contextlib
import functools
import hashlib
import json
import logging
import math
import multiprocessing
import platform
import shutil
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .. import __version__
from ..cluster import registry
from ..cluster.processes import in_processes, workers_for
from ..crawl import avro, jsonl, plan
from ..crawl.model import Split
from ..errors import InputError, OutputError, TooManyRejected, UsageError
from ..storage import places, scratch
from ..storage.places import Place
from . import checkpoints, engines, isolation
from .analysis import effort as efforts
from .analysis import kernels, languages, stopwords
from .job import Job, bits_for
from .model import KINDS, OUTPUT_FORMATS, Part, PartKind
from .output import commit, digest, reading, tables
from .outputs import by_http, place_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

log = logging.getLogger(__name__)

_STDIN: Final = "stdin.jsonl"  # the copy of standard input in the working directory, which workers open
_PAGES: Final = 1_000  # that a process converts to tables, at least
_BUNDLED: Final = "site.warc.gz"  # the copy of the bundled crawl there, which containers open


@dataclass(frozen=True)
class Result:
    """The result of a run. The ``read_`` methods iterate over the committed parts, without holding them in memory.

    They raise InputError if a part cannot be read, or has changed.
    """

    output: Place
    engine: str
    pages: int
    rejected: int
    skipped: int
    keywords: int
    digest: str
    startup: float
    seconds: float
    reasons: Mapping[str, int] = field(default_factory=dict)

    def read_keywords(self) -> Iterator[dict[str, Any]]:
        """Yield the pages and their keywords, as ``schemas/keywords.avsc`` describes them."""
        return reading.read(self.output, "keywords")

    def read_index(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the index, as ``schemas/index.avsc`` describes them."""
        return reading.read(self.output, "index")

    def read_text(self) -> Iterator[dict[str, Any]]:
        """Yield the texts of the pages, as ``schemas/text.avsc`` describes them; none unless they were kept (``keep_text``)."""
        return reading.read(self.output, "text")

    def read_rejected(self) -> Iterator[dict[str, Any]]:
        """Yield the rejected pages, as ``schemas/rejected.avsc`` describes them."""
        return reading.read(self.output, "rejected")

    def to_arrow(self, table: str = "keywords") -> "pa.Table":
        """Return a table in memory: one of :data:`.output.tables.TABLES`, such as ``flat``, a row for each keyword of a page.

        Raises UsageError if there is no such table, or pyarrow is not installed.
        """
        return tables.to_arrow(self.output, table)

    def to_pandas(self, table: str = "keywords") -> "pd.DataFrame":
        """Return a table as a data frame of pandas; see :meth:`to_arrow`."""
        tables.require("pandas")
        return self.to_arrow(table).to_pandas()


def _no_progress(phase: str, done: int, total: int) -> None:
    """Ignore the progress."""


@dataclass(frozen=True)
class Session:
    """An open engine, for several runs. :func:`run` takes one as ``engine`` instead of a name."""

    engine: str
    workers: int
    cluster: str
    run_job: engines.Run


@contextlib.contextmanager
def open_session(
    engine: str, *, workers: int = 0, cluster: str = "", engine_options: Mapping[str, str] | None = None
) -> Iterator[Session]:
    """Start an engine, and stop it when the context ends. For arguments and errors see :func:`run`."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # a worker that imports the script that started it
        raise UsageError('in a script, call run() below `if __name__ == "__main__":`, or its workers run the script again')
    opener = engines.load(engine)
    with opener.open(engines.Settings(workers, cluster, dict(engine_options or {}))) as run_job:
        yield Session(engine, workers, cluster, run_job)


def run(
    inputs: Sequence[str | Path] = (),
    *,
    engine: str | Session = "asyncio",
    workers: int = 0,
    cluster: str = "",
    top: int = 10,
    effort: str = "standard",
    output: str | Path | None = None,
    output_format: str = "avro",
    overwrite: bool = False,
    language: str = "",
    stopword_list: str = "",
    max_rejected: float = 50.0,
    page_seconds: float = 60.0,
    keep_text: bool = False,
    verify: bool | None = None,
    split_bytes: int | None = None,
    reader_schema: str | Path = "",
    resume: bool = False,
    engine_options: Mapping[str, str] | None = None,
    stdin: Iterable[bytes] | None = None,
    progress: engines.Progress = _no_progress,
    started: float | None = None,
) -> Result:
    """Extract the keywords of a crawl.

    In a script, call it below ``if __name__ == "__main__":``: worker processes import the script that starts them.

    Args:
        inputs: paths, globs, directories, URLs that fsspec knows; ``-`` for JSON lines from ``stdin``; none for the
            crawl that comes with the package.
        engine: one of :data:`~.engines.ENGINES`, or a session (which has its own ``workers``, ``cluster``, ``engine_options``).
        workers: tasks at once; 0 for as many as there are cores, or as the cluster offers.
        cluster: a cluster's address, ``""`` for an embedded one.
        top: keywords of each page, at most.
        effort: how much work goes into the choice of keywords: ``fast``, ``standard`` or ``precise`` (:mod:`.analysis.effort`).
        output: the directory to create: a path, or ``hdfs://HOST:PORT/PATH``. In the latter case, spilled files still go to
            the temporary directory (``TMPDIR``), which all workers must see. ``None``: a temporary directory, which is
            removed with the result.
        output_format: ``avro``, or ``parquet`` to write the tables (:data:`.output.tables.TABLES`) beside the parts of Avro.
        overwrite: whether ``output`` may be an earlier run's, which it then replaces.
        language: the code of the language of all pages (:data:`~.analysis.languages.LANGUAGES`); ``""`` to detect it for each.
        stopword_list: ``none``, a language's code, or a file's path: for all pages; ``""`` for the list of each page's language.
        max_rejected: percent of the pages that may be rejected before the run counts as failed.
        page_seconds: how long a page may take to be parsed and counted before it is rejected as ``too-slow``; 0 for no limit.
            The engine ``serial`` has none, because there is no other process to go on.
        keep_text: whether the text of the pages is written, too (``text/`` in the output), for ``bigdata-demos index``.
        verify: whether the digests of WARC records are checked; ``None`` to check them in files that are not compressed
            (:mod:`bigdata_demos.crawl.digests`).
        split_bytes: bytes of uncompressed input for each map task; ``None`` to derive them from the input's size
            (:func:`bigdata_demos.crawl.plan.plan`).
        reader_schema: the reader's schema for Avro input whose fields have other names or types: a file, JSON, or a built-in
            one, such as ``bigdata-demos:page/1``. ``""``: each file's own.
        resume: whether the results of map tasks stay beside the output until the run has succeeded, and those of an earlier run
            of the same job, which was killed or failed, are used (:mod:`.checkpoints`). Not with standard input, HDFS or Hadoop.
        engine_options: engine-specific options.
        stdin: lines of JSON for the input ``-``.
        progress: called with a phase's name, its tasks done, and its tasks.
        started: when the run began, as returned by :func:`time.time` (default: now). The result's ``startup`` and ``seconds``
            count from then, so give the process's creation time to include the imports.

    Returns:
        the counts and the digest, with methods that read the output.

    Raises:
        BigDataDemosError: see :mod:`bigdata_demos.errors`. Nothing is left at ``output`` then.
    """
    begun = time.monotonic() - (0 if started is None else time.time() - started)
    check(top=top, workers=workers, max_rejected=max_rejected, split_bytes=split_bytes, page_seconds=page_seconds)
    efforts.check(effort)
    kernels.name()  # refuses one that is not there
    inputs = check_paths(inputs)
    if isinstance(engine, Session) and (workers or cluster or engine_options):
        raise UsageError("a session has its own workers, cluster and engine_options: give them to open_session")
    if resume:
        _check_resumable(inputs, engine.engine if isinstance(engine, Session) else engine, output)
    given = None if output is None else place_of(output)
    where = engine.cluster if isinstance(engine, Session) else cluster
    compose = registry.find(where)
    if compose:
        registry.check_paths(compose, inputs, given if isinstance(given, Path) else None)
        registry.check_reachable([by_http(str(path)) for path in (*inputs, output) if path is not None])
    rules = languages.Rules(languages.check(language), stopwords.load(stopword_list) if stopword_list else None)
    reader = avro.load_reader(str(reader_schema)) if reader_schema else ""
    opening: contextlib.AbstractContextManager[Session]
    if isinstance(engine, str):
        engines.load(engine)  # says what is missing before any work is done
        opening = open_session(engine, workers=workers, cluster=cluster, engine_options=engine_options)
    else:
        opening = contextlib.nullcontext(engine)
    clock = Clock(begun)
    if output_format not in OUTPUT_FORMATS:
        raise UsageError(f"`output_format={output_format}` is none of {', '.join(OUTPUT_FORMATS)}")
    convert = None
    if output_format == tables.PARQUET:
        tables.require("pyarrow")
        convert = functools.partial(_to_parquet, workers, functools.partial(clock.phase, progress))
    kinds: tuple[PartKind, ...] = (*KINDS, "text") if keep_text else KINDS
    with (
        _or_temporary(given, where) as place,
        commit.working_directory(place, overwrite=overwrite, kinds=kinds) as unfinished,
        _local_directory(unfinished, where) as workdir,
    ):
        paths = [_local_input(path, workdir, stdin) for path in inputs] or [str(plan.bundled_crawl())]
        spooled = {str(workdir / _STDIN): "-"}
        if compose and not inputs:  # containers have their own copy, at another path
            spooled[str(workdir / _BUNDLED)] = paths[0]
            paths = [shutil.copyfile(paths[0], workdir / _BUNDLED).as_posix()]
        splits, skipped = plan.plan(paths, split_bytes=split_bytes, verify=verify)
        if not splits:
            others = f"; {skipped} files are of other kinds" if skipped else ""
            raise InputError(f"{', '.join(inputs)}: no web page, WARC, Avro or JSON lines file is there{others}")
        splits = [rename(split, spooled) for split in splits]
        if reader:
            avro.check_reader(splits, reader)
        repeats = engines.ENGINES[engine.engine if isinstance(engine, Session) else engine].repeats
        limit = page_seconds if repeats else 0
        ranges = [[[spooled.get(piece.path, piece.path), *piece[1:]] for piece in split.ranges] for split in splits]
        job = Job(top, rules, bits_for(splits), str(workdir), places.address(unfinished), reader, effort, limit, keep_text)
        if resume and isinstance(place, Path):
            job, found = checkpoints.begin(checkpoints.directory_for(place), job, page_seconds, ranges, versions())
            if found:
                log.warning("%d of the %d results of map tasks are there from an earlier run", found, 2 * len(splits))
        log.info("%d splits, %d buckets", len(splits), 1 << job.bits)
        clock.lap("plan")
        with opening as session:
            startup = time.monotonic() - begun
            clock.lap("start")
            try:
                parts = session.run_job(job, splits, functools.partial(clock.phase, progress))
            except OSError as error:
                raise OutputError(f"cannot write {error.filename or workdir}: {error.strerror or error}") from error
            clock.end_phase()
        clock.lap("stop")
        totals = digest.add_up(parts)
        refused = totals.rejected * 100 > max_rejected * (totals.pages + totals.rejected)
        if refused and totals.rejected:
            most = ", ".join(f"{reason} {number}" for reason, number in totals.reasons.items())
            raise TooManyRejected(
                f"{totals.rejected} of {totals.pages + totals.rejected} pages were rejected ({most}), more than "
                f"{max_rejected:g} %: look at the input, or allow more with `max_rejected`"
            )
        if not totals.pages + totals.rejected:
            raise InputError(f"{', '.join(inputs)}: none of the {totals.skipped + skipped} records and files is a web page")
        manifest: dict[str, Any] = {
            "format": 1,
            "engine": session.engine,
            "cluster": session.cluster,
            "workers": session.workers or None,
            "inputs": inputs or ["(the bundled crawl)"],
            "top": top,
            "effort": effort,
            "language": language or None,
            "stopwords": stopword_list or None,
            "max_rejected": max_rejected,
            "page_seconds": limit or None,
            "keep_text": keep_text,
            "output_format": output_format,
            "verify": verify,
            "split_bytes": split_bytes,
            "reader_schema": json.loads(reader) if reader else None,
            "buckets": 1 << job.bits,
            "engine_options": dict(engine_options or {}),
            "digest": totals.digest,
            "counts": {
                "pages": totals.pages,
                "rejected": totals.rejected,
                "skipped": totals.skipped + skipped,
                "keywords": totals.keywords,
            },
            "rejections": totals.reasons,
            "files": {
                **{spooled.get(file, file) or "(HTML files)": numbers for file, numbers in totals.files.items()},
                **({"(other files)": {"pages": 0, "rejected": 0, "skipped": skipped}} if skipped else {}),
            },
            "shuffle": totals.shuffle,
            **({"engine_counters": totals.engine} if totals.engine else {}),
            "seconds": {**clock.laps, "startup": round(startup, 3), "total": round(time.monotonic() - begun, 3)},
            "versions": versions(),
            "splits": ranges,
        }
        for path in spooled:
            Path(path).unlink(missing_ok=True)
        places.remove(workdir / isolation.MARKERS)
        try:
            commit.commit(unfinished, place, parts, manifest, overwrite=overwrite, convert=convert)
        except OSError as error:
            raise OutputError(f"cannot write {error.filename or place}: {error.strerror or error}") from None
    if isinstance(place, Path):
        places.remove(checkpoints.directory_for(place))
    result = Result(
        place,
        session.engine,
        totals.pages,
        totals.rejected,
        totals.skipped + skipped,
        totals.keywords,
        totals.digest,
        startup,
        time.monotonic() - begun,
        totals.reasons,
    )
    if output is None and isinstance(place, Path):
        weakref.finalize(result, scratch.discard, place.parent)
    return result


def run_pages(pages: Iterable[Mapping[str, Any]], **options: Any) -> Result:
    """Extract the keywords of pages that are in memory.

    Args:
        pages: mappings with the keys of JSON lines input: ``url`` or ``id``, ``html`` or ``text``, ``title``
            (:mod:`bigdata_demos.crawl.jsonl`). They are read once, and need not fit into memory together.
        options: those of :func:`run`, except for ``inputs`` and ``stdin``.

    Returns, raises:
        As :func:`run`; UsageError, too, if a page has values that JSON has not.
    """
    return run(["-"], stdin=map(_as_line, pages), **options)


def _as_line(page: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(dict(page)).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise UsageError(f"a page cannot be written as JSON: {error}") from None


@contextlib.contextmanager
def _or_temporary(given: Place | None, cluster: str) -> Iterator[Place]:
    """Yield the place of an output; if none is given, one in a temporary directory, which is removed if the run fails."""
    if given is not None:
        yield given
        return
    host = cluster.partition("://")[2].rpartition(":")[0]
    if host not in ("", "localhost", "127.0.0.1", "[::1]") and not registry.find(cluster):
        raise UsageError(f"`cluster={cluster}` requires `output`: a directory that the workers see at the same path")
    directory = scratch.make(registry.spool(cluster))
    try:
        yield directory / "output"
    except BaseException:
        scratch.discard(directory)
        raise


def _to_parquet(workers: int, progress: engines.Progress, place: Place, parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Write the tables of an output, by worker processes of this machine; return what the manifest says about their files."""
    for table in {table for table in tables.TABLES for part in parts if tables.kind_of(table) == part.kind}:
        (place / tables.PARQUET / table).mkdir(parents=True)
    convert = functools.partial(_convert, places.address(place))
    files: list[dict[str, Any]] = []
    pages = sum(part.records for part in parts if part.kind == "keywords")
    for number, written in enumerate(in_processes(convert, parts, workers_for(pages, _PAGES, workers)), 1):
        files += written
        progress("parquet", number, len(parts))
    return sorted(files, key=lambda file: str(file["path"]))


def _convert(address: str, part: Part) -> list[dict[str, Any]]:
    """Write the tables of a part. It runs in the workers of :func:`_to_parquet`."""
    return tables.convert_part(places.at(address), part.path, part.sha256)


class Clock:
    """Measures the seconds of each phase."""

    def __init__(self, begun: float) -> None:
        """Start the first lap. Times are those of :func:`time.monotonic`, which nobody sets."""
        self.last, self.laps, self.running = begun, dict[str, float](), ""

    def lap(self, name: str) -> None:
        """End a lap."""
        now = time.monotonic()
        self.laps[name] = round(self.laps.get(name, 0) + now - self.last, 3)
        self.last = now

    def phase(self, progress: engines.Progress, name: str, done: int, total: int) -> None:
        """Start a lap whenever an engine's progress names a new phase, and pass the progress on."""
        if name != self.running:
            self.end_phase()
            self.running = name
        progress(name, done, total)

    def end_phase(self) -> None:
        """End the lap of the current phase, if there is one."""
        if self.running:
            self.lap(self.running)
        self.running = ""


def check(*, top: int, workers: int, max_rejected: float, split_bytes: int | None, page_seconds: float) -> None:
    """Check the numeric arguments. Raises UsageError for the first that is out of range."""
    if not 1 <= top <= 1000:
        raise UsageError("`top` must be from 1 to 1000")
    if workers < 0:
        raise UsageError("`workers` must be 1 or more (0: one for each core)")
    if not (math.isfinite(max_rejected) and 0 <= max_rejected <= 100):
        raise UsageError("`max_rejected` must be a percentage, from 0 to 100")
    if not (math.isfinite(page_seconds) and page_seconds >= 0):
        raise UsageError("`page_seconds` must be a number of seconds (0: no limit)")
    if split_bytes is not None and split_bytes < 1:
        raise UsageError("`split_bytes` must be 1 or more")


def _check_resumable(inputs: Sequence[str], engine: str, output: str | Path | None) -> None:
    """Raise UsageError if a run cannot be resumed."""
    if output is None or "://" in str(output):
        raise UsageError("`resume=True` needs an `output` in a directory of this machine, or one that it shares with the workers")
    if "-" in inputs:
        raise UsageError("`resume=True` needs input that can be read again, and not standard input: write it to a file")
    if not engines.ENGINES[engine].resumes:
        able = ", ".join(name for name, one in engines.ENGINES.items() if one.resumes)
        raise UsageError(f"`resume=True` does not work with engine {engine}: use one of {able}")


def check_paths(inputs: Sequence[str | Path]) -> list[str]:
    """Return the inputs as text. Raises UsageError if one is empty, or ``-`` is given twice."""
    names = [str(inputs)] if isinstance(inputs, (str, Path)) else [str(path) for path in inputs]
    if "" in names:
        raise UsageError("an input is the empty string (is a variable unset?); the current directory is .")
    if names.count("-") > 1:
        raise UsageError("- is given twice, but standard input can be read only once")
    return names


@contextlib.contextmanager
def _local_directory(unfinished: Place, cluster: str) -> Iterator[Path]:
    """Yield the directory for spilled files: beside local parts; for parts in HDFS, a temporary one that all workers see."""
    if isinstance(unfinished, Path):
        yield unfinished
        return
    directory = scratch.make(registry.spool(cluster))
    try:
        yield directory
    finally:
        scratch.discard(directory)


def rename(split: Split, spooled: Mapping[str, str]) -> Split:
    """Return a split in which spooled files have the names of their originals."""
    return split._replace(ranges=tuple(piece._replace(name=spooled.get(piece.path, piece.name)) for piece in split.ranges))


def _local_input(path: str | Path, workdir: Path, stdin: Iterable[bytes] | None) -> str:
    """Return an input as workers can open it: an absolute path or a URL. Standard input is spooled to a file."""
    if str(path) == "-":
        if stdin is None:
            raise InputError("-: there is no standard input here")
        spooled = workdir / _STDIN
        jsonl.spool_lines(stdin, spooled)
        return str(spooled)
    return by_http(str(path)) if "://" in str(path) else str(Path(path).expanduser().absolute())


def _sources(directory: Path) -> str:
    """Return a hash of the source files and tables in a directory, which may change without a new version."""
    files = (path for path in directory.rglob("*") if path.is_file() and path.suffix not in {".so", ".pyc"})
    found = hashlib.blake2b(digest_size=8)
    for path in sorted(files):
        found.update(path.read_bytes())
    return found.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of everything that a result depends on."""
    numbers = {
        "bigdata-demos": __version__,
        "kernel": kernels.name(),
        "analysis": _sources(Path(kernels.__file__).parents[1]),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    for package in ("fastavro", "fastwarc", "numpy", "pystemmer", "resiliparse", "selectolax", *engines.packages()):
        with contextlib.suppress(metadata.PackageNotFoundError):
            numbers[package] = metadata.version(package)
    return numbers
