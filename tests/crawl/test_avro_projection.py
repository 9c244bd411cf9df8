"""Fields of Avro records that no page needs: what cannot be decoded in them does not cost the page."""

import io
from pathlib import Path
from typing import Any

import fastavro
import pytest

from bigdata_demos.crawl.avro import read_avro
from bigdata_demos.crawl.model import Page, Range

COLOUR = {"type": "enum", "name": "Colour", "symbols": ["RED"]}
EXTRAS: list[tuple[Any, Any, bytes, bytes]] = [
    ("string", "zzzz", b"zzzz", b"zz\xff\xfe"),
    ({"type": "map", "values": "string"}, {"zzzz": "yyyy"}, b"zzzz", b"zz\xff\xfe"),
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


@pytest.mark.parametrize(("kind", "value", "old", "new"), EXTRAS, ids=("string", "map", "union", "enum"))
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
