"""Avro schemas: the package's own by name and version, loading of others with checks, and standard forms."""

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

VERSION: Final = 2  # of the package's schemas that is written; all versions are read
PUBLIC: Final = ("page", "keywords", "index", "rejected")
"""Schemas of files that users see; the others are for data between the tasks of a run."""
PREFIX: Final = "bigdata-demos:"  # of the package's own schemas in arguments
ALGORITHMS: Final = ("CRC-64-AVRO", "MD5", "SHA-256")
ATTRIBUTES: Final = ("type", "name", "namespace", "doc", "aliases", "fields")
"""Attributes in the order in which schemas are usually written; others follow, sorted by name."""


@cache
def schema(name: str, version: int | None = None) -> Schema:
    """Return one of the package's own schemas, parsed; only :data:`PUBLIC` ones have versions, 1 to :data:`VERSION`."""
    return fastavro.parse_schema(json.loads(schema_text(name, version)))  # type: ignore[return-value]


def schema_text(name: str, version: int | None = None) -> str:
    """Return the JSON of :func:`schema`, from ``schemas/NAME.avsc`` or, for earlier versions, ``schemas/VERSION/NAME.avsc``."""
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
    """Return the JSON of the schema that is written into files of the package's own records."""
    return to_text(without_defaults(json.loads(schema_text(name))))


def without_defaults(part: Any) -> Any:
    """Return a schema without the defaults of fields; defaults of enums are kept.

    Defaults belong to readers; some readers refuse a file whose schema has an unexpected default.
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
    """Load a schema from JSON text, a primitive type's name, a JSON file, or the name of one of the package's own schemas.

    The name is :data:`PREFIX`, a schema and optionally a version: ``bigdata-demos:page/1``. A recursive schema is refused unless
    ``recursive``.

    Raises InputError if there is no such file, or the schema is invalid or nested too deeply.
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
            raise InputError(f"{where}: cannot read a schema: {one_line(error)}") from None
        if len(text) > MAX_SCHEMA:
            raise InputError(f"{where}: a schema of more than {MAX_SCHEMA} characters")
    if nesting(text) > MAX_NESTING:
        raise InputError(f"{where}: nested more than {MAX_NESTING} levels deep")
    try:
        parsed = parse(text)
        if not recursive:
            measure(parsed, recursive=False)
        pin(parsed)
    except Exception as error:  # fastavro raises many types for invalid schemas
        raise InputError(f"{where}: invalid schema: {one_line(error)}") from None
    return parsed


def _name_and_version(text: str) -> tuple[str, int | None]:
    name, slash, version = text.partition("/")
    if name not in PUBLIC or (slash and version not in map(str, range(1, VERSION + 1))):
        raise InputError(
            f"{PREFIX}{text}: no schema is called that: there are {', '.join(PREFIX + each for each in PUBLIC)}, "
            f"and of versions 1 to {VERSION}: {PREFIX}{PUBLIC[0]}/1"
        )
    return name, int(version) if slash else None


def parse(text: str) -> Any:
    """Parse a schema's JSON with fastavro.

    The marks by which fastavro recognizes parsed schemas are removed first, because it would trust them.

    Raises whatever fastavro raises for an invalid schema.
    """
    decoded = json.loads(text)
    if isinstance(decoded, dict):
        decoded = {key: value for key, value in decoded.items() if not key.startswith("__")}
    parsed: Any = fastavro.parse_schema(decoded, {}, _force=True)
    check_shape(parsed)
    return parsed


def to_text(schema: Any) -> str:
    """Return a parsed schema as JSON, without fastavro's marks and in a fixed order of attributes (fastavro's order varies)."""
    return json.dumps(ordered(schema))


def ordered(schema: Any) -> Any:
    """Return a parsed schema, or a part of one, with its attributes in a fixed order."""
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
    """Give types without a namespace an explicit empty namespace, if other types have one.

    fastavro parses some schemas twice, and the second time a name without a dot would inherit the namespace of its record.
    """
    named = named_types(parsed)
    if any("." in name for name in named):
        for name, part in named.items():
            if "." not in name:
                part["namespace"] = ""


def one_line(error: Exception) -> str:
    """Return an exception's type and message on one line of at most 300 characters."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 300 else text[:299] + "…"


def canonical(schema: Any) -> str:
    """Return the Parsing Canonical Form, which keeps only what affects the parsing of data."""
    return to_parsing_canonical_form(schema)


def fingerprint(schema: Any, algorithm: str = "CRC-64-AVRO") -> bytes:
    """Return the fingerprint of the canonical form: 8, 16 or 32 bytes.

    CRC-64-AVRO is little-endian, as in single-object encoding: the integer of the specification's pseudocode is
    ``int.from_bytes(fingerprint, "little")``.

    Raises UsageError if the algorithm is unknown.
    """
    if algorithm not in ALGORITHMS:
        raise UsageError(f"unknown fingerprint {algorithm!r}: choose from {', '.join(ALGORITHMS)}")
    return bytes.fromhex(fastavro_fingerprint(canonical(schema), algorithm))
