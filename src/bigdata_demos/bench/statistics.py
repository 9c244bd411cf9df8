"""Statistics of runs, as pure functions.

A **ratio to the control** is the median of the ratios by round, because runs of a round are minutes apart. Its interval is the
95 % percentile bootstrap (Efron 1979), which resamples the rounds. With five rounds or fewer the interval is too narrow.
"""

import itertools
import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

UNSTABLE: Final = 1.25
"""Runs are flagged if the slowest took more than this many times as long as the fastest."""
_SAMPLES: Final = 2000
_CONFIDENCE: Final = 0.95


class Spread(NamedTuple):
    """The median, range and number of values."""

    median: float
    least: float
    most: float
    number: int

    @property
    def unstable(self) -> bool:
        """Whether the range exceeds :data:`UNSTABLE`."""
        return self.least > 0 and self.most / self.least > UNSTABLE


class Interval(NamedTuple):
    """An estimate and its confidence interval, which is None if there are too few runs."""

    middle: float
    low: float | None
    high: float | None


def spread(values: Sequence[float]) -> Spread | None:
    """Return median and range, or None without values."""
    return Spread(statistics.median(values), min(values), max(values), len(values)) if values else None


def paired(values: Mapping[int, float], control: Mapping[int, float]) -> list[float]:
    """Return the ratio to the control in each round that has both."""
    return [values[number] / control[number] for number in sorted(values) if control.get(number)]


def bootstrap(
    samples: Sequence[Sequence[float]], figure: Callable[..., float], *, confidence: float = _CONFIDENCE, seed: int = 0
) -> Interval:
    """Return a statistic of the samples with its percentile bootstrap interval; each sample is resampled independently."""
    middle = figure(*samples)
    if min(len(sample) for sample in samples) < 2:
        return Interval(middle, None, None)
    draw = random.Random(seed)  # noqa: S311
    drawn = sorted(figure(*(draw.choices(sample, k=len(sample)) for sample in samples)) for _ in range(_SAMPLES))
    cut = (1 - confidence) / 2 * (_SAMPLES - 1)
    return Interval(middle, drawn[math.floor(cut)], drawn[_SAMPLES - 1 - math.floor(cut)])


def ratio(values: Mapping[int, float], control: Mapping[int, float]) -> Interval | None:
    """Return the median of the paired ratios with its interval; None if no round has both."""
    pairs = paired(values, control)
    return bootstrap([pairs], statistics.median) if pairs else None


def ratio_of_medians(after: Sequence[float], before: Sequence[float], *, confidence: float = _CONFIDENCE) -> Interval:
    """Return the ratio of the medians of two independent samples, with its interval."""
    return bootstrap(
        [after, before], lambda some, others: statistics.median(some) / statistics.median(others), confidence=confidence
    )


def cost(ratios: Mapping[int, float]) -> int | None:
    """Return COST, the smallest number of workers whose ratio to one thread is below 1; None if no ratio is.

    See McSherry, Isard, Murray: *Scalability! But at what COST?* (HotOS 2015). Start-up is included here.
    """
    return min((workers for workers, value in ratios.items() if value < 1), default=None)


def crossover(ratios: Mapping[float, float]) -> tuple[float, bool] | None:
    """Return the size at which the ratio to one thread last falls below 1, interpolated on logarithmic scales.

    ``ratios`` maps sizes to ratios. The second value is False if all ratios are below 1; the size is the smallest one then.
    Returns None if the ratio at the largest size is not below 1.
    """
    points = sorted(ratios.items())
    if not points or points[-1][1] >= 1:
        return None
    for (size, value), (larger, below) in reversed(list(itertools.pairwise(points))):
        if value >= 1:
            part = math.log(value) / (math.log(value) - math.log(below))
            return math.exp(math.log(size) + part * (math.log(larger) - math.log(size))), True
    return points[0][0], False
