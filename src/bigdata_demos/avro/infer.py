"""Inference of a common schema from JSON records."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from ..errors import InputError
from .limits import MAX_FIELDS, MAX_NESTING
from .schemas import load
from .values import RANGES

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Shape:
    """What was observed at one path of the records."""

    __slots__ = ("count", "fields", "items", "kinds", "objects")

    def __init__(self) -> None:
        self.count = 0
        self.kinds: set[str] = set()
        self.items: Shape | None = None
        self.objects = 0
        self.fields: dict[str, Shape] = {}


class _Observer:
    """Collects the shapes of JSON records, but not the records."""

    def __init__(self) -> None:
        self.top, self.fields = Shape(), 0

    def see(self, value: Any, shape: Shape, path: str, depth: int = 0) -> None:
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
            raise InputError(f"{path}: {type(value).__name__} is not a JSON type")

    def add(self, key: Any, shape: Shape, path: str) -> None:
        if not isinstance(key, str) or not NAME.fullmatch(key):
            raise InputError(
                f"{path or 'top'}: the key {key!r:.80} cannot be the name of a field: letters, digits and _, no digit first"
            )
        self.fields += 1
        if self.fields > MAX_FIELDS:
            raise InputError(f"{path or 'top'}: more than {MAX_FIELDS} different fields: if the keys are data, use a map")
        shape.fields[key] = Shape()


def infer(records: Iterable[Any], name: str = "Record") -> Any:
    """Infer the parsed schema of a stream of JSON records, of which only the shapes are held in memory.

    Whole numbers are long, or double beside other numbers; several types become a union. A value that may be null or missing
    is a union with null, and null by default. Nested records are named after their path: ``Record_owner``. Items of arrays
    that are always empty are strings, values that are always null are null or string, and objects that are always empty are
    maps of strings.

    Raises InputError if there are no records, or one is not an object, has a key that is not a valid field name or a number out
    of the range of long, or if there are more than :data:`MAX_FIELDS` fields; with the record and path.
    """
    observer, number = _Observer(), 0
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
    """Return the types observed in a shape, null first."""
    number = "double" if "double" in shape.kinds else "long"
    union: list[Any] = [kind for kind in ("null", "boolean", number, "string") if kind in shape.kinds]
    if "record" in shape.kinds:
        union.append(_record_type(shape, name, used) if shape.fields else {"type": "map", "values": "string"})
    if shape.items is not None:
        union.append({"type": "array", "items": one_of(types(shape.items, f"{name}_item", used))})
    return union if union not in ([], ["null"]) else [*union, "string"]  # null alone is refused


def one_of(union: list[Any]) -> Any:
    """Return a single type, or the union of several."""
    return union[0] if len(union) == 1 else union


def _record_type(shape: Shape, name: str, used: set[str]) -> Any:
    unique, number = name, 1
    while unique in used:
        number += 1
        unique = f"{name}_{number}"
    used.add(unique)
    fields = []
    for key, inner in shape.fields.items():
        union = types(inner, f"{unique}_{key}", used)
        if inner.count < shape.objects and "null" not in union:
            union.insert(0, "null")
        fields.append({"name": key, "type": one_of(union), **({"default": None} if "null" in union else {})})
    return {"type": "record", "name": unique, "fields": fields}
