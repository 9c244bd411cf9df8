"""Avro schemas: our own by their names and versions, others loaded with guards; and whether one can be read with another.

The rules are those of the specification's "Schema Resolution".
"""

import json
import os
from collections.abc import Iterator
from typing import Any, Final

from fastavro.schema import to_parsing_canonical_form

from ..errors import InputError
from .core import BUILT_IN, MAX_NESTING, PRIMITIVE, PUBLIC, VERSION, measure, nesting, parse, schema_text

Named = dict[str, Any]

OURS: Final = "bigdata-demos:"
"""What the names of our own schemas start with, where a schema is asked for."""
MAX_TEXT: Final = 16 << 20
"""Bytes of the longest schema that is read."""
NAMED: Final = ("record", "error", "enum", "fixed")
LOGICAL: Final = {
    "date": ("int",),
    "time-millis": ("int",),
    "time-micros": ("long",),
    **{f"{local}timestamp-{unit}": ("long",) for local in ("", "local-") for unit in ("millis", "micros", "nanos")},
    "decimal": ("bytes", "fixed"),
    "uuid": ("string", "fixed"),
    "duration": ("fixed",),
}
"""Logical types and what they may stand on; on anything else the specification has them ignored."""
FIRST: Final = ("type", "name", "namespace", "doc", "aliases", "fields")
"""Attributes in the order in which people write them; others come after them, by their names."""
PROMOTIONS: Final = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
"""What each type may be read as, besides itself (specification, "Schema Resolution")."""


def load(source: str, *, recursive: bool = False) -> Any:
    """The parsed schema of a JSON text, a primitive type's name, a file with a JSON text, or one of our own.

    One of our own is called :data:`OURS`, then its name and maybe its version: ``bigdata-demos:page``, ``bigdata-demos:page/1``.

    A schema that refers to itself is refused unless ``recursive``: data of it make fastavro recurse, as deep as they
    like, until the process ends. Such schemas are for comparing and fingerprinting, not for reading what others wrote.

    Raises:
        InputError: if there is no such file, or what it has is no schema, or nested too deep.

    """
    where, text = "the schema", source.strip()
    if text in PRIMITIVE:
        return text
    if text.startswith(OURS):
        where, text = source, schema_text(*name_and_version(text.removeprefix(OURS)))
    elif not text.startswith(("{", "[", '"')):
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


def name_and_version(text: str) -> tuple[str, int | None]:
    """What ``NAME`` or ``NAME/VERSION`` says.

    Raises:
        InputError: if there is no such schema.

    """
    name, slash, version = text.partition("/")
    if name not in PUBLIC or (slash and version not in map(str, range(1, VERSION + 1))):
        raise InputError(
            f"{OURS}{text}: no schema is called that: there are {', '.join(OURS + each for each in PUBLIC)}, "
            f"and of versions 1 to {VERSION}: {OURS}{PUBLIC[0]}/1"
        )
    return name, int(version) if slash else None


def to_text(schema: Any) -> str:
    """A parsed schema as JSON, without what fastavro put in, its attributes in an order (fastavro's changes from run to run)."""
    return json.dumps(ordered(schema))


def ordered(schema: Any) -> Any:
    """A parsed schema, or a part of one, with its attributes in an order."""
    if isinstance(schema, list):
        return [ordered(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    keys = [*FIRST, *sorted(key for key in schema if key not in FIRST and not key.startswith("__"))]
    parts = {key: schema[key] for key in keys if key in schema}
    for inner in ("type", "items", "values"):
        if inner in parts:
            parts[inner] = ordered(parts[inner])
    if "fields" in parts:
        parts["fields"] = [ordered(field) for field in parts["fields"]]
    return parts


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


def resolve(schema: Any, named: Named) -> tuple[Any, str]:
    """A schema that is no union with its name looked up, and its type."""
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind not in BUILT_IN:
        schema = named[kind]
        kind = schema["type"]
    return schema, kind


def label(branch: Any) -> str:
    """What a branch of a union is tagged with: its full name, or its type."""
    if isinstance(branch, str):
        return branch
    return str(branch["name"] if branch["type"] in NAMED else branch["type"])


def logical(schema: Any, kind: str) -> str | None:
    """The logical type of a schema, if it is a valid one; what is not, the specification has ignored."""
    name = schema.get("logicalType") if isinstance(schema, dict) else None
    if not isinstance(name, str) or kind not in LOGICAL.get(name, ()):
        return None
    if name == "decimal":
        precision, scale = schema.get("precision"), schema.get("scale", 0)
        return name if is_int(precision) and is_int(scale) and 0 <= scale <= precision and precision > 0 else None
    if kind == "fixed" and schema["size"] != {"uuid": 16, "duration": 12}[name]:
        return None
    return name


def is_int(value: Any) -> bool:
    """Whether it is an integer, which a boolean is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def compatibility(writer: Any, reader: Any, *, by_record: bool = False) -> list[str]:
    """Why data written with one parsed schema cannot be read with another, each reason with its path; empty if they can.

    By the specification's "Schema Resolution", for any data: that of a union may be of each of its branches. With
    ``by_record``, one branch that can be read is enough: for who leaves out the records that cannot. Of a reader's
    union the first branch that matches is taken. Unqualified names are enough for named types to match; aliases are
    the reader's; one without a namespace is in its type's. Bytes may be read as a string, though not all are UTF-8.
    A schema can always be read with itself: nothing is to be resolved then.

    Others are laxer. fastavro takes an alias for unqualified if it looks so, ignores the precision of decimals, and finds
    out what cannot be read only when such data come. Java takes the branch of the same full name before the first.
    """
    return [] if writer == reader else list(Comparison(writer, reader, by_record=by_record).reasons(writer, reader, ""))


class Comparison:
    """A writer's schema beside a reader's. Each pair of records is compared once, so recursive ones come to an end."""

    def __init__(self, writer: Any, reader: Any, *, by_record: bool = False) -> None:
        self.writers, self.readers, self.by_record = named_types(writer), named_types(reader), by_record
        self.compared: set[tuple[str, str]] = set()

    def reasons(self, writer: Any, reader: Any, path: str) -> Iterator[str]:
        """What keeps data of one part of the schemas from being read with another."""
        if isinstance(writer, list):
            found = [list(self.reasons(branch, reader, f"{path}{{{label(branch)}}}")) for branch in writer]
            if not (self.by_record and [] in found):
                yield from (reason for reasons in found for reason in reasons)
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


def adapted(writer: Any, reader: Any) -> Any:
    """The reader's parsed schema of a record as fastavro needs it to read records of the writer's.

    Of a field's names one is left: its own, or the first alias that the writer has; two would both be read into it.
    Defaults of bytes are bytes: fastavro hands them out as they are in the schema. Both for the fields of the record itself,
    as pages have no others.
    """
    written = {field["name"] for field in writer["fields"]} if isinstance(writer, dict) else None
    named = named_types(reader)

    def one(field: dict[str, Any]) -> dict[str, Any]:
        made = dict(field)
        if written is not None:  # no union, whose branches may each have another name
            found = [name for name in (field["name"], *field.get("aliases", ())) if name in written]
            made["aliases"] = [name for name in found[:1] if name != field["name"]]
        kind = field["type"][0] if isinstance(field["type"], list) else field["type"]
        if isinstance(field.get("default"), str) and resolve(kind, named)[1] in ("bytes", "fixed"):
            made["default"] = field["default"].encode("latin-1")
        return made

    return {**reader, "fields": list(map(one, reader["fields"]))}


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
