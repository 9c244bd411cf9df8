"""What lies between the job's functions: spilled files, encoded records, the join by shuffle, the two kernels."""

import contextlib
import io
import json
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

import fastavro
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.avro import binary, containers
from bigdata_demos.crawl import plan
from bigdata_demos.errors import UsageError
from bigdata_demos.keywords import open_session, run
from bigdata_demos.keywords.analysis import counting, frequencies, kernels
from bigdata_demos.keywords.analysis.languages import Rules
from bigdata_demos.keywords.job import Job
from bigdata_demos.keywords.output import spill
from tests.support.requirements import require

HASHES = st.sampled_from([0, 1, 2**63 - 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)
TABLES = st.dictionaries(HASHES, st.integers(1, 2**20), max_size=30)


def table(plain: dict[int, int]) -> bytes:
    """The table of a dict."""
    keys = sorted(plain)
    return counting.pack(np.array(keys, np.uint64), np.array([plain[key] for key in keys], np.uint32))


def plain(packed: bytes) -> dict[int, int]:
    """The dict of a table."""
    hashes, counts = counting.unpack(packed)
    return dict(zip(hashes.tolist(), counts.tolist(), strict=True))


def crawl_of(path: Path, pages: int) -> Path:
    """Pages with phrases of their own and phrases in common."""
    lines = (
        {"url": f"u{n}", "title": f"page {n}", "text": f"common phrase number{n % 7}, own phrase{n} here. Common phrase again."}
        for n in range(pages)
    )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@given(TABLES, TABLES)
def test_restrict(whole: dict[int, int], wanted: dict[int, int]) -> None:
    """The table of those phrases that both have, with the first one's counts."""
    expected = {key: count for key, count in whole.items() if key in wanted}
    assert plain(counting.restrict(table(whole), table(wanted))) == expected


@given(st.lists(TABLES, max_size=5))
def test_answer_is_merge_restricted(tables: list[dict[int, int]]) -> None:
    """Each split gets the merged counts of its own phrases, but for those of one page."""
    job = Job(10, Rules(), 0, "")
    merged = plain(counting.merge(map(table, tables)))
    answers = list(job.answer(0, ((number, table(some)) for number, some in enumerate(tables))))
    assert [number for number, _ in answers] == list(range(len(tables)))
    for (_, (bucket, answer)), sent in zip(answers, tables, strict=True):
        assert bucket == 0
        assert plain(answer) == {key: merged[key] for key in sent if merged[key] > 1 or key == 0}


@given(st.dictionaries(st.integers(0, 7), TABLES.map(table), max_size=8))
def test_spilled_buckets(buckets: dict[int, bytes]) -> None:
    """What is written is read again, and joined as in memory."""
    with spill.directory(tempfile.gettempdir()) as spilled:
        segments = spill.write(spilled, "0.tables", sorted(buckets.items()))
        assert {bucket: spill.read(segment) for bucket, segment in segments} == buckets
        joined = Path(spill.join(spilled, segments)).read_bytes()
        assert joined == frequencies.join(buckets[bucket] for bucket in sorted(buckets))
        spill.keep(spilled, 3, b"kept")
        assert spill.kept(spilled, 3) == b"kept"
        assert {path.name for path in Path(spilled).iterdir()} == {"0.tables", "frequencies", "3.kept"}, "no attempt is left"


@given(st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, -1, 1, 63, 64, -64, -65, 2**63 - 1, -(2**63)]))
def test_long(value: int) -> None:
    """As fastavro encodes it."""
    assert binary.long(value) == binary.pack(value, {"type": "long"})


@given(st.text(max_size=100))
def test_string(value: str) -> None:
    """As fastavro encodes it."""
    assert binary.string(value) == binary.pack(value, {"type": "string"})


@given(st.lists(st.text(max_size=3_000), max_size=40), st.integers(1, 20_000))
def test_writer(values: list[str], block: int) -> None:
    """Files of encoded records are container files, whatever their blocks."""
    file = io.BytesIO()
    writer = containers.Writer(file, '"string"', block_bytes=block)
    for value in values:
        writer.write(binary.string(value))
    writer.flush()
    file.seek(0)
    assert list(fastavro.reader(file)) == values


@pytest.mark.parametrize("size", [100, 100_000, 30_000_000, 3_000_000_000])
def test_splits_by_the_inputs_size(size: int, tmp_path: Path) -> None:
    """There are about 24 splits, unless they would be too small or too large; they hold all of the file, each byte once."""
    path = tmp_path / "pages.jsonl"
    with path.open("wb") as file:
        file.write(b'{"url": "u", "text": "t"}\n')
        file.truncate(size)  # a sparse file: nothing reads the rest
    splits, _ = plan.plan([str(path)])
    pieces = [piece for split in splits for piece in split.ranges]
    assert sum(piece.end - piece.start for piece in pieces) == size
    assert [piece.start for piece in pieces[1:]] == [piece.end for piece in pieces[:-1]]
    assert len(splits) == {100: 1, 100_000: 1, 30_000_000: 24, 3_000_000_000: 179}[size]


@pytest.mark.parametrize("engine", ["serial", "asyncio", "dask", "spark"])
def test_bytes_are_counted(engine: str, tmp_path: Path) -> None:
    """What was kept and shuffled is in the manifest: equal for all engines, as they shuffle the same."""
    require(engine)
    crawl = crawl_of(tmp_path / "pages.jsonl", 60)
    found = {}
    for name in dict.fromkeys(["serial", engine]):
        output = run([crawl], engine=name, output=tmp_path / name, split_bytes=1_000).output
        found[name] = json.loads((output / "manifest.json").read_text())["shuffle"]
    assert found[engine] == found["serial"]
    assert set(found[engine]) == {"frequencies", "kept", "postings"}
    assert min(found[engine].values()) > 0


def test_large_table_is_joined_by_shuffle(tmp_path: Path) -> None:
    """Spark gives the same answer where the table is too large for a broadcast."""
    require("spark")
    crawl = crawl_of(tmp_path / "pages.jsonl", 200)
    expected = run([crawl], engine="serial", output=tmp_path / "serial")
    with open_session("spark", workers=2, engine_options={"broadcast": "1k"}) as session:
        results = [run([crawl], engine=session, output=tmp_path / f"{n}", split_bytes=n) for n in (1_500, 10**6)]
    assert {result.digest for result in results} == {expected.digest}


@pytest.mark.parametrize("engine", ["serial", "asyncio"])
def test_kernels_give_the_same_answer(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled crawl, with compiled code and without: each byte that is shuffled is the same, too."""
    found = []
    for name in kernel_names():
        monkeypatch.setenv(kernels.VARIABLE, name)
        result = run(engine=engine, output=tmp_path / name)
        manifest = json.loads((result.output / "manifest.json").read_text())
        found.append((result.digest, manifest["shuffle"], manifest["counts"], manifest["versions"]["kernel"] == name))
    assert len(found) == 2
    assert found[0] == found[1]


def kernel_names() -> Iterable[str]:
    """Both kernels: where the tests run, the compiled one must be there."""
    assert kernels.native.available(), kernels.native.why_not()
    return ("plain", "native")


def test_unknown_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A kernel that there is not is refused before anything is done."""
    monkeypatch.setenv(kernels.VARIABLE, "fortran")
    with pytest.raises(UsageError, match="fortran"):
        run(engine="serial", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_directory_is_removed_while_others_still_write(tmp_path: Path) -> None:
    """A task that was given up may go on for a while: that neither keeps the directory nor fails."""
    for attempt in range(20):
        going = threading.Event()

        def write(path: str, going: threading.Event = going) -> None:
            with contextlib.suppress(FileNotFoundError):
                for number in range(1_000_000):
                    spill.keep(path, number, b"x")
                    going.set()

        with spill.directory(str(tmp_path)) as path:
            thread = threading.Thread(target=write, args=[path])
            thread.start()
            assert going.wait(10)
        thread.join(10)
        assert not thread.is_alive()
        assert list(tmp_path.iterdir()) == [], attempt
