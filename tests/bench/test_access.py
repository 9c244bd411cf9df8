"""The benchmark of formats: all give back what they got, look-ups are right, figures say what the runs say."""

import gzip
import itertools
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fastavro
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bigdata_demos.bench import results
from bigdata_demos.bench.formats import access, access_report, stores
from bigdata_demos.bench.formats.stores import Avro, Data, JsonLines, Parquet, Record, Store
from bigdata_demos.bench.report.page import page
from bigdata_demos.bench.results import PLAIN, STEPS, Access, FormatRun
from bigdata_demos.errors import InputError, JobFailed
from tests.support.benchmarks import MACHINE, a_run, benchmark
from tests.support.paths import DATA

CRAWL = str(DATA / "site.warc.gz")
HEADING = "<h2>Faster access: the same records in other formats</h2>"
FORMATS = ["JSON lines", "JSON lines, gzip", "Avro, null", "Avro, deflate", "Avro, bzip2", "Avro, snappy", "Avro, xz",
           "Avro, zstandard", "Parquet, snappy", "Parquet, zstd"]  # fmt: skip
PLACES = [0.0, 0.001, *(number / 13 for number in range(1, 13)), 0.999, 1 - 1e-9]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Data]:
    """The pages of the bundled crawl, and the job's results for them."""
    crawl = access.pages_of([CRAWL], 1000)
    return {"pages": crawl, "results": access.results_of(crawl, tmp_path_factory.mktemp("job"))}


def test_the_records_are_the_crawls_and_the_jobs(kept: dict[str, Data]) -> None:
    """Pages are as `corpus convert` writes them, which leaves out empty fields; the job rejects as many as of the crawl, but one."""
    line = [sys.executable, "-m", "bigdata_demos.corpus", "convert", CRAWL]
    lines = subprocess.run(line, capture_output=True, check=True, timeout=300).stdout.splitlines()
    full = [{key: value for key, value in record.items() if value or (key in ("html", "text") and value is not None)}
            for record in kept["pages"].records]  # fmt: skip
    assert full == [json.loads(line) for line in lines]
    assert len(kept["results"].records) == 63 + 1  # one that is no HTML is text once it is decoded
    assert {record["url"] for record in kept["results"].records} <= {record["url"] for record in kept["pages"].records}


@pytest.mark.parametrize("data", ["pages", "results"])
@pytest.mark.parametrize("store", stores.stores(), ids=lambda store: store.name)
def test_every_format_gives_back_the_same(store: Store, data: str, kept: dict[str, Data], tmp_path: Path) -> None:
    """All records, one field, and all for a newer program: the same Python objects, of the same types."""
    wanted, path = kept[data], tmp_path / "file"
    store.write(path, wanted)
    assert [repr(sorted(record.items())) for record in store.read(path)] == [
        repr(sorted(record.items())) for record in wanted.records
    ]
    assert store.field(path, wanted) == [record["url"] for record in wanted.records]
    newer = [
        {"address": record["url"], "country": "unknown"} | {key: record[key] for key in record if key != "url"}
        for record in wanted.records
    ]
    assert store.read_newer(path, wanted) == newer


@pytest.mark.parametrize("data", ["pages", "results"])
@pytest.mark.parametrize("store", stores.stores(), ids=lambda store: store.name)
def test_look_ups_find_the_right_record(store: Store, data: str, kept: dict[str, Data], tmp_path: Path) -> None:
    """The one that whoever reads the whole file would say is there, for each place; more than one in all."""
    path = tmp_path / "file"
    store.write(path, kept[data])
    found = store.look_up(path, PLACES)
    assert found == [at_place(path, store, kept[data].records, place) for place in PLACES]
    assert len({record["url"] for record in found}) > 1 or (isinstance(store, Avro) and data == "results")  # of one block


def at_place(path: Path, store: Store, records: Sequence[Record], place: float) -> Record:
    """The record at a place, told from a whole reading: with Avro the first of the first block that starts there or later,
    with JSON the first line that starts later; if there is none, the file's first; with Parquet it is by number."""
    if isinstance(store, Parquet):
        return records[int(place * len(records))]
    if isinstance(store, JsonLines):
        text = gzip.decompress(path.read_bytes()) if store.packed else path.read_bytes()
        lines = text.splitlines(keepends=True)
        starts = itertools.accumulate(map(len, lines[:-1]), initial=0)
        return next((record for start, record in zip(starts, records, strict=True) if start > int(place * len(text))), records[0])
    with path.open("rb") as file:
        blocks = [(block.offset, next(iter(block))) for block in fastavro.block_reader(file)]
    after: Any = next((first for offset, first in blocks if offset >= int(place * path.stat().st_size)), blocks[0][1])
    return dict(after)


def test_avro_writes_several_blocks(kept: dict[str, Data], tmp_path: Path) -> None:
    """Or look-ups in it would be none."""
    Avro("deflate").write(tmp_path / "file", kept["pages"])
    with (tmp_path / "file").open("rb") as file:
        assert sum(1 for _ in fastavro.block_reader(file)) > 3


def test_parquet_has_row_groups(kept: dict[str, Data], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look-ups in all of them, the last, which is smaller, too."""
    monkeypatch.setattr(stores, "GROUP_RECORDS", 10)
    path, records = tmp_path / "file", kept["results"].records
    Parquet("zstd").write(path, kept["results"])
    assert pq.ParquetFile(path).num_row_groups == -(-len(records) // 10) > 5
    places = [(number + 0.5) / len(records) for number in range(len(records))]
    assert Parquet("zstd").look_up(path, places) == records


def test_parquet_leaves_default_and_new_name_to_code(kept: dict[str, Data], tmp_path: Path) -> None:
    """As the benchmark says of it: with the newer schema alone, the new column and the renamed one are nulls."""
    path, older = tmp_path / "file", kept["results"].arrow
    Parquet("snappy").write(path, kept["results"])
    newer = pa.schema([older.field(name) for name in older.names if name != "url"])
    newer = newer.append(pa.field("address", pa.string())).append(pa.field("country", pa.string()))
    table = pq.read_table(path, schema=newer)
    assert set(table.column("address").to_pylist()) == set(table.column("country").to_pylist()) == {None}


@pytest.mark.parametrize("step", ["read", "field", "look_up", "read_newer"])
def test_another_answer_is_no_time(step: str, kept: dict[str, Data], tmp_path: Path) -> None:
    """A format that loses a record, or makes one up, fails: its time would be a false result."""

    class Wrong(JsonLines):
        pass

    right = getattr(JsonLines, step)
    setattr(Wrong, step, lambda *arguments: [*right(*arguments)[:-1], {"url": "made up"}])
    with pytest.raises(JobFailed, match="the records read differ from those written"):
        access.try_out(Wrong(packed=False), kept["results"], tmp_path / "file", 1)
    assert not list(tmp_path.iterdir())


def test_without_pyarrow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match="Parquet needs the package pyarrow: pip install pyarrow"):
        stores.stores()


# Rounds, and what is left of them


def test_rounds_survive_the_disk_and_are_shown(tmp_path: Path) -> None:
    """Each format once in each round, in another order; saved, loaded, on the page and in the text; all files gone."""
    lines: list[str] = []
    made = access.measure([CRAWL], ["python"], pages=10, rounds=2, progress=lines.append)
    assert made.records == {"pages": 10, "results": 8}  # the job rejects two of these
    assert len(lines) == len(made.runs) == 2 * 2 * len(FORMATS)
    order = {
        key: [one.format for one in made.runs if (one.data, one.round) == key] for key in itertools.product(made.records, (1, 2))
    }
    assert order["pages", 1] == order["results", 1] == FORMATS
    assert order["pages", 2] != FORMATS
    assert sorted(order["pages", 2]) == sorted(FORMATS)
    for one in made.runs:
        assert set(one.seconds) == set(one.cpu_seconds) == {*STEPS, *(["arrow"] if one.family == "Parquet" else [])}

    whole = benchmark([a_run()], access=made)
    results.save(whole, tmp_path / "results.json")
    assert results.load(tmp_path) == whole
    shown, said = page(whole), access_report.text(made)
    assert HEADING in shown
    assert all(shown.count(name) > 4 and said.count(name) >= 2 for name in FORMATS)
    assert "http" not in shown


def test_results_without_formats_are_as_before(tmp_path: Path) -> None:
    """An older file, which knows nothing of them, is read; its page has no such section."""
    results.save(benchmark([a_run()]), tmp_path / "results.json")
    found = json.loads((tmp_path / "results.json").read_text())
    del found["access"]
    (tmp_path / "results.json").write_text(json.dumps(found))
    assert results.load(tmp_path) == benchmark([a_run()])
    assert HEADING not in page(results.load(tmp_path))


# Figures


def some(name: str, nbytes: int, read: Sequence[float], **more: Sequence[float]) -> list[FormatRun]:
    """A format's runs, one a round: every step takes what reading takes, but for those that are given."""
    family = name.partition(",")[0]
    took = [{step: more.get(step.replace("-", "_"), read)[index] for step in STEPS} for index in range(len(read))]
    return [FormatRun("pages", name, family, index + 1, nbytes, seconds, seconds) for index, seconds in enumerate(took)]


def formats(*runs: list[FormatRun]) -> Access:
    """What was measured of 100 pages."""
    by_hand = dict.fromkeys((one.family for one in itertools.chain(*runs)), "something")
    return Access(
        "2026-01-01", ["python"], MACHINE, {"python": "3.11"}, "abc", ["crawl"], 3, {"pages": 100}, 20, 1 << 16, 500, by_hand,
        [one for format_runs in runs for one in format_runs],
    )  # fmt: skip


JSON = some(PLAIN, 1000, [2.0, 2.0, 4.0], look_up=[0.2, 0.2, 0.2])
GZIP = some(f"{PLAIN}, gzip", 300, [3.0, 3.0, 6.0], look_up=[8.0, 8.0, 8.0])
AVRO = some("Avro, xz", 200, [1.0, 1.0, 2.0], write=[40.0, 40.0, 80.0], look_up=[2.0, 2.0, 2.0], field=[1.0, 1.0, 2.0])
PARQUET = some("Parquet, zstd", 400, [1.5, 1.5, 3.0], write=[8.0, 8.0, 16.0], look_up=[4.0, 4.0, 4.0], field=[0.9, 1.1, 1.0])


def test_sentences_say_what_the_tries_say() -> None:
    """By hand; ratios are of the same round, so a slow round that slows all is none."""
    said = access_report.sentences(access_report.rows(formats(JSON, GZIP, AVRO, PARQUET), "pages"))
    assert said == [
        "Smallest: Avro, xz, 20 % of plain JSON lines (of other families: JSON lines, gzip 30 %, Parquet, zstd 40 %).",
        "It takes 20 times as long to write as JSON lines.",
        "Quickest to write from dicts: JSON lines (2 s); Parquet, zstd takes 4 times as long; Avro, xz takes 20 times as long.",
        "Quickest to read whole, as dicts: Avro, xz (1 s); Parquet, zstd takes 1.50 times as long; JSON lines takes 2 times as long.",
        "Quickest for one field of all records: Avro, xz (1 s); Parquet, zstd is level with it; JSON lines takes 2 times as long.",
        "Quickest for one record somewhere in the file: JSON lines (10 ms); Avro, xz takes 10 times as long; Parquet, zstd takes 20 times as long.",
        "Quickest to read with a newer schema: Avro, xz (1 s); Parquet, zstd takes 1.50 times as long; JSON lines takes 2 times as long.",
        "The quickest of files of at most half the size of JSON lines: writing: JSON lines, gzip; reading all: Avro, xz; one field: Avro, xz; a record somewhere: Avro, xz; a newer schema: Avro, xz.",
    ]  # fmt: skip


def test_who_wins_is_told_from_the_tries_only() -> None:
    """Level is nobody's alone; what a family wins among small files only is told apart; the same with the figures swapped."""
    assert access_report.wins(formats(JSON, GZIP, AVRO, PARQUET)) == {
        "JSON lines": "writing (pages), a record somewhere (pages)",
        "Avro": "size (pages), reading all (pages), one field (≈pages), a newer schema (pages); of files of at most half the size of "
        "JSON lines also a record somewhere (pages)",
        "Parquet": "one field (≈pages)",
    }
    swapped = [msgspec.structs.replace(one, format="Parquet, zstd", family="Parquet") for one in AVRO]
    assert access_report.wins(formats(JSON, GZIP, swapped)) == {
        "JSON lines": "writing (pages), a record somewhere (pages)",
        "Parquet": "size (pages), reading all (pages), one field (pages), a newer schema (pages); of files of at most half the size of "
        "JSON lines also a record somewhere (pages)",
    }


@pytest.mark.parametrize(
    ("runs", "what"),
    [
        (AVRO, "the pages were not written as JSON lines"),
        ([*JSON, msgspec.structs.replace(AVRO[0], data="crumbs")], r"access.runs\[3\]: 'crumbs' is not among the records"),
        ([msgspec.structs.replace(JSON[0], seconds={"write": 1.0})], r"access.runs\[0\]: read was not measured"),
    ],
)
def test_formats_without_figures_are_refused(runs: list[FormatRun], what: str) -> None:
    """In one line that says where."""
    made = msgspec.to_builtins(benchmark([a_run()], access=formats(runs)))
    with pytest.raises(InputError, match=what):
        results.validate(made)


# The command


def command(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    line = [sys.executable, "-m", "bigdata_demos.bench", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)


def test_command_adds_to_a_benchmark(tmp_path: Path) -> None:
    """The table to stdout, the section to the page, the runs to the file, whose other runs stay; `report` has both tables."""
    before = benchmark([a_run()])
    results.save(before, tmp_path / "results.json")
    done = command("access", CRAWL, "--pages", "5", "--runs", "1", "--results", tmp_path)
    assert done.returncode == 0, done.stderr
    made = results.load(tmp_path)
    assert made.access
    assert msgspec.structs.replace(made, access=None) == before
    assert made.access.command[:4] == ["python", "-m", "bigdata_demos.bench", "access"]
    assert done.stdout == access_report.text(made.access) + "\n"
    assert done.stdout.startswith("pages: 5 records, 1 round, medians\n")
    assert HEADING in (tmp_path / "index.html").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "results.json"]
    again = command("report", tmp_path)
    assert again.stdout.endswith(done.stdout)
    assert "serial" in again.stdout.removesuffix(done.stdout)


@pytest.mark.parametrize(
    ("arguments", "status", "what"),
    [
        (["nowhere.warc.gz"], 1, "nowhere.warc.gz: no such file or directory"),
        ([CRAWL, "--results", "nowhere/results.json"], 1, "cannot read nowhere/results.json"),
        ([CRAWL, "--pages", "0"], 2, "must be 1 or more"),
    ],
)
def test_command_says_what_is_wrong(arguments: list[str], status: int, what: str) -> None:
    """In a line, before anything is measured."""
    done = command("access", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert what in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
