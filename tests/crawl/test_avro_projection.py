"""Fields of Avro records that no page needs: what cannot be decoded in them does not cost the page."""

import io
import json
from pathlib import Path
from typing import Any, cast

import fastavro
import pytest

from bigdata_demos.crawl.avro import _by_needed_fields, read_avro
from bigdata_demos.crawl.model import Page, Range

COLOUR = {"type": "enum", "name": "Colour", "symbols": ["RED"]}
EXTRAS: list[tuple[Any, Any, bytes, bytes]] = [
    ("string", "zzzz", b"zzzz", b"zz\xff\xfe"),
    ({"type": "map", "values": "string"}, {"zzzz": "yyyy"}, b"zzzz", b"zz\xff\xfe"),
    (["string", "bytes"], "zzzz", b"zzzz", b"zz\xff\xfe"),
    ({"type": "array", "items": ["null", COLOUR, "string"]}, ["RED", "zzzz"], b"zzzz", b"zz\xff\xfe"),
    (
        {
            "type": "record",
            "name": "R",
            "fields": [{"name": "c", "type": COLOUR}, {"name": "d", "type": "Colour"}, {"name": "s", "type": "string"}],
        },
        {"c": "RED", "d": "RED", "s": "zzzz"},
        b"\x00\x00\x08zzzz",
        b"\x10\x12\x08zzzz",
    ),
]


@pytest.mark.parametrize(("kind", "value", "old", "new"), EXTRAS, ids=("string", "map", "strings", "union", "enum"))
@pytest.mark.parametrize("html", ["<p>text", b"<p>\xff", None], ids=("text", "bytes", "null"))
def test_a_field_that_no_page_needs_costs_no_page(
    kind: Any, value: Any, old: bytes, new: bytes, html: Any, tmp_path: Path
) -> None:
    fields = [
        {"name": "url", "type": "string"},
        {"name": "extra", "type": kind},
        {"name": "html", "type": ["null", "bytes", "string"]},
        {"name": "text", "type": "string"},
    ]
    content = io.BytesIO()
    schema = fastavro.parse_schema({"type": "record", "name": "P", "fields": fields})
    fastavro.writer(content, schema, [{"url": "u", "extra": value, "html": html, "text": "t"}])
    data = content.getvalue()
    assert data.count(old) == 1
    path = tmp_path / "pages.avro"
    path.write_bytes(data.replace(old, new))
    with path.open("rb") as file:
        [page] = read_avro(file, Range(str(path), 0, len(data), "avro"))
    assert isinstance(page, Page)
    assert page.content == ("t" if html is None else html)


def test_types_are_not_written_out_again_where_they_are_named(tmp_path: Path) -> None:
    """A schema in which each record names the one before twice stays as long as it is, instead of doubling with each."""
    kind: Any = {"type": "record", "name": "R0", "fields": [{"name": "a", "type": "string"}]}
    for number in range(1, 15):
        again = {"name": "b", "type": f"R{number - 1}"}
        kind = {"type": "record", "name": f"R{number}", "fields": [{"name": "a", "type": kind}, again]}
    fields = [{"name": "url", "type": "string"}, {"name": "html", "type": "string"}, {"name": "extra", "type": ["null", kind]}]
    schema = fastavro.parse_schema({"type": "record", "name": "P", "fields": fields})
    assert len(json.dumps(_by_needed_fields(cast(Any, schema)))) < 2 * len(json.dumps(schema))
    path = tmp_path / "pages.avro"
    with path.open("wb") as file:
        fastavro.writer(file, schema, [{"url": "u", "html": "<p>text", "extra": None}])
    with path.open("rb") as file:
        [page] = read_avro(file, Range(str(path), 0, path.stat().st_size, "avro"))
    assert isinstance(page, Page)
