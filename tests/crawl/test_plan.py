"""Splits: each page is in one, wherever the files are cut."""

import gzip
import json
import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bigdata_demos.crawl import plan, reader
from bigdata_demos.crawl.model import Page, Range, Split
from bigdata_demos.keywords import run
from bigdata_demos.storage.compression import zstd
from tests.support.crawl import HTML, LINE, Found, container, numbered, read, write
from tests.support.paths import SITE
from tests.support.scripts import load_script
from tests.support.warc import page as warc_page


def warc_gz(records: Sequence[dict[str, Any]]) -> bytes:
    """The same pages as a WARC.gz."""
    return b"".join(gzip.compress(warc_page(page["url"], page["text"].encode())) for page in records)


def warc_zst(records: Sequence[dict[str, Any]]) -> bytes:
    """The same pages as a WARC.zst."""
    return b"".join(zstd.compress(warc_page(page["url"], page["text"].encode())) for page in records)


SPLITTABLE: dict[str, Callable[[Sequence[dict[str, Any]]], bytes]] = {
    "pages.jsonl": lambda records: b"".join(json.dumps(page).encode() + b"\n" for page in records),
    "pages.avro": container,
    "deflate.avro": lambda records: container(records, "deflate", 100),
    "crawl.warc.gz": warc_gz,
    "crawl.warc.zst": warc_zst,
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
    step = 1 if len(content) < 900 else 13
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
    if not records and "warc" in name:
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


def test_damage_costs_no_intact_page(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of docs/data-quality.md in small: no crash, no intact page lost; nothing silent where there are checksums."""
    module = load_script("measure_damage")
    module.main(["--times", "12"])
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if not line.startswith("|---")]
    assert len(rows) == 1 + len(module.FORMATS) * len(module.KINDS)
    for name, kind, crashes, lost, silent, altered in rows[1:]:
        assert (crashes, lost) == ("0", "0"), (name, kind)
        assert name not in ("warc.gz", "warc.zst", "one-gzip.warc.gz", "zstandard.avro") or (silent, altered) == ("0", "0"), (
            name,
            kind,
        )
        assert name != "warc" or altered == "0", kind  # its records have digests
