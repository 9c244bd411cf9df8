"""Schemas that change: files of version 1 and of others' schemas, results read by those who have version 1, single objects.

On every engine the same is held by the input ``avro-versions`` of the conformance suite.
"""

import contextlib
import gzip
import hashlib
import io
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.avro import binary, resolution, schemas, single_object
from bigdata_demos.avro.cli import main as avro_command
from bigdata_demos.corpus.cli import main as corpus
from bigdata_demos.crawl import avro, plan
from bigdata_demos.crawl import reader as crawl_reader
from bigdata_demos.crawl.model import FAULTS, Page, Range, Rejected, Split
from bigdata_demos.errors import InputError, UsageError
from bigdata_demos.index.database import open_database
from bigdata_demos.index.load import load
from bigdata_demos.keywords import Result, run
from bigdata_demos.keywords.analysis.languages import Rules
from bigdata_demos.keywords.engines import Settings, hadoop_streaming
from bigdata_demos.keywords.job import Job
from bigdata_demos.keywords.output import reading
from bigdata_demos.keywords.streaming import jobs
from bigdata_demos.search.searcher import Searcher
from tests.support.paths import DATA
from tests.support.pipe import piped

VERSIONS = [(name, old, new) for name in schemas.PUBLIC for old, new in ((1, 2), (2, 1))]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def field(name: str, kind: Any, *aliases: str, **more: Any) -> dict[str, Any]:
    """A field."""
    return {"name": name, "type": kind, **({"aliases": list(aliases)} if aliases else {}), **more}


def record(name: str, *fields: Any) -> dict[str, Any]:
    """A record's schema."""
    return {"type": "record", "name": name, "fields": list(fields)}


def write(path: Path, schema: Any, records: list[dict[str, Any]]) -> str:
    """An Avro file of several blocks."""
    with path.open("wb") as file:
        fastavro.writer(file, schema, records, "deflate", sync_interval=100)
    return str(path)


def read(path: str, reader: str = "") -> list[Any]:
    """What is read of a file."""
    splits, _ = plan.plan([path])
    return [found for split in splits for found in crawl_reader.read(split, reader and avro.load_reader(reader))]


def between(datum: Any, name: str, old: int, new: int) -> Any:
    """A datum of one version of a schema, made one of another by fastavro."""
    writer, reader = schemas.schema(name, old), schemas.schema(name, new)
    return fastavro.schemaless_reader(io.BytesIO(binary.pack(datum, writer)), writer, reader)


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crawl as Avro: ``2.avro`` is of the present version, ``1.avro`` the same of version 1, ``other.avro`` as others write."""
    root = tmp_path_factory.mktemp("crawl")
    assert corpus(["convert", str(DATA / "site.warc.gz"), "--output", str(root / "2.avro")]) == 0
    pages: list[Any] = list(fastavro.reader(io.BytesIO((root / "2.avro").read_bytes())))
    write(root / "1.avro", schemas.schema("page", 1), [{"url": page["url"], "markup": page["html"]} for page in pages])
    other = {**record("Doc", field("n", "int"), field("link", "string"), field("body", ["null", "bytes"])), "namespace": "other"}
    write(root / "other.avro", other, [{"n": 1, "link": page["url"], "body": page["html"]} for page in pages])
    return root


READER = {**record("Doc", field("url", "string", "uri", "link"), field("html", "bytes", "body")), "namespace": "other"}
EXPECTED = "sha256:ee3ba343186e8a932cc9a30ea5b8f4f5509a0b7d3c624c9ffe2dd8d29be7fc70"


# Between versions


@pytest.mark.parametrize(("name", "old", "new"), VERSIONS)
def test_versions_are_compatible(name: str, old: int, new: int) -> None:
    """Each can be read with the other, but for a page of version 2 without markup, which version 1 has no place for."""
    reasons = resolution.compatibility(schemas.schema(name, old), schemas.schema(name, new))
    assert reasons == (["markup{null}: the writer's null cannot be read as bytes"] if (name, new) == ("page", 1) else [])
    assert resolution.compatibility(schemas.schema(name, old), schemas.schema(name, new), by_record=True) == []


def test_every_kind_of_change() -> None:
    """Renamed, promoted, with a default, optional, and a symbol that version 1 does not know."""
    assert between({"url": "u", "markup": b"\xff"}, "page", 1, 2) == {
        "url": "u", "html": b"\xff", "text": None, "title": None, "content_type": "", "date": "",
    }  # fmt: skip
    keyword = {"phrase": "A", "stems": "a", "score": 1 << 40, "tf": 2}
    old = {"url": "u", "file": "f", "position": 7, "title": "t", "keywords": [{**keyword, "pages": 3}]}
    new = {
        "url": "u",
        "source": "f",
        "offset": 7,
        "title": "t",
        "language": "",
        "keywords": [{**keyword, "df": 3}],
        "declared": [],
    }
    assert between(old, "keywords", 1, 2) == new
    large = {**new, "offset": 1 << 40, "keywords": [{**keyword, "df": 1 << 40}], "declared": ["x"]}
    assert between(large, "keywords", 2, 1) == {**old, "position": 0, "keywords": [{**keyword, "pages": 0}]}
    row = {"stems": "a", "keyword": "A", "rank": 1, "url": "u"}
    assert between(row, "index", 1, 2) == {"stems": "a", "phrase": "A", "rank": 1, "score": 0, "url": "u"}
    letter = {"source": "f", "offset": 1, "url": "u", "reason": "too-deep", "detail": "d", "fault": "TOO_LARGE"}
    assert between(letter, "rejected", 2, 1) == {"file": "f", "position": 0, "url": "u", "reason": "too-deep", "fault": "OTHER"}
    assert between({**letter, "fault": "NOT_A_PAGE"}, "rejected", 2, 1)["fault"] == "NOT_A_PAGE"


@given(TEXTS, st.binary())
def test_pages_there_and_back(url: str, markup: bytes) -> None:
    """Of version 1, made of version 2 and again of 1, a page is what it was."""
    old = {"url": url, "markup": markup}
    new = between(old, "page", 1, 2)
    assert new["html"] == markup
    assert between(new, "page", 2, 1) == old


@given(TEXTS, st.binary() | TEXTS, TEXTS)
def test_newer_pages_there_and_back(url: str, html: bytes | str, date: str) -> None:
    """Of version 2, made of version 1 and again of 2: what version 1 has is as it was, decoded markup as bytes."""
    page = {"url": url, "html": html, "text": None, "title": None, "content_type": "", "date": date}
    expected = {**page, "html": html.encode() if isinstance(html, str) else html, "date": ""}
    assert between(between(page, "page", 2, 1), "page", 1, 2) == expected


def test_unknown_version() -> None:
    """There are those that there are."""
    for wrong in ("page/3", "page/0", "page/", "kept", "page/1/1", ""):
        with pytest.raises(InputError, match="no schema is called that: there are bigdata-demos:page, "):
            schemas.load(f"bigdata-demos:{wrong}")
    assert schemas.canonical(schemas.load("bigdata-demos:page/2")) == schemas.canonical(schemas.load("bigdata-demos:page"))


def test_reasons_have_a_kind() -> None:
    """Each reason that the documentation lists, and no other; and each kind is a symbol of the schema."""
    table = (DATA.parent / "docs" / "keywords.md").read_text(encoding="utf-8").partition("| reason |")[2].partition("\n\n")[0]
    assert dict(re.findall(r"^\| `([a-z-]+)` \| `([A-Z_]+)` \|", table, re.MULTILINE)) == FAULTS
    [symbols] = [part["type"]["symbols"] for part in schemas.schema("rejected")["fields"] if part["name"] == "fault"]
    assert {*FAULTS.values(), "OTHER"} == set(symbols)


# Files in


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("1.avro", ""),
        ("1.avro", "bigdata-demos:page/1"),
        ("1.avro", "bigdata-demos:page"),
        ("2.avro", "bigdata-demos:page/1"),
        ("2.avro", "bigdata-demos:page"),
        ("other.avro", json.dumps(READER)),
    ],
)
def test_the_same_pages(name: str, reader: str, crawl: Path, tmp_path: Path) -> None:
    """Whichever way a crawl was written and is read, the result is that of the crawl itself; on one split or many."""
    for split_bytes in (None, 9_000):
        output = tmp_path / f"{split_bytes}"
        result = run([crawl / name], engine="serial", output=output, reader_schema=reader, split_bytes=split_bytes)
        assert (result.digest, result.pages, result.rejected) == (EXPECTED, 63, 3)
        said = json.loads((output / "manifest.json").read_text())["reader_schema"]
        assert said == (json.loads(avro.load_reader(reader)) if reader else None)
    assert len(plan.plan([str(crawl / name)], split_bytes=9_000)[0]) > 5


def test_readers_schema_reaches_processes(crawl: Path, tmp_path: Path) -> None:
    """From a file, which only the driver reads."""
    (tmp_path / "reader.avsc").write_text(json.dumps(READER))
    result = run(
        [crawl / "other.avro"], engine="asyncio", workers=2, output=tmp_path / "out",
        reader_schema=tmp_path / "reader.avsc", split_bytes=9_000,
    )  # fmt: skip
    assert result.digest == EXPECTED


def test_readers_schema_in_a_pipe(crawl: Path, tmp_path: Path) -> None:
    """As Hadoop's programs take it."""
    assert piped([str(crawl / "other.avro"), "--reader-schema", json.dumps(READER)], tmp_path).digest == EXPECTED


def test_compressed_files_and_false_names(crawl: Path, tmp_path: Path) -> None:
    """The reader's schema is for Avro wherever it is found."""
    (tmp_path / "other.avro.gz").write_bytes(gzip.compress((crawl / "other.avro").read_bytes()))
    shutil.copy(crawl / "other.avro", tmp_path / "other.html")
    for name in ("other.avro.gz", "other.html"):
        found = read(str(tmp_path / name), json.dumps(READER))
        assert len(found) == 66
        assert all(isinstance(page, Page) for page in found)


def test_converted_to_the_present_version(crawl: Path, tmp_path: Path) -> None:
    """``corpus convert`` of an old file makes a new one."""
    assert corpus(["convert", str(crawl / "1.avro"), "--output", str(tmp_path / "x.avro")]) == 0
    with (tmp_path / "x.avro").open("rb") as file, (crawl / "2.avro").open("rb") as expected:
        pages: list[Any] = list(fastavro.reader(file))
        assert [(page["url"], page["html"]) for page in pages] == [
            (page["url"], page["html"]) for page in fastavro.reader(expected)  # type: ignore[index,call-overload]
        ]  # fmt: skip


def test_records_that_do_not_fit_are_rejected_alone(tmp_path: Path) -> None:
    """With their page's name, as far as it can be told; those around them, in the same block, are read."""
    new = [{"url": f"u{i}", "html": None if i % 2 else "<p>words", "text": "text"} for i in range(5)]
    path = write(tmp_path / "x.avro", schemas.schema("page"), new)
    found = read(path, "bigdata-demos:page/1")
    assert [(type(one), one.url) for one in found] == [(Rejected if i % 2 else Page, f"u{i}") for i in range(5)]
    assert found[1].reason == "bad-record"
    assert "null" in found[1].detail
    assert found[0].content == b"<p>words"
    assert [(page.url, page.content) for page in read(path)] == [(f"u{i}", "text" if i % 2 else "<p>words") for i in range(5)]
    other = record("Doc", field("link", "string"), field("body", ["null", "string"]))
    path = write(tmp_path / "y.avro", other, [{"link": "a", "body": None}, {"link": "b", "body": "x"}])
    first, second = read(path, json.dumps(record("Doc", field("url", "string", "link"), field("text", "string", "body"))))
    assert (type(first), first.url) == (Rejected, "a")
    assert (second.url, second.content, second.is_text) == ("b", "x", True)


def test_our_page_in_other_forms_is_read_by_its_names(tmp_path: Path) -> None:
    """Only a field under its earlier name has a page resolved: decoded markup stays decoded."""
    own = {**record("Page", field("url", "string"), field("html", ["null", "string"])), "namespace": "bigdata_demos"}
    assert [page.content for page in read(write(tmp_path / "x.avro", own, [{"url": "u", "html": "ü"}]))] == ["ü"]
    both = {**own, "fields": [*own["fields"], field("markup", "bytes")]}
    [page] = read(write(tmp_path / "y.avro", both, [{"url": "u", "html": "ü", "markup": b"no"}]))
    assert page.content == "ü"
    wrong = {**own, "fields": [field("url", "string"), field("markup", "int")]}
    [rejected] = read(write(tmp_path / "z.avro", wrong, [{"url": "u", "markup": 1}]))
    assert (rejected.url, rejected.detail) == ("u", "neither html nor text")


def test_several_aliases_and_defaults_of_bytes(tmp_path: Path) -> None:
    """The first alias that there is counts, also beside another; a default of bytes is bytes."""
    other = record("Doc", field("uri", "string"), field("link", "string"))
    path = write(tmp_path / "x.avro", other, [{"uri": "other", "link": "this"}])
    reader = record("Doc", field("url", "string", "link", "uri"), field("html", "bytes", default="\xff<p>"))
    [page] = read(path, json.dumps(reader))
    assert (page.url, page.content) == ("this", b"\xff<p>")
    [page] = read(path, json.dumps(record("Doc", field("url", "string", "gone", "uri"), field("text", "string", default="t"))))
    assert (page.url, page.content, page.is_text) == ("other", "t", True)


def test_unions_at_the_top(tmp_path: Path) -> None:
    """Each branch has its own names."""
    other = [
        record("A", field("link", "string"), field("text", "string")),
        record("B", field("uri", "string"), field("text", "string")),
    ]
    path = write(tmp_path / "x.avro", other, [{"link": "a", "text": "x"}, {"uri": "b", "text": "y"}])
    reader = {**record("A", field("url", "string", "link", "uri"), field("text", "string")), "aliases": ["B"]}
    assert [(page.url, page.content) for page in read(path, json.dumps(reader))] == [("a", "x"), ("b", "y")]


def test_damage_is_found_as_ever(crawl: Path, tmp_path: Path) -> None:
    """A file that is cut loses the same block."""
    whole = (crawl / "1.avro").read_bytes()
    (tmp_path / "cut.avro").write_bytes(whole[: len(whole) * 2 // 3])
    for reader in ("", "bigdata-demos:page/1", "bigdata-demos:page"):
        found = read(str(tmp_path / "cut.avro"), reader)
        assert [one.detail for one in found if isinstance(one, Rejected)] == ["the file ends inside a block"]
        assert 30 < sum(isinstance(one, Page) for one in found) < 66


@pytest.mark.parametrize(
    ("name", "reader", "error", "said"),
    [
        ("other.avro", "bigdata-demos:page", InputError, r"other\.avro cannot be read with reader_schema: top: the writer's record is named other\.Doc, "),
        ("other.avro", json.dumps({**READER, "fields": [field("url", "int", "link"), field("text", "string", default="")]}), InputError, "url: the writer's string cannot be read as int: add aliases"),
        ("other.avro", json.dumps({**READER, "fields": READER["fields"] + [field("lang", "string")]}), InputError, "lang: the writer's record other.Doc has no such field"),
        ("2.avro", "bigdata-demos:index", UsageError, "fields url or id, and html or text"),
        ("2.avro", '"string"', UsageError, "fields url or id, and html or text"),
        ("2.avro", "nowhere.avsc", InputError, "nowhere.avsc: cannot read a schema"),
        ("2.avro", "{", InputError, "invalid schema"),
        ("site.jsonl", "bigdata-demos:page", InputError, "the input has no Avro file"),
    ],
)  # fmt: skip
def test_refused_before_the_job(name: str, reader: str, error: type[Exception], said: str, crawl: Path, tmp_path: Path) -> None:
    """In one line that says why; nothing is left."""
    (crawl / "site.jsonl").write_text('{"url": "u", "text": "t"}\n')
    with pytest.raises(error, match=said) as caught:
        run([crawl / name], engine="serial", output=tmp_path / "out", reader_schema=reader)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_hadoop_that_reads_avro_itself_refuses(crawl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hands on what files have by their own names."""
    with pytest.raises(UsageError, match=r"1\.avro has an earlier version of our schema"):
        jobs.markup_of(str(crawl / "1.avro"), "1.avro")

    @contextlib.contextmanager
    def connected(*_: Any) -> Iterator[Any]:
        yield SimpleNamespace()

    monkeypatch.setattr(hadoop_streaming, "connect", connected)
    job = Job(10, Rules(), 3, "", reader=json.dumps(READER))
    split = Split(0, (Range("x.avro", 0, 1, "avro"),))
    with (
        hadoop_streaming.open(Settings(1, "", {"input": "avro"})) as run_job,
        pytest.raises(UsageError, match="leave one of them out"),
    ):
        run_job(job, [split], lambda *_: None)


# Results


@pytest.fixture(scope="module")
def old_output(crawl: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """A result, and the same as version 1 of the schemas has it."""
    root = tmp_path_factory.mktemp("results")
    result = run([crawl / "2.avro"], engine="serial", output=root / "new")
    old = Path(shutil.copytree(root / "new", root / "old"))
    manifest = json.loads((old / "manifest.json").read_text())
    for part in manifest["parts"]:
        name = part["path"].partition("/")[0]
        with (old / part["path"]).open("rb") as file:
            records: list[Any] = list(fastavro.reader(file, schemas.schema(name, 1)))
        for each in records if name == "keywords" else ():
            each["position"] = 11
        write(old / part["path"], schemas.schema(name, 1), records)
        part["sha256"] = hashlib.sha256((old / part["path"]).read_bytes()).hexdigest()
    (old / "manifest.json").write_text(json.dumps(manifest))
    return result, old


def test_old_results_are_read(old_output: tuple[Result, Path]) -> None:
    """As the present schemas have them, with what version 1 does not have by default."""
    result, old = old_output
    pages = [
        {**page, "offset": 11, "language": "", "declared": [], "keywords": [{**keyword, "df": 0} for keyword in page["keywords"]]}
        for page in result.read_keywords()
    ]
    assert list(reading.read(old, "keywords")) == pages
    assert list(reading.read(old, "index")) == [{**row, "score": 0} for row in result.read_index()]
    faults = [letter["fault"] for letter in reading.read(old, "rejected")]
    assert sorted(faults) == ["NOT_A_PAGE", "NOT_A_PAGE", "OTHER"]
    assert sorted(letter["fault"] for letter in result.read_rejected()) == ["NOT_A_PAGE", "NOT_A_PAGE", "TOO_LARGE"]


def test_old_results_are_indexed(old_output: tuple[Result, Path], tmp_path: Path) -> None:
    """They are searched as those of today; parts of another schema are refused."""
    result, old = old_output
    with open_database(tmp_path / "old.db", write=True) as database:
        load(database, old)
        searcher = Searcher(database)
        assert (searcher.stats()["pages"], searcher.stats()["postings"]) == (result.pages, sum(1 for _ in result.read_index()))
        for page in result.read_keywords():
            keywords = [
                {**keyword, "stems": keyword["stems"].replace("-", " ").replace("_", " ").strip(), "df": 0}
                for keyword in page["keywords"]
            ]
            found = {"url": page["url"], "title": page["title"], "keywords": keywords, "declared": []}
            assert searcher.page(page["url"]) == {**found, "site": "site.example", "language": "", "has_text": False}
    manifest = json.loads((old / "manifest.json").read_text())
    [path] = {part["path"] for part in manifest["parts"] if part["path"].startswith("rejected/")}
    for part in manifest["parts"]:
        if part["path"].startswith("keywords/"):
            shutil.copy(old / path, old / part["path"])
            part["sha256"] = hashlib.sha256((old / path).read_bytes()).hexdigest()
    (old / "manifest.json").write_text(json.dumps(manifest))
    with (
        open_database(tmp_path / "no.db", write=True) as database,
        pytest.raises(InputError, match="matches no version of bigdata-demos:keywords"),
    ):
        load(database, old)


# Single-object encoding

EVENT = record("Event", field("id", "long"), field("note", ["null", "string"], default=None))
LATER = record("Event", field("id", "long"), field("at", {"type": "long", "logicalType": "timestamp-millis"}))
TREE = record("Tree", field("name", "string"), field("next", ["null", "Tree"]))


class Command:
    """Runs the command ``avro`` in this process."""

    def __init__(self, capture: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.capture, self.monkeypatch = capture, monkeypatch

    def __call__(self, *arguments: Any, stdin: bytes = b"", status: int = 0) -> tuple[bytes, str]:
        self.capture.readouterr()
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        assert avro_command([str(argument) for argument in arguments]) == status
        out, err = self.capture.readouterr()
        return out, err.decode()


@pytest.fixture
def command(capsysbinary: Any, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command."""
    return Command(capsysbinary, monkeypatch)


def message(schema: Any, datum: Any) -> bytes:
    """A message, by :mod:`bigdata_demos.avro.single_object`'s simplest function."""
    return single_object.encode(datum, schemas.load(json.dumps(schema), recursive=True))


def test_messages_to_json_and_back(command: Command, tmp_path: Path) -> None:
    """The fingerprint chooses the schema, wherever that is from."""
    later = tmp_path / "later.avsc"
    later.write_text(json.dumps(LATER))
    avro_file = write(tmp_path / "event.avro", EVENT, [])
    stream = (
        message(EVENT, {"id": 1, "note": "x"}) + message(LATER, {"id": 2, "at": 1_700_000_000_000}) + message(EVENT, {"id": 3})
    )
    out, _ = command("tojson", "-", "--schema", later, "--schema", avro_file, stdin=stream)
    assert [json.loads(line) for line in out.splitlines()] == [
        {"id": 1, "note": {"string": "x"}}, {"id": 2, "at": 1_700_000_000_000}, {"id": 3, "note": None},
    ]  # fmt: skip
    shown, _ = command("head", "-n", 2, "--plain", "-", "--schema", later, "--schema", avro_file, stdin=stream)
    assert json.loads(shown.splitlines()[1]) == {"id": 2, "at": "2023-11-14T22:13:20.000Z"}
    packed, said = command("fromjson", "-", "--schema", later, "--single-object", stdin=out.splitlines()[1])
    assert packed == message(LATER, {"id": 2, "at": 1_700_000_000_000})
    assert said == "records=1 output=-\n"
    packed, _ = command(
        "fromjson", "-", "--schema", json.dumps(EVENT), "--plain", "--single-object", stdin=b'{"id": 3} {"id": 4}'
    )
    assert packed == message(EVENT, {"id": 3}) + message(EVENT, {"id": 4})
    assert command("tojson", "-", "--schema", later)[0] == b""


def test_long_and_deep_messages(command: Command) -> None:
    """Longer than what is looked at first; of a schema that refers to itself; of no bytes."""
    notes = [{"id": i, "note": "n" * i} for i in (0, single_object.WINDOW - 4, single_object.WINDOW, 70_000)]
    stream = b"".join(message(EVENT, note) for note in notes)
    out, _ = command("tojson", "--plain", "-", "--schema", json.dumps(EVENT), stdin=stream)
    assert [json.loads(line) for line in out.splitlines()] == notes
    tree: Any = None
    for i in range(60):
        tree = {"name": str(i), "next": tree}
    out, _ = command("tojson", "--plain", "-", "--schema", json.dumps(TREE), stdin=message(TREE, tree))
    assert json.loads(out) == tree
    for i in range(100):
        tree = {"name": str(i), "next": tree}
    _, said = command("tojson", "-", "--schema", json.dumps(TREE), stdin=message(TREE, tree), status=1)
    assert "message 1, at offset 0: data that nest more than 200 levels deep" in said
    assert command("tojson", "-", "--schema", "null", stdin=2 * single_object.encode(None, "null"))[0] == b"null\nnull\n"


FIRST = message(EVENT, {"id": 1, "note": "xyz"})


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        (FIRST + message(LATER, {"id": 1, "at": 0}), "message 2, at offset 16: of an unknown schema: its fingerprint "),
        (FIRST + FIRST[:-1], "message 2, at offset 16: the stream ends inside it"),
        (FIRST + FIRST[:5], "message 2, at offset 16: the stream ends inside it"),
        (FIRST + FIRST[:1], "message 2, at offset 16: the stream ends inside it"),
        (FIRST + b"\0" + FIRST, "message 2, at offset 16: no single-object encoding: it starts with 00 c3"),
        (FIRST[:11] + b"\x08", "message 1, at offset 0: a union of 2 branches has none of number 4"),
        (FIRST[:12] + b"\x02\xff", "message 1: UnicodeDecodeError"),
    ],
)
def test_damaged_messages(stdin: bytes, said: str, command: Command) -> None:
    """What is before them is written; then one line, with the message's number and offset."""
    assert len(FIRST) == 16
    out, err = command("tojson", "-", "--schema", json.dumps(EVENT), stdin=stdin, status=1)
    assert f"stdin: {said}" in err
    assert err.count("\n") == 1
    assert out.count(b"\n") == (1 if "message 2" in said else 0)


def test_wrong_usage_of_messages(command: Command, tmp_path: Path) -> None:
    """Each says what to do."""
    path = write(tmp_path / "event.avro", EVENT, [{"id": 1}])
    schema = json.dumps(EVENT)
    endless = json.dumps(record("R", field("a", {"type": "array", "items": "null"})))
    for arguments, status, said in (
        (["tojson", path, "--schema", schema], 2, "an Avro file contains its schema: leave out --schema"),
        (["tojson", "-"], 2, "it looks like single-object encoding: name its schema with --schema"),
        (["tojson", path, "--schema", "-"], 2, "--schema: standard input is used for the messages"),
        (["tojson", "-", "--schema", endless], 1, "an array whose items take no bytes"),
        (["fromjson", "-", "--single-object"], 2, "name the schema with --schema"),
        (["fromjson", "-", "--schema", schema, "--single-object", "--codec", "deflate"], 2, "leave out --codec and --level"),
        (["fromjson", "-", "--schema", schema, "--single-object", "--level", "1"], 2, "leave out --codec and --level"),
    ):
        assert said in command(*arguments, stdin=FIRST, status=status)[1]


def test_marker_and_fingerprint() -> None:
    """The bytes of the specification: C3 01, then CRC-64-AVRO of the canonical form, the lowest byte first."""
    # Avro's schema-tests.txt has this fingerprint of "int"; 1 is 02 in zig-zag
    assert message("int", 1) == b"\xc3\x01" + (8247732601305521295).to_bytes(8, "little") + b"\x02"


@pytest.mark.parametrize("kind", ["keywords", "index", "rejected", "text"])
def test_outputs_have_no_unions(kind: str) -> None:
    """So fastavro returns no names of branches, and reading.py returns the records of the present schemas as they are."""

    def unions(part: Any) -> bool:
        if isinstance(part, dict):
            inner = [part.get("items"), part.get("values"), *(field["type"] for field in part.get("fields", []))]
            return any(map(unions, inner))
        return isinstance(part, list)

    assert not unions(schemas.schema(kind))
