"""Larger corpora of copies with other words."""

import itertools
import re
from collections import Counter
from pathlib import Path

import pytest

from bigdata_demos.corpus import cli, convert, variants
from bigdata_demos.crawl.model import Page
from bigdata_demos.errors import InputError
from tests.support.paths import DATA

SITE = str(DATA / "site")


def write(directory: Path, texts: list[str]) -> list[str]:
    """Write a page for each text; return the input."""
    for number, text in enumerate(texts):
        (directory / f"{number:03}.html").write_text(f"<title>x</title><p>{text}")
    return [str(directory)]


def test_exponent(tmp_path: Path) -> None:
    """With new words only on each page, the vocabulary grows as the pages do; with the same words on each, it does not grow."""
    for name in ("new", "same"):
        (tmp_path / name).mkdir()
    letters = [f"{a}{b}" * 3 for a in "abcd" for b in "efghijkl"]
    assert variants.growth(write(tmp_path / "new", letters)).exponent == pytest.approx(1)
    assert variants.growth(write(tmp_path / "same", ["word other"] * 100)).exponent == pytest.approx(0, abs=0.01)
    (tmp_path / "few").mkdir()
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="there are no words"):
        variants.growth(write(tmp_path / "none", ["1"] * 9))
    with pytest.raises(InputError, match="3 pages are too few"):
        variants.growth(write(tmp_path / "few", ["word"] * 3))


def test_words_grow_by_heaps_law_and_phrases_faster() -> None:
    """On the bundled site: within a twentieth for words, with the exponent that was measured."""
    grown = variants.growth([SITE])
    assert 0.4 < grown.exponent < 0.9
    words, pairs = [set[bytes](), set[bytes]()], [set[tuple[bytes, bytes]](), set[tuple[bytes, bytes]]()]
    number = 0
    for page in variants.pages([SITE], 8, grown):
        if isinstance(page, Page) and isinstance(page.content, bytes):
            number += 1
            found = [word.lower() for word in variants.words_of(page.content)]
            for into in (0, 1) if "copy=" not in page.url else (1,):
                words[into].update(found)
                pairs[into].update(itertools.pairwise(found))
    assert number == 8 * grown.pages
    assert len(words[1]) / len(words[0]) == pytest.approx(8**grown.exponent, rel=0.05)
    assert len(pairs[1]) / len(pairs[0]) > len(words[1]) / len(words[0])


def test_only_words_of_the_text_change() -> None:
    """Tags, attributes, scripts, comments and references stay, and so do numbers, the frequent words, and capitals."""
    rare = dict.fromkeys((b"zebra", b"walrus", b"stra\xc3\x9fe"), 0.0)
    grown = variants.Growth(0.5, 1000, Counter(dict.fromkeys(rare, 1) | {b"the": 900, b"apple": 9, b"melon": 8}), rare)
    grown.places.update({b"the": 1.0, b"apple": 0.9, b"melon": 0.8})
    markup = b"<!-- zebra --><p class=zebra>The ZEBRA, 12 Walrus Stra\xc3\x9fe&nbsp;melon Apple<script>zebra</script><style>zebra"
    varied = variants.vary(markup, 2, grown)
    assert (
        varied
        == b"<!-- zebra --><p class=zebra>The BECSA, 12 Xamsut Tvsa\xc3\x9fe&nbsp;apple Melon<script>zebra</script><style>zebra"
    )
    assert variants.vary(markup, 3, grown) != varied
    grown.places[b"mcdonald"], grown.df[b"mcdonald"] = 0.9, 900
    assert variants.vary(b"McDonald", 2, grown) == b"McDonald"
    assert re.sub(rb"[A-Za-z\xc3\x9f]+", b"", markup) == re.sub(rb"[A-Za-z\xc3\x9f]+", b"", varied)


@pytest.mark.parametrize("piece", [b"<", b"<script ", b"<!--", b"&", b"<style></styl", b"a&b;", b"\xc3"])
def test_damaged_markup_is_read_in_one_pass(piece: bytes) -> None:
    """No part of it is looked through again and again (which would take hours)."""
    found = list(variants.words_of(piece * 200_000))
    assert set(found) <= {b"\xc3" * 200_000}


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It writes the pages and their copies, each under an address of its own, and says how words grow."""
    assert cli.main(["vary", "-", "--copies", "3"]) == 2
    assert "name a file" in capsys.readouterr().err
    output = tmp_path / "larger.warc.gz"
    assert cli.main(["vary", SITE, "--copies", "3", "--output", str(output)]) == 0
    said = capsys.readouterr().err
    assert re.search(r"n times as many pages have n\*\*0\.\d\d times as many words", said)
    urls = [page.url for page in convert.pages([str(output)]) if isinstance(page, Page)]
    originals = [page.url for page in convert.pages([SITE]) if isinstance(page, Page)]
    assert len(urls) == len(set(urls)) == 3 * len(originals)
    assert sum(url.endswith("?copy=3") for url in urls) == len(originals)
