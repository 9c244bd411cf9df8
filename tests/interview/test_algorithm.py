"""The program on one screen: it is right for any batches and workers, bounded, and fails as a whole."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.interview import algorithm
from bigdata_demos.interview.algorithm import process_all, process_batch, process_page, reducer
from tests.support.paths import SITE

COUNTS = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 9)).map(Counter)


@given(COUNTS, COUNTS, COUNTS)
def test_laws_of_the_reducer(first: Counter[str], second: Counter[str], third: Counter[str]) -> None:
    """Associative, commutative, with an identity."""
    merged = reducer(reducer(Counter(first), second), third)
    assert merged == reducer(Counter(first), reducer(Counter(second), third))
    assert reducer(Counter(first), second) == reducer(Counter(second), first)
    assert reducer(Counter(first), Counter()) == reducer(Counter(), first) == first


@pytest.mark.parametrize(("size", "workers"), [(1, 1), (3, 2), (1000, 2)])
def test_batches_and_workers_do_not_matter(size: int, workers: int) -> None:
    """All pages in one batch, in one process, give the same."""
    pages = [path.read_text("latin-1") for path in sorted(SITE.glob("*.html"))[:20]]
    assert asyncio.run(process_all(pages, size, workers)) == process_batch(pages)


def test_a_page_is_counted_without_its_markup() -> None:
    """By hand."""
    assert process_page("<p class='b'>A rose is <b>a</b> rose") == {"a": 2, "rose": 2, "is": 1}


def test_input_is_read_as_it_is_needed_and_a_failure_ends_all() -> None:
    """Two batches for each worker are read ahead, and no more after the first failure."""
    read = 0

    def pages() -> Iterator[str]:
        nonlocal read
        for read in range(1, 1001):
            yield 7 if read == 1 else "a"  # type: ignore[misc]

    with pytest.raises(TypeError, match="expected string"):
        asyncio.run(process_all(pages(), 2, 1))
    assert read <= 8


def test_it_runs_and_fits_a_screen() -> None:
    """As it is shown."""
    done = subprocess.run([sys.executable, "-m", algorithm.__name__, str(SITE)], capture_output=True, text=True, check=True)
    assert "the" in done.stdout.split()
    assert len(done.stdout.splitlines()) == 10
    assert len(Path(algorithm.__file__).read_text("utf-8").splitlines()) <= 62
