"""What a benchmark leaves: ``results.json``, format 1, with every try as it was measured.

Figures (medians, ratios, COST) are not in it: they are made from the tries by :mod:`.statistics`, each time anew. All times are
seconds, all sizes bytes, all points in time ISO 8601 in UTC. Only the standard library is imported here.
"""

import dataclasses
import hashlib
import json
import os
import platform
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..errors import InputError, OutputError

FORMAT: Final = 1
FILE: Final = "results.json"
CONTROL: Final = "serial"
"""The contestant that is in every round: a competent single thread."""
PEERS_CONTROL: Final = "wordcount"
"""The same for peers: their work on one thread."""
PLAIN: Final = "JSON lines"
"""The format that the others are compared with in size."""
STEPS: Final = ("write", "read", "field", "look-up", "newer")
"""What is done with a file of each format."""
ENGINE: Final = "engine"
PEER: Final = "peer"


@dataclass(frozen=True)
class Machine:
    """Where the tries ran.

    ``id``: :func:`machine_id`. ``cores``: that this process may use. ``load_before``: the load average of the minute before.
    """

    id: str
    host: str
    cpu: str
    cores: int
    memory_bytes: int | None
    kernel: str
    load_before: float | None


@dataclass(frozen=True)
class Job:
    """One size of the input: ``size`` times the inputs. ``pages``, ``input_bytes`` (as stored), ``digest``: the control's."""

    size: int
    pages: int | None
    input_bytes: int | None
    digest: str | None


@dataclass(frozen=True)
class Try:
    """One run of one contestant, in a process of its own.

    ``seconds``: wall clock around the process. ``startup``: from its creation until every worker can work. ``work``: from then
    until the engine is told to stop. ``phases``: wall seconds of each, in order; together they are ``seconds``. ``cpu_seconds``
    (user and system) and ``peak_memory_bytes`` (the largest sum at one time; ``memory_is`` ``pss``, or ``rss``, which counts
    shared pages more than once) are of the process tree, and of a compose cluster's containers. ``shuffle``: bytes by what
    they were. ``unmeasured``: why a figure is None. ``error``: one line; then no figure of this try counts. ``cold``: of the
    first round, kept apart.
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
    unmeasured: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int, str]:
        """Who ran: contestant, workers, cluster."""
        return self.contestant, self.workers, self.cluster

    @property
    def counts(self) -> bool:
        """Whether its figures count: it finished, with the right answer, and caches were warm."""
        return self.error is None and not self.cold


@dataclass(frozen=True)
class Kept:
    """Some records, kept in a file of some format, in one round.

    ``data``: which records. ``format`` and ``family``: how they are kept, such as ``Avro, xz`` and ``Avro``. ``nbytes``: of the
    file. ``seconds`` (wall clock) and ``cpu_seconds`` (user and system, of all threads), by what was done with it.
    """

    data: str
    format: str
    family: str
    round: int
    nbytes: int
    seconds: Mapping[str, float]
    cpu_seconds: Mapping[str, float]


@dataclass(frozen=True)
class Access:
    """What it takes to write and read records in several formats. It may be made at another time than the tries of engines.

    ``records``: how many there are, by data. ``lookups``: records that each look-up's seconds are for. ``block_bytes``: of
    Avro, before compression. ``group_records``: of Parquet. ``by_hand``: what a change of schema leaves to the programmer, by
    family.
    """

    created: str
    command: Sequence[str]
    machine: Machine
    versions: Mapping[str, str]
    commit: str | None
    inputs: Sequence[str]
    runs: int
    records: Mapping[str, int]
    lookups: int
    block_bytes: int
    group_records: int
    by_hand: Mapping[str, str]
    tries: Sequence[Kept]


@dataclass(frozen=True)
class Results:
    """A benchmark. ``absent``: contestants that did not run, and why. ``notes``: what a peer does less or more than the job.

    ``access``: None if formats were not measured.
    """

    format: int
    created: str
    command: Sequence[str]
    machine: Machine
    versions: Mapping[str, str]
    commit: str | None
    inputs: Sequence[str]
    runs: int
    seed: int
    jobs: Sequence[Job]
    tries: Sequence[Try]
    absent: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    access: Access | None = None

    @property
    def sizes(self) -> list[int]:
        """The sizes, ascending."""
        return sorted({job.size for job in self.jobs})

    def job(self, size: int) -> Job:
        """The job of a size."""
        return next(job for job in self.jobs if job.size == size)

    def contestants(self) -> list[tuple[str, int, str]]:
        """Who ran: the engines, the peers; each with its control first, then by name, cluster, workers."""
        keys = {one.key: one.kind != ENGINE for one in self.tries}
        return sorted(keys, key=lambda key: (keys[key], key[0] not in {CONTROL, PEERS_CONTROL}, key[0], key[2], key[1]))


def save(results: Results, path: Path) -> None:
    """Write a file that is complete or not there: a benchmark that is killed keeps what was saved before.

    Raises:
        OutputError: if it cannot be written.

    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(results), file, indent=1, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)  # of a failure, or of Ctrl-C


def load(path: str | Path) -> Results:
    """Read a file, or the ``results.json`` of a directory.

    Raises:
        InputError: if it is not there, or is not what it should be; the text says where.

    """
    path = Path(path) / FILE if Path(path).is_dir() else Path(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    try:
        return validate(found)
    except InputError as error:
        raise InputError(f"{path} is not a benchmark's result: {error}") from None


def validate(found: Any) -> Results:
    """What JSON holds, as results.

    Raises:
        InputError: naming the first thing that is not as it should be.

    """
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"its format is {found.get('format')!r}, not {FORMAT}" if isinstance(found, dict) else "no object")
    results: Results = typed(found, Results, "results")
    if missing := {one.size for one in results.tries} - {job.size for job in results.jobs}:
        raise InputError(f"tries of size {min(missing)}, which is none of its jobs")
    if results.access:
        check_access(results.access)
    return results


def check_access(access: Access) -> None:
    """Refuse what no figures can be made of.

    Raises:
        InputError: naming the first thing that is missing.

    """
    for data in access.records:
        if not any((one.data, one.format) == (data, PLAIN) for one in access.tries):
            raise InputError(f"results.access: its {data} were not kept as {PLAIN}")
    for index, one in enumerate(access.tries):
        if one.data not in access.records:
            raise InputError(f"results.access.tries[{index}]: {one.data!r} is none of its records")
        if missing := [step for step in STEPS if not (one.seconds.get(step) and step in one.cpu_seconds)]:
            raise InputError(f"results.access.tries[{index}]: {missing[0]} was not measured")


def typed(value: Any, wanted: Any, where: str) -> Any:
    """A value of JSON as a type of this module has it.

    Raises:
        InputError: saying where it is of another type.

    """
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        if not isinstance(value, dict):
            raise InputError(f"{where}: no object")
        hints = typing.get_type_hints(wanted)
        made = {}
        for one in dataclasses.fields(wanted):
            if one.name in value:
                made[one.name] = typed(value[one.name], hints[one.name], f"{where}.{one.name}")
            elif one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING:
                raise InputError(f"{where}.{one.name} is missing")
        return wanted(**made)
    origin, of = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is types.UnionType:
        return None if value is None else typed(value, of[0], where)
    if origin is not None and issubclass(origin, Mapping) and isinstance(value, dict):
        return {str(key): typed(item, of[1], f"{where}.{key}") for key, item in value.items()}
    if origin is not None and issubclass(origin, Sequence) and isinstance(value, list):
        return [typed(item, of[0], f"{where}[{index}]") for index, item in enumerate(value)]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if origin is None and (number if wanted is float else type(value) is wanted):
        return value
    raise InputError(f"{where}: {value!r} is not of type {getattr(wanted, '__name__', wanted)}")


@cache
def cpu_model() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


@cache
def machine_id() -> str:
    """The same for the same machine, and nothing that tells which one it is: 16 hexadecimal digits."""
    try:
        name = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        name = ""
    return hashlib.sha256(f"bigdata_demos {name or platform.node()} {cpu_model()}".encode()).hexdigest()[:16]


def newest(directory: str | Path | None = None) -> Path | None:
    """The newest ``results.json`` of this machine, below a directory or below ``out/bench*`` here; None if there is none."""
    places = sorted(Path("out").glob("bench*")) if directory is None else [Path(directory)]
    found = []
    for path in {path for place in places for path in place.rglob(FILE)}:
        try:
            results = load(path)
        except InputError:
            continue
        if results.machine.id == machine_id():
            found.append((results.created, str(path)))
    return Path(max(found)[1]) if found else None
