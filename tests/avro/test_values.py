"""Avro data as JSON and back: golden values counted by hand, and properties over all that the types can hold."""

import datetime as dt
import io
import json
import math
from typing import Any

import fastavro
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bigdata_demos.avro import values
from bigdata_demos.errors import BadAvro, InputError
from tests.support.strategies_avro import INTS, LONGS, schemas_and_data

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - no zone, no offset


class Case:
    """A schema, and what is done with its data."""

    def __init__(self, schema: Any) -> None:
        self.named: dict[str, Any] = {}
        self.schema = fastavro.parse_schema(json.loads(json.dumps(schema)), self.named, _force=True)
        self.raw = values.raw_schema(self.schema)

    def encode(self, datum: Any) -> bytes:
        file = io.BytesIO()
        fastavro.schemaless_writer(file, self.raw, datum)
        return file.getvalue()

    def decode(self, encoded: bytes) -> Any:
        return fastavro.schemaless_reader(io.BytesIO(encoded), self.raw, None, **values.READ_OPTIONS)

    def json(self, datum: Any, *, plain: bool) -> Any:
        """A datum by its bytes as the JSON text that is read again."""
        value = values.to_json(self.decode(self.encode(datum)), self.schema, self.named, plain=plain)
        return json.loads(json.dumps(value, allow_nan=False))

    def datum(self, value: Any, *, plain: bool) -> Any:
        return values.from_json(value, self.schema, self.named, plain=plain)


def record(name: str, **fields: Any) -> dict[str, Any]:
    """A record's schema."""
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields.items()]}


def on(kind: str, meaning: str, **more: Any) -> dict[str, Any]:
    """A logical type's schema."""
    return {"type": kind, "logicalType": meaning, **more}


FIXED12 = {"type": "fixed", "name": "F", "size": 12, "logicalType": "duration"}
FIXED16 = {"type": "fixed", "name": "F", "size": 16, "logicalType": "uuid"}
DECIMAL = on("bytes", "decimal", precision=9, scale=2)

PLAIN = [
    (on("int", "date"), 0, "1970-01-01"),
    (on("int", "date"), -1, "1969-12-31"),
    (on("int", "date"), 11016, "2000-02-29"),  # 30 years with 7 leap days (10957), and 31 + 28 days
    (on("int", "date"), 2932896, "9999-12-31"),
    (on("int", "date"), 2932897, "+10000-01-01"),
    (on("int", "date"), -719528, "0000-01-01"),
    (on("int", "date"), -719529, "-0001-12-31"),
    (on("int", "date"), (1 << 31) - 1, "+5881580-07-11"),  # LocalDate.ofEpochDay(Integer.MAX_VALUE)
    (on("int", "date"), -(1 << 31), "-5877641-06-23"),
    (on("int", "time-millis"), 46389001, "12:53:09.001"),
    (on("int", "time-millis"), 86400000, 86400000),  # no clock shows it
    (on("int", "time-millis"), -1, -1),
    (on("long", "time-micros"), 1, "00:00:00.000001"),
    (on("long", "timestamp-millis"), 0, "1970-01-01T00:00:00.000Z"),
    (on("long", "timestamp-millis"), -1, "1969-12-31T23:59:59.999Z"),
    (on("long", "timestamp-millis"), (1 << 63) - 1, "+292278994-08-17T07:12:55.807Z"),  # Instant.ofEpochMilli(Long.MAX_VALUE)
    (on("long", "timestamp-millis"), -(1 << 63), "-292275055-05-16T16:47:04.192Z"),
    (on("long", "timestamp-nanos"), (1 << 63) - 1, "2262-04-11T23:47:16.854775807Z"),
    (on("long", "local-timestamp-micros"), 1, "1970-01-01T00:00:00.000001"),
    (on("long", "date"), 5, 5),  # a date is on int only: ignored
    (DECIMAL, b"\x04\xce", "12.30"),
    (DECIMAL, b"\xff", "-0.01"),
    (on("bytes", "decimal", precision=4), b"\x00\x80", "128"),
    ({"type": "fixed", "name": "F", "size": 3, "logicalType": "decimal", "precision": 5, "scale": 5}, b"\0\0\1", "0.00001"),
    (on("string", "uuid"), "no uuid", "no uuid"),
    (FIXED16, bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
    (FIXED12, b"\1\0\0\0\2\0\0\0\xbc\x0b\0\0", "P1M2DT3.004S"),
    (["null", on("int", "date")], ("int", 0), "1970-01-01"),
    (["null", "string"], None, None),
    ("bytes", b"\x00\xff\x41", "\x00\xffA"),
]


@pytest.mark.parametrize(("schema", "datum", "value"), PLAIN)
def test_plain(schema: Any, datum: Any, value: Any) -> None:
    case = Case(schema)
    assert case.json(datum, plain=True) == value
    assert case.encode(case.datum(value, plain=True)) == case.encode(datum)


FOO = {"type": "enum", "name": "Foo", "namespace": "a.b", "symbols": ["X", "Y"]}
TAGGED: list[tuple[Any, Any, Any]] = [
    # the specification's own: a union of null, string and a record Foo
    (["null", "string", record("Foo", x="int")], None, None),
    (["null", "string", record("Foo", x="int")], ("string", "a"), {"string": "a"}),
    (["null", "string", record("Foo", x="int")], ("Foo", {"x": 1}), {"Foo": {"x": 1}}),
    (["string", FOO], ("a.b.Foo", "X"), {"a.b.Foo": "X"}),
    (["string", FOO], ("string", "X"), {"string": "X"}),
    (["int", "long"], (f"{values.WRAPPED}.long", {"value": 1}), {"long": 1}),
    (["float", "double", "null"], (f"{values.WRAPPED}.float", {"value": 0.5}), {"float": 0.5}),
    ([{"type": "map", "values": "int"}, record("R")], ("R", {}), {"R": {}}),
    ([{"type": "map", "values": "int"}, record("R")], ("map", {}), {"map": {}}),
    (["bytes", {"type": "fixed", "name": "n.F", "size": 1}], ("n.F", b"\xff"), {"n.F": "\xff"}),
    ([on("long", "timestamp-millis"), "string"], ("long", 5), {"long": 5}),
    ({"type": "array", "items": ["null", "long"]}, [None, ("long", 1)], [None, {"long": 1}]),
    ("double", math.inf, "Infinity"),
    ("float", -math.inf, "-Infinity"),
    (on("int", "date"), 5, 5),
    (DECIMAL, b"\x04\xce", "\x04\xce"),
]


@pytest.mark.parametrize(("schema", "datum", "value"), TAGGED)
def test_tagged(schema: Any, datum: Any, value: Any) -> None:
    case = Case(schema)
    if not (isinstance(datum, tuple) and datum[0].startswith(values.WRAPPED)):
        assert case.json(datum, plain=False) == value
    assert case.json(case.datum(value, plain=False), plain=False) == value


def test_nan() -> None:
    case = Case("double")
    assert case.json(math.nan, plain=False) == case.json(math.nan, plain=True) == "NaN"
    assert math.isnan(case.datum("NaN", plain=False))


def test_a_named_type_used_twice_and_wrapped_types_used_twice() -> None:
    schema = record("n.R", a=["null", {"type": "fixed", "name": "F", "size": 1}], b=["n.F", "int", "long"], c=["long", "int"])
    case = Case(schema)
    value = {"a": {"n.F": "x"}, "b": {"long": 1}, "c": {"int": 2}}
    datum = case.datum(value, plain=False)
    assert case.encode(datum) == b"\x02x" + b"\x04\x02" + b"\x02\x04"
    assert case.json(datum, plain=False) == value
    assert case.json(datum, plain=True) == {"a": "x", "b": 1, "c": 2}


PAGES = record(
    "Site", pages={"type": "array", "items": record("Page", url="string", at=on("long", "timestamp-millis"), n=["null", "int"])}
)
GOOD = {"url": "u", "at": 0, "n": None}
REFUSED = [
    (PAGES, {"pages": [GOOD, {"url": 1, "at": 0, "n": None}]}, False, "pages[1].url: expected a string, not 1"),
    (PAGES, {"pages": [{"url": "u", "n": None}]}, False, "pages[0]: no field 'at', which the record Page has"),
    (PAGES, {"pages": [GOOD | {"x": 1}]}, False, "pages[0]: a field 'x', which the record Page does not have"),
    (
        PAGES,
        {"pages": [GOOD | {"n": 1}]},
        False,
        "pages[0].n: expected a union's value with its tag: null or an object with one of null, int, not 1",
    ),
    (PAGES, {"pages": [GOOD | {"n": {"int": 1 << 31}}]}, False, "pages[0].n.int: out of the range of int: 2147483648"),
    (PAGES, {"pages": [GOOD | {"at": "1970-02-29T00:00:00Z"}]}, True, "pages[0].at: there is no such day"),
    (
        PAGES,
        {"pages": [GOOD | {"at": "1970-01-01T00:00:00"}]},
        True,
        "pages[0].at: expected a timestamp (2026-11-24T12:53:09Z), not '1970-01-01T00:00:00'",
    ),
    (PAGES, {"pages": [GOOD | {"at": "1970-01-01T00:00:00.0001Z"}]}, True, "pages[0].at: more than 3 digits of a second"),
    (PAGES, {"pages": [GOOD | {"n": "x"}]}, True, "pages[0].n: expected int (a whole number), not 'x'"),
    (PAGES, [], True, "expected a record Site (a JSON object), not list of 0"),
    ("long", 1 << 63, False, "out of the range of long: 9223372036854775808"),
    ("long", -(1 << 63) - 1, True, "out of the range of long: -9223372036854775809"),
    ("int", True, False, "expected int (a whole number), not True"),
    ("int", 1.0, False, "expected int (a whole number), not 1.0"),
    ("float", 1e39, False, "out of the range of float"),
    ("double", 10**400, False, "out of the range of double"),
    ("string", "\ud800", False, "expected text without lone surrogates, not '\\ud800'"),
    ({"type": "map", "values": "int"}, {"a b": None}, False, "['a b']: expected int (a whole number), not None"),
    ("bytes", "Ā", False, "expected bytes (text of characters up to U+00FF, one a byte), not 'Ā'"),
    ({"type": "fixed", "name": "F", "size": 2}, "a", False, "expected fixed of 2 bytes, not 'a'"),
    (FOO, "Z", False, "expected one of the symbols of a.b.Foo, not 'Z'"),
    (FOO, [], False, "expected one of the symbols of a.b.Foo, not list of 0"),
    (["int", "string"], {"long": 1}, False, "a union has no branch 'long', only int, string"),
    (["int", "string"], [], True, "expected one of int, string, not list of 0"),
    (DECIMAL, "1.234", True, "more than the 2 digits after the point that the decimal has"),
    (DECIMAL, "12345678.90", True, "more than the 9 digits that the decimal has"),
    (DECIMAL, "one", True, "expected a decimal (12.30), not 'one'"),
    (on("long", "timestamp-nanos"), "2262-04-11T23:47:16.854775808Z", True, "out of the range of long: 9223372036854775808"),
    (on("int", "time-millis"), "24:00:00", True, "there is no such time of day"),
    (FIXED12, "P", True, "expected a duration (P1M2DT3.004S), not 'P'"),
    (FIXED12, "P4294967296M", True, "out of the range of duration: months, days and milliseconds are below 2**32 each"),
]


@pytest.mark.parametrize(("schema", "value", "plain", "message"), REFUSED)
def test_refused(schema: Any, value: Any, plain: bool, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Case(schema).datum(value, plain=plain)
    assert str(caught.value) == message


def test_a_number_of_too_many_digits_to_print_is_refused_with_its_path() -> None:
    many = 1 << 100_000
    for schema, message in (
        ("long", "out of the range of long"),
        ("string", "expected a string"),
        (DECIMAL, "expected a decimal"),
    ):
        with pytest.raises(InputError, match=rf"^a: {message}.*a number of 100001 bits$"):
            Case(record("R", a=schema)).datum({"a": many}, plain=True)


def test_data_that_are_not_of_their_schema_are_refused() -> None:
    case = Case(PAGES)
    with pytest.raises(BadAvro, match=r"^pages\[0\]: no field 'url'"):
        values.to_json({"pages": [{}]}, case.schema, case.named, plain=False)
    with pytest.raises(BadAvro, match="a decimal of 1701 bytes"):
        Case(DECIMAL).json(b"\x7f" * 1701, plain=True)


def test_decimals_of_a_few_bytes_that_would_fill_the_memory_are_refused() -> None:
    case = Case(on("bytes", "decimal", precision=2 << 30, scale=2 << 30))
    with pytest.raises(BadAvro, match="a decimal of 2147483648 digits after the point"):
        case.json(b"\1", plain=True)
    for value in ("1", "9" * 4_090):
        with pytest.raises(InputError, match="a decimal of 2147483648 digits after the point"):
            case.datum(value, plain=True)
    wide = Case(on("bytes", "decimal", precision=1 << 30))
    assert wide.json(wide.datum("9" * 4_090, plain=True), plain=True) == "9" * 4_090
    for value in ("9" * 4_091, "9" * 4_000 + "e999"):
        with pytest.raises(InputError, match=r"expected a decimal|more than the 4090 digits"):
            wide.datum(value, plain=True)


def test_other_ways_to_write_the_same() -> None:
    at = Case(on("long", "timestamp-millis"))
    assert at.datum("1970-01-01 02:00:00+02:00", plain=True) == at.datum("1970-01-01T00:00:00.000000000Z", plain=True) == 0
    decimal = Case(DECIMAL)
    assert {decimal.datum(value, plain=True) for value in ("12.3", 12.3, "1.23e1", "+12.300", "1230e-2")} == {b"\x04\xce"}
    assert decimal.datum(0, plain=True) == decimal.datum("0e5", plain=True) == b"\0"
    assert Case(FIXED12).datum("P1Y1W", plain=True) == b"\x0c\0\0\0\7\0\0\0\0\0\0\0"


def test_defaults_fill_plain_records_only() -> None:
    schema = record("R", a="int")
    inner = record("I", x="int", y=["null", "string"])
    inner["fields"][1]["default"] = None
    for name, kind, default in (
        ("b", "bytes", "\xff"),
        ("u", ["string", "null"], "s"),
        ("n", ["null", "string"], None),
        ("d", {**on("bytes", "decimal", precision=4)}, "\x05"),
        ("i", inner, {"x": 1}),
        ("l", {"type": "array", "items": ["null", "int"]}, [None, 1]),
    ):
        schema["fields"].append({"name": name, "type": kind, "default": default})
    case = Case(schema)
    datum = case.datum({"a": 1}, plain=True)
    full = {"a": 1, "b": "\xff", "u": "s", "n": None, "d": "5", "i": {"x": 1, "y": None}, "l": [None, 1]}
    assert case.json(datum, plain=True) == full
    with pytest.raises(InputError, match="no field 'b'"):
        case.datum({"a": 1}, plain=False)


@pytest.mark.parametrize(
    ("union", "value", "branch"),
    [
        (["double", "long"], 5, "long"),
        (["long", "double"], 5.0, "double"),
        (["float", "double"], 0.5, "float"),
        (["float", "double"], 0.1, "double"),
        (["int", "long"], 1 << 31, "long"),
        (["string", FOO], "X", "a.b.Foo"),
        (["bytes", "string"], "X", "string"),
        (["string", on("int", "date")], "2026-11-24", "int"),
        (["string", on("int", "date")], "2026-11-31", "string"),
        (["double", "string"], "NaN", "string"),
        (["string", DECIMAL], "1.00", "bytes"),
        (["string", DECIMAL], "1", "string"),  # it would come back as 1.00
        (["null", DECIMAL], "1", "bytes"),
        ([on("int", "date"), "long"], 0, "long"),  # as int it would come back as a date
        ([{"type": "map", "values": "string"}, record("R", a=DECIMAL)], {"a": "1"}, "map"),
        ([{"type": "map", "values": "string"}, record("R", a=DECIMAL)], {"a": "1.00"}, "R"),
        ([{"type": "map", "values": "int"}, record("R", a="int")], {"a": 1}, "R"),
        ([{"type": "map", "values": "int"}, record("R", a="int")], {"b": 1}, "map"),
        (["boolean", "int"], True, "boolean"),
    ],
)
def test_plain_unions_take_the_strictest_branch(union: Any, value: Any, branch: str) -> None:
    assert Case(union).datum(value, plain=True)[0].removeprefix(f"{values.WRAPPED}.") == branch


@given(INTS)
def test_dates_of_the_whole_range(days: int) -> None:
    text = values.date_text(days)
    assert values.moment(text, "date") == days
    if -719162 <= days <= 2932896:
        assert text == (EPOCH.date() + dt.timedelta(days)).isoformat()


@given(LONGS, st.sampled_from(["millis", "micros", "nanos"]), st.sampled_from(["", "local-"]))
def test_timestamps_of_the_whole_range(units: int, unit: str, local: str) -> None:
    case = Case(on("long", f"{local}timestamp-{unit}"))
    text = case.json(units, plain=True)
    assert case.datum(text, plain=True) == units
    micros = units * 10**6 // 10 ** values.SCALES[unit]
    if -62135596800 * 10**6 <= micros < 253402300800 * 10**6:
        at = (EPOCH + dt.timedelta(microseconds=micros)).isoformat(timespec="microseconds")
        assert text[: len(text.rstrip("Z")) - (unit == "nanos") * 3] == at[: 23 if unit == "millis" else 26]
        assert text.endswith("Z") == (not local)


@given(st.datetimes(), st.sampled_from(["millis", "micros"]))
def test_timestamps_that_python_holds(at: dt.datetime, unit: str) -> None:
    step = dt.timedelta(milliseconds=1) if unit == "millis" else dt.timedelta(microseconds=1)
    text = Case(on("long", f"local-timestamp-{unit}")).json((at - EPOCH) // step, plain=True)
    assert text == at.isoformat(timespec="milliseconds" if unit == "millis" else "microseconds")


@given(st.integers(-(10**9) + 1, 10**9 - 1), st.integers(0, 9))
def test_decimals_mean_what_python_makes_of_them(number: int, scale: int) -> None:
    import decimal

    case = Case(on("bytes", "decimal", precision=9, scale=scale))
    packed = number.to_bytes((number if number >= 0 else ~number).bit_length() // 8 + 1, "big", signed=True)
    text = case.json(packed, plain=True)
    assert decimal.Decimal(text) == decimal.Decimal(number).scaleb(-scale)
    assert case.datum(text, plain=True) == packed


@given(st.binary(min_size=12, max_size=12))
def test_durations(packed: bytes) -> None:
    case = Case(FIXED12)
    assert case.datum(case.json(packed, plain=True), plain=True) == packed


@given(schemas_and_data())
def test_the_specifications_encoding_loses_nothing(drawn: tuple[Any, Any]) -> None:
    schema, data = drawn
    case = Case(schema)
    for value in data:
        encoded = case.encode(case.datum(value, plain=False))
        read = values.to_json(case.decode(encoded), case.schema, case.named, plain=False)
        assert json.loads(json.dumps(read, allow_nan=False)) == json.loads(json.dumps(value))
        assert case.encode(case.datum(read, plain=False)) == encoded


@given(schemas_and_data())
def test_plain_json_of_plain_json_is_the_same(drawn: tuple[Any, Any]) -> None:
    schema, data = drawn
    case = Case(schema)
    for value in data:
        plain = case.json(case.datum(value, plain=False), plain=True)
        assert case.json(case.datum(plain, plain=True), plain=True) == plain


@given(schemas_and_data())
def test_the_bytes_are_those_of_the_schema_itself(drawn: tuple[Any, Any]) -> None:
    """raw_schema changes nothing: what it encodes, fastavro reads with the schema that came in."""
    schema, data = drawn
    case = Case(schema)
    for value in data:
        file = io.BytesIO(case.encode(case.datum(value, plain=False)))
        fastavro.schemaless_reader(file, json.loads(json.dumps(schema).replace('"logicalType"', '"ignored"')), None)
        assert not file.read()


@given(schemas_and_data())
def test_the_specifications_encoding_is_fastavros(drawn: tuple[Any, Any]) -> None:
    """But for NaN and the infinities, which its json_writer writes as no JSON has them, and what it refuses.

    That are empty keys, and records without fields.
    """
    schema, data = drawn
    assume('"fields": []' not in json.dumps(schema))
    case = Case(schema)
    for value in data:
        assume('"":' not in json.dumps(value))
        datum = case.datum(value, plain=False)
        text = io.StringIO()
        fastavro.json_writer(text, case.raw, [datum], write_union_type=True)
        theirs = unwrapped(json.loads(text.getvalue(), parse_constant=lambda name: name))
        assert theirs == case.json(datum, plain=False)


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["A", "NaN", "1970-01-01", "9999-99-99", "-0001-01-01T00:00:00Z", "P1M", "1e9", "0.01", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["f0", "f1", "int", "string", "n0.T1", "map", "\ud800"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(schemas_and_data(), ANY_JSON, st.booleans())
def test_what_is_no_datum_is_refused_and_what_is_one_is_written(drawn: tuple[Any, Any], value: Any, plain: bool) -> None:
    case = Case(drawn[0])
    try:
        datum = case.datum(value, plain=plain)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 - any other error fails
        return
    written = case.json(datum, plain=plain)
    assert case.json(case.datum(written, plain=plain), plain=plain) == written


def unwrapped(value: Any) -> Any:
    """What raw_schema's records of one field hold, under the branch's own name."""
    if isinstance(value, list):
        return [unwrapped(item) for item in value]
    if not isinstance(value, dict):
        return value
    prefix = f"{values.WRAPPED}."
    return {
        key.removeprefix(prefix): unwrapped(inner["value"] if key.startswith(prefix) else inner) for key, inner in value.items()
    }


def test_plain_unions_of_types_that_refer_to_themselves() -> None:
    """Are tried once for each value: not each branch with each branch of each level, which would take years."""
    case = Case(record("R", a=["null", "R", record("S", a=["null", "R", "S"])]))
    value: Any = {"a": None}
    wrong: Any = {"a": "x"}
    for _ in range(60):
        value, wrong = {"a": value}, {"a": wrong}
    assert case.json(case.datum(value, plain=True), plain=True) == value
    with pytest.raises(InputError, match="a: expected one of null, R, S"):
        case.datum(wrong, plain=True)
