"""All engines have the same result, and engines take time to start."""

from collections.abc import Callable

import pytest

from bigdata_demos.experiments import Outcome
from bigdata_demos.experiments.cost import break_even, line, numbers


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """Equal digests at each size; that start-up takes longer than none is part of what ``holds``."""
    counts = measure("cost").counts
    assert list(counts.values()) == [1, 1, 1]


def test_break_even() -> None:
    """Where two lines cross; never, if the engine needs no less for each page."""
    assert line([1, 2, 3], [12, 14, 16]) == pytest.approx((10, 2))
    assert break_even((0, 2), (10, 1)) == 10
    assert break_even((0, 2), (-1, 1)) == 0
    assert break_even((0, 2), (10, 2)) is None


def test_numbers_of_workers() -> None:
    """Powers of two, and as many as there may be."""
    assert [numbers(most) for most in (1, 2, 3, 6, 8)] == [[1], [1, 2], [1, 2, 3], [1, 2, 4, 6], [1, 2, 4, 8]]
