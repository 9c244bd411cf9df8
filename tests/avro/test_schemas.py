"""Avro schemas: golden cases from the specification, counted by hand, and properties held against fastavro."""

import contextlib
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.avro import binary, infer, kinds, resolution, schemas, single_object, values
from bigdata_demos.avro.kinds import label
from bigdata_demos.errors import BadAvro, InputError, UsageError


def record(name: str, **fields: Any) -> dict[str, Any]:
    """A record's schema."""
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields.items()]}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    """A record R with one field."""
    return {"type": "record", "name": "R", "fields": [{"name": name, "type": kind, **more}]}


def enum(*symbols: str, name: str = "E", **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": name, "symbols": list(symbols), **more}


def fixed(size: int, name: str = "F", **more: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": name, "size": size, **more}


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def decimal(precision: int, scale: int = 0) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


def load(schema: Any) -> Any:
    return schemas.load(json.dumps(schema), recursive=True)


LIST = record("List", value="int", next=["null", "List"])


# Loading


def test_load_takes_text_a_name_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "int.avsc"
    path.write_text('\n {"type": "int"}', encoding="utf-8-sig")
    assert schemas.load(str(path)) == {"type": "int"}
    assert schemas.load(" int ") == schemas.load('"int"') == "int"
    assert kinds.named_types(schemas.load(json.dumps(record("a.R", f=fixed(1), g="F")))).keys() == {"a.R", "a.F"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/nowhere.avsc", "cannot read a schema: FileNotFoundError"),
        ("\0", "cannot read a schema: ValueError"),
        ("{", "the schema: invalid schema: JSONDecodeError"),
        ("{}", "the schema: invalid schema: KeyError"),
        ('["a"]', "the schema: invalid schema: UnknownType"),
        ("[" * 100 + "]" * 100, "the schema: nested more than 64 levels deep"),
        (json.dumps(LIST), "more than 64 levels of types, or one that refers to itself"),
        (json.dumps(array("null")), "an array whose items take no bytes"),
        ('{"type": "record", "name": "R", "fields": [{"name": "a\\nb", "type": "no\\nsuch"}]}', "invalid schema"),
    ],
)
def test_load_refuses_on_one_line(source: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        schemas.load(source)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


# Canonical form and fingerprints


def test_canonical_form() -> None:
    # the rules in the specification's order: primitives, full names, stripped, ordered, strings, integers, whitespace
    schema = {
        "fields": [
            {"type": {"type": "int", "logicalType": "date"}, "name": "a", "doc": "x", "default": 1, "order": "ignore"},
            {"type": {"size": 2, "name": "F", "type": "fixed", "aliases": ["G"]}, "name": "b"},
            {"name": "c", "type": ["null", {"items": "F", "type": "array"}]},
        ],
        "namespace": "n",
        "doc": "y",
        "name": "R",
        "type": "record",
    }
    assert schemas.canonical(load(schema)) == (
        '{"name":"n.R","type":"record","fields":[{"name":"a","type":"int"},{"name":"b","type":'
        '{"name":"n.F","type":"fixed","size":2}},{"name":"c","type":["null",{"type":"array","items":"n.F"}]}]}'
    )


def test_a_type_without_a_namespace_inside_one_that_has_one_keeps_its_name() -> None:
    inner = fixed(1, namespace="")
    assert schemas.canonical(load([record("a.R", f=inner)])) == (
        '[{"name":"a.R","type":"record","fields":[{"name":"f","type":{"name":"F","type":"fixed","size":1}}]}]'
    )


def rabin(data: bytes) -> int:
    """The specification's pseudocode of CRC-64-AVRO, bit by bit."""
    empty = 0xC15D213AA4D7A795
    result = empty
    for byte in data:
        result ^= byte
        for _ in range(8):
            result = (result >> 1) ^ (empty if result & 1 else 0)
    return result


def test_fingerprints() -> None:
    assert (
        int.from_bytes(schemas.fingerprint("int"), "little") == 8247732601305521295 == rabin(b'"int"')
    )  # Avro's schema-tests.txt
    assert schemas.fingerprint("int").hex() == "8f5c393f1ad57572"
    assert schemas.fingerprint(load(field("a", "int"))).hex() == "3715a01bf361b035"  # the package avro 1.12 has it so
    assert schemas.fingerprint({"type": "int"}, "MD5") == hashlib.md5(b'"int"').digest()
    assert schemas.fingerprint("int", "SHA-256") == hashlib.sha256(b'"int"').digest()
    with pytest.raises(UsageError, match="unknown fingerprint 'CRC-32': choose from CRC-64-AVRO, MD5, SHA-256"):
        schemas.fingerprint("int", "CRC-32")


# Single objects


def test_single_objects() -> None:
    schema = load(field("a", "int"))
    message = single_object.encode({"a": 1}, schema)
    assert message == b"\xc3\x01" + rabin(schemas.canonical(schema).encode()).to_bytes(8, "little") + b"\x02"
    known = single_object.known([schema, "int"])
    assert single_object.decode(message, known) == {"a": 1}
    assert single_object.split(single_object.encode(5, "int"), known) == ("int", b"\x0a")
    for broken, text in (
        (b"", "no single-object encoding: it starts with nothing"),
        (b"Obj\x01 and more", "it starts with 4f 62"),
        (message[:9], "it starts with c3 01, not with c3 01 and 8 more"),
        (message[:-1], "a damaged message: "),
        (message + b"\0\0", "a damaged message: 2 bytes are left after its datum"),
        (
            single_object.encode("x", "string"),
            "of an unknown schema: its fingerprint c70345637248018f is none of the 2 known ones",
        ),
    ):
        with pytest.raises(BadAvro, match=re.escape(text)):
            single_object.decode(broken, known)


# Inference


def inferred(*records: Any) -> Any:
    """The fields of what is inferred: types, and those with a default marked."""
    schema = infer.infer(iter(records))
    return {part["name"]: (part["type"], part["default"]) if "default" in part else part["type"] for part in schema["fields"]}


def test_infer() -> None:
    assert inferred({"a": 1}) == {"a": "long"}
    assert inferred({"a": 1}, {"a": 1.5}) == {"a": "double"}
    assert inferred({"a": 1}, {"a": None}) == {"a": (["null", "long"], None)}
    assert inferred({"a": 1}, {"b": True}) == {"a": (["null", "long"], None), "b": (["null", "boolean"], None)}
    assert inferred({"a": None}) == {"a": (["null", "string"], None)}
    assert inferred({"a": "x"}, {"a": 1}, {"a": True}, {"a": 2.5}) == {"a": ["boolean", "double", "string"]}
    assert inferred({"a": []}) == {"a": array("string")}
    assert inferred({"a": [None]}) == {"a": array(["null", "string"])}
    assert inferred({"a": []}, {"a": [1, None]}, {"a": [[2]]}) == {"a": array(["null", "long", array("long")])}
    assert inferred({"a": {}}) == {"a": {"type": "map", "values": "string"}}
    nested = {"type": "record", "name": "Record_a", "fields": [{"name": "b", "type": "long"}]}
    assert inferred({"a": {"b": 1}}) == {"a": nested}
    assert inferred({"a": "x"}, {"a": {"b": 1}}) == {"a": ["string", nested]}


def test_inferred_names_are_unique() -> None:
    schema = infer.infer([{"a_b": {"x": 1}, "a": {"b": {"x": 1}}, "c": [{"x": 1}]}], "T")
    assert set(kinds.named_types(schema)) == {"T", "T_a_b", "T_a", "T_a_b_2", "T_c_item"}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "there are no records, or none with a field"),
        ([{}], "there are no records, or none with a field"),
        ([{"a": 1}, [1]], "record 2: list where an object is expected"),
        ([{"a": {"b c": 1}}], "record 1: a: the key 'b c' cannot be the name of a field"),
        ([{"é": 1}], "record 1: top: the key 'é' cannot be the name of a field"),
        ([{"a": [1 << 63]}], "record 1: a[]: a number of 64 bits"),
        ([{"a": b"x"}], "record 1: a: bytes is not a JSON type"),
        ([{f"a{i}": 1} for i in range(10_001)], "record 10001: top: more than 10000 different fields"),
        ([{"a": json.loads("[" * 70 + "]" * 70)}], "nested more than 64 levels deep"),
        ([{"a": json.loads('{"a":' * 30 + "1" + "}" * 30)}], "nested more than 64 levels deep"),
    ],
)
def test_infer_refuses(records: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        infer.infer(records)


KEYS = st.sampled_from(["a", "b", "c", "a_b"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def completed(value: Any, schema: Any, named: Any) -> bool:
    """Whether a value fits a schema and is read as itself, with null for what is missing."""
    packed = io.BytesIO()
    raw = values.raw_schema(schema)
    fastavro.schemaless_writer(packed, raw, values.from_json(value, schema, named, plain=True))
    read = fastavro.schemaless_reader(io.BytesIO(packed.getvalue()), raw, None, **values.READ_OPTIONS)
    return same(value, values.to_json(read, schema, named, plain=True))


def same(value: Any, read: Any) -> bool:
    if isinstance(value, dict):
        return all(same(value.get(key), inner) for key, inner in read.items()) and value.keys() <= read.keys()
    if isinstance(value, list):
        return len(value) == len(read) and all(map(same, value, read))
    return bool(value == read) or (isinstance(read, float) and float(value) == read)


@given(st.lists(st.dictionaries(KEYS, JSON, min_size=1), min_size=1, max_size=5))
def test_what_is_inferred_holds_the_records(records: list[Any]) -> None:
    schema = infer.infer(records)
    for value in records:
        assert completed(value, schema, kinds.named_types(schema))


# Compatibility


PROMOTED = {
    ("int", "long"), ("int", "float"), ("int", "double"), ("long", "float"), ("long", "double"), ("float", "double"),
    ("string", "bytes"), ("bytes", "string"),
}  # fmt: skip


@pytest.mark.parametrize("writer", kinds.PRIMITIVE)
@pytest.mark.parametrize("reader", kinds.PRIMITIVE)
def test_promotions(writer: str, reader: str) -> None:
    can = writer == reader or (writer, reader) in PROMOTED
    assert resolution.compatibility(writer, reader) == ([] if can else [f"top: the writer's {writer} cannot be read as {reader}"])


COMPATIBLE = [
    (field("a", "int"), field("a", "long")),
    (field("a", "int"), record("R")),  # what the reader does not know is ignored
    (record("R"), field("a", "int", default=1)),
    (record("R"), field("a", ["null", "int"], default=None)),
    (field("old", "int"), field("new", "int", aliases=["old"])),
    ({**record("a.R"), "x": 1}, record("b.R")),  # unqualified names
    (record("a.Old"), {**record("a.R"), "aliases": ["Old"]}),
    (record("a.Old"), {**record("b.R"), "aliases": ["a.Old"]}),
    (enum("A", "B"), enum("B", "A", "C")),
    (enum("A", "B"), enum("A", "U", default="U")),
    (fixed(2), fixed(2)),
    ("int", ["null", "string", "long"]),
    (["int", "long"], "long"),
    (["null", "int"], ["long", "null"]),
    (array(["null", "int"]), array(["null", "int", "string"])),
    (array(array("int")), ["null", array(array("long"))]),
    (LIST, LIST),
    (LIST, record("List", value="double", next=["null", "List"])),
    (decimal(4, 2), decimal(4, 2)),
    (decimal(4, 2), "bytes"),
    ({**record("R"), "type": "error"}, record("R")),
]


@pytest.mark.parametrize(("writer", "reader"), COMPATIBLE)
def test_compatible(writer: Any, reader: Any) -> None:
    assert resolution.compatibility(load(writer), load(reader)) == []


INCOMPATIBLE = [
    (record("R"), field("a", "int"), ["a: the writer's record R has no such field, and the reader's has no default"]),
    (field("new", "int"), field("old", "int", aliases=["older"]), ["old: the writer's record R has no such field, and the reader's has no default"]),
    (record("S"), record("R"), ["top: the writer's record is named S, the reader's R"]),
    (record("b.Old"), {**record("a.R"), "aliases": ["Old"]}, ["top: the writer's record is named b.Old, the reader's a.R"]),
    (enum("A", "B"), enum("A"), ["top: the reader's enum E has no B, and no default"]),
    (enum(*"ABCDEFG"), enum("A"), ["top: the reader's enum E has no B, C, D, E, F and 1 more, and no default"]),
    (fixed(2), fixed(3), ["top: the writer's fixed has 2 bytes, the reader's 3"]),
    (enum("A", name="F"), fixed(3), ["top: the writer's enum cannot be read as fixed"]),
    ("long", ["null", "int"], ["top: the writer's long is none of the reader's union of null, int"]),
    ("int", [], ["top: the writer's int is none of the reader's union of nothing"]),
    (["null", "int"], "int", ["{null}: the writer's null cannot be read as int"]),
    (["null", "string"], ["null", "int"], ["{string}: the writer's string is none of the reader's union of null, int"]),
    (field("a", array({"type": "map", "values": "int"})), field("a", array({"type": "map", "values": "string"})), ["a[][]: the writer's int cannot be read as string"]),
    (LIST, record("List", value="string", next=["null", "List"]), ["value: the writer's int cannot be read as string"]),
    (LIST, record("List", value="int", next="List"), ["next{null}: the writer's null cannot be read as record"]),
    (decimal(4, 2), decimal(5, 2), ["top: the writer's decimal has (precision, scale) (4, 2), the reader's (5, 2)"]),
    # the first branch that matches is taken, though the next would do
    (field("a", "int"), ["null", {**field("b", "int"), "name": "x.R"}, {**field("a", "int"), "name": "y.R"}], ["b: the writer's record R has no such field, and the reader's has no default"]),
    (record("R", a="int", b="int"), record("R", a="string", c="int"), ["a: the writer's int cannot be read as string", "c: the writer's record R has no such field, and the reader's has no default"]),
]  # fmt: skip


@pytest.mark.parametrize(("writer", "reader", "reasons"), INCOMPATIBLE)
def test_incompatible(writer: Any, reader: Any, reasons: list[str]) -> None:
    assert resolution.compatibility(load(writer), load(reader)) == reasons


def test_a_schema_reads_its_own_data_though_its_unqualified_names_clash() -> None:
    clash = [record("a.R", x="int"), record("b.R", y="int")]
    assert resolution.compatibility(load(clash), load(clash)) == []
    reasons = ["{b.R}.x: the writer's record b.R has no such field, and the reader's has no default"]
    assert resolution.compatibility(load(clash), load([*clash, "null"])) == reasons


DATA = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(1 << 31), (1 << 31) - 1),
    "long": st.integers(-(1 << 63), (1 << 63) - 1),
    "float": st.floats(width=32),
    "double": st.floats(),
    "bytes": st.text().map(str.encode),  # so that they may be read as a string
    "string": st.text(),
}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any, list[Any]]:
    """A writer's schema, a reader's that has come of it by changes, and data of the writer's."""
    count = iter(range(1000))
    changes = draw(st.sampled_from([1, 3, 10]))  # one place in so many changes

    def change() -> bool:
        return draw(st.integers(0, changes)) == 0

    def make(depth: int, *, union: bool = True) -> tuple[Any, Any, Any]:
        if union and change():
            return either(depth)
        kind = draw(st.sampled_from([*DATA, "enum", "fixed", *(["record", "record", "array", "map"] if depth else [])]))
        name, other = f"T{next(count)}", f"a.T{next(count)}"
        renamed: dict[str, Any] = {"name": name}
        if change():
            renamed = draw(st.sampled_from([{"name": other, "aliases": [name]}, {"name": other}, {"name": f"x.{name}"}]))
        reader: Any
        if kind in DATA:
            reader = draw(st.sampled_from([*DATA])) if change() else kind
            return kind, draw(st.sampled_from([reader, {"type": reader}])), DATA[kind]
        if kind == "enum":
            symbols = draw(st.sampled_from([["A", "B", "C"], ["A"], ["C", "B", "A", "D"]])) if change() else ["A", "B", "C"]
            default = {"default": symbols[-1]} if draw(st.booleans()) else {}
            reader = {"type": kind, **renamed, "symbols": symbols, **default}
            return enum("A", "B", "C", name=name), reader, st.sampled_from("ABC")
        if kind == "fixed":
            return fixed(2, name), {"type": kind, **renamed, "size": 3 if change() else 2}, st.binary(min_size=2, max_size=2)
        if kind in ("array", "map"):
            writer, reader, data = make(depth - 1)
            inner, values = (
                ("items", st.lists(data, max_size=3))
                if kind == "array"
                else ("values", st.dictionaries(st.text(), data, max_size=3))
            )
            return {"type": kind, inner: writer}, {"type": kind, inner: reader}, values
        parts = {f"f{i}": make(depth - 1) for i in range(draw(st.integers(0, 3)))}
        fields = [{"name": key, "type": part[1]} for key, part in parts.items() if not change()]
        if change():
            fields.insert(0, {"name": "new", "type": "int", **({"default": 1} if draw(st.booleans()) else {})})
        for part in fields:
            if change():
                part |= {"name": f"g{part['name']}", "aliases": [part["name"]]}
        reader = {"type": kind, **renamed, "fields": fields}
        writer = {"type": kind, "name": name, "fields": [{"name": key, "type": part[0]} for key, part in parts.items()]}
        return writer, reader, st.fixed_dictionaries({key: part[2] for key, part in parts.items()})

    def either(depth: int) -> tuple[Any, Any, Any]:
        parts = [make(depth, union=False) for _ in range(draw(st.integers(1, 3)))]
        writers = {label(writer): (writer, data) for writer, _, data in parts}
        readers = {label(reader): reader for _, reader, _ in parts if not change()} or {"null": "null"}
        tagged = [data.map(lambda datum, name=name: (name, datum)) for name, (_, data) in writers.items()]
        writer, reader = [writer for writer, _ in writers.values()], draw(st.permutations([*readers.values()]))
        if draw(st.integers(0, 3)) == 0:
            writer, data = next(iter(writers.values()))
            return writer, reader, data
        return writer, reader[0] if draw(st.integers(0, 3)) == 0 else reader, st.one_of(tagged)

    writer, reader, data = make(2)
    return writer, reader, draw(st.lists(data, min_size=1, max_size=5))


@given(pairs())
def test_what_is_compatible_is_read(drawn: tuple[Any, Any, list[Any]]) -> None:
    writer, reader, data = drawn
    with contextlib.suppress(InputError):  # an array of nothing
        writer, reader = schemas.load(json.dumps(writer)), schemas.load(json.dumps(reader))
        if not resolution.compatibility(writer, reader):
            for datum in data:
                packed = io.BytesIO(binary.pack(datum, writer))
                fastavro.schemaless_reader(packed, writer, reader)
                assert not packed.read()


@pytest.mark.parametrize(
    ("writer", "reader", "datum"),
    [
        (fixed(1, "Old"), fixed(1, "a.New", aliases=["Old"]), b"x"),  # by the specification the alias is a.Old
        ([decimal(4, 2), "null"], [decimal(4, 1), "null"], None),  # what cannot be read is found out when it comes
        (array("int"), array(["string", "boolean"]), []),
    ],
)
def test_where_fastavro_is_laxer(writer: Any, reader: Any, datum: Any) -> None:
    """Each of these is refused here and read there: what :func:`compatibility` says is known."""
    writer, reader = load(writer), load(reader)
    assert resolution.compatibility(writer, reader)
    assert fastavro.schemaless_reader(io.BytesIO(binary.pack(datum, writer)), writer, reader) == datum


@given(pairs())
def test_every_schema_can_read_its_own_data(drawn: tuple[Any, Any, list[Any]]) -> None:
    for schema in drawn[:2]:
        assert resolution.compatibility(load(schema), load(schema)) == []
