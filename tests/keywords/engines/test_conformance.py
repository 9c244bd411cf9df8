"""One suite for all engines: each gives the answer of one thread, and that is the reference's."""

from pathlib import Path
from typing import Any

import fastavro
import pytest

from bigdata_demos.avro import schemas
from bigdata_demos.avro.cli import main as avro_command
from bigdata_demos.crawl import avro, plan
from bigdata_demos.crawl.model import Page, Unreadable
from bigdata_demos.crawl.reader import read as read_split
from bigdata_demos.keywords import Result, Session, run
from bigdata_demos.keywords.analysis import stopwords
from bigdata_demos.keywords.analysis.text import extract
from bigdata_demos.keywords.model import Document
from tests.support import reference
from tests.support.conformance import HADOOP, HADOOP_NAMES, NAMES, PLACES, InContainer
from tests.support.inputs import Input
from tests.support.languages import languages


def go(given: Input, output: Path, engine: str | Session, **more: Any) -> Result:
    """Run the job on an input."""
    return run(given.paths, engine=engine, output=output, stdin=given.stdin(), **{"max_rejected": 90, **given.options, **more})


@pytest.fixture(scope="session")
def serial(inputs: dict[str, Input], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """What one thread makes of each input."""
    root = tmp_path_factory.mktemp("serial")
    return {name: go(given, root / name, "serial") for name, given in inputs.items()}


def test_names_are_complete(inputs: dict[str, Input]) -> None:
    """No input is forgotten below."""
    assert set(inputs) == {*NAMES, *HADOOP_NAMES}
    together = {path for name in HADOOP_NAMES for path in inputs[name].paths}
    alone = {path for name in NAMES for path in inputs[name].paths if not path.endswith("site.avro")}  # two of versions are that
    assert alone <= together


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("session", PLACES, indirect=True)
def test_same_answer_as_one_thread(
    session: Session | InContainer,
    name: str,
    inputs: dict[str, Input],
    serial: dict[str, Result],
    place: Path,
    tmp_path: Path,
) -> None:
    """Digest, counts and reasons are those of one thread, and the parts hold what they are said to hold."""
    result = session.results[name] if isinstance(session, InContainer) else go(inputs[name], place / "result", session)
    assert isinstance(result, Result), result
    check_against_one_thread(result, serial[name])
    if name == "avro-versions":
        check_with_version_1(result, tmp_path)


@pytest.mark.parametrize("name", HADOOP_NAMES)
@pytest.mark.parametrize("session", [HADOOP], indirect=True)
def test_same_answer_on_hadoop(
    session: Session, name: str, inputs: dict[str, Input], serial: dict[str, Result], place: Path, tmp_path: Path
) -> None:
    """The same of Hadoop, which takes so long for each job that it has inputs of its own."""
    result = go(inputs[name], place / "result", session)
    check_against_one_thread(result, serial[name])
    if name == "all-files":
        check_with_version_1(result, tmp_path)


def check_against_one_thread(result: Result, expected: Result) -> None:
    """Digest, counts and reasons are the same, the parts hold what the result says, and nothing else was written."""
    assert (result.digest, result.pages, result.rejected, result.skipped, result.keywords, result.reasons) == (
        expected.digest, expected.pages, expected.rejected, expected.skipped, expected.keywords, expected.reasons,
    )  # fmt: skip
    assert sum(1 for _ in result.read_keywords()) == result.pages
    assert sum(1 for _ in result.read_rejected()) == result.rejected
    assert len({row["stems"] for row in result.read_index()}) == result.keywords
    assert sorted(result.read_text(), key=str) == sorted(expected.read_text(), key=str)
    assert [path.name for path in result.output.parent.iterdir()] == ["result"]


def check_with_version_1(result: Result, directory: Path) -> None:
    """Who has version 1 of the schemas only can read what was written: by fastavro, and by ``avro cat``."""
    for kind, found in (
        ("keywords", [(page["url"], page["source"]) for page in result.read_keywords()]),
        ("index", [(row["url"], row["phrase"]) for row in result.read_index()]),
        ("rejected", [(letter["url"], letter["source"]) for letter in result.read_rejected()]),
    ):
        parts = sorted(map(str, Path(str(result.output), kind).glob("*.avro")))
        merged = str(directory / f"{kind}.avro")
        assert avro_command(["cat", "--schema", f"bigdata-demos:{kind}/1", "-o", merged, *parts]) == 0
        renamed = "keyword" if kind == "index" else "file"
        for read in ([merged], parts):
            rows = []
            for part in read:
                with open(part, "rb") as file:
                    rows += [*fastavro.reader(file, None if read == [merged] else schemas.schema(kind, 1))]
            assert [(row["url"], row[renamed]) for row in rows] == found
            assert all(row.keys() == {field["name"] for field in schemas.schema(kind, 1)["fields"]} for row in rows)


def test_version_1_in_is_the_same_as_version_2(serial: dict[str, Result]) -> None:
    """Half of the pages are of version 1, and all are read through that."""
    assert serial["avro-versions"].digest == serial["avro-many-splits"].digest


def documents(given: Input) -> list[Document]:
    """The pages of an input after extraction, read in one thread."""
    splits, _ = plan.plan(given.paths)
    reader = given.options.get("reader_schema")
    found = []
    for split in splits:
        for page in read_split(split, avro.load_reader(reader) if reader else ""):
            if isinstance(page, Page):
                try:
                    found.append(extract(page))
                except Unreadable:
                    continue
    return found


@pytest.mark.parametrize("name", sorted({*NAMES, *HADOOP_NAMES} - {"bundled", "stdin", "all-streams", "directory-many-splits"}))
def test_one_thread_gives_the_references_answer(name: str, inputs: dict[str, Input], serial: dict[str, Result]) -> None:
    """Keywords and index are those of the plain reference implementation."""
    given = inputs[name]
    name_of_list = given.options.get("stopword_list")
    words = stopwords.load(name_of_list) if name_of_list else None
    pages = [(d.url, d.language, d.text, d.site) for d in documents(given)]
    results = reference.keywords(pages, languages(words), given.options.get("top", 10))
    fields = ("phrase", "stems", "score", "tf", "df")
    found = sorted(
        (page["url"], [tuple(k[f] for f in fields) for k in page["keywords"]]) for page in serial[name].read_keywords()
    )
    assert found == sorted((page[0], best) for page, best in zip(pages, results, strict=True))
    fields = ("stems", "phrase", "rank", "score", "url")
    rows = sorted(tuple(row[f] for f in fields) for row in serial[name].read_index())
    assert rows == sorted(reference.index(pages, results))


def test_bad_pages_are_rejected_with_reasons(serial: dict[str, Result]) -> None:
    """Each bad page is there, with the reason that was counted by hand."""
    assert serial["directory"].reasons == {"empty": 1, "not-html": 1, "too-deep": 1}
    assert serial["directory"].skipped == 3  # two images and a style sheet
    letters = {(letter["url"], letter["reason"]) for letter in serial["directory"].read_rejected()}
    assert letters == {("bad/empty.html", "empty"), ("bad/not-html.html", "not-html"), ("bad/deep.html", "too-deep")}
    reasons = serial["bad"].reasons
    # bad.jsonl: four broken records, one empty page; cut.avro: its last block; cut.warc.gz: its last record
    assert reasons["truncated"] == 1
    assert reasons["bad-record"] == 5
    assert reasons["empty"] >= 2
