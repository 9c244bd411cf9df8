"""What runs say: pure functions of numbers, no more than the data bears.

A **ratio to the control** is made of runs of the same round (they ran within minutes of each other), then its median is
taken; its interval is the bootstrap's: the middle 95 % of the medians of samples drawn from the rounds with replacement (Efron
1979, the percentile method). With few rounds such an interval is too narrow; five are few.
"""

import itertools
import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

UNSTABLE: Final = 1.25
"""A contestant whose slowest run took this many times its fastest is flagged."""
_SAMPLES: Final = 2000
_CONFIDENCE: Final = 0.95


class Spread(NamedTuple):
    """The median and the range of some runs. ``unstable``: whether the range is wider than :data:`UNSTABLE`."""

    median: float
    least: float
    most: float
    number: int

    @property
    def unstable(self) -> bool:
        """Whether the runs are too far apart to be one figure."""
        return self.least > 0 and self.most / self.least > UNSTABLE


class Interval(NamedTuple):
    """An estimate, and the ends of its interval: None where there are too few runs for one."""

    middle: float
    low: float | None
    high: float | None


def spread(values: Sequence[float]) -> Spread | None:
    """Median and range; None of nothing."""
    return Spread(statistics.median(values), min(values), max(values), len(values)) if values else None


def paired(values: Mapping[int, float], control: Mapping[int, float]) -> list[float]:
    """The ratios of values to the control's of the same round, by round; rounds that lack one are left out."""
    return [values[number] / control[number] for number in sorted(values) if control.get(number)]


def bootstrap(
    samples: Sequence[Sequence[float]], figure: Callable[..., float], *, confidence: float = _CONFIDENCE, seed: int = 0
) -> Interval:
    """The figure of some samples, with the interval of the percentile bootstrap, each sample drawn from by itself."""
    middle = figure(*samples)
    if min(len(sample) for sample in samples) < 2:
        return Interval(middle, None, None)
    draw = random.Random(seed)  # noqa: S311
    drawn = sorted(figure(*(draw.choices(sample, k=len(sample)) for sample in samples)) for _ in range(_SAMPLES))
    cut = (1 - confidence) / 2 * (_SAMPLES - 1)
    return Interval(middle, drawn[math.floor(cut)], drawn[_SAMPLES - 1 - math.floor(cut)])


def ratio(values: Mapping[int, float], control: Mapping[int, float]) -> Interval | None:
    """The median of the paired ratios with its interval; None if there is no round with both."""
    pairs = paired(values, control)
    return bootstrap([pairs], statistics.median) if pairs else None


def ratio_of_medians(after: Sequence[float], before: Sequence[float], *, confidence: float = _CONFIDENCE) -> Interval:
    """The median of one sample by that of another, which were not taken together, with its interval."""
    return bootstrap(
        [after, before], lambda some, others: statistics.median(some) / statistics.median(others), confidence=confidence
    )


def cost(ratios: Mapping[int, float]) -> int | None:
    """COST: the smallest number of workers whose ratio to one thread is below 1; None if none is.

    After McSherry, Isard, Murray: *Scalability! But at what COST?* (HotOS 2015), with start-up counted.
    """
    return min((workers for workers, value in ratios.items() if value < 1), default=None)


def crossover(ratios: Mapping[float, float]) -> tuple[float, bool] | None:
    """The size at which a ratio to one thread falls below 1, between the sizes that were measured.

    ``ratios``: size → ratio. The line between two sizes is straight on logarithmic scales. Returns the size, and whether it was
    crossed there (False: it is below 1 at the smallest size already). None if it is not below 1 at the largest size: then it was
    not within what was measured. Of several crossings it is the last one.
    """
    points = sorted(ratios.items())
    if not points or points[-1][1] >= 1:
        return None
    for (size, value), (larger, below) in reversed(list(itertools.pairwise(points))):
        if value >= 1:
            part = math.log(value) / (math.log(value) - math.log(below))
            return math.exp(math.log(size) + part * (math.log(larger) - math.log(size))), True
    return points[0][0], False
