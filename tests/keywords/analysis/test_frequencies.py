"""The laws of merge, on which every engine's freedom rests: tables of document frequencies are a commutative monoid.

And what follows from them: the job's result does not depend on how the input is cut into splits.
"""

import functools
import json
import mmap
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bigdata_demos.keywords import run
from bigdata_demos.keywords.analysis import counting, frequencies
from bigdata_demos.keywords.analysis.candidates import Hashes

Plain = dict[int, int]  # a table as a dict: hash → count

EDGES = (0, 1, 2, 2**32, 2**61, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1)
hashes = st.sampled_from(EDGES) | st.integers(0, 40) | st.integers(0, 2**64 - 1)
plains = st.dictionaries(hashes, st.integers(1, 2**20), max_size=20)
pages = st.lists(st.sets(hashes.filter(bool), max_size=10), max_size=12)  # 0 is the empty phrase, which no page lists
bits = st.integers(0, 12)


def packed(plain: Plain) -> bytes:
    """The table of a dict, or no bytes if it is empty."""
    keys = sorted(plain)
    counts = np.array([plain[key] for key in keys], np.uint32)
    return counting.pack(np.array(keys, np.uint64), counts)


def unpacked(table: bytes) -> Plain:
    """The dict of a table, which must be in order."""
    keys, counts = counting.unpack(table)
    assert all(a < b for a, b in pairwise(keys.tolist())), "hashes ascend, each once"
    assert len(table) == frequencies.ENTRY * len(keys)
    return dict(zip(keys.tolist(), counts.tolist(), strict=True))


def arrays(some: list[set[int]]) -> list[Hashes]:
    """Pages as the job has them: the hashes of each one's candidates."""
    return [np.array(sorted(page), np.uint64) for page in some]


@given(plains)
def test_table_is_a_dict(plain: Plain) -> None:
    """Packing loses nothing, and is little-endian: hashes first, then counts."""
    table = packed(plain)
    assert unpacked(table) == plain
    keys = sorted(plain)
    expected = [key.to_bytes(8, "little") for key in keys] + [plain[key].to_bytes(4, "little") for key in keys]
    assert table == b"".join(expected)


@given(st.lists(plains, max_size=5))
def test_merge_adds(tables: list[Plain]) -> None:
    """A merged table has the sums, for any number of tables, from any kind of iterable."""
    total: Counter[int] = Counter()
    for table in tables:
        total.update(table)
    assert unpacked(counting.merge(packed(table) for table in tables)) == total


@given(plains, plains, plains)
def test_merge_is_associative(a: Plain, b: Plain, c: Plain) -> None:
    """(a + b) + c = a + (b + c) = a + b + c, byte for byte."""
    x, y, z = packed(a), packed(b), packed(c)
    all_at_once = counting.merge([x, y, z])
    assert counting.merge([counting.merge([x, y]), z]) == all_at_once
    assert counting.merge([x, counting.merge([y, z])]) == all_at_once


@given(st.lists(plains, max_size=5).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_merge_is_commutative(orders: tuple[list[Plain], list[Plain]]) -> None:
    """The order of tables makes no difference, byte for byte."""
    given_order, other = orders
    assert counting.merge(map(packed, given_order)) == counting.merge(map(packed, other))


@given(plains)
def test_merge_has_an_identity(plain: Plain) -> None:
    """No bytes are the table of no pages: on the left, on the right, alone, and if there is nothing at all."""
    table = packed(plain)
    assert counting.merge([table]) == table
    assert counting.merge([b"", table]) == counting.merge([table, b""]) == table
    assert counting.merge([b"", b""]) == counting.merge([]) == b""


@given(plains, plains)
def test_merge_does_not_mutate(a: Plain, b: Plain) -> None:
    """Tables may be views of memory that others read: they stay as they are."""
    buffers: list[Any] = [bytearray(packed(a)), bytearray(packed(b))]
    before = [bytes(buffer) for buffer in buffers]
    counting.merge(buffers)
    for buffer in buffers:
        counting.at_least(2, buffer)
        frequencies.partition(buffer, 3)
        counting.look_up(buffer, np.array(EDGES, np.uint64))
    frequencies.join(buffers)
    assert buffers == before


@given(pages)
def test_count(some: list[set[int]]) -> None:
    """Each phrase's pages, and how many pages there are; the pages' arrays stay as they are."""
    given_arrays = arrays(some)
    for array in given_arrays:
        array.setflags(write=False)
    table = counting.count(given_arrays)
    expected = Counter(phrase for page in some for phrase in page)
    assert unpacked(table) == ({**expected, frequencies.EMPTY: len(some)} if some else {})
    assert frequencies.pages(table) == len(some)


@given(pages, st.data())
def test_count_of_any_partition(some: list[set[int]], data: st.DataObject) -> None:
    """However pages are dealt out to tasks, the merged tables are the table of all pages."""
    task_of = data.draw(st.lists(st.integers(0, 4), min_size=len(some), max_size=len(some)))
    given_arrays = arrays(some)
    tables = [counting.count([page for page, its in zip(given_arrays, task_of, strict=True) if its == task]) for task in range(5)]
    assert counting.merge(tables) == counting.count(given_arrays)


@given(plains, bits)
def test_cut_then_join(plain: Plain, bits: int) -> None:
    """Buckets joined in order are the table again; each hash is in the bucket of its upper bits; none is empty."""
    table = packed(plain)
    buckets = frequencies.partition(table, bits)
    assert frequencies.join(bucket for _, bucket in buckets) == table
    assert [number for number, _ in buckets] == sorted({phrase >> (64 - bits) for phrase in plain})
    for number, bucket in buckets:
        assert {phrase >> (64 - bits) for phrase in unpacked(bucket)} == {number}


@given(st.lists(plains, max_size=4), bits)
def test_merge_by_bucket(tables: list[Plain], bits: int) -> None:
    """What the shuffle does: cut each table, merge bucket by bucket, join. It equals one merge of everything."""
    buckets: dict[int, list[bytes]] = {}
    for table in tables:
        for number, bucket in frequencies.partition(packed(table), bits):
            buckets.setdefault(number, []).append(bucket)
    merged = [counting.merge(buckets[number]) for number in sorted(buckets)]
    assert frequencies.join(merged) == counting.merge(map(packed, tables))
    repeated = frequencies.join(map(functools.partial(counting.at_least, 2), merged))
    assert repeated == counting.at_least(2, counting.merge(map(packed, tables)))


@given(pages)
def test_repeated(some: list[set[int]]) -> None:
    """Phrases of one page only are dropped; the number of pages stays, even if it is 1; a look-up can't tell."""
    whole = counting.count(arrays(some))
    table = counting.at_least(2, whole)
    expected = Counter(phrase for page in some for phrase in page)
    assert unpacked(table) == {
        **{phrase: number for phrase, number in expected.items() if number > 1},
        **({frequencies.EMPTY: len(some)} if some else {}),
    }
    assert frequencies.pages(table) == len(some)
    asked = np.array(sorted(expected), np.uint64)
    assert counting.look_up(table, asked).tolist() == counting.look_up(whole, asked).tolist()


@given(plains, st.lists(hashes, max_size=20))
def test_look_up(plain: Plain, asked: list[int]) -> None:
    """The count of each phrase, 1 for those that the table lacks, in the order asked for, as 64-bit integers."""
    found = counting.look_up(packed(plain), np.array(asked, np.uint64))
    assert found.tolist() == [plain.get(phrase, 1) for phrase in asked]
    assert found.dtype == np.int64


def test_look_up_in_a_file(tmp_path: Path) -> None:
    """A table that is mapped into memory is as good as bytes."""
    path = tmp_path / "table"
    path.write_bytes(packed({0: 9, 5: 3, 2**64 - 1: 4}))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as table:
        assert frequencies.pages(table) == 9
        assert counting.look_up(table, np.array([2**64 - 1, 2**63, 5], np.uint64)).tolist() == [4, 1, 3]


def test_largest_count() -> None:
    """Counts reach 32 bits."""
    table = packed({7: 2**31, 2**63: 2**32 - 2})
    assert unpacked(counting.merge([table, packed({7: 2**31 - 1, 2**63: 1})])) == {7: 2**32 - 1, 2**63: 2**32 - 1}
    assert counting.look_up(table, np.array([2**63], np.uint64)).tolist() == [2**32 - 2]


@pytest.mark.parametrize("table", [b"", packed({5: 3})])
def test_no_pages(table: bytes) -> None:
    """A table without the empty phrase was counted over no page."""
    assert frequencies.pages(table) == 0


def test_empty_page_counts() -> None:
    """A page without candidates is a page."""
    table = counting.count(arrays([set(), {9}, set()]))
    assert unpacked(table) == {frequencies.EMPTY: 3, 9: 1}


LINES = [
    {"url": f"http://example.org/{number}", "title": title, "text": text}
    for number, (title, text) in enumerate(
        [
            ("Data cluster", "Data clusters, and how a data cluster is run."),
            ("Läufer", "Straße und Straßen – 漢字 データ\n\nनमस्ते दुनिया"),
            ("Data cluster", "Data clusters, and how a data cluster is run."),
            ("", "spark, data, job. Spark's data jobs: 42 of them"),
            ("empty", "x"),
            ("job", "job data " * 40),
            ("Shuffle", "A shuffle of data by key\u2028and a line separator"),
        ]
        * 3
    )
]
LINES += [{"url": "http://example.org/none", "text": ""}, {"url": "http://example.org/0", "html": "<h1>Data</h1>twice"}]


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small crawl as JSON lines: with empty lines, two kinds of line ends, and three lines that are rejected."""
    path = tmp_path_factory.mktemp("crawl") / "pages.jsonl"
    lines = [json.dumps(line, ensure_ascii=bool(number % 2)) for number, line in enumerate(LINES)]
    lines[3:3] = ["", "{not JSON"]
    lines[9:9] = ["", "", '{"url": "http://example.org/no-content"}']
    path.write_bytes("".join(line + ("\r\n" if number % 5 == 0 else "\n") for number, line in enumerate(lines)).encode()[:-1])
    return path


@pytest.fixture(scope="module")
def digest_of_one_split(crawl: Path) -> str:
    """The digest if the whole file is one split."""
    result = run([crawl], engine="serial", output=crawl.parent / "whole")
    assert (result.pages, result.rejected, result.skipped) == (len(LINES) - 1, 3, 0)
    return result.digest


@given(split_bytes=st.integers(40, 6_000))
@settings(max_examples=25, deadline=None)
def test_splits_make_no_difference(split_bytes: int, crawl: Path, digest_of_one_split: str) -> None:
    """The digest is the same however the file is cut, in the middle of lines and of characters too."""
    result = run([crawl], engine="serial", output=crawl.parent / "cut", overwrite=True, split_bytes=split_bytes)
    assert (result.pages, result.rejected, result.skipped) == (len(LINES) - 1, 3, 0)
    assert result.digest == digest_of_one_split


@pytest.mark.parametrize("split_bytes", [1, 7])
def test_splits_smaller_than_a_line(split_bytes: int, tmp_path: Path) -> None:
    """Splits in which no line starts have no pages, and those with a line have it whole."""
    path = tmp_path / "two.jsonl"
    path.write_text('{"id": 1, "text": "data é"}\n{"id": 2, "text": "data page"}\n', encoding="utf-8")
    whole = run([path], engine="serial", output=tmp_path / "whole")
    cut = run([path], engine="serial", output=tmp_path / "cut", split_bytes=split_bytes)
    assert (cut.pages, cut.digest) == (2, whole.digest)


def test_digest_tells_results_apart(crawl: Path, digest_of_one_split: str) -> None:
    """Fewer keywords, or other stopwords, are another result."""
    for number, options in enumerate([{"top": 1}, {"stopword_list": "none"}]):
        result = run([crawl], output=crawl.parent / f"other-{number}", **options)  # type: ignore[arg-type]
        assert result.digest != digest_of_one_split
