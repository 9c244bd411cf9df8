"""The records of experiments, ``NAME.json``: what was measured, when, on which machine, and by which command."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from ..bench import results
from ..errors import InputError
from ..storage.atomic import atomic, writing
from . import EXPERIMENTS, Outcome

DIRECTORY: Final = "out/experiments"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The record of one run. ``seconds``: wall clock of the experiment; the other fields: see Outcome, Setting and Machine."""

    name: str
    created: str
    command: str
    quick: bool
    seconds: float
    machine: results.Machine
    versions: Mapping[str, str]
    data: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | int | float]]
    bars: Mapping[str, int | float]
    unit: str
    finding: str
    holds: bool
    counts: Mapping[str, int]


def record(name: str, outcome: Outcome, seconds: float, *, quick: bool, command: str) -> Record:
    """Return the record of a run that has just ended."""
    from ..bench import environment  # what it imports is not needed to read records

    now = datetime.now(UTC).isoformat(timespec="seconds")
    measured = {field: getattr(outcome, field) for field in Outcome.__dataclass_fields__}
    return Record(name, now, command, quick, seconds, environment.machine(), environment.versions(), **measured)


def save(made: Record, directory: Path) -> Path:
    """Write a record; returns its path. Raises OutputError if it cannot be written."""
    path = directory / f"{made.name}.json"
    with writing(path):
        directory.mkdir(parents=True, exist_ok=True)
        with atomic(path) as file:
            file.write(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    return path


def load(path: Path) -> Record:
    """Read a record. Raises InputError if the file is not one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"{path} is not the record of an experiment: {error}") from None


def of_this_machine(directory: str = DIRECTORY) -> dict[str, Record]:
    """Return the records that may be quoted, by experiment: complete runs of this machine."""
    found = {}
    for name in EXPERIMENTS:
        path = Path(directory) / f"{name}.json"
        if path.exists():
            one = load(path)
            if one.machine.id == results.machine_id() and not one.quick:
                found[name] = one
    return found
