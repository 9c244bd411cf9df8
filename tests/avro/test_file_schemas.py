"""The schemas of the files that the package writes: without defaults, so that other readers take them."""

import json
from pathlib import Path
from typing import Any

import fastavro
import pytest

from bigdata_demos.avro import binary, containers, schemas
from bigdata_demos.avro.resolution import resolver
from bigdata_demos.avro.schemas import canonical, load
from bigdata_demos.avro.streams import Source
from bigdata_demos.errors import BadAvro
from bigdata_demos.keywords.model import PartKind
from bigdata_demos.keywords.output.parts import write_part

RECORDS: dict[PartKind, dict[str, Any]] = {
    "keywords": {"url": "u", "source": "s", "offset": 1, "title": "t", "language": "de", "keywords": [], "declared": ["d"]},
    "index": {"stems": "a b", "phrase": "as bs", "rank": 1, "score": 5, "url": "u"},
    "rejected": {
        "source": "s",
        "offset": 3,
        "url": "u",
        "reason": "bad-record",
        "detail": "d",
        "fault": "OTHER",
        "end": 9,
        "records": 2,
    },
}


def field_defaults(part: Any) -> list[str]:
    """The fields of a schema, as JSON has it, that have a default."""
    if isinstance(part, list):
        return [name for branch in part for name in field_defaults(branch)]
    if not isinstance(part, dict):
        return []
    own = [field["name"] for field in part.get("fields", ()) if "default" in field]
    return own + field_defaults([*part.get("fields", ()), *(part[key] for key in ("type", "items", "values") if key in part)])


def written(directory: Path, kind: PartKind) -> Path:
    """A part of one record, as a run writes it."""
    (directory / kind).mkdir()
    row = binary.pack(RECORDS[kind], schemas.schema(kind))
    return directory / write_part(str(directory), kind, 0, [(row, row)], {}).path


@pytest.mark.parametrize("kind", schemas.PUBLIC)
def test_no_field_has_a_default_and_all_else_stays(kind: str) -> None:
    written = json.loads(schemas.file_schema(kind))
    assert canonical(schemas.load(json.dumps(written))) == canonical(schemas.schema(kind))
    assert [field["name"] for field in written["fields"]] == [field["name"] for field in schemas.schema(kind)["fields"]]
    assert not field_defaults(written)


@pytest.mark.parametrize("kind", RECORDS)
def test_the_file_says_so_and_is_read_with_our_schema(kind: PartKind, tmp_path: Path) -> None:
    path = written(tmp_path, kind)
    with path.open("rb") as file:
        header = containers.read_header(Source(file, str(path)))
        assert not field_defaults(json.loads(header.meta["avro.schema"]))
        file.seek(0)
        assert list(fastavro.reader(file, schemas.schema(kind))) == [RECORDS[kind]]


@pytest.mark.parametrize("kind", RECORDS)
def test_polars_opens_it(kind: PartKind, tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.read_avro(written(tmp_path, kind))
    assert frame.to_dicts() == [RECORDS[kind]]


@pytest.mark.parametrize("kind", RECORDS)
def test_duckdb_opens_it(kind: PartKind, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    try:
        connection.execute("LOAD avro")
    except duckdb.Error:
        pytest.skip("DuckDB's extension for Avro is not installed")
    path = written(tmp_path, kind)
    assert connection.execute("SELECT count(*) FROM read_avro(?)", [str(path)]).fetchone() == (1,)


def test_a_path_into_data_that_cannot_be_resolved_is_written_as_elsewhere() -> None:
    def schema(items: str) -> Any:
        field = {"name": "a", "type": {"type": "array", "items": items}}
        return load(json.dumps({"type": "record", "name": "R", "fields": [field]}))

    with pytest.raises(BadAvro, match=r"^a\[1\]: bytes that are no UTF-8"):
        resolver(schema("bytes"), schema("string"))({"a": [b"x", b"\xff"]})
