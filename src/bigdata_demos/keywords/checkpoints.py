"""Checkpoints: a run with ``resume`` goes on where an earlier one, that was killed or failed, has ended.

Each map task of both passes leaves its result in a directory beside the output. A run of the same job on the same input takes it
from there instead of computing it again, on any engine. A result is written under another name, and renamed when it is complete;
tasks are pure functions of their input, so it does not matter which attempt it is of.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import msgspec

from ..crawl.model import Split
from ..errors import OutputError, UsageError
from ..storage.atomic import atomic
from .analysis import frequencies
from .job import Job
from .model import Mapped, Packed, Part, Scored


def directory_for(output: Path) -> Path:
    """Return the directory of the checkpoints of runs for an output."""
    return output.absolute().parent / f".{output.name}.resume"


def begin(
    directory: Path, job: Job, page_seconds: float, splits: Sequence[Sequence[Any]], versions: Mapping[str, str]
) -> tuple["ResumableJob", int]:
    """Prepare the directory for a job; return the job that uses it, and how many results are there already.

    ``page_seconds`` is the limit that was asked for, which some engines do not have, and ``splits`` are the ranges of each, as in
    the manifest. They, the job's settings, the versions of all that a result depends on, and the sizes and times of the local
    input files must be those of the run whose results are there.

    Raises UsageError if it has results of another job, OutputError if it cannot be written.
    """
    own = {"workdir", "parts", "rules"}  # what differs between runs of the same job, and what is not JSON
    settings = {field.name: getattr(job, field.name) for field in fields(job) if field.name not in own}
    settings["page_seconds"] = page_seconds
    stopwords = job.rules.stopwords
    settings["rules"] = [job.rules.language, *((sorted(stopwords.words), stopwords.endings) if stopwords else ())]
    paths = sorted({str(piece[0]) for split in splits for piece in split})
    files = {path: [state.st_size, state.st_mtime_ns] for path in paths if os.path.isfile(path) and (state := os.stat(path))}
    said = {"settings": settings, "splits": splits, "files": files, "versions": versions}
    plan = json.dumps(said, sort_keys=True).encode()
    path = directory / "plan.json"
    try:
        directory.mkdir(exist_ok=True)
        if not path.exists():
            with atomic(path) as file:
                file.write(plan)
        elif path.read_bytes() != plan:
            raise UsageError(
                f"`resume=True`: {directory} is of a run with other input, options or versions: repeat that run, or remove it"
            )
    except OSError as error:
        raise OutputError(f"cannot write {error.filename or directory}: {error.strerror or error}") from None
    there = sum(1 for pattern in ("*.mapped", "*.scored") for _ in directory.glob(pattern))
    return ResumableJob(**{field.name: getattr(job, field.name) for field in fields(job)}, checkpoints=str(directory)), there


@dataclass(frozen=True, slots=True)
class ResumableJob(Job):
    """A job whose map tasks leave their results in a directory, and take them from there. ``checkpoints`` is its path."""

    checkpoints: str = ""

    def map_split(self, split: Split, *, runs_again: bool | None = None) -> Mapped:
        """Map a split in pass 1, unless its result is there."""
        path = Path(self.checkpoints) / f"{split.number}.mapped"
        with suppress(FileNotFoundError):
            return msgspec.msgpack.decode(path.read_bytes(), type=Mapped)
        mapped = Job.map_split(self, split, runs_again=runs_again)
        _write(path, mapped)
        return mapped

    def score_split(self, split: Split, kept: bytes, table: frequencies.Table) -> Scored:
        """Score a split in pass 2, unless its result is there. The parts that it has written are a part of its result."""
        checkpoints, parts = Path(self.checkpoints), Path(self.parts or self.workdir)
        path = checkpoints / f"{split.number}.scored"
        try:
            found, postings = msgspec.msgpack.decode(path.read_bytes(), type=tuple[list[dict[str, Any]], list[Packed]])
        except FileNotFoundError:
            scored = Job.score_split(self, split, kept, table)
            for part in scored.parts:
                _link(parts / part.path, checkpoints / part.path.replace("/", "-"))
            # the sums of digests have more bits than MessagePack's integers
            _write(path, ([{**asdict(part), "digest": f"{part.digest:x}"} for part in scored.parts], scored.postings))
            return scored
        scored = Scored([Part(**{**part, "digest": int(part["digest"], 16)}) for part in found], postings)
        for part in scored.parts:
            _link(checkpoints / part.path.replace("/", "-"), parts / part.path)
        return scored


def _write(path: Path, result: object) -> None:
    try:
        with atomic(path) as file:
            file.write(msgspec.msgpack.encode(result))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no links. Another attempt may have done so before."""
    try:
        os.link(source, target)
    except FileExistsError:
        pass
    except OSError:
        shutil.copyfile(source, target)
