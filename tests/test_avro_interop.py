"""Files written here are read by other implementations of Avro, and theirs here: by what Hypothesis draws, on every codec.

With Java (``avro-tools``, from Maven Central) all types of the specification go both ways.
"""

import importlib.util
import json
import re
import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import fastavro
import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from bigdata_demos.avro import containers, schemas, values
from bigdata_demos.avro.streams import open_input
from bigdata_demos.formats import avro
from conftest import refuse
from java_avro import prepare
from strategies_avro import LEAVES, PRIMITIVES, schemas_and_data

EXAMPLES, OF_EACH = 120, 5
"""Schemas that are drawn, and those with each type that has no parts; each of them comes in every codec."""


class Case(NamedTuple):
    """A schema as JSON, and values of it in the specification's JSON encoding."""

    schema: Any
    data: list[Any]


def drawn_cases() -> list[Case]:
    """The same cases each time."""
    several = [draw_cases(schemas_and_data(leaf), OF_EACH, number) for number, leaf in enumerate(LEAVES, 1)]
    return draw_cases(schemas_and_data(), EXAMPLES, 0) + list(chain(*several))


def draw_cases(strategy: st.SearchStrategy[tuple[Any, list[Any]]], number: int, start: int) -> list[Case]:
    """So many cases, of schemas whose records can be decoded."""
    cases: list[Case] = []

    @seed(start)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(drawn: tuple[Any, list[Any]]) -> None:
        case = Case(*drawn)
        parsed = load(case)
        try:
            empty = avro.measure(parsed, schemas.named_types(parsed), {}, recursive=True).empty
        except ValueError:  # an array of nothing
            empty = True
        assume(not empty)
        cases.append(case)

    draw()
    return cases


def load(case: Case) -> Any:
    """A case's schema, parsed."""
    return schemas.load(json.dumps(case.schema), recursive=True)


def write(path: Path, schema: Any, data: list[Any], codec: str) -> None:
    """Write a file, of blocks of two records at most."""
    named: dict[str, Any] = {}
    parsed = fastavro.parse_schema(json.loads(json.dumps(schema)), named, _force=True)
    with path.open("wb") as file:
        writer = containers.Writer(file, json.dumps(schema), codec=codec)
        for number, value in enumerate(data, 1):
            writer.write(values.from_json(value, parsed, named, plain=False))
            if number % 2 == 0:
                writer.flush()
        writer.flush()


def read(path: Path) -> Iterator[Any]:
    """A file's records in the specification's JSON encoding, as ``tojson`` has them."""
    with open_input(str(path)) as source:
        header = containers.read_header(source)
        for record in containers.read_records(source, header):
            yield values.to_json(record, header.schema, header.named, plain=False)


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
        for codec in containers.CODECS:
            write(ours / f"{number}-{codec}.avro", case.schema, case.data, codec)
    done = subprocess.run(
        [*java_line, "ReadContainers", str(ours), str(theirs)], stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )
    return Java(cases, ours, theirs, done.stdout.splitlines())


def test_java_reads_what_is_written_here(java: Java) -> None:
    assert java.complaints == []
    for number, case in enumerate(java.cases):
        for codec in containers.CODECS:
            lines = (java.theirs / f"{number}-{codec}.json").read_text(encoding="utf-8").split("\n")
            assert unsigned_zeros([json.loads(line) for line in lines]) == unsigned_zeros(case.data), case.schema


def unsigned_zeros(data: Any) -> str:
    """:func:`exactly`, but for the sign of 0: Java's JSON has none for a float (it adds 0 to make it a double)."""
    return re.sub(r"-0\.0(?=[],}])", "0.0", exactly(data))


def test_what_java_writes_is_read_here(java: Java) -> None:
    """In each codec, and with arrays and maps that are cut into blocks."""
    for number, case in enumerate(java.cases):
        for codec in (*containers.CODECS, "blocking"):
            assert exactly(list(read(java.theirs / f"{number}-null-{codec}.avro"))) == exactly(case.data), case.schema


def test_canonical_forms_and_fingerprints_are_javas(java: Java) -> None:
    for number, case in enumerate(java.cases):
        schema = load(case)
        ours = [schemas.canonical(schema), *(schemas.fingerprint(schema, each).hex() for each in schemas.ALGORITHMS)]
        assert (java.theirs / f"{number}-null.schema").read_text(encoding="utf-8").splitlines() == ours


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
        fixed = [name for name, part in schemas.named_types(schema).items() if part["type"] == "fixed"]
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
