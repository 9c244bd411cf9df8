"""Schema resolution: checks whether data of one schema can be read with another, and converts the data.

The rules are those of the Avro specification, "Schema Resolution". fastavro's own resolution takes the first union branch that a
value can be promoted to, leaves defaults of bytes and fixed as text, and does not apply defaults inside defaults. So data are
decoded with the writer's schema and resolved here.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from ..errors import BadAvro
from .kinds import LOGICAL, PROMOTIONS, Named, label, logical, named_types, resolve, same_name
from .values import Mismatch, choice, default, taken, under


def compatibility(writer: Any, reader: Any, *, by_record: bool = False) -> list[str]:
    """Return the reasons why data of one parsed schema cannot be read with another, each with its path.

    Every branch of a writer's union must be readable; with ``by_record`` one is enough, for callers that skip unreadable records.
    In a reader's union the first matching branch is used. Named types match by unqualified name or by an alias of the reader;
    an alias without a namespace is in its type's namespace. Bytes match string, although not all bytes are valid UTF-8. A schema
    is always compatible with itself.

    Other implementations differ. fastavro treats every alias without a dot as unqualified, ignores the precision of decimals, and
    reports mismatches only when it reads such data. Java prefers the branch with the same full name to the first.
    """
    return [] if writer == reader else list(_Comparison(writer, reader, by_record=by_record).reasons(writer, reader, ""))


class _Comparison:
    """Compares a writer's schema with a reader's. Each pair of records is compared once, so recursive types terminate."""

    def __init__(self, writer: Any, reader: Any, *, by_record: bool = False) -> None:
        self.writers, self.readers, self.by_record = named_types(writer), named_types(reader), by_record
        self.compared: set[tuple[str, str]] = set()

    def reasons(self, writer: Any, reader: Any, path: str) -> Iterator[str]:
        if isinstance(writer, list):
            reasons = [list(self.reasons(branch, reader, f"{path}{{{label(branch)}}}")) for branch in writer]
            if not (self.by_record and [] in reasons):
                yield from chain.from_iterable(reasons)
            return
        if isinstance(reader, list):
            for branch in reader:
                if _mismatch(writer, branch, self.writers, self.readers) is None:
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
        elif why := _mismatch(writer, reader, self.writers, self.readers):
            yield f"{path or 'top'}: {why}"
        elif written == "enum":
            yield from symbols(writer, reader, path)
        elif written in ("record", "error") and (pair := (writer["name"], reader["name"])) not in self.compared:
            self.compared.add(pair)
            yield from self.fields(writer, reader, path)

    def fields(self, writer: Any, reader: Any, path: str) -> Iterator[str]:
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            inner = f"{path}.{field['name']}".removeprefix(".")
            names = [name for name in (field["name"], *field.get("aliases", ())) if name in written]
            if names:
                yield from self.reasons(written[names[0]]["type"], field["type"], inner)
            elif "default" not in field:
                yield f"{inner}: the writer's record {writer['name']} has no such field, and the reader's has no default"


def symbols(writer: Any, reader: Any, path: str) -> Iterator[str]:
    """Yield a reason if the writer's enum has symbols that the reader's lacks, and the reader's has no default."""
    unknown = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
    if unknown and reader.get("default") not in reader["symbols"]:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        yield f"{path or 'top'}: the reader's enum {reader['name']} has no {', '.join(unknown[:5])}{more}, and no default"


def _mismatch(writer: Any, reader: Any, writers: Named, readers: Named) -> str | None:
    """Return why two schemas do not match, or None. The fields of records and the symbols of enums are not compared."""
    if isinstance(writer, list) or isinstance(reader, list):
        return None
    writer, written = resolve(writer, writers)
    reader, read = resolve(reader, readers)
    if written == read and written in ("array", "map"):
        inner = "items" if written == "array" else "values"
        return _mismatch(writer[inner], reader[inner], writers, readers)
    kinds = "record" if written == "error" else written, "record" if read == "error" else read
    if kinds[0] != kinds[1]:
        return None if read in PROMOTIONS.get(written, ()) else f"the writer's {written} cannot be read as {read}"
    if kinds[0] in ("record", "enum", "fixed") and not same_name(writer["name"], reader):
        return f"the writer's {written} is named {writer['name']}, the reader's {reader['name']}"
    if written == "fixed" and writer["size"] != reader["size"]:
        return f"the writer's fixed has {writer['size']} bytes, the reader's {reader['size']}"
    if written in LOGICAL["decimal"] and logical(writer, written) == logical(reader, read) == "decimal":
        scales = [(schema["precision"], schema.get("scale", 0)) for schema in (writer, reader)]
        if scales[0] != scales[1]:
            return f"the writer's decimal has (precision, scale) {scales[0]}, the reader's {scales[1]}"
    return None


# Data


def resolver(writer: Any, reader: Any) -> Callable[[Any], Any]:
    """Return a function that converts data, decoded with the writer's parsed schema, to the reader's schema.

    Raises BadAvro from the returned function, with a path, if a datum cannot be converted.
    """
    written, wanted = named_types(writer), named_types(reader)

    def resolved(datum: Any) -> Any:
        try:
            return convert(datum, writer, reader, written, wanted)
        except Mismatch as error:
            raise BadAvro(str(error)) from None

    return resolved


def convert(value: Any, old: Any, new: Any, written: Named, wanted: Named) -> Any:
    """Convert a value as :func:`resolver` does, but raise Mismatch."""
    if isinstance(old, list):
        old, value = taken(value, old, written)
    old, kind = resolve(old, written)
    if isinstance(new, list):
        branch = chosen(old, new, written, wanted)
        return choice(branch, new, convert(value, old, branch, written, wanted))
    new, target = resolve(new, wanted)
    if _mismatch(old, new, written, wanted):
        raise Mismatch(f"{label(old)} where {label(new)} is wanted")
    if kind in ("record", "error"):
        return _convert_record(value, old, new, written, wanted)
    if kind == "array":
        return [under(i, convert, item, old["items"], new["items"], written, wanted) for i, item in enumerate(value)]
    if kind == "map":
        return {key: under((key,), convert, item, old["values"], new["values"], written, wanted) for key, item in value.items()}
    if kind == "enum" and value not in new["symbols"]:
        if "default" not in new:
            raise Mismatch(f"no symbol {value!r} in {label(new)}, and no default")
        return new["default"]
    return _promote(value, kind, target)


def _convert_record(value: Any, old: Any, new: Any, written: Named, wanted: Named) -> dict[str, Any]:
    """Take the reader's fields by name or alias, or their defaults, and drop the other fields."""
    fields = {field["name"]: field for field in old["fields"]}
    record = {}
    for field in new["fields"]:
        name = field["name"]
        source = next((alias for alias in (name, *field.get("aliases", ())) if alias in fields), None)
        if source is not None:
            record[name] = under(name, convert, value[source], fields[source]["type"], field["type"], written, wanted)
        elif "default" in field:
            record[name] = under(f"{name} (default)", default, field["default"], field["type"], wanted)
        else:
            raise Mismatch(f"no field {name!r}, and no default")
    return record


def _promote(value: Any, kind: str, target: str) -> Any:
    if kind == target:
        return value
    if target in ("float", "double"):
        return float(value)
    if target == "string":
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Mismatch("bytes that are no UTF-8, where a string is wanted") from None
    return value.encode() if target == "bytes" else value


def chosen(old: Any, union: list[Any], written: Named, wanted: Named) -> Any:
    """Return the first branch of the reader's union that matches the writer's type. Raises Mismatch if no branch matches."""
    for branch in union:
        if _mismatch(old, branch, written, wanted) is None:
            return branch
    raise Mismatch(f"{label(old)} where one of {', '.join(map(label, union))} is wanted")
