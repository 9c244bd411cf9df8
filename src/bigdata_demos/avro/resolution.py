"""Data of one schema made data of another (Avro specification, "Schema Resolution").

fastavro can do that while it decodes, but leaves the defaults of bytes and fixed as text, and fills in no defaults inside
a default; so what it decoded with the writer's schema is resolved here. Whether two schemas go together at all,
:func:`bigdata_demos.avro.schema_rules.compatibility` tells before any data are read.
"""

from collections.abc import Callable
from typing import Any

from ..errors import BadAvro
from .schema_rules import NAMED, PROMOTIONS, Named, label, named_types, resolve, same_name
from .values import Mismatch, choice, default, taken, under


def resolver(writer: Any, reader: Any) -> Callable[[Any], Any]:
    """What makes a datum, decoded with the writer's parsed schema, one to be encoded with the reader's.

    Raises:
        BadAvro: by what is returned: if the datum has no place in the reader's schema, with a path into it.

    """
    written, wanted = named_types(writer), named_types(reader)

    def resolved(datum: Any) -> Any:
        try:
            return convert(datum, writer, reader, written, wanted)
        except Mismatch as error:
            raise BadAvro(str(error)) from None

    return resolved


def convert(value: Any, old: Any, new: Any, written: Named, wanted: Named) -> Any:
    """:func:`resolver` for a part of a datum; raises Mismatch."""
    if isinstance(old, list):
        old, value = taken(value, old, written)
    old, kind = resolve(old, written)
    if isinstance(new, list):
        branch = chosen(old, kind, new, wanted)
        return choice(branch, new, convert(value, old, branch, written, wanted))
    new, target = resolve(new, wanted)
    if not fits(old, kind, new, target):
        raise Mismatch(f"{label(old)} where {label(new)} is wanted")
    if kind in ("record", "error"):
        return convert_record(value, old, new, written, wanted)
    if kind == "array":
        return [under(i, convert, item, old["items"], new["items"], written, wanted) for i, item in enumerate(value)]
    if kind == "map":
        return {key: under((key,), convert, item, old["values"], new["values"], written, wanted) for key, item in value.items()}
    if kind == "enum" and value not in new["symbols"]:
        if "default" not in new:
            raise Mismatch(f"no symbol {value!r} in {label(new)}, and no default")
        return new["default"]
    return promote(value, kind, target)


def convert_record(value: Any, old: Any, new: Any, written: Named, wanted: Named) -> dict[str, Any]:
    """A record: the reader's fields by name or alias, or their defaults; the writer's others are left out."""
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


def promote(value: Any, kind: str, target: str) -> Any:
    """A value of a type as one of a type that it may be promoted to.

    Raises:
        Mismatch: if bytes are no UTF-8, and text is wanted.

    """
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


def chosen(old: Any, kind: str, union: list[Any], wanted: Named) -> Any:
    """The reader's branch for what was written: the first that matches.

    Raises:
        Mismatch: if there is none.

    """
    for branch in union:
        if fits(old, kind, *resolve(branch, wanted)):
            return branch
    raise Mismatch(f"{label(old)} where one of {', '.join(map(label, union))} is wanted")


def fits(old: Any, kind: str, new: Any, target: str) -> bool:
    """Whether types match as the specification has it, without a look at their parts."""
    if kind != target:
        return target in PROMOTIONS.get(kind, ())
    return kind not in NAMED or (same_name(old["name"], new) and (kind != "fixed" or old["size"] == new["size"]))
