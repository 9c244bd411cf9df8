"""The links of a crawl are grouped by the site that they point to, and half of them point to one site.

A shuffle sends all rows of a key to one reduce task, so that one task gets half of all rows, however many tasks there are.
The others are done early, and wait. Salting spreads a key over several tasks: here, each link to a site goes to one of eight
tasks in turn, which add up what they got, and a second, small shuffle brings these partial sums together.

For a sum, a combiner has the same effect without any salt, because a map task then sends one row for each site. It does not
help where each row must arrive, such as in a join: there, the other table's rows are copied for each salt.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random
from typing import Final, TypeAlias

from pyspark.core.rdd import portable_hash

from . import Outcome, Setting
from .spark_stages import spark

WATCH = (
    "the rows of the largest task behind the shuffle, in comparison with the mean: without salt one task gets more than half "
    "of all rows. The salted sum has a second step, which gets at most one row for each site from each task of the first."
)
PAGES = (
    "Spark's page of a stage: in Summary Metrics, the maximum of Shuffle Read Size / Records and of Duration is far above the "
    "median, and the event timeline shows one long bar. In a sort-merge join of DataFrames, adaptive execution splits such a "
    "partition by itself (spark.sql.adaptive.skewJoin.enabled) if it is larger than 256 MB and than five times the median. "
    "RDDs have nothing like it."
)
LARGER = (
    "a stage ends with its last task. By calculation, if half of all rows have one key, a stage of 1,000 tasks on 100 "
    "machines is at most twice as fast as a single task for everything, while the other 99 machines wait. More machines do "
    "not help; salt does."
)
_TASKS: Final = 8
_SITES: Final = 1000

Link: TypeAlias = tuple[str, int]
Salted: TypeAlias = tuple[str, int]


def links(part: int, number: int) -> Iterator[Link]:
    """Yield the links of a partition: the site that each points to, half of them to one, and the length of its text."""
    random = Random(part)  # noqa: S311 (not for secrets)
    for _ in range(number):
        site = 0 if random.random() < 0.5 else random.randrange(_SITES)
        yield f"site{site}.example", random.randrange(1, 100)


def salted(some: Iterable[Link]) -> Iterator[tuple[Salted, int]]:
    """Number the links of a partition in turn, so that a task that is run again gives the same; random salt would not."""
    for n, (site, length) in enumerate(some):
        yield (site, n % _TASKS), length


def spread(key: Salted) -> int:
    """Return the number of a salted site's task (modulo the number of tasks): the salts of a site go to different ones."""
    site, salt = key
    return portable_hash(site) + salt


def sums(some: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add up the lengths by site."""
    total = Counter[str]()
    for site, length in some:
        total[site] += length
    return dict(total)


def reduce(some: Iterable[tuple[str, int]]) -> list[tuple[int, dict[str, int]]]:
    """Reduce the rows of a task: return their number, and the sums by site."""
    rows = list(some)
    return [(len(rows), sums(rows))]


def measure(setting: Setting) -> Outcome:
    """Add up the lengths without salt, with salt, and with a combiner."""
    each = 10_000 if setting.quick else 250_000

    with spark(setting) as context:
        rows = context.parallelize(range(_TASKS), _TASKS).flatMap(lambda part: links(part, each))

        setting.say("no salt")
        plain = rows.partitionBy(_TASKS).mapPartitions(reduce).collect()

        setting.say("salt")
        step = (
            rows.mapPartitions(salted)
            .partitionBy(_TASKS, spread)
            .mapPartitions(lambda some: reduce((site, length) for (site, _), length in some))
            .persist()
        )
        first = step.map(lambda done: done[0]).collect()
        second = step.flatMap(lambda done: done[1].items()).partitionBy(_TASKS).mapPartitions(reduce).collect()

        setting.say("combiner")
        combined = rows.mapPartitions(lambda some: sums(some).items()).partitionBy(_TASKS).mapPartitions(reduce).collect()

    totals = [sums(pair for _, part in done for pair in part.items()) for done in (plain, second, combined)]
    tasks = {
        "no salt": [number for number, _ in plain],
        "salt, first step": first,
        "salt, second step": [number for number, _ in second],
        "combiner": [number for number, _ in combined],
    }
    largest = {name: max(numbers) for name, numbers in tasks.items()}
    mean = sum(tasks["no salt"]) / _TASKS
    return Outcome(
        data=f"{_TASKS * each:,} links to {_SITES:,} sites, half of them to one; {_TASKS} map tasks and {_TASKS} reduce tasks",
        head=("", "rows in the shuffle", "mean of a task", "largest task", "times the mean"),
        rows=[(name, sum(n), sum(n) / _TASKS, max(n), max(n) * _TASKS / sum(n)) for name, n in tasks.items()],
        bars=largest,
        unit="rows of the largest reduce task",
        finding=f"With half of all rows on one key, the largest of {_TASKS} reduce tasks got {largest['no salt']:,} rows "
        f"({largest['no salt'] / mean:.1f} times the mean); with salt {largest['salt, first step']:,} "
        f"({largest['salt, first step'] / mean:.1f} times), and with a combiner {largest['combiner']:,}.",
        holds=totals[0] == totals[1] == totals[2] and largest["salt, first step"] < largest["no salt"] / 2,
        counts=largest,
    )
