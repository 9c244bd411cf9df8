"""The efforts: kernels around the usual one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.errors import UsageError
from bigdata_demos.keywords import Result, run
from bigdata_demos.keywords.analysis import effort, kernels
from bigdata_demos.keywords.analysis.precise import rank_again, similarity
from bigdata_demos.keywords.model import EFFORTS, Keyword
from tests.support.paths import SITE


def go(output: Path, name: str, **options: Any) -> Result:
    return run([SITE], engine="serial", effort=name, output=output, **options)


def pages(result: Result) -> dict[str, dict[str, Any]]:
    return {page["url"]: page for page in result.read_keywords()}


@pytest.mark.parametrize("name", EFFORTS)
def test_both_kernels_give_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each effort is built on a kernel, and it does not matter on which one."""
    native = go(tmp_path / "native", name)
    monkeypatch.setenv(kernels.VARIABLE, "plain")
    assert go(tmp_path / "plain", name).digest == native.digest


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    root = tmp_path_factory.mktemp("efforts")
    return {name: go(root / name, name) for name in EFFORTS}


def test_fast_counts_no_phrase(results: dict[str, Result]) -> None:
    """Nothing is shuffled in pass 1, the output says that no page was counted, and the pages are the same."""
    fast, standard = results["fast"], results["standard"]
    assert {keyword["df"] for page in fast.read_keywords() for keyword in page["keywords"]} == {0}
    assert all(keyword["df"] >= 1 for page in standard.read_keywords() for keyword in page["keywords"])
    assert pages(fast).keys() == pages(standard).keys()
    assert fast.digest != standard.digest


def test_fast_shuffles_nothing_in_pass_1(tmp_path: Path) -> None:
    """The manifest has the bytes of the shuffles."""

    shuffled = {}
    for name in ("fast", "standard"):
        go(tmp_path / name, name)
        manifest = json.loads((tmp_path / name / "manifest.json").read_text())
        assert manifest["effort"] == name
        shuffled[name] = manifest["shuffle"]["frequencies"]
    assert shuffled["fast"] == 0 < shuffled["standard"]


def test_precise_ranks_english_pages_again(results: dict[str, Result]) -> None:
    """Pages in other languages keep their keywords; those of English pages come in another order."""
    standard, precise = pages(results["standard"]), pages(results["precise"])
    others = [url for url, page in standard.items() if page["language"] != "en"]
    assert others
    assert all(precise[url] == standard[url] for url in others)
    assert any(precise[url] != standard[url] for url in standard)
    for page in precise.values():
        scores = [keyword["score"] for keyword in page["keywords"]]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) <= 10


def test_precise_index_has_the_keywords_of_the_pages(results: dict[str, Result]) -> None:
    """The postings are those of the new order."""
    precise = results["precise"]
    of_pages = {(keyword["stems"], page["url"]) for page in precise.read_keywords() for keyword in page["keywords"]}
    assert {(row["stems"], row["url"]) for row in precise.read_index()} == of_pages


def test_a_keyword_about_the_text_comes_first() -> None:
    """Of two keywords with equal scores, the one that is nearer to the text in meaning wins; else the order is kept."""
    near, far = Keyword("guitar", "guitar", 1000, 1, 1), Keyword("tax law", "tax law", 1000, 1, 1)
    text = "The pianist and the violin player gave a concert; the orchestra played a symphony."
    for keywords in ([near, far], [far, near]):
        assert [keyword.phrase for keyword in rank_again(keywords, text)] == ["guitar", "tax law"]
    assert rank_again([], text) == []
    assert [keyword.phrase for keyword in rank_again([far, near], "")] == ["tax law", "guitar"]  # nothing is similar to no text


@given(st.lists(st.integers(0, (1 << 63) - 1), max_size=20), st.text(max_size=200))
def test_scores_stay_in_order_and_fit(scores: list[int], text: str) -> None:
    """Whatever the scores and the text: the keywords are a permutation, best first, and fit Avro's long."""
    keywords = [Keyword(f"word{i}", f"word{i}", score, 1, 1) for i, score in enumerate(scores)]
    ranked = rank_again(keywords, text)
    assert sorted(keyword.phrase for keyword in ranked) == sorted(keyword.phrase for keyword in keywords)
    assert [keyword.score for keyword in ranked] == sorted((keyword.score for keyword in ranked), reverse=True)
    assert all(0 <= keyword.score < 1 << 63 for keyword in ranked)


def test_similarity() -> None:
    """The cosine in units of 1/256: of equal, opposite, orthogonal and zero vectors, and of a known angle."""
    x, y = np.array([3, 0]), np.array([0, 5])
    assert similarity(x, x) == 256
    assert similarity(x, -x) == -256
    assert similarity(x, y) == 0
    assert similarity(x, np.array([0, 0])) == 0
    assert similarity(np.array([1000, 0]), np.array([1000, 1000])) == 181  # 256 * cos 45° = 181.02


def test_an_effort_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown ones are refused, and one whose package is missing says how to get it, before any work."""
    with pytest.raises(UsageError, match="must be one of fast, standard, precise, not best"):
        go(tmp_path / "out", "best")
    monkeypatch.setattr(effort, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'bigdata-demos\[precise\]'"):
        go(tmp_path / "out", "precise")
    assert not (tmp_path / "out").exists()
