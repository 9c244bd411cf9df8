"""Avro schemas: the package's own, by name and version; loading of others, with checks; canonical forms and fingerprints."""

import json
import os
from functools import cache
from importlib.resources import files
from typing import Any, Final

import fastavro
from fastavro.schema import fingerprint as fastavro_fingerprint
from fastavro.schema import to_parsing_canonical_form

from ..errors import InputError, UsageError
from .binary import Schema
from .kinds import PRIMITIVE, named_types
from .limits import MAX_NESTING, MAX_SCHEMA, check_shape, measure, nesting

VERSION: Final = 2
"""The version of the package's schemas that is written; all versions are read."""
PUBLIC: Final = ("page", "keywords", "index", "rejected")
"""The schemas of files for users; the others are for data between tasks."""
PREFIX: Final = "bigdata-demos:"
"""The prefix of the names of the package's schemas, where users name a schema."""
ALGORITHMS: Final = ("CRC-64-AVRO", "MD5", "SHA-256")
ATTRIBUTES: Final = ("type", "name", "namespace", "doc", "aliases", "fields")
"""The usual order of attributes; others follow, sorted by name."""


@cache
def schema(name: str, version: int | None = None) -> Schema:
    """Return a schema of the package, parsed; ``version``: of one in :data:`PUBLIC`, 1 to :data:`VERSION`."""
    return fastavro.parse_schema(json.loads(schema_text(name, version)))  # type: ignore[return-value]


def schema_text(name: str, version: int | None = None) -> str:
    """Return the JSON of a schema of the package: ``schemas/NAME.avsc``, of an earlier version ``schemas/VERSION/NAME.avsc``."""
    where = files("bigdata_demos") / "schemas"
    if version not in (None, VERSION):
        where /= str(version)
    return (where / f"{name}.avsc").read_text(encoding="utf-8")


@cache
def field(name: str, of: str) -> Schema:
    """Return the type of a field of the package's schema ``of``."""
    [kind] = [part["type"] for part in schema(of)["fields"] if part["name"] == name]
    return kind  # type: ignore[no-any-return]


@cache
def file_schema(name: str) -> str:
    """Return the JSON of a schema of the package, as it is written to files."""
    return to_text(without_defaults(json.loads(schema_text(name))))


def without_defaults(part: Any) -> Any:
    """Remove the defaults of fields from a schema or a part of one; the default of an enum is kept.

    Defaults are for readers, and some programs refuse a file whose schema has a default that they do not expect.
    """
    if isinstance(part, list):
        return [without_defaults(branch) for branch in part]
    if not isinstance(part, dict):
        return part
    part = {key: without_defaults(value) if key in ("type", "items", "values") else value for key, value in part.items()}
    if "fields" in part:
        fields = map(without_defaults, part["fields"])
        part["fields"] = [{key: value for key, value in each.items() if key != "default"} for each in fields]
    return part


def load(source: str, *, recursive: bool = False) -> Any:
    """Load and parse a schema: a JSON text, the name of a primitive type, a file with JSON, or a schema of the package.

    The package's schemas are named by :data:`PREFIX`, a name and optionally a version: ``bigdata-demos:page/1``.

    A schema that refers to itself is refused unless ``recursive``.

    Raises:
        InputError: if there is no such file, or it does not have a valid schema, or one that is nested too deep.

    """
    where, text = "the schema", source.strip()
    if text in PRIMITIVE:
        return text
    if text.startswith(PREFIX):
        where, text = source, schema_text(*_name_and_version(text.removeprefix(PREFIX)))
    elif not text.startswith(("{", "[", '"')):
        where = source
        try:
            with open(os.fspath(source), encoding="utf-8-sig") as file:
                text = file.read(MAX_SCHEMA + 1)
        except (OSError, ValueError) as error:
            raise InputError(f"{where}: no schema can be read: {one_line(error)}") from None
        if len(text) > MAX_SCHEMA:
            raise InputError(f"{where}: more than {MAX_SCHEMA} characters are no schema")
    if nesting(text) > MAX_NESTING:
        raise InputError(f"{where}: nested more than {MAX_NESTING} levels deep")
    try:
        parsed = parse(text)
        if not recursive:
            measure(parsed, recursive=False)
        pin(parsed)
    except Exception as error:  # fastavro may raise anything for invalid schemas
        raise InputError(f"{where}: unusable schema: {one_line(error)}") from None
    return parsed


def _name_and_version(text: str) -> tuple[str, int | None]:
    """Parse ``NAME`` or ``NAME/VERSION``."""
    name, slash, version = text.partition("/")
    if name not in PUBLIC or (slash and version not in map(str, range(1, VERSION + 1))):
        raise InputError(
            f"{PREFIX}{text}: no schema is called that: there are {', '.join(PREFIX + each for each in PUBLIC)}, "
            f"and of versions 1 to {VERSION}: {PREFIX}{PUBLIC[0]}/1"
        )
    return name, int(version) if slash else None


def parse(text: str) -> Any:
    """Parse the JSON text of a schema by fastavro.

    fastavro's own mark of a parsed schema is removed from the text, because fastavro would trust it.

    Raises:
        Exception: any error of fastavro for an invalid schema.

    """
    found = json.loads(text)
    if isinstance(found, dict):
        found = {key: value for key, value in found.items() if not key.startswith("__")}
    parsed: Any = fastavro.parse_schema(found, {}, _force=True)
    check_shape(parsed)
    return parsed


def to_text(schema: Any) -> str:
    """Return a parsed schema as JSON, without fastavro's additions, with ordered attributes (fastavro's order varies)."""
    return json.dumps(ordered(schema))


def ordered(schema: Any) -> Any:
    """Order the attributes of a parsed schema or a part of one."""
    if isinstance(schema, list):
        return [ordered(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    keys = [*ATTRIBUTES, *sorted(key for key in schema if key not in ATTRIBUTES and not key.startswith("__"))]
    parts = {key: schema[key] for key in keys if key in schema}
    for inner in ("type", "items", "values"):
        if inner in parts:
            parts[inner] = ordered(parts[inner])
    if "fields" in parts:
        parts["fields"] = [ordered(field) for field in parts["fields"]]
    return parts


def pin(parsed: Any) -> None:
    """Set an empty namespace for types without one, if others have one, because fastavro parses some schemas twice.

    Otherwise a name without a dot inside a record with a namespace would get that namespace the second time.
    """
    named = named_types(parsed)
    if any("." in name for name in named):
        for name, part in named.items():
            if "." not in name:
                part["namespace"] = ""


def one_line(error: Exception) -> str:
    """Return the message of an error on one line of limited length."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 300 else text[:299] + "…"


def canonical(schema: Any) -> str:
    """Return the Parsing Canonical Form, as fastavro computes it."""
    return to_parsing_canonical_form(schema)


def fingerprint(schema: Any, algorithm: str = "CRC-64-AVRO") -> bytes:
    """Return the fingerprint of the canonical form: 8, 16 or 32 bytes.

    That of CRC-64-AVRO is in the byte order of single-object encoding, little-endian: the integer of the specification's
    pseudocode is ``int.from_bytes(fingerprint, "little")``.

    Raises:
        UsageError: if there is no such algorithm.

    """
    if algorithm not in ALGORITHMS:
        raise UsageError(f"no fingerprint {algorithm!r}: there are {', '.join(ALGORITHMS)}")
    return bytes.fromhex(fastavro_fingerprint(canonical(schema), algorithm))
