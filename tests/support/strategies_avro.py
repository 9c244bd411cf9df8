"""What Hypothesis draws Avro schemas and data from: every type of the specification, and the ways to write one down."""

import math
from collections.abc import Iterator
from itertools import count
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from bigdata_demos.avro.kinds import LOGICAL

INTS = st.integers(-(1 << 31), (1 << 31) - 1)
LONGS = st.integers(-(1 << 63), (1 << 63) - 1)
FLOATS = st.floats(width=32)
PRIMITIVES: Final = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
NAMESPACES: Final = ("n0", "n1.x", "")


def latin(data: st.SearchStrategy[bytes]) -> st.SearchStrategy[str]:
    """Bytes in the JSON encoding."""
    return data.map(lambda packed: packed.decode("latin-1"))


def legible(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    """Numbers in the JSON encoding: those that JSON has not are strings."""
    return numbers.map(
        lambda number: "NaN" if math.isnan(number) else ("-" * (number < 0) + "Infinity") if math.isinf(number) else number
    )


def unscaled(number: int, size: int = 0) -> bytes:
    """The bytes of a decimal: the fewest, or as many as fixed has."""
    return number.to_bytes(size or (number if number >= 0 else ~number).bit_length() // 8 + 1, "big", signed=True)


VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": INTS,
    "long": LONGS,
    "float": legible(FLOATS),
    "double": legible(st.floats()),
    "bytes": latin(st.binary(max_size=20)),
    "string": st.text(),
}
"""The values of the primitive types in the specification's JSON encoding."""
LEAVES: Final = (
    *((kind, "") for kind in (*PRIMITIVES, "enum", "fixed")),
    *((kind, meaning) for meaning, kinds in LOGICAL.items() for kind in kinds),
    ("string", "no-such-type"),  # the last two are to be ignored
    ("long", "duration"),
)
"""The types that have no parts, with the logical types that they can have."""
FINITE: Final = {
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
}


class Made(NamedTuple):
    """A schema, its tag in a union, what its values are drawn from, and what a field's default is (in which unions have no tags)."""

    schema: Any
    tag: str
    values: st.SearchStrategy[Any]
    default: st.SearchStrategy[Any]


def tagged(branch: Made) -> st.SearchStrategy[Any]:
    """A branch's values as those of its union."""
    return branch.values if branch.tag == "null" else branch.values.map(lambda value: {branch.tag: value})


class Maker:
    """Makes one schema. A named type that is complete may come again by its name."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.numbers: Iterator[int] = count()
        self.known: list[Made] = []

    def make(self, depth: int, namespace: str, without: frozenset[str] = frozenset()) -> Made:
        """A schema inside of a namespace; ``without`` are the tags that the union around it has already."""
        again = [made for made in self.known if made.tag not in without and ("." in made.tag or not namespace)]
        kinds = [leaf for leaf in LEAVES if leaf[0] not in without] + [("again", "")] * (5 if again else 0)
        if depth:
            kinds += [(kind, "") for kind in ("array", "map", "record", "record", "union", "union") * 5 if kind not in without]
        kind, meaning = self.draw(st.sampled_from(kinds))
        if kind == "again":
            named = self.draw(st.sampled_from(again))
            space, _, short = named.tag.rpartition(".")
            brief = space == namespace and self.draw(st.booleans())
            return Made(short if brief else named.tag, named.tag, named.values, named.default)
        if kind in ("array", "map"):
            return self.several(kind, self.make(depth - 1, namespace))
        if kind == "union":
            return self.union(depth, namespace)
        return self.record(depth, namespace) if kind == "record" else self.leaf(kind, meaning, namespace)

    def leaf(self, kind: str, meaning: str, namespace: str) -> Made:
        """One of :data:`LEAVES`."""
        if kind in PRIMITIVES:
            return self.primitive(kind, meaning)
        made = self.enum(namespace) if kind == "enum" else self.fixed(meaning, namespace)
        self.known.append(made)
        return made

    def attributes(self) -> dict[str, Any]:
        """What changes nothing: an attribute that nobody knows, or one that is for people."""
        return dict(self.draw(st.sampled_from([{}, {}, {}, {"doc": "„what“\n\u2028is it"}, {"x-note": {"a": [1, None, "b"]}}])))

    def name(self, namespace: str) -> tuple[dict[str, Any], str]:
        """A new name as attributes, and the full name: inherited namespace, one of its own, or a name with dots."""
        own = f"T{next(self.numbers)}"
        way = self.draw(st.sampled_from(["inherited", "own", "dots"]))
        named: dict[str, Any] = {"name": own}
        if way != "inherited":
            namespace = self.draw(st.sampled_from(NAMESPACES))
            named = {"name": own, "namespace": namespace}
            if way == "dots" and namespace:
                named = {"name": f"{namespace}.{own}", "namespace": "ignored"}
        if self.draw(st.integers(0, 3)) == 0:
            named["aliases"] = [f"Old{own}", f"elsewhere.Old{own}"]
        return named | self.attributes(), f"{namespace}.{own}".removeprefix(".")

    def primitive(self, kind: str, meaning: str) -> Made:
        """A primitive type, maybe with a logical type."""
        drawn = VALUES[kind]
        more: dict[str, Any] = {"logicalType": meaning} if meaning else {}
        if meaning == "decimal":
            precision = self.draw(st.integers(1, 40))
            more |= {"precision": precision, "scale": self.draw(st.integers(0, precision))}
            drawn = latin(st.integers(1 - 10**precision, 10**precision - 1).map(unscaled))
        elif meaning == "uuid":
            drawn = st.uuids().map(str) | drawn
        brief = not more and self.draw(st.booleans())
        return Made(kind if brief else {"type": kind, **more, **self.attributes()}, kind, drawn, FINITE.get(kind, drawn))

    def enum(self, namespace: str) -> Made:
        """An enum, maybe with a default."""
        named, full = self.name(namespace)
        symbols: list[str] = self.draw(st.sampled_from([["A"], ["A", "B"], ["b", "a", "_c", "D1"]]))
        default = {"default": symbols[-1]} if self.draw(st.booleans()) else {}
        drawn = st.sampled_from(symbols)
        return Made({"type": "enum", **named, "symbols": symbols, **default}, full, drawn, drawn)

    def fixed(self, meaning: str, namespace: str) -> Made:
        """A fixed, maybe with a logical type."""
        named, full = self.name(namespace)
        sizes: list[int] = {"uuid": [16], "duration": [12]}.get(meaning, [1, 2, 12, 16])
        size = self.draw(st.sampled_from(sizes))
        more: dict[str, Any] = {"logicalType": meaning} if meaning else {}
        drawn = latin(st.binary(min_size=size, max_size=size))
        if meaning == "decimal":
            precision = self.draw(st.integers(1, len(str((1 << 8 * size - 1) - 1)) - 1))
            more |= {"precision": precision, "scale": self.draw(st.integers(0, precision))}
            drawn = latin(st.integers(1 - 10**precision, 10**precision - 1).map(lambda number: unscaled(number, size)))
        return Made({"type": "fixed", **named, "size": size, **more}, full, drawn, drawn)

    def several(self, kind: str, inner: Made) -> Made:
        """An array or a map."""
        if kind == "array":
            return Made(
                {"type": kind, "items": inner.schema, **self.attributes()},
                kind,
                st.lists(inner.values, max_size=3),
                st.lists(inner.default, max_size=2),
            )
        return Made(
            {"type": kind, "values": inner.schema, **self.attributes()},
            kind,
            st.dictionaries(st.text(), inner.values, max_size=3),
            st.dictionaries(st.text(), inner.default, max_size=2),
        )

    def union(self, depth: int, namespace: str) -> Made:
        """A union. Its default is one of its first branch."""
        branches: list[Made] = []
        for _ in range(self.draw(st.integers(1, 4))):
            branches.append(self.make(depth - 1, namespace, frozenset({"union", *(made.tag for made in branches)})))
        drawn = st.one_of([tagged(made) for made in branches])
        return Made([made.schema for made in branches], "union", drawn, branches[0].default)

    def record(self, depth: int, namespace: str, leaf: tuple[str, str] | None = None) -> Made:
        """A record, maybe with a field that has the next of its kind. Its first field is of the leaf, if there is one."""
        named, full = self.name(namespace)
        fields: list[dict[str, Any]] = []
        drawn, defaults = {}, {}
        inside = full.rpartition(".")[0]
        for i in range(self.draw(st.integers(1 if leaf else 0, 4))):
            name = f"f{i}"
            made = self.leaf(*leaf, inside) if leaf and not i else self.make(depth - 1, inside)
            fields.append({"name": name, "type": made.schema, **self.attributes()})
            drawn[name], defaults[name] = made.values, made.default
            if self.draw(st.integers(0, 2)) == 0:
                fields[-1]["default"] = self.draw(made.default)
            if self.draw(st.integers(0, 5)) == 0:
                fields[-1] |= {"aliases": [f"old{i}"], "order": self.draw(st.sampled_from(["ascending", "descending", "ignore"]))}
        records = st.fixed_dictionaries(drawn)
        if self.draw(st.integers(0, 3)) == 0:
            fields.append({"name": "next", "type": ["null", full], "default": None})
            defaults["next"] = st.none()
            last = st.fixed_dictionaries({**drawn, "next": st.none()})
            records = last | st.fixed_dictionaries({**drawn, "next": last.map(lambda value: {full: value})})
        made = Made({"type": "record", **named, "fields": fields}, full, records, st.fixed_dictionaries(defaults))
        self.known.append(made)
        return made


@st.composite
def schemas_and_data(draw: st.DrawFn, leaf: tuple[str, str] | None = None) -> tuple[Any, list[Any]]:
    """A schema as JSON has it, and some values of it in the specification's encoding; if asked for, a record with that leaf."""
    maker = Maker(draw)
    made = maker.record(2, "", leaf) if leaf else maker.make(2, "")
    return made.schema, draw(st.lists(made.values, min_size=1, max_size=4))
