"""Reads the output of a run: its manifest, and the records of its parts, whose checksums are checked."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, NamedTuple, cast

from ...avro.binary import Schema
from ...avro.containers import read_header, read_records
from ...avro.resolution import compatibility, resolver
from ...avro.schemas import PREFIX, canonical, schema
from ...avro.streams import Source
from ...avro.values import untagged
from ...errors import BadAvro, InputError
from ...storage.places import Place
from .commit import MANIFEST

_PART: Final = re.compile(r"(keywords|index|rejected|text)/part-[0-9]+\.avro")
_CHUNK: Final = 1 << 20


class Manifest(NamedTuple):
    """What a manifest says; ``parts`` are the SHA-256 of each part, by kind and path, ``whole`` is all of it but the parts."""

    parts: dict[str, dict[str, str]]
    pages: int
    rejected: int
    digest: str
    engine: str
    whole: dict[str, Any]


def read_manifest(place: Place) -> Manifest:
    """Read the manifest of an output. Raises InputError if there is none."""
    try:
        with (place / MANIFEST).open("rb") as file:
            manifest = json.loads(file.read())
        parts: dict[str, dict[str, str]] = {kind: {} for kind in ("keywords", "index", "rejected", "text")}
        for part in manifest["parts"]:
            if match := _PART.fullmatch(part["path"]):
                parts[match[1]][match[0]] = str(part["sha256"])
        counts = manifest["counts"]
        whole = {name: value for name, value in manifest.items() if name not in ("parts", "splits")}
        numbers = int(counts["pages"]), int(counts["rejected"])
        return Manifest(parts, *numbers, str(manifest["digest"]), str(manifest["engine"]), whole)
    except OSError as error:
        raise InputError(f"{place} is not an output of the keyword job: {MANIFEST}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{place / MANIFEST} is not a manifest of the keyword job: {type(error).__name__}: {error}") from None


def read(place: Place, kind: str) -> Iterator[dict[str, Any]]:
    """Yield all records of a kind of an output, in the order of its parts. For errors see the functions of this module."""
    yield from records(place, read_manifest(place).parts[kind], kind)


def records(place: Place, parts: dict[str, str], kind: str) -> Iterator[dict[str, Any]]:
    """Yield the records of an output's parts, whose SHA-256 is checked, because Avro's blocks have no checksum.

    Records of an earlier version are resolved to the present schema of their ``kind``.

    Raises InputError if a part cannot be read, or has another checksum.
    """
    for name, sha256 in sorted(parts.items()):
        path = place / name
        try:
            with path.open("rb") as file:
                hashed = hashlib.sha256()
                while chunk := file.read(_CHUNK):
                    hashed.update(chunk)
                if hashed.hexdigest() != sha256:
                    raise InputError(f"{path} has changed since the job wrote it: its SHA-256 differs from the manifest's")
                source = Source(cast(BinaryIO, file), str(path), offset=0)
                header = read_header(source)
                yield from map(_presently(header.schema, str(path), kind), read_records(source, header))
        except BadAvro as error:
            raise InputError(str(error)) from None
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _presently(written: Schema, path: str, kind: str) -> Callable[[Any], dict[str, Any]]:
    """Return a function that resolves a record of a part to the present schema of its kind."""
    present = schema(kind)
    if canonical(written) == canonical(present):
        return dict  # as it is: no kind has unions, whose branches would have names
    if reasons := compatibility(written, present):
        raise InputError(f"{path} matches no version of {PREFIX}{kind}: {reasons[0]}")
    resolve = resolver(written, present)
    return lambda record: untagged(resolve(record))
