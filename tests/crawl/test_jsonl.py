"""Pages of JSON lines."""

import json
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.crawl import jsonl, plan
from bigdata_demos.crawl.model import Page, Rejected
from tests.support.crawl import LINE, Found, read, rejections, urls, write


def lines(tmp_path: Path, content: bytes) -> list[Found]:
    """What a file of JSON lines holds."""
    return read(write(tmp_path / "pages.jsonl", content))


@pytest.mark.parametrize(
    "content", [LINE, LINE.rstrip(), LINE.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + LINE, b"\n\r\n  \n" + LINE + b"\n\n"]
)
def test_line_ends(tmp_path: Path, content: bytes) -> None:
    """With a byte order mark, with CRLF, with no last line end, with blank lines: one page."""
    [found] = lines(tmp_path, content)
    assert found == Page(
        "u", str(tmp_path / "pages.jsonl"), content.index(b"{") if content[0] in b"\n" else 0, "some words", is_text=True
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"url": "u", "html": "<p>x"}, ("u", "<p>x", False)),
        ({"url": "u", "text": "x"}, ("u", "x", True)),
        ({"url": "u", "html": "<p>x", "text": "x"}, ("u", "<p>x", False)),
        ({"url": "u", "html": None, "text": "x"}, ("u", "x", True)),
        ({"url": "u", "html": "", "text": "x"}, ("u", "x", True)),
        ({"url": "u", "html": "", "text": ""}, ("u", "", False)),
        ({"url": "u", "html": ""}, ("u", "", False)),
        ({"url": "u", "id": 7, "text": "x"}, ("u", "x", True)),
        ({"url": "", "id": 7, "text": "x"}, ("7", "x", True)),
        ({"url": None, "id": "seven", "text": "x"}, ("seven", "x", True)),
        ({"id": 0, "text": "x"}, ("0", "x", True)),
        ({"id": -1.5, "text": "x"}, ("-1.5", "x", True)),
        ({"id": 12345678901234567890, "text": "x"}, ("12345678901234567890", "x", True)),
        ({"url": "u", "text": ""}, ("u", "", True)),
        ({"url": " \ud800", "text": "\udfff\ud83d\ude80"}, (" \ud800", "\udfff🚀", True)),
        ({"url": "u", "text": "x", "title": 7, "content_type": None, "other": {"html": "<p>"}}, ("u", "x", True)),
    ],
)
def test_records_that_are_pages(tmp_path: Path, record: dict[str, Any], expected: tuple[str, str, bool]) -> None:
    """Who they are, and what they hold."""
    [found] = lines(tmp_path, json.dumps(record).encode())
    assert isinstance(found, Page)
    assert (found.url, found.content, found.is_text) == expected
    assert found.title == ""


@pytest.mark.parametrize(
    ("line", "url"),
    [
        (b'{"text": "x"}', ""),
        (b'{"url": "", "text": "x"}', ""),
        (b'{"id": null, "text": "x"}', ""),
        (b'{"id": [1], "text": "x"}', ""),
        (b'{"url": {"href": "x"}, "text": "x"}', ""),
        (b'{"id": NaN, "text": "x"}', ""),
        (b'{"id": -Infinity, "text": "x"}', ""),
        (b'{"id": true, "text": "x"}', ""),
        (b'{"url": "u"}', "u"),
        (b'{"url": "u", "html": null}', "u"),
        (b'{"url": "u", "html": 7}', "u"),
        (b'{"url": "u", "text": ["x"]}', "u"),
        (b'["url", "text"]', ""),
        (b'"url"', ""),
        (b"null", ""),
        (b"NaN", ""),
        (b'{"url": "u", "text": "x"', ""),
        (b'{"url": "u", "text": "x"} {}', ""),
        (b'{"url": "u", "text": "x\ty"}', ""),
        (b'{"url": "u", "text": "caf\xe9"}', ""),
        (b"\xff\xfe{\x00}\x00", ""),
        (b"[" * 100_000, ""),
        (b'{"url": "u", "text": "x", "n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", ""),
    ],
)
def test_records_that_are_no_pages(tmp_path: Path, line: bytes, url: str) -> None:
    """Rejected, one by one, with the offset of their line; the next line is read."""
    found = lines(tmp_path, LINE + line + b"\n" + LINE)
    assert urls(found) == ["u", "u"]
    assert rejections(found) == [(len(LINE), url, "bad-record")]


def test_numbers_that_json_has_not_are_harmless_elsewhere(tmp_path: Path) -> None:
    """NaN in a field that nobody reads, and a number too large for a float."""
    assert urls(lines(tmp_path, b'{"url": "u", "text": "x", "score": NaN, "large": 1e999}\n')) == ["u"]


def test_deep_and_harmless(tmp_path: Path) -> None:
    """A record as deep as anybody writes them."""
    assert urls(lines(tmp_path, b'{"url": "u", "text": "x", "n": ' + b"[" * 100 + b"]" * 100 + b"}\n")) == ["u"]


@pytest.mark.parametrize("split_bytes", [7, 64, 1000])
def test_line_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split_bytes: int) -> None:
    """The longest line allowed is read; one byte more is rejected, and the next line read; whatever the splits."""
    monkeypatch.setattr(jsonl, "MAX_LINE", 100)
    fits = b'{"url": "fits", "text": "%s"}\n' % (b"x" * 72)
    assert len(fits) == 100
    for size in (73, 74, 99, 100, 101, 199, 200, 201, 300):
        long = b'{"url": "long", "text": "%s"}\n' % (b"x" * size)
        found = read(write(tmp_path / "pages.jsonl", fits + long + LINE), split_bytes=split_bytes)
        assert urls(found) == ["fits", "u"], size
        assert rejections(found) == [(100, "", "too-large")], size
        found = read(write(tmp_path / "pages.jsonl", fits + long.rstrip()), split_bytes=split_bytes)
        assert urls(found) == (["fits", "long"] if size == 73 else ["fits"]), size  # without its end, that line fits
        assert rejections(found) == ([] if size == 73 else [(100, "", "too-large")]), size


def test_spooled_lines(tmp_path: Path) -> None:
    """Standard input becomes a file that holds the same bytes."""
    jsonl.spool_lines(iter([LINE, b"\n", LINE.rstrip()]), tmp_path / "stdin.jsonl")
    assert (tmp_path / "stdin.jsonl").read_bytes() == LINE + b"\n" + LINE.rstrip()


@pytest.mark.parametrize("value", [b"9" * 10_000, b"[" + b"[]," * 10_000 + b"[]]", b'"\\ud800"', b"1e999"])
def test_fields_that_are_not_needed_cost_no_page(tmp_path: Path, value: bytes) -> None:
    """They are skipped without being decoded."""
    path = write(tmp_path / "a.jsonl", b'{"n": ' + value + b', "url": "u", "text": "x"}\n')
    assert [one.url for one in read(path) if isinstance(one, Page)] == ["u"]


def test_an_array_says_what_to_do(tmp_path: Path) -> None:
    """The rejection of a line that is an array names a command."""
    (found,) = read(write(tmp_path / "a.json", b'[{"url": "u", "text": "x"}]'))
    assert isinstance(found, Rejected)
    assert "jq -c '.[]'" in found.detail


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_other_encodings_of_unicode(tmp_path: Path, encoding: str) -> None:
    """A byte order mark says which one it is; the file is read whole, whatever the splits' size."""
    lines = "".join(json.dumps({"url": f"u{i}", "text": "zażółć 分散 😀"}, ensure_ascii=False) + "\n" for i in range(50))
    mark = "\ufeff" if encoding.endswith("e") else ""
    path = write(tmp_path / "a.jsonl", (mark + lines).encode(encoding))
    for split_bytes in (100, plan.SPLIT_BYTES):
        found = read(path, split_bytes=split_bytes)
        assert [(one.url, one.content) for one in found if isinstance(one, Page)] == [
            (f"u{i}", "zażółć 分散 😀") for i in range(50)
        ]


def test_a_line_longer_than_its_range_is_read_once(tmp_path: Path) -> None:
    """Ranges in which no line starts read no further than their own end."""
    long = b'{"url": "long", "text": "' + b"x" * 50_000 + b'"}\n'
    path = write(tmp_path / "a.jsonl", LINE + long + LINE)
    splits, _ = plan.plan([str(path)], split_bytes=1000)
    pieces = [piece for split in splits for piece in split.ranges]
    assert len(pieces) > 40
    urls_found = []
    for piece in pieces:
        with path.open("rb") as file:
            urls_found += [one.url for one in jsonl.read_jsonl(file, piece) if isinstance(one, Page)]
            inside = len(LINE) < piece.start and piece.end < len(LINE + long)
            assert not inside or file.tell() <= piece.end
    assert urls_found == ["u", "long", "u"]
