"""Limits on what an untrusted file or schema may use, and the checks that need more than a comparison.

Without them, a few bytes can crash the process or fill its memory: a schema that is nested thousands of levels deep or is
recursive (fastavro recurses in C), an array of millions of items that take no bytes, a block that decompresses to terabytes,
or a decimal of a million digits. The job, the command and RPC all apply these limits.
"""

from typing import Any, Final, NamedTuple

from .kinds import BUILT_IN, Named, named_types, resolve

MAX_NESTING: Final = 64
"""Levels of a schema, both in its JSON and with its named types expanded."""
_MAX_TYPES: Final = 100_000  # in a schema with its named types expanded, which can be exponentially many
MAX_SCHEMA: Final = 16 << 20  # characters
MAX_FIELDS: Final = 10_000
"""Fields of an inferred schema. Objects with more keys, such as URLs, should be maps."""
MAX_DEFAULT: Final = 10_000  # values of a field's default, including nested defaults
MAX_HEADER: Final = 16 << 20  # bytes
MAX_BLOCK: int = 256 << 20
"""Bytes of a block, before and after decompression. Writers usually make blocks of 16 KB to a few MB."""
MAX_PARTS: Final = 100  # compressed streams in a block; each copies what follows it
MAX_VALUES: int = 8 << 20
"""Values in the arrays and maps of a record. A one-byte value takes about 200 bytes of memory."""
MAX_DEPTH: Final = 200
"""Levels of records, arrays, maps and unions in a datum; Python's recursion limit allows this many."""
MAX_DECIMAL: Final = 1_700  # bytes of a decimal that is converted to text, which takes quadratic time
MAX_DIGITS: Final = 4_090
"""Digits of a decimal: fewer than fit into :data:`MAX_DECIMAL` bytes, and fewer than Python's ``int`` accepts."""
MAX_JSON: Final = 256 << 20  # characters of a JSON value
MAX_SEARCH: Final = 4 << 20
"""Bytes from the start of a file with a damaged header in which ``repair`` searches for the first good block."""
_SIZES: Final = {"null": 0, "boolean": 1, "float": 4, "double": 8}  # bytes of the types with a fixed size


def nesting(text: str) -> int:
    """Return the nesting depth of a JSON text's brackets. Brackets in strings count too, which errs on the safe side."""
    depth = deepest = 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def check_block_size(size: int) -> None:
    """Refuse a decompressed block that is too large. Raises ValueError if it has more than :data:`MAX_BLOCK` bytes."""
    if size > MAX_BLOCK:
        raise ValueError(f"a block of more than {MAX_BLOCK} bytes, decompressed")


class BoundedFile:
    """A file of which at most :data:`MAX_HEADER` bytes can be read, whatever lengths it declares."""

    def __init__(self, file: Any) -> None:
        self.file, self.left = file, MAX_HEADER

    def read(self, size: int) -> bytes:
        """Read up to ``size`` bytes. Raises ValueError if ``size`` is negative or exceeds what may still be read."""
        if not 0 <= size <= self.left:
            raise ValueError(f"a length of {size} bytes")
        self.left -= size
        data: bytes = self.file.read(size)
        return data


def check_shape(parsed: Any) -> None:
    """Refuse schemas that fastavro accepts, but that other code cannot handle.

    Raises ValueError for a union in a union, a name, alias or symbol that is not text, or a size that is not a whole number; if a
    required attribute is missing.
    """
    left = [parsed]
    while left:
        part = left.pop()
        if isinstance(part, list):
            if any(isinstance(branch, list) for branch in part):
                raise ValueError("a union in a union")
            left += part
        elif isinstance(part, dict):
            kind = part["type"]
            texts = [*part.get("aliases", ()), *part.get("symbols", ())]
            if kind in ("record", "error", "enum", "fixed"):
                texts.append(part["name"])
            if kind in ("record", "error"):
                for inner in part["fields"]:
                    texts += (inner["name"], *inner.get("aliases", ()))
                    left.append(inner["type"])
            if not all(isinstance(text, str) for text in texts):
                raise ValueError("a name, an alias or a symbol that is not a string")
            if kind == "fixed" and (not isinstance(part["size"], int) or part["size"] < 0):
                raise ValueError(f"a fixed of {part['size']!r:.40} bytes")
            left += [part[inner] for inner in ("items", "values") if inner in part]


class Extent(NamedTuple):
    """The size of a schema with its named types expanded, and bounds on its data.

    ``levels`` and ``types`` count the schema's. A datum takes at least ``least`` bytes, and none if ``empty``. ``dense`` is the
    maximum number of values per byte in arrays and maps. ``recursive`` says whether a type refers to itself.
    """

    levels: int
    types: int
    empty: bool
    least: int = 1
    dense: float = 0.0
    recursive: bool = False


def measure(parsed: Any, named: Named | None = None, *, recursive: bool = True) -> Extent:
    """Measure a schema that fastavro parsed; ``named`` has its named types, including those it does not define itself.

    A recursive type is refused unless ``recursive``; its reference to itself then counts as one level.

    Raises ValueError if the schema has too many levels or types, or an array whose items take no bytes.
    """
    named = named_types(parsed) if named is None else named
    known: dict[str, Extent] = {}

    def extent_of(part: Any, above: int) -> Extent:
        kind = "union" if isinstance(part, list) else part if isinstance(part, str) else part["type"]
        if kind not in BUILT_IN:
            if kind not in known:
                known[kind] = extent_of(named[kind], above)
            extent = known[kind]
        else:
            if above > MAX_NESTING:
                raise ValueError(f"more than {MAX_NESTING} levels of types, or one that refers to itself")
            extent = built_in(part, kind, above)
        if above + extent.levels > MAX_NESTING + 1 or extent.types > _MAX_TYPES:
            raise ValueError(f"more than {MAX_NESTING} levels of types, or {_MAX_TYPES} types")
        return extent

    def built_in(part: Any, kind: str, above: int) -> Extent:
        parts: list[Any] = []
        if kind in ("record", "error"):
            if recursive:
                known.setdefault(part["name"], Extent(1, 1, empty=False, recursive=True))
            parts = [field["type"] for field in part["fields"]]
        elif kind in ("array", "map"):
            parts = [part["items" if kind == "array" else "values"]]
        elif kind == "union":
            parts = part
        inner = [extent_of(each, above + 1) for each in parts]
        if kind == "array" and inner[0].empty:
            raise ValueError("an array whose items take no bytes, so that any number of them fits anywhere")
        empty, least = kind == "null", _SIZES.get(kind, 1)
        if kind == "fixed":
            empty, least = part["size"] < 1, part["size"]
        elif kind in ("record", "error"):
            empty, least = all(each.empty for each in inner), sum(each.least for each in inner)
        elif kind == "union":
            least = 1 + min((each.least for each in inner), default=0)
        dense = max((each.dense for each in inner), default=0.0)
        if kind in ("array", "map"):
            key = kind == "map"
            dense = max(dense, (inner[0].types + key) / max(inner[0].least + key, 1))
        extent = Extent(
            1 + max((each.levels for each in inner), default=0),
            1 + sum(each.types for each in inner),
            empty, least, dense, any(each.recursive for each in inner),
        )  # fmt: skip
        if recursive and kind in ("record", "error"):
            known[part["name"]] = extent
        return extent

    return extent_of(parsed, 0)


class Walker:
    """Walks over encoded data before fastavro decodes it, to count values and to check nesting without recursion in C."""

    def __init__(self, schema: Any) -> None:
        self.schema, self.named = schema, named_types(schema)
        self.data, self.at, self.values = b"", 0, 0

    def start(self, data: bytes) -> None:
        """Start at the beginning of a block's data."""
        self.data, self.at = data, 0

    def record(self) -> None:
        """Walk over the next record.

        Raises ValueError if it is nested deeper than :data:`MAX_DEPTH`, has more than :data:`MAX_VALUES` values, or has an
        invalid union index; EOFError if the data end too early.
        """
        self.values = 0
        self.walk(self.schema, 0)

    def walk(self, schema: Any, depth: int) -> None:
        """Walk over a value of a schema, as :meth:`record` does."""
        if depth > MAX_DEPTH:
            raise ValueError(f"data that nest more than {MAX_DEPTH} levels deep")
        self.values += 1
        if self.values > MAX_VALUES:
            raise ValueError(f"a record of more than {MAX_VALUES} values")
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
                if count < 0:  # the block's size in bytes follows
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
            self.skip(schema["size"] if kind == "fixed" else _SIZES[kind])

    def skip(self, size: int) -> None:
        """Skip bytes, and raise EOFError if fewer are left."""
        if not 0 <= size <= len(self.data) - self.at:
            raise EOFError(f"a length of {size} bytes, of which {len(self.data) - self.at} are there")
        self.at += size

    def long(self) -> int:
        """Read the next int or long (specification, "Primitive Types")."""
        zigzag = shift = 0
        while True:
            if self.at >= len(self.data) or shift > 63:
                raise EOFError("a number of more than ten bytes")
            byte = self.data[self.at]
            self.at += 1
            zigzag |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (zigzag >> 1) ^ -(zigzag & 1)
            shift += 7
