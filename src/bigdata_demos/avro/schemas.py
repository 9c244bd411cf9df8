"""Avro schemas: loaded with guards, in canonical form, fingerprinted, inferred from JSON, and compared.

The rules are those of the specification's "Parsing Canonical Form", "Schema Fingerprints" and "Schema Resolution".
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from fastavro.schema import fingerprint as fastavro_fingerprint
from fastavro.schema import to_parsing_canonical_form

from ..errors import InputError, UsageError
from ..formats.avro import MAX_NESTING, PRIMITIVE, measure, nesting, parse
from .values import LOGICAL, RANGES, label, logical, resolve

ALGORITHMS: Final = ("CRC-64-AVRO", "MD5", "SHA-256")
MAX_TEXT: Final = 16 << 20
"""Bytes of the longest schema that is read."""
MAX_FIELDS: Final = 10_000
"""Fields that :func:`infer` keeps: objects whose keys are data, such as URLs, are no records."""
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PROMOTIONS: Final = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
"""What each type may be read as, besides itself (specification, "Schema Resolution")."""


def load(source: str, *, recursive: bool = False) -> Any:
    """The parsed schema of a JSON text, a primitive type's name, or a file with a JSON text.

    A schema that refers to itself is refused unless ``recursive``: data of it make fastavro recurse, as deep as they
    like, until the process ends. Such schemas are for comparing and fingerprinting, not for reading what others wrote.

    Raises:
        InputError: if there is no such file, or what it has is no schema, or nested too deep.

    """
    where, text = "the schema", source.strip()
    if text in PRIMITIVE:
        return text
    if not text.startswith(("{", "[", '"')):
        where = source
        try:
            with open(os.fspath(source), encoding="utf-8-sig") as file:
                text = file.read(MAX_TEXT + 1)
        except (OSError, ValueError) as error:
            raise InputError(f"{where}: no schema can be read: {one_line(error)}") from None
        if len(text) > MAX_TEXT:
            raise InputError(f"{where}: more than {MAX_TEXT} characters are no schema")
    if nesting(text) > MAX_NESTING:
        raise InputError(f"{where}: nested more than {MAX_NESTING} levels deep")
    try:
        named: dict[str, Any] = {}
        parsed = parse(text, named)
        if not recursive:
            measure(parsed, named, {})
        pin(parsed)
    except Exception as error:  # what is no schema makes fastavro raise anything
        raise InputError(f"{where}: unusable schema: {one_line(error)}") from None
    return parsed


def pin(parsed: Any) -> None:
    """Say of types without a namespace that they have none, if others have one: fastavro parses some schemas twice.

    A name without a dot inside a record that has a namespace would get that the second time.
    """
    named = named_types(parsed)
    if any("." in name for name in named):
        for name, part in named.items():
            if "." not in name:
                part["namespace"] = ""


def one_line(error: Exception) -> str:
    """What an error says, on one line of a bearable length."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 300 else text[:299] + "…"


def named_types(schema: Any) -> dict[str, Any]:
    """The named types that a parsed schema defines, by their full names."""
    named: dict[str, Any] = {}
    left = [schema]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict):
            if part["type"] in ("record", "error", "enum", "fixed"):
                named[part["name"]] = part
            left += [field["type"] for field in part.get("fields", ())]
            left += [part[inner] for inner in ("items", "values") if inner in part]
    return named


def canonical(schema: Any) -> str:
    """The Parsing Canonical Form: what decides how data are parsed, and nothing else. Made by fastavro."""
    return to_parsing_canonical_form(schema)


def fingerprint(schema: Any, algorithm: str = "CRC-64-AVRO") -> bytes:
    """The fingerprint of the canonical form: 8, 16 or 32 bytes.

    That of CRC-64-AVRO is in the byte order of single-object encoding, little-endian: the integer of the specification's
    pseudocode is ``int.from_bytes(fingerprint, "little")``.

    Raises:
        UsageError: if there is no such algorithm.

    """
    if algorithm not in ALGORITHMS:
        raise UsageError(f"no fingerprint {algorithm!r}: there are {', '.join(ALGORITHMS)}")
    return bytes.fromhex(fastavro_fingerprint(canonical(schema), algorithm))


# Schemas of JSON records


class Shape:
    """What has been seen at one place of the records."""

    __slots__ = ("count", "fields", "items", "kinds", "objects")

    def __init__(self) -> None:
        self.count = 0
        self.kinds: set[str] = set()
        self.items: Shape | None = None
        self.objects = 0
        self.fields: dict[str, Shape] = {}


class Observer:
    """Takes in JSON records one by one; it keeps what is in the schema, not the records."""

    def __init__(self) -> None:
        self.top, self.fields = Shape(), 0

    def see(self, value: Any, shape: Shape, path: str, depth: int = 0) -> None:
        """Take in a value.

        Raises:
            InputError: if no schema is for it; with the path.

        """
        if depth > MAX_NESTING:
            raise InputError(f"{path}: nested more than {MAX_NESTING} levels deep")
        shape.count += 1
        if value is None:
            shape.kinds.add("null")
        elif isinstance(value, (bool, float, str)):
            shape.kinds.add("boolean" if isinstance(value, bool) else "double" if isinstance(value, float) else "string")
        elif isinstance(value, int):
            if not -RANGES["long"] <= value < RANGES["long"]:
                raise InputError(f"{path}: a number of {value.bit_length()} bits; Avro's long has 64, with its sign")
            shape.kinds.add("long")
        elif isinstance(value, list):
            shape.kinds.add("array")
            shape.items = shape.items or Shape()
            for item in value:
                self.see(item, shape.items, f"{path}[]", depth + 1)
        elif isinstance(value, dict):
            shape.kinds.add("record")
            shape.objects += 1
            for key, inner in value.items():
                if key not in shape.fields:
                    self.add(key, shape, path)
                self.see(inner, shape.fields[key], f"{path}.{key}" if path else key, depth + 1)
        else:
            raise InputError(f"{path}: {type(value).__name__} is no type of JSON")

    def add(self, key: Any, shape: Shape, path: str) -> None:
        """Add a field."""
        if not isinstance(key, str) or not NAME.fullmatch(key):
            raise InputError(
                f"{path or 'top'}: the key {key!r:.80} cannot be the name of a field: letters, digits and _, no digit first"
            )
        self.fields += 1
        if self.fields > MAX_FIELDS:
            raise InputError(f"{path or 'top'}: more than {MAX_FIELDS} different fields: are the keys data? Then it is a map")
        shape.fields[key] = Shape()


def infer(records: Iterable[Any], name: str = "Record") -> Any:
    """The parsed schema that JSON records have in common; a stream of any length, of which only the fields are kept.

    Whole numbers are long, or double where others are too; several types are a union. What may be null or missing is a
    union with null, and null by default. Nested records are called after the way to them: ``Record_owner``. Of what is
    always an empty array the items are taken for strings, what is always null for a string or null, and objects that
    never have a key for maps of strings.

    Raises:
        InputError: if there are no records, or one is no object, has a key that cannot be the name of a field or a number
            that is out of the range of long, or if there are more than :data:`MAX_FIELDS` fields; with the record and path.

    """
    observer, number = Observer(), 0
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise InputError(f"record {number}: {type(record).__name__} where an object is expected")
        try:
            observer.see(record, observer.top, "")
        except InputError as error:
            raise InputError(f"record {number}: {error}") from None
    if not observer.top.fields:
        raise InputError("there are no records, or none with a field: no schema can be inferred")
    return load(json.dumps(next(iter(types(observer.top, name, set())))))


def types(shape: Shape, name: str, used: set[str]) -> list[Any]:
    """The types of what was seen at a place, null first."""
    found: list[Any] = ["null"] if "null" in shape.kinds else []
    found += ["boolean"] if "boolean" in shape.kinds else []
    found += ["double"] if "double" in shape.kinds else ["long"] if "long" in shape.kinds else []
    found += ["string"] if "string" in shape.kinds else []
    if "record" in shape.kinds:
        found.append(record_type(shape, name, used) if shape.fields else {"type": "map", "values": "string"})
    if shape.items is not None:
        found.append({"type": "array", "items": one_of(types(shape.items, f"{name}_item", used))})
    return found if found not in ([], ["null"]) else [*found, "string"]  # null alone takes no bytes: see formats.avro.measure


def one_of(found: list[Any]) -> Any:
    """A type, or the union of several."""
    return found[0] if len(found) == 1 else found


def record_type(shape: Shape, name: str, used: set[str]) -> Any:
    """The record of the objects that were seen at a place."""
    unique, number = name, 1
    while unique in used:
        number += 1
        unique = f"{name}_{number}"
    used.add(unique)
    fields = []
    for key, inner in shape.fields.items():
        found = types(inner, f"{unique}_{key}", used)
        if inner.count < shape.objects and "null" not in found:
            found.insert(0, "null")
        fields.append({"name": key, "type": one_of(found), **({"default": None} if "null" in found else {})})
    return {"type": "record", "name": unique, "fields": fields}


# Schema resolution


def compatibility(writer: Any, reader: Any) -> list[str]:
    """Why data written with one parsed schema cannot be read with another, each reason with its path; empty if they can.

    By the specification's "Schema Resolution", for any data: that of a union may be of each of its branches. Of a reader's
    union the first branch that matches is taken. Unqualified names are enough for named types to match; aliases are
    the reader's; one without a namespace is in its type's. Bytes may be read as a string, though not all are UTF-8.
    A schema can always be read with itself: nothing is to be resolved then.

    Others are laxer. fastavro takes an alias for unqualified if it looks so, ignores the precision of decimals, and finds
    out what cannot be read only when such data come. Java takes the branch of the same full name before the first.
    """
    return [] if writer == reader else list(Comparison(writer, reader).reasons(writer, reader, ""))


class Comparison:
    """A writer's schema beside a reader's. Each pair of records is compared once, so recursive ones come to an end."""

    def __init__(self, writer: Any, reader: Any) -> None:
        self.writers, self.readers = named_types(writer), named_types(reader)
        self.compared: set[tuple[str, str]] = set()

    def reasons(self, writer: Any, reader: Any, path: str) -> Iterator[str]:
        """What keeps data of one part of the schemas from being read with another."""
        if isinstance(writer, list):
            for branch in writer:
                yield from self.reasons(branch, reader, f"{path}{{{label(branch)}}}")
            return
        if isinstance(reader, list):
            for branch in reader:
                if self.mismatch(writer, branch) is None:
                    yield from self.reasons(writer, branch, path)
                    return
            branches = ", ".join(map(label, reader)) or "nothing"
            yield f"{path or 'top'}: the writer's {label(writer)} is none of the reader's union of {branches}"
            return
        writer, written = resolve(writer, self.writers)
        reader, read = resolve(reader, self.readers)
        if written == read == "array":
            yield from self.reasons(writer["items"], reader["items"], f"{path}[]")
        elif written == read == "map":
            yield from self.reasons(writer["values"], reader["values"], f"{path}[]")
        elif why := self.mismatch(writer, reader):
            yield f"{path or 'top'}: {why}"
        elif written == "enum":
            yield from symbols(writer, reader, path)
        elif written in ("record", "error") and (pair := (writer["name"], reader["name"])) not in self.compared:
            self.compared.add(pair)
            yield from self.fields(writer, reader, path)

    def fields(self, writer: Any, reader: Any, path: str) -> Iterator[str]:
        """What keeps a record from being read as another: fields that are missing, or that cannot be read."""
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            inner = f"{path}.{field['name']}".removeprefix(".")
            names = [name for name in (field["name"], *field.get("aliases", ())) if name in written]
            if names:
                yield from self.reasons(written[names[0]]["type"], field["type"], inner)
            elif "default" not in field:
                yield f"{inner}: the writer's record {writer['name']} has no such field, and the reader's has no default"

    def mismatch(self, writer: Any, reader: Any) -> str | None:
        """Why two schemas do not match; matching is seen from outside, fields and symbols do not come into it."""
        if isinstance(writer, list) or isinstance(reader, list):
            return None
        writer, written = resolve(writer, self.writers)
        reader, read = resolve(reader, self.readers)
        if written == read == "array":
            return self.mismatch(writer["items"], reader["items"])
        if written == read == "map":
            return self.mismatch(writer["values"], reader["values"])
        kinds = "record" if written == "error" else written, "record" if read == "error" else read
        if kinds[0] != kinds[1]:
            if read in PROMOTIONS.get(written, ()):
                return None
            return f"the writer's {written} cannot be read as {read}"
        if kinds[0] in ("record", "enum", "fixed") and not same_name(writer["name"], reader):
            return f"the writer's {written} is named {writer['name']}, the reader's {reader['name']}"
        if written == "fixed" and writer["size"] != reader["size"]:
            return f"the writer's fixed has {writer['size']} bytes, the reader's {reader['size']}"
        if written in LOGICAL["decimal"] and logical(writer, written) == logical(reader, read) == "decimal":
            scales = [(schema["precision"], schema.get("scale", 0)) for schema in (writer, reader)]
            if scales[0] != scales[1]:
                return f"the writer's decimal has (precision, scale) {scales[0]}, the reader's {scales[1]}"
        return None


def same_name(name: str, reader: Any) -> bool:
    """Whether the writer's full name is that of the reader's type but for the namespace, or one of its aliases."""
    namespace, dot, own = reader["name"].rpartition(".")
    aliases = [alias if "." in alias else namespace + dot + alias for alias in reader.get("aliases", ())]
    return name.rpartition(".")[2] == own or name in aliases


def symbols(writer: Any, reader: Any, path: str) -> Iterator[str]:
    """The writer's symbols that the reader does not know, if it has no default to read them as."""
    unknown = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
    if unknown and reader.get("default") not in reader["symbols"]:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        yield f"{path or 'top'}: the reader's enum {reader['name']} has no {', '.join(unknown[:5])}{more}, and no default"
