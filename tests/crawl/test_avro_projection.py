"""Fields of Avro records that no page needs: what cannot be decoded in them does not cost the page."""

import io
import json
from pathlib import Path
from typing import Any

import fastavro
import pytest

from bigdata_demos.avro.containers import projection
from bigdata_demos.crawl.avro import read_avro
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


def test_types_that_an_unneeded_field_defines_are_known_where_a_needed_one_names_them(tmp_path: Path) -> None:
    """Nothing is skipped then; nor where a union has two types of one name in two namespaces."""
    html = {"type": "fixed", "name": "Html", "namespace": "a", "size": 4}
    for other in ("b", "a"):
        extra = [{**html, "namespace": other}, html] if other == "b" else html
        fields = [
            {"name": "extra", "type": extra},
            {"name": "url", "type": "string"},
            {"name": "html", "type": ["null", "a.Html"]},
        ]
        fields += [{"name": "text", "type": ["b.Html", "a.Html", "string"] if other == "b" else "string"}]
        schema: Any = fastavro.parse_schema({"type": "record", "name": "P", "fields": fields})
        assert projection(schema, {"url", "html", "text"}) is None
        path = tmp_path / "pages.avro"
        with path.open("wb") as file:
            fastavro.writer(
                file,
                schema,
                [
                    {
                        "extra": ("a.Html", b"abcd") if other == "b" else b"abcd",
                        "url": "u",
                        "html": ("a.Html", b"<p>x"),
                        "text": "t",
                    }
                ],
            )
        with path.open("rb") as file:
            [page] = read_avro(file, Range(str(path), 0, path.stat().st_size, "avro"))
        assert isinstance(page, Page)
        assert page.content == b"<p>x"


def test_fields_that_a_readers_schema_does_not_have_cost_no_page(tmp_path: Path) -> None:
    """Its aliases are needed, too."""
    fields = [{"name": "link", "type": "string"}, {"name": "extra", "type": "string"}, {"name": "html", "type": "string"}]
    content = io.BytesIO()
    schema = fastavro.parse_schema({"type": "record", "name": "P", "fields": fields})
    fastavro.writer(content, schema, [{"link": "u", "extra": "zzzz", "html": "<p>x"}])
    path = tmp_path / "pages.avro"
    path.write_bytes(content.getvalue().replace(b"zzzz", b"z\xff\xfez"))
    reader = {"type": "record", "name": "P", "fields": [{"name": "url", "aliases": ["link"], "type": "string"}, fields[2]]}
    with path.open("rb") as file:
        [page] = read_avro(file, Range(str(path), 0, path.stat().st_size, "avro"), json.dumps(reader))
    assert isinstance(page, Page)
    assert (page.url, page.content) == ("u", "<p>x")


def test_an_unneeded_array_of_any_size_costs_no_page(tmp_path: Path) -> None:
    """It is skipped, so its values are neither made nor counted."""
    fields = [{"name": "url", "type": "string"}, {"name": "extra", "type": {"type": "array", "items": "int"}}]
    schema = fastavro.parse_schema({"type": "record", "name": "P", "fields": [*fields, {"name": "text", "type": "string"}]})
    path = tmp_path / "pages.avro"
    with path.open("wb") as file:
        fastavro.writer(file, schema, [{"url": "u", "extra": [1] * 9_000_000, "text": "x"}], "deflate")
    with path.open("rb") as file:
        [page] = read_avro(file, Range(str(path), 0, path.stat().st_size, "avro"))
    assert isinstance(page, Page)
    assert page.content == "x"
