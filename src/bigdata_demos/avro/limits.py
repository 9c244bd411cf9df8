"""What a file or a schema of somebody else's may ask for: the bounds, and the checks that need more than a comparison.

Without them a few bytes can end the process or fill its memory: a schema that nests some thousand levels deep or that
refers to itself (fastavro recurses in C), an array of millions of items that take no bytes, a block that decompresses to
terabytes, a decimal of a million digits. The bounds hold for whoever reads Avro here: the job, the command and RPC.
"""

from typing import Any, Final, NamedTuple

from .kinds import BUILT_IN, Named, named_types, resolve

MAX_NESTING: Final = 64
"""Levels of a schema, both of its JSON and with its named types put in."""
_MAX_TYPES: Final = 100_000
"""Types in a schema with its named types put in: of n records with two fields of the one before, the last has 2**n."""
MAX_SCHEMA: Final = 16 << 20
"""Characters of the longest schema that is read."""
MAX_FIELDS: Final = 10_000
"""Fields of a schema that is inferred: objects whose keys are data, such as URLs, are no records."""
MAX_DEFAULT: Final = 10_000
"""Values of a default, with the defaults in it."""
MAX_HEADER: Final = 16 << 20
"""Bytes of the largest header that is read; it has the schema and whatever else the writer put there."""
MAX_BLOCK: int = 256 << 20
"""Bytes of the largest block that is read, before and after decompression; writers make blocks of some 16 KB to some MB."""
MAX_PARTS: Final = 100
"""Compressed parts of a block, one after another: what is left after each is copied."""
MAX_VALUES: int = 8 << 20
"""Values in the arrays and maps of a record: of one byte each becomes 200 in memory."""
MAX_DEPTH: Final = 200
"""Levels of records, arrays and unions in a datum: Python's own recursion, too, goes that far."""
MAX_DECIMAL: Final = 1_700
"""Bytes of the largest decimal that is written out: the time grows with the square."""
MAX_DIGITS: Final = 4_090
"""Digits of a decimal: some less than in those bytes, and than Python's ``int`` takes."""
MAX_JSON: Final = 256 << 20
"""Characters of the longest JSON value that is read."""
MAX_SEARCH: Final = 4 << 20
"""Bytes from a damaged file's start in which its first good block is looked for, if the header does not lead to it."""
_SIZES: Final = {"null": 0, "boolean": 1, "float": 4, "double": 8}
"""Bytes of encoded values whose size does not depend on the value."""


def nesting(text: str) -> int:
    """How deep the brackets of a JSON text nest at most; those in strings count too, which is on the safe side."""
    depth = deepest = 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def check_block_size(size: int) -> None:
    """Refuse a block of more than :data:`MAX_BLOCK` bytes.

    Raises:
        ValueError: if it has more.

    """
    if size > MAX_BLOCK:
        raise ValueError(f"a block of more than {MAX_BLOCK} bytes, decompressed")


class BoundedFile:
    """A file of which at most :data:`MAX_HEADER` bytes are read, however many a length in it asks for."""

    def __init__(self, file: Any) -> None:
        self.file, self.left = file, MAX_HEADER

    def read(self, size: int) -> bytes:
        """So many bytes, or those that are left in the file.

        Raises:
            ValueError: if that is more than may be read, or less than none.

        """
        if not 0 <= size <= self.left:
            raise ValueError(f"a length of {size} bytes")
        self.left -= size
        data: bytes = self.file.read(size)
        return data


def check_shape(parsed: Any) -> None:
    """Refuse what fastavro lets pass, and code that works with schemas does not expect.

    Raises:
        ValueError: if a union is in a union, a name, an alias or a symbol is no text, or a size is no whole number.
        Exception: if there are no such things at all where they have to be.

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
                raise ValueError("a name, an alias or a symbol that is no text")
            if kind == "fixed" and (not isinstance(part["size"], int) or part["size"] < 0):
                raise ValueError(f"a fixed of {part['size']!r:.40} bytes")
            left += [part[inner] for inner in ("items", "values") if inner in part]


class Extent(NamedTuple):
    """The size of a schema with its named types put in, and of its data.

    ``levels`` and ``types`` count those of the schema. ``empty``: whether a datum takes no bytes; ``least``: how many it
    takes at least; ``dense``: values a byte that an array or map in it may come to at most; ``recursive``: whether a type
    refers to itself, so that data nest as deep as they like.
    """

    levels: int
    types: int
    empty: bool
    least: int = 1
    dense: float = 0.0
    recursive: bool = False


def measure(parsed: Any, named: Named | None = None, *, recursive: bool = True) -> Extent:
    """The extent of a schema as fastavro parsed it, with full names; ``named`` has named types that it does not define itself.

    Unless ``recursive``, a type that refers to itself is refused. If it may, the reference counts as one level.

    Raises:
        ValueError: if it has too many levels or types, or arrays whose items take no bytes.

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
    """Walks over encoded data, a record at a time, before fastavro decodes it: without recursion in C, and counting values."""

    def __init__(self, schema: Any) -> None:
        self.schema, self.named = schema, named_types(schema)
        self.data, self.at, self.values = b"", 0, 0

    def start(self, data: bytes) -> None:
        """Go to the beginning of a block's data."""
        self.data, self.at = data, 0

    def record(self) -> None:
        """Walk over the next record.

        Raises:
            ValueError: if it nests deeper than :data:`MAX_DEPTH`, has more than :data:`MAX_VALUES` values, or a union has no
                such branch.
            EOFError: if the data end too early.

        """
        self.values = 0
        self.walk(self.schema, 0)

    def walk(self, schema: Any, depth: int) -> None:
        """:meth:`record` for a part of one."""
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
            self.skip(schema["size"] if kind == "fixed" else _SIZES[kind])

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
