"""Words are counted four times, with the same result.

``partitionBy`` sends a pair for every word through the shuffle, and counts behind it. ``reduceByKey`` adds up the ones of
each distinct word of a partition before the shuffle: this is MapReduce's combiner. ``groupByKey`` is between them: PySpark
collects the ones of a word in a list, and the list crosses. Lists of ones compress well, so it sends little here, but the
whole list of a key must fit into the memory of the task behind the shuffle. Dask's ``foldby`` counts in each partition as
``reduceByKey`` does, and merges the counts in a tree of tasks instead of a shuffle.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from operator import add
from typing import Final

import dask
from dask import bag

from ..corpus import synthetic
from ..corpus.writers import decoded
from . import Outcome, Setting
from .spark_stages import spark, watched

WATCH = (
    "the pairs that cross the shuffle: with a combiner one for each distinct word of a partition, without it one for each word. "
    "The bytes shrink less than the pairs, because Spark compresses them, and the same word again is cheap."
)
PAGES = (
    "Spark's page of a job: the columns Shuffle Write and Shuffle Read of its stages (the records that it shows are PySpark's "
    "pickled batches of pairs). Hadoop's page of a job: the counters Combine input records and Combine output records."
)
LARGER = (
    "nearly all of the shuffle crosses the network, because a machine keeps only a hundredth of its own output. The more often a "
    "key repeats within a partition, the more a combiner saves. Where all keys are distinct, it saves nothing and costs memory."
)
_PARTITIONS: Final = 8


def words_of(part: int, pages: int) -> Iterable[str]:
    """Yield the words of a partition's synthetic pages, which the worker makes itself: no input crosses the network."""
    for page in synthetic.pages(pages, seed=part):
        yield from re.findall("[a-z]+", decoded(page))


def count_ones(pairs: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Count the words of a partition behind the shuffle."""
    yield from Counter(word for word, _ in pairs).items()


def measure(setting: Setting) -> Outcome:
    """Count words with and without a combiner."""
    each = 50 if setting.quick else 200

    with spark(setting) as context:
        words = context.parallelize(range(_PARTITIONS), _PARTITIONS).flatMap(lambda part: words_of(part, each))
        ones = words.map(lambda word: (word, 1))
        ways = {
            "partitionBy, then count": lambda: ones.partitionBy(_PARTITIONS).mapPartitions(count_ones).collectAsMap(),
            "groupByKey, then sum": lambda: ones.groupByKey(_PARTITIONS).mapValues(sum).collectAsMap(),
            "reduceByKey": lambda: ones.reduceByKey(add, _PARTITIONS).collectAsMap(),
        }
        counted, sent = [], {}
        for name, count in ways.items():
            setting.say(name)
            counts, stages = watched(context, count)
            counted.append(counts)
            sent[name] = stages.shuffle_bytes
        pairs = words.count(), words.mapPartitions(lambda some: [len(set(some))]).sum()

    setting.say("foldby")
    partitions = bag.from_sequence(range(_PARTITIONS), npartitions=_PARTITIONS).map_partitions(
        lambda parts: [word for part in parts for word in words_of(part, each)]
    )
    with dask.config.set(scheduler="processes", num_workers=setting.workers):
        counted.append(dict(partitions.foldby(lambda word: word, lambda count, _: count + 1, 0, combine=add).compute()))

    words_sent, combined_sent = pairs
    megabytes = {name: nbytes / 1e6 for name, nbytes in sent.items()}
    without, _, combined = megabytes.values()
    distinct = len(counted[0])
    return Outcome(
        data=f"{_PARTITIONS * each:,} synthetic pages in {_PARTITIONS} partitions: {words_sent:,} words, {distinct:,} distinct",
        head=("", "pairs in the shuffle", "MB in the shuffle"),
        rows=[(name, combined_sent if name == "reduceByKey" else words_sent, size) for name, size in megabytes.items()],
        bars=megabytes,
        unit="MB in the shuffle",
        finding=f"For {words_sent:,} words, {without:.1f} MB crossed the shuffle without a combiner, {combined:.1f} MB with one.",
        holds=all(counts == counted[0] for counts in counted) and combined < without,
        counts={**sent, "pairs without a combiner": words_sent, "pairs with a combiner": combined_sent},
    )
