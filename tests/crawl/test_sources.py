"""Where pages come from: what a path is taken for, who a page is, how files are cut, and damage that costs itself only."""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import fastavro
import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bigdata_demos.avro import binary, containers
from bigdata_demos.avro.streams import Source
from bigdata_demos.crawl import jsonl, plan, reader
from bigdata_demos.crawl.model import Page, Range, Rejected, Skipped, Split, Unreadable
from bigdata_demos.errors import BadAvro, InputError
from bigdata_demos.keywords import run
from bigdata_demos.keywords.analysis.text import extract
from tests.support.paths import ROOT, SITE
from tests.support.warc import page as warc_page

Found = Page | Rejected | Skipped
HTML = b"<!DOCTYPE html><title>t</title><p>some words"
LINE = b'{"url": "u", "text": "some words"}\n'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
SCHEMA = {
    "type": "record",
    "name": "Page",
    "fields": [{"name": name, "type": ["null", "string"], "default": None} for name in ("url", "html", "text")],
}


def container(records: Sequence[dict[str, Any]], codec: str = "null", interval: int = 60, schema: Any = SCHEMA) -> bytes:
    """An Avro container file with small blocks, the same bytes each time."""
    buffer = io.BytesIO()
    fastavro.writer(buffer, schema, records, codec=codec, sync_interval=interval, sync_marker=bytes(range(200, 216)))
    return buffer.getvalue()


def numbered(count: int) -> list[dict[str, Any]]:
    """Pages of different lengths."""
    return [{"url": f"http://a.example/{i}", "text": f"page {i}" + " word" * (i * 7 % 23)} for i in range(count)]


AVRO = container(numbered(3))


def kinds(*inputs: Path | str) -> dict[str, tuple[str, str]]:
    """What each file is taken for, and its compression."""
    splits, _ = plan.plan(list(map(str, inputs)))
    return {os.path.basename(part.path): (part.kind, part.codec) for split in splits for part in split.ranges}


def read(*inputs: Path | str, split_bytes: int = plan.SPLIT_BYTES) -> list[Found]:
    """Everything that some inputs hold."""
    splits, _ = plan.plan(list(map(str, inputs)), split_bytes=split_bytes)
    return [found for split in splits for found in reader.read(split)]


def urls(found: Sequence[Found]) -> list[str]:
    """The pages' identities, in order."""
    return [one.url for one in found if isinstance(one, Page)]


def rejections(found: Sequence[Found]) -> list[tuple[int, str, str]]:
    """What was rejected: offset, URL, reason."""
    return [(one.offset, one.url, one.reason) for one in found if isinstance(one, Rejected)]


def write(path: Path, content: bytes) -> Path:
    """Write a file, and the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# What a path is.


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("page.html", HTML, "html"),
        ("page.HTM", HTML, "html"),
        ("page.php", HTML, "html"),
        ("page", b"\n <!-- hello --><HTML>", "html"),
        ("page.aspx", b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">', "html"),
        ("crawl.warc", warc_page("http://a.example/", b"<p>x"), "warc"),
        ("crawl", warc_page("http://a.example/", b"<p>x"), "warc"),
        ("crawl.jsonl", warc_page("http://a.example/", b"<p>x"), "warc"),
        ("pages.avro", AVRO, "avro"),
        ("pages", AVRO, "avro"),
        ("pages.txt", AVRO, "avro"),
        ("pages.jsonl", LINE, "jsonl"),
        ("pages.ndjson", LINE, "jsonl"),
        ("pages.json", LINE, "jsonl"),
        ("pages", LINE, "jsonl"),
        ("pages.log", b"\xef\xbb\xbf\r\n " + LINE, "jsonl"),
        ("pages.avro", LINE, "jsonl"),
        ("empty.jsonl", b"", "jsonl"),
    ],
)
def test_kind(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    """By content first, by name where that does not tell; named or found in a directory."""
    path = write(tmp_path / name, content)
    assert kinds(path) == kinds(tmp_path) == {name: (kind, "")}


@pytest.mark.parametrize("content", [warc_page("http://a.example/0", b"<p>some words"), AVRO], ids=["warc", "avro"])
def test_another_kind_named_html(tmp_path: Path, content: bytes) -> None:
    """Its own pages are read, or the file is rejected: it is no page itself, whatever its name."""
    found = read(write(tmp_path / "page.html", content))
    for one in found:
        if isinstance(one, Page) and one.url == "page.html":
            with pytest.raises(Unreadable, match="not-html"):
                extract(one)
    assert found


@pytest.mark.parametrize("name", ["notes.txt", "style.css", "picture.png", "README", "x.gz"])
def test_what_is_no_page(tmp_path: Path, name: str) -> None:
    """Skipped and counted in a directory, refused where it was named."""
    path = write(tmp_path / name, PNG if name.endswith("png") else b"body { color: red }")
    write(tmp_path / "page.html", HTML)
    splits, skipped = plan.plan([str(tmp_path)])
    assert ([part.name for split in splits for part in split.ranges], skipped) == (["page.html"], 1)
    with pytest.raises(InputError, match="not a web page, WARC, Avro or JSON lines file"):
        plan.plan([str(path)])


def test_a_picture_named_html(tmp_path: Path) -> None:
    """It has the name of a page: it is read, and rejected when it is parsed."""
    write(tmp_path / "page.html", PNG)
    [found] = read(tmp_path)
    assert isinstance(found, Page)
    assert found.content == PNG
    with pytest.raises(Unreadable, match="not-html"):
        extract(found)


PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize(
    ("name", "content", "identity"),
    [
        ("page.html", HTML, "page.html{}"),
        ("page", HTML, "page{}"),
        ("pages.jsonl", LINE, "u"),
        ("pages", LINE, "u"),
        ("pages.avro", AVRO, "http://a.example/0"),
        ("crawl.warc", warc_page("http://a.example/", b"<p>x"), "http://a.example/"),
        ("crawl", warc_page("http://a.example/", b"<p>x"), "http://a.example/"),
    ],
)
def test_compression_by_suffix(tmp_path: Path, suffix: str, name: str, content: bytes, identity: str) -> None:
    """Every kind in every compression; a page keeps the name of its file."""
    found = read(write(tmp_path / (name + suffix), PACKERS[suffix](content)), split_bytes=5)
    assert rejections(found) == []
    assert urls(found)[0] == identity.format(suffix)
    assert len(urls(found)) == len(set(urls(found)))


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("damage", ["cut", "garbage", "flipped", "nothing"])
def test_damaged_compression(tmp_path: Path, suffix: str, damage: str) -> None:
    """Never an exception: what is before the damage is read, and the damage is told of."""
    whole = PACKERS[suffix](b"".join(b'{"id": %d, "text": "word%d"}\n' % (i, i * i) for i in range(1, 5_000)))
    middle = len(whole) // 2
    content = {
        "cut": whole[:-30],
        "garbage": b"this is not compressed" * 50,
        "flipped": whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 9]) + whole[middle + 9 :],
        "nothing": b"",
    }[damage]
    found = read(write(tmp_path / f"pages.jsonl{suffix}", content))
    assert all(isinstance(one, Page | Rejected) for one in found)
    if damage == "nothing":
        assert urls(found) == []
    else:
        assert {"truncated", "unreadable"} & {one.reason for one in found if isinstance(one, Rejected)}
    if (suffix, damage) != (".bz2", "flipped"):  # bzip2 hands out a block before its checksum comes
        assert urls(found)[:50] == [str(i) for i in range(1, 51)][: len(urls(found))]


# Directories, globs, names.


def test_directory(tmp_path: Path) -> None:
    """All files below it in order of their names; pages are known by their path below it, however it is named."""
    for name in ("b.html", "a/z.html", "a/b/c.html", "a.html", "A.html"):
        write(tmp_path / "site" / name, HTML)
    expected = sorted(["b.html", "a/z.html", "a/b/c.html", "a.html", "A.html"])
    assert sorted(urls(read(tmp_path / "site"))) == expected
    assert urls(read(f"{tmp_path}/site/")) == urls(read(tmp_path / "site")) == urls(read(f"{tmp_path}/site/../site"))
    assert urls(read(f"file://{tmp_path}/site")) == urls(read(tmp_path / "site"))
    assert urls(read(tmp_path / "site" / "a" / "b" / "c.html")) == ["c.html"]


def test_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths, and the one that is only a dot."""
    write(tmp_path / "a" / "b.html", HTML)
    monkeypatch.chdir(tmp_path)
    assert urls(read("a")) == ["b.html"]
    assert urls(read(".")) == ["a/b.html"]


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    """Those below a directory whose name, or whose directory's name, starts with a dot; not where the input itself is hidden."""
    for name in (".hidden.html", ".git/x.html", "a/.b/c.html", "seen.html"):
        write(tmp_path / ".root" / name, HTML)
    splits, skipped = plan.plan([str(tmp_path / ".root")])
    assert [part.name for split in splits for part in split.ranges] == ["seen.html"]
    assert skipped == 0
    assert urls(read(tmp_path / ".root" / ".hidden.html")) == [".hidden.html"]


def test_globs(tmp_path: Path) -> None:
    """Files in order of their names, directories not; each named by its last part."""
    for name in ("b.html", "a.html", "c/d.html", "e.jsonl"):
        write(tmp_path / name, LINE if name.endswith("jsonl") else HTML)
    write(tmp_path / "dir.html" / "x.html", HTML)
    assert urls(read(tmp_path / "*.html")) == ["a.html", "b.html"]
    assert urls(read(tmp_path / "[ab].html")) == ["a.html", "b.html"]
    assert urls(read(tmp_path / "?.jsonl")) == ["u"]
    assert sorted(urls(read(tmp_path / "**" / "*.html"))) == ["a.html", "b.html", "d.html", "x.html"]
    with pytest.raises(InputError, match="no file matches"):
        plan.plan([str(tmp_path / "*.warc")])


@pytest.mark.parametrize("name", ["[draft].html", "what?.html", "a*b.html", "{x}.html", "two  words .html", "tab\t.html", "new\nline.html", "naïve ☃.html", "per%20cent#x.html", "a::b.html", "-"])  # fmt: skip
def test_odd_names(tmp_path: Path, name: str) -> None:
    """A file that is there is that file, whatever its name looks like; alone and in a directory."""
    write(tmp_path / name, HTML)
    write(tmp_path / "d.html", HTML)
    assert urls(read(tmp_path / name)) == [name]
    assert urls(read(tmp_path)) == sorted(["d.html", name])


def test_directory_with_brackets(tmp_path: Path) -> None:
    """The same for a directory's name."""
    write(tmp_path / "site [2024]*" / "x.html", HTML)
    assert urls(read(tmp_path / "site [2024]*")) == ["x.html"]


def test_name_that_is_not_utf8(tmp_path: Path) -> None:
    """The page is read, and its name can be written to any output."""
    write(tmp_path / os.fsdecode(b"caf\xe9.html"), HTML)
    for path in (tmp_path, tmp_path / os.fsdecode(b"caf\xe9.html")):
        [found] = read(path)
        assert isinstance(found, Page)
        assert extract(found).url == "caf\ufffd.html"
    result = run([tmp_path], output=tmp_path.parent / f"{tmp_path.name}-out")
    assert (result.pages, result.rejected) == (1, 0)


def test_rejected_file_whose_name_is_not_utf8(tmp_path: Path) -> None:
    """One that is rejected is told of as well."""
    write(tmp_path / "in" / os.fsdecode(b"caf\xe9.html"), b"")
    write(tmp_path / "in" / os.fsdecode(b"caf\xe8.jsonl"), b"{broken\n")
    write(tmp_path / "in" / "fine.html", HTML)
    result = run([tmp_path / "in"], output=tmp_path / "out", max_rejected=90)
    assert (result.pages, result.reasons) == (1, {"bad-record": 1, "empty": 1})


@pytest.mark.parametrize("path", ["no-such-file.html", "no-such-directory/", "no/such/*.html", "site.html/below"])
def test_missing(tmp_path: Path, path: str) -> None:
    """What is not there is an error that names it."""
    write(tmp_path / "site.html", HTML)
    with pytest.raises(InputError, match=path.split("*", maxsplit=1)[0].rstrip("/")):
        plan.plan([str(tmp_path / "site.html"), f"{tmp_path}/{path}"])


@pytest.mark.parametrize("path", ["nonsense://bucket/x", "://x", "http://127.0.0.1:1/x.html", "x\x00y"])
def test_what_is_no_path(path: str) -> None:
    """Nothing but an error that names it."""
    with pytest.raises(InputError, match=r"cannot be read|no such file"):
        plan.plan([path])


def test_directory_that_links_to_itself(tmp_path: Path) -> None:
    """Read once."""
    write(tmp_path / "a" / "x.html", HTML)
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a", target_is_directory=True)
    assert urls(read(tmp_path)) == ["a/x.html"]


def test_dangling_link(tmp_path: Path) -> None:
    """A page that is in the directory's list but cannot be opened: the rest is read; at most it is told of."""
    write(tmp_path / "a.html", HTML)
    (tmp_path / "gone.html").symlink_to(tmp_path / "nowhere.html")
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere.jsonl")
    found = read(tmp_path)
    assert urls(found) == ["a.html"]
    assert {(url, why) for _, url, why in rejections(found)} >= {("gone.html", "unreadable")}
    with pytest.raises(InputError, match=r"gone\.html"):
        plan.plan([str(tmp_path / "gone.html")])


@pytest.mark.parametrize("name", ["a.html", "a.jsonl", "a.avro", "a.warc.gz"])
def test_file_that_goes_between_plan_and_read(tmp_path: Path, name: str) -> None:
    """Rejected; the files beside it are read."""
    content = {"html": HTML, "jsonl": LINE, "avro": AVRO, "gz": gzip.compress(warc_page("http://a.example/", b"<p>x"))}
    path = write(tmp_path / name, content[name.rpartition(".")[2]])
    write(tmp_path / "b.html", HTML)
    splits, _ = plan.plan([str(tmp_path)])
    path.unlink()
    found = [one for split in splits for one in reader.read(split)]
    assert urls(found) == ["b.html"]
    assert rejections(found) == [(0, name if name == "a.html" else "", "unreadable")]


def test_pipe_in_a_directory(tmp_path: Path) -> None:
    """What is no regular file is not waited for."""
    write(tmp_path / "a.html", HTML)
    os.mkfifo(tmp_path / "pipe.html")
    os.mkfifo(tmp_path / "pipe")
    code = "import sys; from tests.crawl.test_sources import read, urls; print(urls(read(sys.argv[1])))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=20, check=False, env=environment
    )
    assert done.stdout.strip() == "['a.html']", done.stderr[-1000:]


def test_a_file_named_twice_is_read_twice(tmp_path: Path) -> None:
    """Nothing is deduplicated."""
    path = write(tmp_path / "a.html", HTML)
    assert urls(read(path, tmp_path, path)) == ["a.html"] * 3


def test_memory_url() -> None:
    """Any file system that fsspec knows: files, directories and globs; identity is the path below the directory."""
    fs = fsspec.filesystem("memory")
    fs.pipe({"/sources-test/a.html": HTML, "/sources-test/b/pages.jsonl": LINE * 2, "/sources-test/crawl.warc.gz": gzip.compress(warc_page("http://a.example/", b"<p>x")), "/sources-test/x.css": b"x"})  # fmt: skip
    try:
        found = read("memory://sources-test")
        assert urls(found) == ["a.html", "u", "u", "http://a.example/"]
        names = ("a.html", "b/pages.jsonl", "b/pages.jsonl", "crawl.warc.gz")
        assert [one.source.replace("///", "//") for one in found] == [f"memory://sources-test/{name}" for name in names]
        assert urls(read("memory://sources-test/b/*.jsonl")) == ["u", "u"]
        assert urls(read("memory://sources-test/a.html")) == ["a.html"]
        assert rejections(found) == []
        with pytest.raises(InputError, match="memory://sources-test/none"):
            plan.plan(["memory://sources-test/none"])
    finally:
        fs.rm("/sources-test", recursive=True)


# JSON lines.


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
        ({"url": "u", "html": "", "text": "x"}, ("u", "", False)),
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
        (b'{"url": "u", "text": "x", "n": ' + b"9" * 10_000 + b"}", ""),
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


# Splits.


def warc_gz(records: Sequence[dict[str, Any]]) -> bytes:
    """The same pages as a WARC.gz."""
    return b"".join(gzip.compress(warc_page(page["url"], page["text"].encode())) for page in records)


SPLITTABLE: dict[str, Callable[[Sequence[dict[str, Any]]], bytes]] = {
    "pages.jsonl": lambda records: b"".join(json.dumps(page).encode() + b"\n" for page in records),
    "pages.avro": container,
    "deflate.avro": lambda records: container(records, "deflate", 100),
    "crawl.warc.gz": warc_gz,
}


def content_of(found: Sequence[Found]) -> list[tuple[int, str]]:
    """Offsets and identities, in order of the file."""
    assert all(isinstance(one, Page) for one in found)
    return [(one.offset, one.url) for one in found if isinstance(one, Page)]


@pytest.mark.parametrize("name", SPLITTABLE)
def test_splits_of_every_size(tmp_path: Path, name: str) -> None:
    """The pages of all splits are those of the file, each once, in its order, for every size of a split."""
    content = SPLITTABLE[name](numbered(8))
    path = write(tmp_path / name, content)
    expected = content_of(read(path))
    assert [url for _, url in expected] == [page["url"] for page in numbered(8)]
    step = 1 if len(content) < 900 else 7
    for split_bytes in (*range(1, 40), *range(40, len(content) * 7, step * 7)):
        splits, _ = plan.plan([str(path)], split_bytes=split_bytes)
        assert content_of([one for split in splits for one in reader.read(split)]) == expected, split_bytes
    assert len(plan.plan([str(path)], split_bytes=50)[0]) > 5


@pytest.mark.parametrize("name", SPLITTABLE)
def test_ranges_cut_at_every_byte(tmp_path: Path, name: str) -> None:
    """The same for two ranges, and for three, wherever they meet."""
    content = SPLITTABLE[name](numbered(5))
    path = write(tmp_path / name, content)
    [split], _ = plan.plan([str(path)])
    [whole] = split.ranges
    expected = content_of(list(reader.read(split)))
    for cut in range(len(content) + 1):
        for edges in (
            [0, cut, len(content)],
            [0, cut // 2, cut, len(content)],
            [0, cut, min(cut + 3, len(content)), len(content)],
        ):
            parts = [whole._replace(start=start, end=end) for start, end in pairwise(edges)]
            assert content_of([one for part in parts for one in reader.read(Split(0, (part,)))]) == expected, edges


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=12)


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, split_bytes=st.integers(1, 400), name=st.sampled_from(sorted(SPLITTABLE)))
def test_splits_of_anything(tmp_path_factory: pytest.TempPathFactory, texts: list[str], split_bytes: int, name: str) -> None:
    """Pages of any text, split anyhow: each once, unchanged."""
    records = [{"url": f"u{i}", "text": text} for i, text in enumerate(texts)]
    path = write(tmp_path_factory.mktemp("any") / name, SPLITTABLE[name](records))
    if not records and name.endswith("gz"):
        return
    found = read(path, split_bytes=split_bytes)
    expected = [(f"u{i}", text if "warc" not in name else text.encode()) for i, text in enumerate(texts)]
    assert [(one.url, one.content) if isinstance(one, Page) else one for one in found] == expected


def test_lines_with_other_line_ends_inside(tmp_path: Path) -> None:
    """Only LF ends a line: not CR, NEL or U+2028, raw in the text as JSON allows."""
    text = "a\u2028b\u2029c\x85d\x7f"
    content = json.dumps({"url": "u", "text": text}, ensure_ascii=False).encode() + b"\n"
    for split_bytes in range(1, len(content) + 2):
        [found] = read(write(tmp_path / "pages.jsonl", content), split_bytes=split_bytes)
        assert isinstance(found, Page)
        assert found.content == text


def test_what_is_not_cut(tmp_path: Path) -> None:
    """HTML, plain WARC and what is compressed as a whole are one range each, however small the splits."""
    write(tmp_path / "a.html", HTML)
    write(tmp_path / "b.warc", warc_page("http://a.example/", b"<p>x") * 9)
    write(tmp_path / "c.jsonl.gz", gzip.compress(LINE * 99))
    write(tmp_path / "d.warc.gz", gzip.compress(warc_page("http://a.example/", b"<p>x") * 9))
    splits, _ = plan.plan([str(tmp_path)], split_bytes=1)
    assert [len(split.ranges) for split in splits] == [1] * 4
    assert all(part.end == os.path.getsize(part.path) for split in splits for part in split.ranges)


def test_small_files_share_a_split(tmp_path: Path) -> None:
    """As many as fit; numbers count from 0; what is too large alone has a split of its own; no split is empty."""
    for i in range(20):
        write(tmp_path / f"{i:02}.html", HTML + b" " * (100 - len(HTML)))
    write(tmp_path / "10a.html", HTML + b" " * 1000)
    splits, _ = plan.plan([str(tmp_path)], split_bytes=350)
    assert [len(split.ranges) for split in splits] == [3, 3, 3, 2, 1, 3, 3, 3]
    assert [split.number for split in splits] == list(range(8))
    assert splits[4].nbytes == 1000 + len(HTML)


def test_the_plan_depends_on_the_input_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same splits for any number of workers, each time; and the manifest has them."""
    plans = []
    write(tmp_path / "pages.jsonl", LINE * 500)
    inputs = [str(SITE), str(tmp_path / "pages.jsonl")]
    for cores in (1, 2, 64):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        plans.append(plan.plan(inputs, split_bytes=40_000))
    assert plans[0] == plans[1] == plans[2]
    splits = []
    for engine, workers in (("serial", 1), ("asyncio", 1), ("asyncio", 2)):
        result = run(inputs, engine=engine, workers=workers, output=tmp_path / f"{engine}{workers}", split_bytes=40_000)
        splits.append(json.loads((result.output / "manifest.json").read_text())["splits"])
    assert splits[0] == splits[1] == splits[2]
    assert [[Range(*part) for part in split] for split in splits[0]] == [list(split.ranges) for split in plans[0][0]]


# Avro.


def avro_file(tmp_path: Path, content: bytes, split_bytes: int = plan.SPLIT_BYTES) -> list[Found]:
    """What an Avro file holds."""
    return read(write(tmp_path / "pages.avro", content), split_bytes=split_bytes)


def header_end(content: bytes) -> int:
    """Where the first block starts."""
    return containers.read_header(Source(io.BytesIO(content), "x")).end


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_codecs(tmp_path: Path, codec: str) -> None:
    """Those that need no further package."""
    assert urls(avro_file(tmp_path, container(numbered(30), codec))) == [page["url"] for page in numbered(30)]


def test_pages_as_bytes(tmp_path: Path) -> None:
    """HTML as it came from the server, with its header; and records of other schemas, as far as they are pages."""
    fields = [
        {"name": name, "type": kind}
        for name, kind in (("id", "long"), ("html", "bytes"), ("content_type", "string"), ("date", "string"))
    ]
    schema = {"type": "record", "name": "Raw", "fields": fields}
    record = {"id": 7, "html": "<p>я".encode("koi8-r"), "content_type": "text/html; charset=koi8-r", "date": "9999-12-31"}
    [found] = avro_file(tmp_path, container([record], schema=schema))
    assert found == Page("7", str(tmp_path / "pages.avro"), header_end(container([record], schema=schema)), record["html"], False, "", record["content_type"], "9999-12-31")  # type: ignore[arg-type]  # fmt: skip
    assert extract(found).text == "я"
    assert rejections(avro_file(tmp_path, container(["x", "y"], schema="string"))) == [(header_end(container(["x"], schema="string")), "", "bad-record")] * 2  # type: ignore[list-item]  # fmt: skip


def test_records_without_url(tmp_path: Path) -> None:
    """Rejected one by one; those beside them in the block are read."""
    records = [
        {"url": "a", "text": "x"},
        {"text": "nobody's"},
        {"url": "", "text": "x"},
        {"url": "b"},
        {"url": "c", "html": "<p>x"},
    ]
    content = container(records, interval=10_000)
    found = avro_file(tmp_path, content)
    assert urls(found) == ["a", "c"]
    at = header_end(content)
    assert rejections(found) == [(at, "", "bad-record"), (at, "", "bad-record"), (at, "b", "bad-record")]


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_cut_at_every_byte(tmp_path: Path, codec: str) -> None:
    """Inside the header the file is unreadable; later, each whole block is read, and the one that is not is told of, once."""
    records = numbered(12)
    content = container(records, codec)
    edges = [header_end(content)]
    while (at := content.find(bytes(range(200, 216)), edges[-1])) >= 0:
        edges.append(at + 16)
    assert len(edges) > 5
    assert edges[-1] == len(content)
    offsets = Counter(one.offset for one in avro_file(tmp_path, content))
    for cut in range(len(content)):
        found = avro_file(tmp_path, content[:cut])
        if cut < 4:
            assert urls(found) == [], cut
        elif cut < edges[0]:
            assert rejections(found) == [(0, "", "unreadable")], cut
            assert urls(found) == [], cut
        else:
            whole = [edge for edge in edges if edge <= cut]
            count = sum(offsets[edge] for edge in whole[:-1])
            assert urls(found) == [page["url"] for page in records[:count]], cut
            assert rejections(found) == ([(whole[-1], "", "bad-record")] if cut > whole[-1] else []), cut


@pytest.mark.parametrize("split_bytes", [50, plan.SPLIT_BYTES])
def test_damaged_blocks_cost_themselves_only(tmp_path: Path, split_bytes: int) -> None:
    """A byte flipped in a block's count, its size, its sync marker: its records are lost and told of; all others are read."""
    records = numbered(40)
    content = container(records, "deflate", 200)
    sync = bytes(range(200, 216))
    blocks: list[tuple[int, int]] = []
    at = header_end(content)
    while at < len(content):
        blocks.append((at, content.index(sync, at)))
        at = blocks[-1][1] + 16
    assert len(blocks) >= 5
    of_block: dict[int, set[str]] = {start: set() for start, _ in blocks}
    for one in avro_file(tmp_path, content):
        assert isinstance(one, Page)
        of_block[one.offset].add(one.url)
    everything = set().union(*of_block.values())
    assert everything == {page["url"] for page in records}
    for start, end in blocks[1:-1]:
        for spot in (start, start + 1, start + 2, end, end + 7, end + 15):
            for mask in (0x01, 0x80, 0xFF, 0x7E):
                damaged = content[:spot] + bytes([content[spot] ^ mask]) + content[spot + 1 :]
                found = avro_file(tmp_path, damaged, split_bytes)
                lost = everything - set(urls(found))
                following = next(after for after, _ in blocks if after > start)
                spared = of_block[start] | (of_block[following] if spot >= end else set())
                assert lost <= spared, (spot, mask)
                assert len(urls(found)) == len(set(urls(found)))
                assert not lost or rejections(found), (spot, mask)
                assert set(rejections(found)) <= {(place, "", "bad-record") for place, _ in blocks}, (spot, mask)


def test_bit_flips_anywhere(tmp_path: Path) -> None:
    """No exception, whatever bit is flipped; a file is one thing or the other."""
    for codec in ("null", "deflate", "bzip2"):
        content = container(numbered(10), codec)
        for seed in range(300):
            at = random.Random(seed).randrange(4, len(content))
            found = avro_file(tmp_path, content[:at] + bytes([content[at] ^ (1 << seed % 8)]) + content[at + 1 :])
            assert found, seed


@pytest.mark.parametrize("split_bytes", [40, plan.SPLIT_BYTES])
def test_damaged_header(tmp_path: Path, split_bytes: int) -> None:
    """A file that cannot be understood at all is told of in each of its splits' places, with no page and no exception."""
    content = container(numbered(5))
    at = content.index(b"avro.schema")
    for damaged in (
        content.replace(b'"record"', b'"rekord"'),
        content.replace(b"avro.schema", b"avro.sahema"),
        content.replace(b"null", b"nul\xff"),
        content[: at - 2] + b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + content[at:],
        content[:4] + b"\x00" + content[5:],
        b"Obj\x01",
    ):
        found = avro_file(tmp_path, damaged, split_bytes)
        assert urls(found) == []
        assert {reason for _, _, reason in rejections(found)} <= {"unreadable", "bad-record"}
        assert rejections(found)


@pytest.mark.parametrize("codec", ["nosuch", "snappy", "zstandard", "lz4"])
def test_unknown_codec(tmp_path: Path, codec: str) -> None:
    """One that nobody knows, and those that a package may be missing for: read, or told of."""
    content = container(numbered(3), "deflate")
    damaged = content.replace(b"avro.codec\x0edeflate", b"avro.codec" + bytes([2 * len(codec)]) + codec.encode())
    assert damaged != content
    found = avro_file(tmp_path, damaged)
    assert urls(found) == []
    assert rejections(found)[0][2] in {"unreadable", "bad-record"}


HOSTILE = {
    "nested-arrays": '{"type": "array", "items": ' * 5_000 + '"int"' + "}" * 5_000,
    "nested-arrays-200": '{"type": "array", "items": ' * 200 + '"int"' + "}" * 200,
    "nested-unions": "[" * 5_000 + '"int"' + "]" * 5_000,
    "recursive": '{"type": "record", "name": "R", "fields": [{"name": "r", "type": "R"}]}',
    "not-json": "{",
    "nothing": "",
    "no-such-type": '{"type": "record", "name": "R", "fields": [{"name": "r", "type": "NoSuch"}]}',
    "null-array": '{"type": "array", "items": "null"}',
    "linked-list": '{"type": "record", "name": "R", "fields": [{"name": "next", "type": ["null", "R"]}]}',
}
READ = """
import sys
from bigdata_demos.crawl import plan, reader
from bigdata_demos.crawl.model import Page
splits, _ = plan.plan([sys.argv[1]])
found = [one for split in splits for one in reader.read(split)]
print(sum(isinstance(one, Page) for one in found), len(found))
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_schema(tmp_path: Path, name: str) -> None:
    """A schema made to break readers ends no process: it is told of."""
    schema = HOSTILE[name].encode()
    meta = {"avro.schema": schema, "avro.codec": b"null"}
    data = b"\x02" * 200_000 + b"\0" if name == "linked-list" else b"\xfe\xff\x7f\0\0\0"
    block = b"".join(binary.pack(number, {"type": "long"}) for number in (1, len(data))) + data
    content = b"Obj\x01" + binary.pack(meta, {"type": "map", "values": "bytes"}) + b"s" * 16 + block + b"s" * 16
    path = write(tmp_path / "hostile.avro", content)
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["0", "1"]), done.stderr[-1000:]


def test_deep_schema_that_people_write(tmp_path: Path) -> None:
    """Twenty levels are fine."""
    deep: Any = "int"
    for _ in range(20):
        deep = {"type": "array", "items": deep}
    fields = [{"name": "url", "type": "string"}, {"name": "text", "type": "string"}, {"name": "deep", "type": deep}]
    schema = {"type": "record", "name": "Deep", "fields": fields}
    assert urls(avro_file(tmp_path, container([{"url": "u", "text": "x", "deep": []}], schema=schema))) == ["u"]


def test_reading_needs_a_header() -> None:
    """The format's own error, which names the file."""
    for content in (b"", b"Obj", b"nothing like it", AVRO[:20]):
        with pytest.raises(BadAvro, match="some-file"):
            containers.read_header(Source(io.BytesIO(content), "some-file"))


def test_schema_evolves(tmp_path: Path) -> None:
    """A file keeps its own schema: fields may come in any order, and there may be others."""
    fields = [
        {"name": "more", "type": {"type": "map", "values": "int"}},
        {"name": "text", "type": "string"},
        {"name": "url", "type": "string"},
    ]
    schema = {"type": "record", "name": "Other", "namespace": "a.b", "fields": fields}
    assert urls(avro_file(tmp_path, container([{"url": "u", "text": "x", "more": {"k": 1}}], schema=schema))) == ["u"]


def test_spooled_lines(tmp_path: Path) -> None:
    """Standard input becomes a file that holds the same bytes."""
    jsonl.spool_lines(iter([LINE, b"\n", LINE.rstrip()]), tmp_path / "stdin.jsonl")
    assert (tmp_path / "stdin.jsonl").read_bytes() == LINE + b"\n" + LINE.rstrip()


def test_copy_of_the_site_has_the_same_pages(tmp_path: Path) -> None:
    """Where a directory is does not matter to who its pages are."""
    shutil.copytree(SITE, tmp_path / "elsewhere")
    assert urls(read(tmp_path / "elsewhere")) == urls(read(SITE))
