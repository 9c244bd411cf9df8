"""The digest of a run, and the totals of its parts."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Final, NamedTuple

import fastavro

from ...avro import schemas
from ...avro.binary import Schema
from ..model import KINDS, Part, PartKind

_NOT_IN_DIGEST: Final = frozenset({"source", "offset", "detail", "fault", "end", "records"})


@cache
def canonical_schema(kind: PartKind) -> Schema:
    """Return the schema of a record's canonical form: without the place it was read from, and the details for people."""
    whole = json.loads(json.dumps(schemas.schema(kind)))
    fields = [field for field in whole["fields"] if field["name"] not in _NOT_IN_DIGEST]
    return fastavro.parse_schema({**whole, "fields": fields, "name": f"{whole['name']}Canonical"})  # type: ignore[return-value]


class Totals(NamedTuple):
    """The sums over the committed parts. Equal results have equal ``digest``, whichever engine computed them.

    ``files`` has the numbers of pages, rejected and skipped records by file; HTML files are counted together, under ``""``.
    """

    pages: int
    rejected: int
    skipped: int
    keywords: int
    reasons: dict[str, int]
    files: dict[str, dict[str, int]]
    shuffle: dict[str, int]
    engine: dict[str, int]
    digest: str


def add_up(parts: Iterable[Part]) -> Totals:
    """Add up the accepted parts of a run."""
    records, digests, counts = Counter[str](), Counter[str](), Counter[str]()
    for part in parts:
        records[part.kind] += part.records
        digests[part.kind] += part.digest
        counts.update(part.counts)
    text = "".join(f"{kind} {records[kind]} {digests[kind] % (1 << 256):064x}\n" for kind in KINDS)
    by: dict[str, dict[str, int]] = {prefix: {} for prefix in ("pages", "rejected", "skipped", "reason", "bytes", "engine")}
    for name in sorted(counts):
        prefix, colon, rest = name.partition(":")
        if colon:
            by[prefix][rest] = counts[name]
    seen = {kind: by[kind] for kind in ("pages", "rejected", "skipped")}
    return Totals(
        pages=records["keywords"],
        rejected=sum(seen["rejected"].values()),
        skipped=sum(seen["skipped"].values()),
        keywords=counts["keywords"],
        reasons=by["reason"],
        files={file: {kind: seen[kind].get(file, 0) for kind in seen} for file in sorted(set().union(*seen.values()))},
        shuffle=by["bytes"],
        engine=by["engine"],
        digest=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
    )
