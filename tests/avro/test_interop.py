"""Files written here are read by other implementations of Avro, and theirs here: by what Hypothesis draws, on every codec.

With Java (``avro-tools``, from Maven Central) all types of the specification go both ways; with Spark (``spark-avro``, from
there, too) and polars, those that they have. DuckDB has no Avro of its own: its extension ``avro`` comes from
``extensions.duckdb.org`` only, which not every machine that runs these tests reaches, so it is not held against.
"""

import importlib.util
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import fastavro
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bigdata_demos.avro import cli, codecs, containers, kinds, limits, schemas, values
from bigdata_demos.avro.streams import open_input
from bigdata_demos.errors import BigDataDemosError
from bigdata_demos.keywords import model, run
from bigdata_demos.keywords.output import reading
from tests.support.java_avro import fetched, prepare
from tests.support.paths import ROOT, SITE
from tests.support.requirements import refuse, require
from tests.support.strategies_avro import FINITE, INTS, LEAVES, LONGS, PRIMITIVES, VALUES, latin, schemas_and_data, unscaled

EXAMPLES, OF_EACH = 120, 5
"""Schemas that are drawn, and those with each type that has no parts; each of them comes in every codec."""


Drawn = TypeVar("Drawn")


class Case(NamedTuple):
    """A schema as JSON, and values of it in the specification's JSON encoding."""

    schema: Any
    data: list[Any]


def drawn_cases() -> list[Case]:
    """The same cases each time, of schemas whose records can be decoded."""
    several = [draw_some(schemas_and_data(leaf), OF_EACH, number) for number, leaf in enumerate(LEAVES, 1)]
    cases = [Case(*drawn) for drawn in chain(draw_some(schemas_and_data(), EXAMPLES), *several)]
    return [case for case in cases if decodable(case)]


def draw_some(strategy: st.SearchStrategy[Drawn], number: int, start: int = 0) -> list[Drawn]:
    """What Hypothesis draws, so many times; the same each time."""
    drawn: list[Drawn] = []

    @settings(max_examples=number, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @seed(start)
    @given(strategy)
    def draw(one: Drawn) -> None:
        drawn.append(one)

    draw()
    return drawn


def decodable(case: Case) -> bool:
    """Whether each record takes some bytes, and each item of an array does."""
    parsed = load(case)
    try:
        return not limits.measure(parsed).empty
    except ValueError:
        return False


def load(case: Case) -> Any:
    """A case's schema, parsed."""
    return schemas.load(json.dumps(case.schema), recursive=True)


def write(path: Path, schema: Any, data: list[Any], codec: str) -> None:
    """Write a file, of blocks of two records at most."""
    named: dict[str, Any] = {}
    parsed = fastavro.parse_schema(json.loads(json.dumps(schema)), named, _force=True)
    with path.open("wb") as file:
        writer, encode = containers.Writer(file, json.dumps(schema), codec=codec), containers.Encoder(parsed)
        for number, value in enumerate(data, 1):
            writer.write(encode(values.from_json(value, parsed, named, plain=False)))
            if number % 2 == 0:
                writer.flush()
        writer.flush()


def read(path: Path) -> Iterator[Any]:
    """A file's records in the specification's JSON encoding, as ``tojson`` has them."""
    with open_input(str(path)) as source:
        header = containers.read_header(source)
        for record in containers.read_records(source, header):
            yield values.to_json(record, header.schema, kinds.named_types(header.schema), plain=False)


def exactly(data: Any) -> str:
    """Data as a text that tells 1 from 1.0, and 0.0 from -0.0; the order of a map's keys means nothing."""
    return json.dumps(data, sort_keys=True)


class Java(NamedTuple):
    """The cases, the files written of them, named by number and codec, and the directory of what Java made of them."""

    cases: list[Case]
    ours: Path
    theirs: Path
    complaints: list[str]


@pytest.fixture(scope="module")
def java_line(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command line of a Java that has all of Avro."""
    line, why = prepare(tmp_path_factory.mktemp("classes"), "512m")
    if why:
        refuse("Avro's Java", why)
    return line


@pytest.fixture(scope="module")
def java(java_line: list[str], tmp_path_factory: pytest.TempPathFactory) -> Java:
    """One Java that has read and written everything."""
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    cases = drawn_cases()
    for number, case in enumerate(cases):
        for codec in codecs.CODECS:
            write(ours / f"{number}-{codec}.avro", case.schema, case.data, codec)
    done = subprocess.run(
        [*java_line, "ReadContainers", str(ours), str(theirs)], stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )
    return Java(cases, ours, theirs, done.stdout.splitlines())


def test_a_union_tells_a_type_without_a_namespace_from_its_neighbours(tmp_path: Path) -> None:
    """The name has no dots, and what is around it has a namespace."""
    bare = {"type": "fixed", "name": "T", "namespace": "", "size": 1}
    schema = {"type": "record", "name": "n.R", "fields": [{"name": "f", "type": ["null", bare, {**bare, "namespace": "n"}]}]}
    data = [{"f": {"T": "x"}}, {"f": {"n.T": "y"}}]
    write(tmp_path / "some.avro", schema, data, "null")
    assert list(read(tmp_path / "some.avro")) == data


def test_java_reads_what_is_written_here(java: Java) -> None:
    assert java.complaints == []
    assert len(java.cases) > EXAMPLES
    for number, case in enumerate(java.cases):
        for codec in codecs.CODECS:
            lines = (java.theirs / f"{number}-{codec}.json").read_text(encoding="utf-8").split("\n")
            assert unsigned_zeros([json.loads(line) for line in lines]) == unsigned_zeros(case.data), case.schema


def unsigned_zeros(data: Any) -> str:
    """:func:`exactly`, but for the sign of 0: Java's JSON has none for a float (it adds 0 to make it a double)."""
    return re.sub(r"-0\.0(?=[],}])", "0.0", exactly(data))


def test_what_java_writes_is_read_here(java: Java) -> None:
    """In each codec, and with arrays and maps that are cut into blocks."""
    for number, case in enumerate(java.cases):
        for codec in (*codecs.CODECS, "blocking"):
            assert exactly(list(read(java.theirs / f"{number}-null-{codec}.avro"))) == exactly(case.data), case.schema


def test_canonical_forms_and_fingerprints_are_javas(java: Java) -> None:
    for number, case in enumerate(java.cases):
        schema = load(case)
        ours = [schemas.canonical(schema), *(schemas.fingerprint(schema, each).hex() for each in schemas.ALGORITHMS)]
        assert (java.theirs / f"{number}-null.schema").read_text(encoding="utf-8").splitlines() == ours


EVENTS: Any = {
    "type": "record",
    "name": "Event",
    "namespace": "a.b",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "when", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "data", "type": "bytes"},
        {"name": "note", "type": ["null", "string", "double"], "default": None},
        {"name": "kind", "type": [{"type": "enum", "name": "Kind", "symbols": ["A", "B"]}, "int"]},
    ],
}
NOTES: Final = (None, {"string": "größer\u2028"}, {"double": 0.1})
KINDS: Final = ({"a.b.Kind": "B"}, {"int": -7})
DATA: Final = [
    {"id": i - 5, "when": 1_700_000_000_000 + i, "data": "\x00ÿ", "note": NOTES[i % 3], "kind": KINDS[i % 2]} for i in range(20)
]


class Tools:
    """Runs avro-tools and the command of this package."""

    def __init__(self, java: list[str], capture: "pytest.CaptureFixture[bytes]") -> None:
        self.java, self.capture = java, capture

    def theirs(self, *arguments: object) -> bytes:
        line = [*self.java, "org.apache.avro.tool.Main", *map(str, arguments)]
        return subprocess.run(line, capture_output=True, check=True, timeout=60).stdout

    def ours(self, *arguments: object) -> bytes:
        self.capture.readouterr()
        assert cli.main([str(argument) for argument in arguments]) == 0
        return self.capture.readouterr().out

    def both(self, command: str, file: Path) -> tuple[bytes, bytes]:
        """What both say on the same arguments."""
        return self.ours(command, file), self.theirs(command, file)


@pytest.fixture
def tools(java_line: list[str], capsysbinary: "pytest.CaptureFixture[bytes]") -> Tools:
    return Tools(java_line, capsysbinary)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """A file of ten blocks."""
    write(tmp_path / "events.avro", EVENTS, DATA, "deflate")
    return tmp_path / "events.avro"


@pytest.mark.parametrize("command", ["tojson", "getschema"])
def test_avro_tools_say_the_same_json(tools: Tools, events: Path, command: str) -> None:
    lines = [answer.split(b"\n") if command == "tojson" else [answer] for answer in tools.both(command, events)]
    ours, theirs = ([json.loads(line) for line in each if line] for each in lines)
    assert ours == theirs == (DATA if command == "tojson" else [EVENTS])


def test_avro_tools_say_the_same_of_metadata_and_count(tools: Tools, events: Path) -> None:
    """Of one key they say nothing: ``getmeta --key`` of 1.12.1 takes its own option for the file's name."""
    ours, theirs = tools.both("getmeta", events)
    assert sorted(ours.splitlines()) == sorted(theirs.splitlines())
    ours, theirs = tools.both("count", events)
    assert ours == theirs == b"20\n"


def test_avro_tools_say_the_same_of_a_schema(tools: Tools, tmp_path: Path) -> None:
    schema = tmp_path / "event.avsc"
    schema.write_text(json.dumps(EVENTS), encoding="utf-8")
    assert tools.theirs("canonical", schema, "-").strip() == tools.ours("canonical", schema).strip()
    theirs = tools.theirs("fingerprint", "--fingerprint", "CRC-64-AVRO", schema).split()
    assert theirs[0] == tools.ours("fingerprint", schema).strip()


def test_avro_tools_read_json_of_here(tools: Tools, events: Path, tmp_path: Path) -> None:
    """And the file that they make of it is read here."""
    lines = tmp_path / "events.json"
    lines.write_bytes(tools.ours("tojson", events))
    made = tmp_path / "made.avro"
    made.write_bytes(tools.theirs("fromjson", "--codec", "zstandard", "--schema", json.dumps(EVENTS), lines))
    assert list(read(made)) == DATA
    assert tools.ours("getmeta", "--key", "avro.codec", made) == b"zstandard\n"


def test_avro_tools_and_the_command_go_on_with_each_others_files(tools: Tools, events: Path, tmp_path: Path) -> None:
    """Recompressed and joined there what was here, and here what was there."""
    theirs, ours = tmp_path / "theirs.avro", tmp_path / "ours.avro"
    tools.theirs("recodec", "--codec", "snappy", events, theirs)
    tools.ours("recodec", "--codec", "snappy", theirs, "--output", ours)
    assert list(read(theirs)) == list(read(ours)) == DATA
    joined, again = tmp_path / "joined.avro", tmp_path / "again.avro"
    tools.theirs("concat", theirs, ours, joined)
    tools.ours("concat", joined, ours, "--output", again)
    assert list(read(joined)) == DATA * 2
    assert tools.theirs("count", again) == b"60\n"


@pytest.mark.filterwarnings("ignore:.*::avro")  # of logical types that it does not know
def test_canonical_forms_and_fingerprints_are_those_of_the_package_avro() -> None:
    """But for three things that it has against the specification, and Java has not.

    A primitive type with attributes, such as a logical type, stays an object (rule [PRIMITIVES]); a type without a namespace
    gets the one around it, though its own is empty ("Names"); and a fixed that comes again by its name is defined again.
    """
    if importlib.util.find_spec("avro") is None:
        refuse("the avro package's canonical forms", "avro is not installed")
    from avro.schema import parse

    same = different = 0
    for case in drawn_cases():
        schema, theirs = load(case), parse(json.dumps(case.schema))
        ours, form = schemas.canonical(schema), theirs.canonical_form
        fixed = [name for name, part in kinds.named_types(schema).items() if part["type"] == "fixed"]
        if '"namespace": ""' in json.dumps(case.schema) or any(ours.count(f'"{name}"') > 1 for name in fixed):
            continue
        assert re.sub(rf'\{{"type":("(?:{"|".join(PRIMITIVES)})")\}}', r"\1", form) == ours
        if form != ours:
            different += 1
            continue
        same += 1
        for algorithm, name in zip(schemas.ALGORITHMS, ("CRC-64-AVRO", "md5", "sha256"), strict=True):
            assert theirs.fingerprint(name) == schemas.fingerprint(schema, algorithm)
    assert same > 50 < different


# Tables: Spark and polars


def prices(size: int = 0) -> st.SearchStrategy[str]:
    """Decimals of nine digits, in the fewest bytes or in so many."""
    return latin(st.integers(1 - 10**9, 10**9 - 1).map(lambda number: unscaled(number, size)))


def moments(scale: int) -> st.SearchStrategy[int]:
    """Moments, of years that Python has but the first, which it cannot make of a timestamp, in units of 1/scale seconds."""
    return st.integers(-62_104_060_800 * scale, 253_402_300_800 * scale - 1)


def logical(kind: str, meaning: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": meaning, **more}


INNER: Final = {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": ["null", "int"]}]}
INNER_DATA: Final = st.fixed_dictionaries({"x": st.none() | INTS.map(lambda value: {"int": value})})
COLUMNS: Final[dict[str, tuple[Any, st.SearchStrategy[Any]]]] = {
    **{kind: (kind, FINITE.get(kind, VALUES[kind])) for kind in PRIMITIVES if kind != "null"},
    "date": (logical("int", "date"), st.integers(-719_162, 2_932_896)),
    "when": (logical("long", "timestamp-millis"), moments(10**3)),
    "exactly": (logical("long", "timestamp-micros"), moments(10**6)),
    "local": (logical("long", "local-timestamp-millis"), moments(10**3)),
    "local_exactly": (logical("long", "local-timestamp-micros"), moments(10**6)),
    "price": (logical("bytes", "decimal", precision=9, scale=2), prices()),
    "fixed_price": (logical("fixed", "decimal", name="Price", size=4, precision=9, scale=2), prices(4)),
    "uuid": (logical("string", "uuid"), st.uuids().map(str)),
    "fixed": ({"type": "fixed", "name": "Two", "size": 2}, latin(st.binary(min_size=2, max_size=2))),
    "enum": ({"type": "enum", "name": "Kind", "symbols": ["A", "B"]}, st.sampled_from("AB")),
    "array": ({"type": "array", "items": "int"}, st.lists(INTS, max_size=3)),
    "record": (INNER, INNER_DATA),
    "records": (
        {"type": "array", "items": ["null", {**INNER, "name": "Item"}]},
        st.lists(st.none() | INNER_DATA.map(lambda value: {"Item": value}), max_size=3),
    ),
    "optional": (["null", "string"], st.none() | st.text().map(lambda value: {"string": value})),
    "null_last": (["double", "null"], st.none() | FINITE["double"].map(lambda value: {"double": value})),
}
"""What both of them have."""
TIME: Final = (logical("int", "time-millis"), st.integers(0, 86_399_999))
MAP: Final = {"type": "map", "values": "long"}
CHOICE: Final = (
    ["int", "string", "boolean"],
    INTS.map(lambda value: {"int": value}) | st.text().map(lambda value: {"string": value}),
)


def table(columns: dict[str, tuple[Any, st.SearchStrategy[Any]]]) -> Case:
    """A record of these columns, and the same rows each time."""
    schema = {"type": "record", "name": "Row", "fields": [{"name": name, "type": kind} for name, (kind, _) in columns.items()]}
    rows = st.fixed_dictionaries({name: drawn for name, (_, drawn) in columns.items()})
    return Case(schema, draw_some(rows, 40))


def meant(path: Path) -> list[dict[str, Any]]:
    """A file's rows as Python's own types, by fastavro; moments without their zone, which is UTC."""
    with path.open("rb") as file:
        rows: list[dict[str, Any]] = list(fastavro.reader(file))  # type: ignore[arg-type]
    for row in rows:
        for name in ("when", "exactly"):
            row[name] = row[name].replace(tzinfo=None)
        row["uuid"] = str(row["uuid"])
    return rows


def plain(path: Path, names: Iterable[str]) -> list[Any]:
    """Some columns of a file as plain JSON, in which it does not matter that others allow null everywhere."""
    with open_input(str(path)) as source:
        header = containers.read_header(source)
        records = containers.read_records(source, header)
        rows = [values.to_json(record, header.schema, kinds.named_types(header.schema), plain=True) for record in records]
    return [{name: row[name] for name in names} for row in rows]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, Path, Path]:
    """A table, the directory of its files, and that of what Spark made of them.

    Spark takes a union of int and long for long. It has no times of day in microseconds yet, and nanoseconds only if asked for.
    """
    require("spark")
    try:
        jar = fetched("spark-avro_2.13")
    except (BigDataDemosError, OSError) as error:
        refuse("spark-avro", f"no spark-avro: {error}")
    more = {"again": ("Inner", INNER_DATA), "map": (MAP, st.dictionaries(st.text(), LONGS, max_size=3)), "choice": CHOICE}
    drawn = table({**COLUMNS, **more})
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    (ours / "schema.avsc").write_text(json.dumps(drawn.schema), encoding="utf-8")
    for codec in codecs.CODECS:
        write(ours / f"{codec}.avro", drawn.schema, drawn.data, codec)
    run([SITE], engine="serial", output=ours / "result", output_format="parquet")
    line = [sys.executable, str(ROOT / "tests" / "support" / "spark_avro.py"), str(jar), str(ours), str(theirs)]
    subprocess.run(line, env={**os.environ, "TZ": "UTC"}, check=True, timeout=300)
    return drawn, ours, theirs


def test_spark_reads_what_is_written_here(spark: tuple[Case, Path, Path]) -> None:
    drawn, ours, theirs = spark
    for codec in codecs.CODECS:
        expected = meant(ours / f"{codec}.avro")
        for row, value in zip(expected, drawn.data, strict=True):
            choice = value["choice"]
            row["choice"] = {"member0": choice.get("int"), "member1": choice.get("string"), "member2": None}
        with (theirs / f"{codec}.pickle").open("rb") as file:
            assert pickle.load(file) == expected


@pytest.mark.parametrize("form", ["avro", "parquet"])
@pytest.mark.parametrize("kind", model.KINDS)
def test_spark_opens_the_output_of_the_job(spark: tuple[Case, Path, Path], kind: model.PartKind, form: str) -> None:
    """All parts of a kind, as one table."""
    _, ours, theirs = spark
    with (theirs / f"{kind}.{form}.pickle").open("rb") as file:
        rows = pickle.load(file)
    expected = list(reading.read(ours / "result", kind))
    assert expected
    assert sorted(rows, key=repr) == sorted(expected, key=repr)


def test_what_spark_writes_is_read_here(spark: tuple[Case, Path, Path]) -> None:
    """By the table's schema, and by one that Spark makes, in which moments are in microseconds."""
    drawn, ours, theirs = spark
    for codec in codecs.CODECS:
        [file] = (theirs / codec).glob("*.avro")
        assert exactly(list(read(file))) == exactly(drawn.data)
        with open_input(str(file)) as source:
            assert containers.read_header(source).codec == codec
    names = [name for name in (*COLUMNS, "again", "map") if name not in ("when", "local")]
    [own] = (theirs / "own").glob("*.avro")
    assert plain(own, names) == plain(ours / "null.avro", names)


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_polars_reads_what_is_written_here_and_writes_what_is_read(codec: str, tmp_path: Path) -> None:
    """All the codecs and types that polars has.

    It reads no map, null, duration or nanoseconds, no union but with null, and no type that comes again by its name; and it writes less.
    Decimals it writes wrongly: 405.41, which is 9E5D, has lost the byte of its sign, 00, and is -249.95.
    """
    if importlib.util.find_spec("polars") is None:
        refuse("polars", "polars is not installed")
    import polars as pl

    micros = (logical("long", "time-micros"), st.integers(0, 86_399_999_999))
    drawn = table({**COLUMNS, "time": TIME, "time_exactly": micros})
    ours, theirs = tmp_path / "ours.avro", tmp_path / "theirs.avro"
    write(ours, drawn.schema, drawn.data, codec)
    frame = pl.read_avro(ours)
    assert frame.with_columns(pl.col("when", "exactly").dt.replace_time_zone(None)).to_dicts() == meant(ours)
    names = [
        *PRIMITIVES[1:],
        "date",
        "local",
        "local_exactly",
        "uuid",
        "array",
        "record",
        "records",
        "optional",
        "null_last",
    ]
    frame.select(names).write_avro(theirs, compression="uncompressed" if codec == "null" else codec)  # type: ignore[arg-type]
    assert plain(theirs, names) == plain(ours, names)
