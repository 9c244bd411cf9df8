"""Logarithms in integers, against the powers that define them."""

from bigdata_demos.keywords.analysis.logarithms import log_steps


def test_steps_are_the_least_numbers_with_a_logarithm() -> None:
    """At v stands the least n whose 256th power has more than v bits, for all numbers of 32 bits."""
    steps = log_steps(32)
    assert len(steps) == 256 * 32 + 1
    for v, n in enumerate(steps):
        assert (n**256).bit_length() > v
        assert n == 1 or ((n - 1) ** 256).bit_length() <= v
