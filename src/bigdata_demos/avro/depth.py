"""How deep data nest whose schema refers to itself, found without recursion in C: fastavro's ends the process.

And how many values a record has in arrays and maps, where a few bytes may be more than memory holds.
"""

from typing import Any, Final

from . import core
from .schema_rules import Named, resolve

MAX_DEPTH: Final = 200
"""Levels of records, arrays and unions in a datum: Python's own recursion, too, goes that far."""
SIZES: Final = {"null": 0, "boolean": 1, "float": 4, "double": 8}


class Walker:
    """Walks over encoded data, a record at a time, before somebody decodes it."""

    def __init__(self, schema: Any, named: Named) -> None:
        self.schema, self.named = schema, named
        self.data, self.at, self.values = b"", 0, 0

    def start(self, data: bytes) -> None:
        """Go to the beginning of a block's data."""
        self.data, self.at = data, 0

    def record(self) -> None:
        """Walk over the next record.

        Raises:
            ValueError: if it nests deeper than :data:`MAX_DEPTH`, has too many values, or a union has no such branch.
            EOFError: if the data end too early.

        """
        self.values = 0
        self.walk(self.schema, 0)

    def walk(self, schema: Any, depth: int) -> None:
        """:meth:`record` for a part of one."""
        if depth > MAX_DEPTH:
            raise ValueError(f"data that nest more than {MAX_DEPTH} levels deep")
        self.values += 1
        if self.values > core.MAX_VALUES:
            raise ValueError(f"a record of more than {core.MAX_VALUES} values")
        if isinstance(schema, list):
            index = self.long()
            if not 0 <= index < len(schema):
                raise ValueError(f"a union of {len(schema)} branches has none of number {index}")
            self.walk(schema[index], depth + 1)
            return
        schema, kind = resolve(schema, self.named)
        if kind in ("record", "error"):
            for field in schema["fields"]:
                self.walk(field["type"], depth + 1)
        elif kind in ("array", "map"):
            while count := self.long():
                if count < 0:  # then the block's size in bytes comes next
                    count = -count
                    self.long()
                for _ in range(count):
                    if kind == "map":
                        self.skip(self.long())
                    self.walk(schema["items" if kind == "array" else "values"], depth + 1)
        elif kind in ("int", "long", "enum"):
            self.long()
        elif kind in ("bytes", "string"):
            self.skip(self.long())
        else:
            self.skip(schema["size"] if kind == "fixed" else SIZES[kind])

    def skip(self, size: int) -> None:
        """Pass over bytes."""
        if not 0 <= size <= len(self.data) - self.at:
            raise EOFError(f"a length of {size} bytes, of which {len(self.data) - self.at} are there")
        self.at += size

    def long(self) -> int:
        """The next int or long (specification, "Primitive Types")."""
        zigzag = shift = 0
        while True:
            if self.at >= len(self.data) or shift > 63:
                raise EOFError("a number that does not end")
            byte = self.data[self.at]
            self.at += 1
            zigzag |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (zigzag >> 1) ^ -(zigzag & 1)
            shift += 7
