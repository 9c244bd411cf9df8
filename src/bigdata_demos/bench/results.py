"""The results of a benchmark: ``results.json``, format 2, which holds the raw measurements of every run.

Medians, ratios and COST are not stored: :mod:`.statistics` computes them from the runs. All durations are in seconds, all sizes
in bytes, and all timestamps in ISO 8601 (UTC).
"""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from ..errors import InputError
from ..storage.atomic import atomic, writing

FORMAT: Final = 2
_RENAMED: Final = {"runs": "rounds", "tries": "runs"}  # from format 1
FILE: Final = "results.json"
CONTROL: Final = "serial"  # part of every round
PEERS_CONTROL: Final = "wordcount"  # the peers' word count on one thread
PLAIN: Final = "JSON lines"  # the baseline of file sizes
STEPS: Final = ("write", "read", "field", "look-up", "newer")  # measured for each file format
ENGINE: Final = "engine"
PEER: Final = "peer"


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of ``results.json``."""


class Machine(_Record, frozen=True):
    """The machine that ran the benchmark.

    ``id``: :func:`machine_id`. ``cores``: those available to this process. ``load_before``: the load average of the minute before
    the first run.
    """

    id: str
    host: str
    cpu: str
    cores: int
    memory_bytes: int | None
    kernel: str
    load_before: float | None


class Job(_Record, frozen=True):
    """One size of the input: ``size`` copies of it. ``pages``, ``input_bytes`` (as stored) and ``digest`` are the control's."""

    size: int
    pages: int | None
    input_bytes: int | None
    digest: str | None


class Run(_Record, frozen=True):
    """One run of one contestant, in its own process.

    ``seconds``: wall clock around the process. ``startup``: from the creation of the process until every worker is ready.
    ``work``: from then until the engine begins to stop. ``phases``: wall seconds by phase, in order; their sum is ``seconds``.
    ``cpu_seconds`` (user and system) and ``peak_memory_bytes`` (``memory_is``: ``pss``, or ``rss``, which counts shared pages
    more than once) cover the process tree and the containers of a compose cluster. ``shuffle``: bytes by kind. ``unmeasured``:
    why a figure is None. Runs with an ``error`` (one line) and ``cold`` runs (those of the first round) are in no figure.
    """

    contestant: str
    kind: str
    workers: int
    cluster: str
    size: int
    round: int
    cold: bool
    seconds: float
    startup: float | None
    work: float | None
    phases: Mapping[str, float]
    cpu_seconds: float | None
    peak_memory_bytes: int | None
    shuffle: Mapping[str, int] | None
    pages: int | None
    digest: str | None
    error: str | None
    started: str
    memory_is: str | None = None
    unmeasured: Mapping[str, str] = {}

    @property
    def key(self) -> tuple[str, int, str]:
        """Contestant, number of workers, cluster."""
        return self.contestant, self.workers, self.cluster

    @property
    def counts(self) -> bool:
        """Whether figures include the run: it is not cold, and its result is correct."""
        return self.error is None and not self.cold


class FormatRun(_Record, frozen=True):
    """The time to write and read a file of one format in one round.

    ``data``: the name of the records. ``format`` and ``family``: for example ``Avro, xz`` and ``Avro``. ``nbytes``: the file's
    size. ``seconds`` (wall clock) and ``cpu_seconds`` (user and system, of all threads), by step.
    """

    data: str
    format: str
    family: str
    round: int
    nbytes: int
    seconds: Mapping[str, float]
    cpu_seconds: Mapping[str, float]


class Access(_Record, frozen=True):
    """The benchmark of file formats, which can be run separately from the engines.

    ``records``: their number, by data. ``lookups``: the number of records that the seconds of a look-up cover. ``block_bytes``:
    the size of Avro's blocks before compression. ``group_records``: the size of Parquet's row groups. ``by_hand``: the work that
    a change of schema leaves to the programmer, by family.
    """

    created: str
    command: Sequence[str]
    machine: Machine
    versions: Mapping[str, str]
    commit: str | None
    inputs: Sequence[str]
    rounds: int
    records: Mapping[str, int]
    lookups: int
    block_bytes: int
    group_records: int
    by_hand: Mapping[str, str]
    runs: Sequence[FormatRun]


class Results(_Record, frozen=True):
    """A benchmark. ``absent``: the contestants that did not run, and why. ``notes``: how each peer differs from the job.

    ``access``: None if formats were not measured.
    """

    format: int
    created: str
    command: Sequence[str]
    machine: Machine
    versions: Mapping[str, str]
    commit: str | None
    inputs: Sequence[str]
    rounds: int
    seed: int
    jobs: Sequence[Job]
    runs: Sequence[Run]
    absent: Mapping[str, str] = {}
    notes: Mapping[str, str] = {}
    access: Access | None = None

    @property
    def sizes(self) -> list[int]:
        """The sizes, ascending."""
        return sorted({job.size for job in self.jobs})

    def job(self, size: int) -> Job:
        """Return the job of a size."""
        return next(job for job in self.jobs if job.size == size)

    def contestants(self) -> list[tuple[str, int, str]]:
        """Return the keys of engines, then peers, each with its control first, then by name, cluster and workers."""
        keys = {one.key: one.kind != ENGINE for one in self.runs}
        return sorted(keys, key=lambda key: (keys[key], key[0] not in {CONTROL, PEERS_CONTROL}, key[0], key[2], key[1]))


def save(results: Results, path: Path) -> None:
    """Write the results atomically: if the benchmark is killed, the previous file remains.

    Raises OutputError if it cannot be written.
    """
    with writing(path), atomic(path, sync=True) as file:
        file.write(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def load(path: str | Path) -> Results:
    """Read a file, or ``results.json`` in a directory.

    Raises InputError if it cannot be read or is invalid; the message has the location.
    """
    path = Path(path) / FILE if Path(path).is_dir() else Path(path)
    try:
        data = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    try:
        return validate(data)
    except InputError as error:
        raise InputError(f"{path} is not a benchmark's result: {error}") from None


def validate(data: Any) -> Results:
    """Convert decoded JSON of format 1 or 2. Raises InputError if it is invalid; the message names the first invalid value."""
    if not isinstance(data, dict):
        raise InputError("it is not an object")
    version = data.get("format")
    if type(version) is not int or version not in {1, FORMAT}:
        raise InputError(f"its format is {version!r}, not {FORMAT}")
    if version == 1:
        data = {**_rename(data), "format": FORMAT, "access": _rename(data.get("access"))}
    try:
        results = msgspec.convert(data, Results)
    except msgspec.ValidationError as error:
        raise InputError(str(error).replace("`", "")) from None  # backquotes would mark parameters
    if missing := {one.size for one in results.runs} - {job.size for job in results.jobs}:
        raise InputError(f"there are runs of size {min(missing)}, but no such job")
    if results.access:
        _check_access(results.access)
    return results


def _rename(data: Any) -> Any:
    """Rename the fields of format 1; anything but an object is returned unchanged."""
    return {_RENAMED.get(name, name): value for name, value in data.items()} if isinstance(data, dict) else data


def _check_access(access: Access) -> None:
    """Refuse runs that no figures can be computed from."""
    for data in access.records:
        if not any((one.data, one.format) == (data, PLAIN) for one in access.runs):
            raise InputError(f"$.access: the {data} were not written as {PLAIN}")
    for index, one in enumerate(access.runs):
        if one.data not in access.records:
            raise InputError(f"$.access.runs[{index}]: {one.data!r} is not among the records")
        if missing := [step for step in STEPS if not (one.seconds.get(step) and step in one.cpu_seconds)]:
            raise InputError(f"$.access.runs[{index}]: {missing[0]} was not measured")


@cache
def cpu_model() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


@cache
def machine_id() -> str:
    """Return a stable, anonymous machine id: 16 hexadecimal digits."""
    try:
        name = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        name = ""
    return hashlib.sha256(f"bigdata_demos {name or platform.node()} {cpu_model()}".encode()).hexdigest()[:16]
