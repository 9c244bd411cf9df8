"""The job as programs that read and write lines, for Hadoop Streaming or a shell pipe.

::

    plan    inputs → splits, one on each line; creates the directory for data that do not go through the pipe
    map     splits → bucket, table of document frequencies; the documents go to the directory                     pass 1
            (``--pages``: the lines are pages as JSON, for input that Hadoop reads itself)
    merge   tables, sorted → bucket, merged table: the reducer of pass 1, and its combiner (``--partial``)
    score   splits → bucket, postings, or a part that was written                                                 pass 2
    index   postings, sorted → parts: the reducer of pass 2

A line is a bucket's number, a tab, and bytes in base64 (for a part: a JSON object). The bytes are packed arrays, so there is
no line for each phrase. Between map and reduce, the lines of a bucket must be brought together: ``sort`` and Hadoop both do.
"""

import argparse
import base64
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

from ... import command
from ...crawl import avro, plan, records
from ...crawl.model import Page, Range, Rejected, Split
from ...errors import InputError, UsageError
from ..analysis import frequencies
from ..analysis.languages import Rules
from ..analysis.stopwords import Stopwords
from ..job import Job, bits_for
from ..model import Mapped, Part
from ..output import spill

_JOB: Final = "job.json"
SPLITS: Final = "splits"
TABLE: Final = "frequencies"
"""The start of the names of files with pass 1's output, in the directory of a task of pass 2."""
_CHUNKS: Final = 1 << 12  # the most splits that a task may make of its input: so many numbers are set aside for each task
_GROUP: Final = "bigdata_demos"  # the group of the counters that tasks report to Hadoop
EPILOG = """\
example, without Hadoop (the roles that Hadoop gives these programs are the same):
  job='python -m bigdata_demos.keywords.streaming'
  $job plan try crawl.warc.gz > splits
  cat splits | $job map try | sort | $job merge try > try/frequencies
  cat splits | $job score try | sort | $job index try > parts
"""


class Task(NamedTuple):
    """A job, and the directory or URL of the data that pass 1 keeps for pass 2."""

    job: Job
    kept: str


# ---- the programs -----------------------------------------------------------------------------------------------------------


def _map_splits(task: Task, lines: Iterable[bytes]) -> Iterator[bytes]:
    """The mapper of pass 1. Its lines describe splits, which it reads itself."""
    for split in splits(lines):
        yield from emit(task, split.number, task.job.map_split(split, runs_again=_runs_again()))


def _map_pages(task: Task, lines: Iterable[bytes], *, markup: str) -> Iterator[bytes]:
    """The mapper of pass 1 for lines that are pages as JSON, which it groups to splits."""
    of_task = int(os.environ.get("mapreduce_task_partition", "0"))  # noqa: SIM112 (equal in all attempts)
    lines = iter(lines)
    for number, first in enumerate(lines, of_task * _CHUNKS):
        count("splits", 1)
        pages = (page_of(line, markup) for line in _chunk(first, lines))
        yield from emit(task, number, task.job.map_pages(pages, number, runs_again=_runs_again()))


def _chunk(first: bytes, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines until they have about the size of a split."""
    size = len(first)
    yield first
    while size < plan.SPLIT_BYTES and (line := next(lines, b"")):
        size += len(line)
        yield line


def page_of(line: bytes, markup: str) -> Page | Rejected:
    """Read a page from a line. ``markup`` is ``bytes`` if each byte is a character of Latin-1, as in Avro's JSON encoding."""
    source, start = (os.environ.get(f"mapreduce_map_input_{name}", "") for name in ("file", "start"))
    try:
        record = json.loads(line)
        if markup == "bytes" and isinstance(record, dict) and isinstance(characters := record.get("html"), str):
            record["html"] = characters.encode("latin-1")
    except ValueError as error:
        return Rejected(source or "-", int(start or 0), "", "bad-record", str(error))
    return records.page_of(record, source or "-", int(start or 0))


def emit(task: Task, number: int, mapped: Mapped) -> Iterator[bytes]:
    """Store the data that pass 1 keeps of a split, and return the lines for the shuffle."""
    keep(task, number, mapped.kept)
    count("bytes kept", len(mapped.kept))
    return (line_of(bucket, table) for bucket, table in mapped.frequencies)


def _merge_tables(task: Task, lines: Iterable[bytes], *, combine: bool = False) -> Iterator[bytes]:
    """The reducer of pass 1, or its combiner, which sums the tables of one mapper and leaves no phrase out."""
    for bucket, tables in groups(lines):
        yield line_of(bucket, task.job.combine(bucket, tables) if combine else task.job.merge(bucket, tables))


def _score_splits(task: Task, lines: Iterable[bytes]) -> Iterator[bytes]:
    table = _table_of(Path.cwd() if _in_hadoop() else Path(task.job.workdir))
    for split in splits(lines):
        scored = task.job.score_split(split, kept(task, split.number), table)
        yield from (line_of(bucket, postings) for bucket, postings in scored.postings)
        yield from (_line_of_part(split.number % (1 << task.job.bits), part) for part in scored.parts)


def _write_index(task: Task, lines: Iterable[bytes]) -> Iterator[bytes]:
    """The reducer of pass 2. It passes on the lines of parts from the mappers, since Hadoop decides which attempt counts."""
    for bucket, items in groups(lines):
        postings = []
        for item in items:
            if item.startswith(b"{"):
                yield b"%05d\t%b\n" % (bucket, item)
            else:
                postings.append(item)
        if postings:
            yield _line_of_part(bucket, task.job.write_bucket(bucket, postings))


# ---- lines ------------------------------------------------------------------------------------------------------------------


def line_of(bucket: int, packed: bytes) -> bytes:
    """Return the line for a bucket's bytes."""
    return b"%05d\t%b\n" % (bucket, base64.b64encode(packed))


def _line_of_part(bucket: int, part: Part) -> bytes:
    return b"%05d\t%b\n" % (bucket, json.dumps({**asdict(part), "digest": f"{part.digest:x}"}).encode())


def part_of(line: bytes) -> Part:
    """Read a part from a line."""
    fields = json.loads(line.partition(b"\t")[2])
    return Part(**{**fields, "digest": int(fields["digest"], 16)})


def groups(lines: Iterable[bytes]) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Group lines by bucket, where those of a bucket are adjacent; yield each bucket's number and its decoded data."""
    pairs = (line.rstrip(b"\r\n").split(b"\t", 1) for line in lines if line.strip())
    for bucket, some in groupby(pairs, key=lambda pair: pair[0]):
        yield int(bucket), (data if data.startswith(b"{") else base64.b64decode(data) for _, data in some)


def line_of_split(split: Split) -> str:
    """Return the line that describes a split."""
    return json.dumps({"number": split.number, "ranges": split.ranges}) + "\n"


def splits(lines: Iterable[bytes]) -> Iterator[Split]:
    """Yield the splits that lines describe. Each is counted, which also tells Hadoop that the task is alive."""
    for line in lines:
        if line.strip():
            fields = json.loads(line)
            split = Split(fields["number"], tuple(Range(*piece) for piece in fields["ranges"]))
            count("splits", 1)
            yield split


# ---- data beside the pipe ---------------------------------------------------------------------------------------------------


def _in_hadoop() -> bool:
    """Whether this is a Hadoop task (Streaming sets the job's settings as environment variables)."""
    return "mapreduce_task_attempt_id" in os.environ


def _runs_again() -> bool | None:
    """Whether this is a Hadoop task whose earlier attempt has failed (attempt_…_0 is the first one); ``None`` elsewhere."""
    return not os.environ["mapreduce_task_attempt_id"].endswith("_0") if _in_hadoop() else None  # noqa: SIM112


def keep(task: Task, number: int, data: bytes) -> None:
    """Store data for pass 2: in Hadoop as a side file of the attempt, which is visible only if the attempt is committed."""
    if _in_hadoop():
        with opened(f"{side_files(task)}/{number}.kept", "wb") as file:
            file.write(data)
    else:
        spill.keep(task.kept, number, data)


def kept(task: Task, number: int) -> bytes:
    """Read the data that pass 1 kept of a split."""
    with opened(f"{task.kept}/{number}.kept", "rb") as file:
        return file.read()


def opened(path: str, mode: str) -> BinaryIO:
    """Open a file or a URL."""
    if "://" not in path:
        return cast(BinaryIO, Path(path).open(mode))
    from ...storage.remote import open_url

    return open_url(path, mode)


def side_files(task: Task) -> str:
    """Return the directory of an attempt's side files: its path is from Hadoop, its address that of ``kept``."""
    inside = os.environ["mapreduce_task_output_dir"]  # noqa: SIM112 (hdfs://HOST:PORT/…)
    return "/".join([*task.kept.split("/")[:3], *inside.split("/")[3:]])


def _table_of(directory: Path) -> frequencies.Table:
    """Join the output of pass 1 to a table of document frequencies, in a file that is mapped into memory."""
    paths = sorted(directory.glob(f"{TABLE}*"))
    if not paths:
        raise InputError(f"there is no {TABLE} in {directory}: copy what pass 1 has written to this directory")
    with tempfile.TemporaryDirectory(dir=directory) as made:  # the map outlives the file's name
        merged = [segment for path in paths for segment in unpacked(path, made)]
        return frequencies.mapped_file(spill.join(made, merged))


def unpacked(path: Path, directory: str) -> list[tuple[int, spill.Segment]]:
    """Decode a file of pass 1's output; return the segments of its merged tables."""
    with path.open("rb") as lines:
        pairs = ((bucket, table) for bucket, tables in groups(lines) for table in tables)
        return spill.write(directory, path.name, pairs)


def save(directory: Path, job: Job, kept_in: str) -> Path:
    """Write the file that tasks load the job from; return its path."""
    stopwords = job.rules.stopwords
    fields = {
        "top": job.top,
        "language": job.rules.language,
        "stopwords": None if stopwords is None else {"words": sorted(stopwords.words), "endings": stopwords.endings},
        "bits": job.bits,
        "workdir": job.workdir,
        "parts": job.parts,
        "reader": job.reader,
        "effort": job.effort,
        "page_seconds": job.page_seconds,
        "keep_text": job.keep_text,
        "kept": kept_in,
    }
    path = directory / _JOB
    path.write_text(json.dumps(fields), encoding="utf-8")
    return path


def load(path: Path) -> Task:
    """Load the job that :func:`save` wrote. Raises UsageError if there is no such file."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}: run the program `plan` first, which writes it") from None
    given = fields["stopwords"]
    rules = Rules(fields["language"], given and Stopwords(frozenset(given["words"]), tuple(given["endings"])))
    settings = (fields[name] for name in ("bits", "workdir", "parts", "reader", "effort", "page_seconds", "keep_text"))
    return Task(Job(fields["top"], rules, *settings), fields["kept"])


def count(name: str, number: int) -> None:
    """Add to a counter of Hadoop's, which also tells it that the task is alive."""
    if _in_hadoop():
        sys.stderr.write(f"reporter:counter:{_GROUP},{name},{number}\n")
        sys.stderr.flush()


# ---- the command ------------------------------------------------------------------------------------------------------------


def _plan_job(directory: Path, inputs: Sequence[str], out: BinaryIO, reader_schema: str = "") -> None:
    """Create the directory of a job, and write a line for each of its splits."""
    from ...cluster.hadoop.connection import by_http
    from ..model import KINDS

    if directory.exists():
        raise UsageError(f"{directory} exists already: name another one")
    reader = avro.load_reader(reader_schema) if reader_schema else ""
    paths = [by_http(path) if "://" in path else str(Path(path).absolute()) for path in inputs]
    planned, _ = plan.plan(paths or [str(plan.bundled_crawl())])
    if reader:
        avro.check_reader(planned, reader)
    for name in (*KINDS, "kept"):
        (directory / name).mkdir(parents=True)
    job = Job(10, Rules(), bits_for(planned), str(directory), reader=reader)
    save(directory, job, str(directory / "kept"))
    out.writelines(line_of_split(split).encode() for split in planned)


def parser() -> command.Parser:
    """Return the command's parser."""
    made = command.Parser(
        "python -m bigdata_demos.keywords.streaming",
        description="Mapper and reducer of both passes, as programs that read and write lines.",
        epilog=EPILOG,
    )
    made.add_argument("role", choices=("plan", "map", "merge", "score", "index"))
    made.add_argument("directory", type=Path, metavar="DIR", help="of the job: plan makes it")
    made.add_argument(
        "inputs", nargs="*", metavar="INPUT", help="of plan: as the keywords command has them (default: the bundled crawl)"
    )
    made.add_argument(
        "--reader-schema", default="", metavar="SCHEMA", help="of plan: what Avro is read with, as the keywords command has it"
    )
    made.add_argument("--partial", action="store_true", help="of merge: be the combiner")
    made.add_argument(
        "--pages", choices=("string", "bytes"), help="of map: lines are pages, as JSON, with markup decoded or a character a byte"
    )
    return made


def execute(arguments: argparse.Namespace) -> None:
    """Run one of the programs from standard input to standard output."""
    lines, out = sys.stdin.buffer, sys.stdout.buffer
    directory = arguments.directory.absolute()
    if arguments.role == "plan":
        _plan_job(directory, arguments.inputs, out, arguments.reader_schema)
    else:
        task = load(directory / _JOB)
        roles: dict[str, Callable[[Task, Iterable[bytes]], Iterator[bytes]]] = {
            "map": partial(_map_pages, markup=arguments.pages) if arguments.pages else _map_splits,
            "merge": partial(_merge_tables, combine=arguments.partial),
            "score": _score_splits,
            "index": _write_index,
        }
        out.writelines(roles[arguments.role](task, lines))
    out.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return command.run(parser(), execute, argv)
