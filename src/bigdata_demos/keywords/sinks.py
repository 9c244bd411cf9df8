"""Where results go: parts written by workers, made visible all at once by the driver.

A part is written under a name of its own for each attempt, in a directory beside the output that nobody takes for it.
The driver accepts one attempt for each part, gives it its final name, writes the manifest, and renames the directory:
that is the commit. So retries and speculative duplicates need nothing more, and a failed run leaves nothing. All of this is
the same in HDFS (see :mod:`.places`).
"""

import contextlib
import hashlib
import json
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, BinaryIO, Final, Literal, NamedTuple, Protocol, TypeVar, cast

import fastavro

from ..errors import OutputError
from ..formats import avro
from ..formats.schemas import canonical
from .model import FAULTS, Document, Part
from .places import Hdfs, Place, at, move

PartKind = Literal["keywords", "index", "rejected"]
KINDS: Final[tuple[PartKind, ...]] = ("keywords", "index", "rejected")
MANIFEST: Final = "manifest.json"
NOT_IN_DIGEST: Final = frozenset({"source", "offset", "detail", "fault"})
P = TypeVar("P", bound=Place)

Row = tuple[bytes, bytes]
"""A record as it is written, and its canonical form, which the digest is of: both in Avro's binary encoding."""


class Writable(Protocol):
    """What a part is written to."""

    def write(self, data: bytes, /) -> int:
        """Write."""


class HashingFile:
    """A binary file that hashes and counts what is written to it."""

    def __init__(self, file: Writable) -> None:
        """Write to an open file."""
        self.file, self.sha256, self.nbytes = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        """Write, hash and count."""
        self.sha256.update(data)
        self.nbytes += len(data)
        return self.file.write(data)


@cache
def canonical_schema(kind: PartKind) -> avro.Schema:
    """The schema of a record's canonical form: without where it was read, and without what is only for people."""
    whole = json.loads(json.dumps(avro.schema(kind)))
    fields = [field for field in whole["fields"] if field["name"] not in NOT_IN_DIGEST]
    return fastavro.parse_schema({**whole, "fields": fields, "name": f"{whole['name']}Canonical"})  # type: ignore[return-value]


def keywords_row(page: Document, keywords: bytes) -> Row:
    """A page and its keywords, these as an Avro array already (schemas/keywords.avsc)."""
    url = avro.string(page.url)
    source = avro.string(page.source) + avro.long(page.offset)
    declared = avro.long(len(page.declared)) + b"".join(map(avro.string, page.declared)) if page.declared else b""
    rest = b"".join((avro.string(page.title), keywords, declared, b"\0"))
    return url + source + rest, url + rest


def index_row(row: bytes) -> Row:
    """A row of the index, encoded already: all of it counts."""
    return row, row


def rejected_row(letter: dict[str, Any]) -> Row:
    """A dead letter; what kind of reason it has follows from that."""
    letter = {**letter, "fault": FAULTS.get(letter["reason"], "OTHER")}
    return avro.pack(letter, avro.schema("rejected")), avro.pack(letter, canonical_schema("rejected"))


def write_part(directory: str, kind: PartKind, number: int, rows: Iterable[Row], counts: Mapping[str, int]) -> Part:
    """Write rows to a new attempt at a part, in one pass. ``directory``: the working directory's path or address.

    Raises:
        OutputError: if the file cannot be written.

    """
    path = f"{kind}/part-{number:05}-{uuid.uuid4().hex}.avro"
    records = total = 0
    try:
        with (at(directory) / path).open("xb") as raw:
            file = HashingFile(raw)
            writer = avro.Writer(file, avro.schema(kind))
            for record, canonical in rows:
                records += 1
                total += int.from_bytes(hashlib.sha256(canonical).digest(), "big")
                writer.write(record)
            writer.flush()
    except OSError as error:
        raise OutputError(f"cannot write {error.filename or path}: {error.strerror}") from None
    return Part(kind, number, path, records, file.nbytes, file.sha256.hexdigest(), total % (1 << 256), dict(counts))


class Totals(NamedTuple):
    """What the committed parts add up to. ``digest`` is the run's: equal for equal results, whoever computed them."""

    pages: int
    rejected: int
    skipped: int
    keywords: int
    reasons: dict[str, int]
    shuffle: dict[str, int]
    engine: dict[str, int]
    digest: str


def add_up(parts: Iterable[Part]) -> Totals:
    """The totals of a run, from its accepted parts."""
    records, digests, counts = Counter[str](), Counter[str](), Counter[str]()
    for part in parts:
        records[part.kind] += part.records
        digests[part.kind] += part.digest
        counts.update(part.counts)
    text = "".join(f"{kind} {records[kind]} {digests[kind] % (1 << 256):064x}\n" for kind in KINDS)
    reasons = {name.removeprefix("rejected:"): counts[name] for name in sorted(counts) if name.startswith("rejected:")}
    return Totals(
        pages=records["keywords"],
        rejected=records["rejected"],
        skipped=counts["skipped"],
        keywords=counts["keywords"],
        reasons=reasons,
        shuffle={name.removeprefix("bytes:"): counts[name] for name in sorted(counts) if name.startswith("bytes:")},
        engine={name.removeprefix("engine:"): counts[name] for name in counts if name.startswith("engine:")},
        digest=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
    )


@contextlib.contextmanager
def working_directory(output: P, *, overwrite: bool) -> Iterator[P]:
    """A directory beside ``output`` for a run's parts; removed at the end, unless :func:`commit` has made it the output.

    Raises:
        OutputError: if ``output`` exists and must stay, or no directory can be made there.

    """
    workdir = cast(P, output.absolute().parent / f".{output.name}.{uuid.uuid4().hex}.unfinished")
    try:
        if output.exists() and not overwrite:
            raise OutputError(f"{output} exists already: name another --output, or add --overwrite")
        if output.exists() and not (output / MANIFEST).exists() and (not output.is_dir() or any(output.iterdir())):
            raise OutputError(f"{output} is not the output of an earlier run: it will not be overwritten, remove it yourself")
    except OSError as error:
        raise OutputError(f"{output} cannot be looked at: {error.strerror or error}") from None
    try:
        try:
            for kind in KINDS:
                (workdir / kind).mkdir(parents=True)
        except OSError as error:
            raise OutputError(f"cannot write {error.filename or output}: {error.strerror or error}") from None
        yield workdir
    finally:
        remove(workdir)


def remove(directory: Place) -> None:
    """Remove a directory, if it is there, even while tasks that were given up still write new files in it."""
    with contextlib.suppress(OSError):
        if isinstance(directory, Hdfs):
            directory.rmtree()
            return
        gone = directory.with_name(f"{directory.name}.{uuid.uuid4().hex}.gone")
        directory.replace(gone)  # no path leads there now: what is in it can only become less
        shutil.rmtree(gone, ignore_errors=True)


def commit(workdir: Place, output: Place, parts: Sequence[Part], manifest: dict[str, Any]) -> list[Part]:
    """Give the accepted parts their names, drop other attempts, write the manifest, make it all visible at once.

    Returns:
        the parts under their final names.

    """
    final = []
    for part in parts:
        name = f"{part.kind}/part-{part.number:05}.avro"
        move(workdir / part.path, workdir / name)
        final.append(replace(part, path=name))
    for kind in KINDS:
        for attempt in (workdir / kind).glob("part-*-*.avro"):
            attempt.unlink()
    manifest["parts"] = [
        {"path": part.path, "records": part.records, "bytes": part.nbytes, "sha256": part.sha256}
        for part in sorted(final, key=lambda part: part.path)
    ]
    (workdir / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    old = workdir.with_name(f"{workdir.name}.old")
    try:
        if output.exists():
            move(output, old)
        move(workdir, output)
    except BaseException:  # an interrupt leaves it open how far this went
        if old.exists() and not output.exists():
            move(old, output)
        elif not workdir.exists():
            remove(old)
        raise
    remove(old)
    return final


def read_parts(output: Place, kind: PartKind) -> Iterator[dict[str, Any]]:
    """The records of an output's parts, part by part, as the present schema has them, whichever version they are of.

    Raises:
        OutputError: if one cannot be read.

    """
    try:
        for name in sorted(path.name for path in (output / kind).glob("part-*.avro")):
            with (output / kind / name).open("rb") as opened:
                file = cast(BinaryIO, opened)
                records = fastavro.reader(file)
                if canonical(records.writer_schema) != canonical(avro.schema(kind)):
                    file.seek(0)
                    records = fastavro.reader(file, avro.schema(kind))
                yield from records  # type: ignore[misc]
    except OSError as error:
        raise OutputError(f"cannot read {error.filename or output}: {error.strerror or error}") from error
