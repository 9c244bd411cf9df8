"""Compares two benchmarks by contestant, to detect what a change made slower.

To cancel variations of the machine's speed, ratios to a control from the same rounds are compared: ``serial`` for engines, and
``wordcount``, which shares no code with the job, for ``serial`` and the peers. A row without a control in both benchmarks, such
as that of ``wordcount`` itself, shows the ratio of plain seconds, and has no verdict: between two benchmarks, the machine's own
speed can change by more than a change of the code would.

**Slower** means that the 99 % bootstrap interval of the ratio of medians is above 1, and the ratio at least :data:`_LEAST`. The
confidence is 99 % because many rows are tested.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from ..engines.contestants import label
from ..results import CONTROL, ENGINE, PEERS_CONTROL, Results
from ..statistics import Interval, paired, ratio_of_medians
from .summary import Key, by_round, seconds_of
from .table import aligned, interval

_LEAST: Final = 1.03
_CONFIDENCE: Final = 0.99
SLOWER: Final = "slower"
FASTER: Final = "faster"
SAME: Final = "no difference shown"
FEW: Final = "too few runs to say"
UNJUDGED: Final = "not judged"
BROKEN: Final = "fails now"


class Difference(NamedTuple):
    """The ratio of a contestant's times at one size. ``by``: the control, or empty for plain seconds."""

    key: Key
    size: int
    ratio: Interval | None
    by: str
    verdict: str


def compare(before: Results, after: Results) -> list[Difference]:
    """Compare what both benchmarks have; a contestant that finished before and now only fails is broken."""
    differences = []
    for size in [size for size in before.sizes if size in after.sizes]:
        for key in before.contestants():
            then, now = (by_round(one, key, size, seconds_of) for one in (before, after))
            if not then or not any(one.key == key and one.size == size for one in after.runs):
                continue
            if not now:
                differences.append(Difference(key, size, None, "", BROKEN))
                continue
            by = _control_of(key, size, before, after)
            some, others = (
                paired(values, by_round(one, (by, 1, ""), size, seconds_of)) if by else list(values.values())
                for values, one in ((now, after), (then, before))
            )
            ratio = ratio_of_medians(some, others, confidence=_CONFIDENCE)
            differences.append(Difference(key, size, ratio, by, verdict(ratio) if by else UNJUDGED))
    return differences


def _control_of(key: Key, size: int, before: Results, after: Results) -> str:
    """Return the control that shares rounds with a contestant in both benchmarks, or an empty string."""
    kind = next(one.kind for one in before.runs if one.key == key)
    wanted = CONTROL if kind == ENGINE and key[0] != CONTROL else PEERS_CONTROL
    if key[0] == wanted:
        return ""
    for one in (before, after):
        if not by_round(one, key, size, seconds_of).keys() & by_round(one, (wanted, 1, ""), size, seconds_of).keys():
            return ""
    return wanted


def verdict(ratio: Interval) -> str:
    """Classify an interval."""
    if ratio.low is None or ratio.high is None:
        return FEW
    if ratio.low > 1 and ratio.middle >= _LEAST:
        return SLOWER
    if ratio.high < 1 and ratio.middle <= 1 / _LEAST:
        return FASTER
    return SAME


def worse(differences: list[Difference]) -> bool:
    """Return whether something is slower or broken."""
    return any(one.verdict in {SLOWER, BROKEN} for one in differences)


def warnings(before: Results, after: Results) -> list[str]:
    """Return reasons why the two may not be comparable."""
    said = []
    if before.machine.id != after.machine.id:
        said.append(f"two machines: {before.machine.cpu} ({before.machine.cores}), {after.machine.cpu} ({after.machine.cores})")
    for size in [size for size in before.sizes if size in after.sizes]:
        then, now = before.job(size), after.job(size)
        if (then.pages, then.input_bytes) != (now.pages, now.input_bytes):
            said.append(f"size {size} is another input: {then.pages} pages before, {now.pages} after")
        elif then.digest != now.digest:
            said.append(f"size {size} has another answer than before: the job itself was changed, or its parsers")
    changed = {name: (old, after.versions.get(name)) for name, old in before.versions.items() if after.versions.get(name) != old}
    return said + [f"{name} was {old}, is {new or 'not there'}" for name, (old, new) in changed.items()]


def without_control(differences: list[Difference]) -> list[str]:
    """Return what has no verdict that could have one, and how to get it."""
    return [
        f"size {one.size}: {label(one.key)} cannot be judged without a control in both: run both with --peers wordcount"
        for one in differences
        if one.verdict == UNJUDGED and one.key[0] != PEERS_CONTROL
    ]


def report(differences: list[Difference], notes: Sequence[str]) -> str:
    """Format notes and differences as text."""
    lines = [("contestant", "size", "after ÷ before (99 %)", "of", "")]
    for one in differences:
        of = f"time ÷ {one.by}'s" if one.by else "seconds, no control"
        lines.append((label(one.key), str(one.size), interval(one.ratio), of, one.verdict))
    return "\n".join([*(f"note: {note}" for note in notes), *aligned(lines)])
