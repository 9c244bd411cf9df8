"""Spark: an RDD of splits. The data that pass 1 keeps for pass 2 are in files; the frequencies are a broadcast variable.

The RDD's elements are few and large: splits, and packed buckets. Each element is pickled and crosses from Python to the JVM
and back, so a record for each phrase would only add to that cost.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark import SparkContext

from ...cluster.spark import OPTIONS, broadcast_bound, connect, in_plain_words, watched
from ...crawl.model import Split
from ..job import Job
from ..model import Part
from ..output import spill
from . import Progress, Run, Settings, check_options, warm_up

if TYPE_CHECKING:
    from pyspark import RDD


@contextmanager
def open(settings: Settings) -> Iterator[Run]:
    """Start Spark on this machine, or connect to a cluster; then wait until every slot's Python has the job's imports."""
    check_options("spark", settings.options, OPTIONS)
    bound = broadcast_bound(settings.options)
    with connect(settings.cluster, settings.workers, settings.options, Job.__module__) as (context, slots), in_plain_words():
        context.setJobDescription("start-up: one no-op on every slot")
        context.parallelize(range(slots), slots).map(lambda _: warm_up()).collect()

        def run(job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
            with in_plain_words(), spill.directory(job.workdir) as spilled:
                return _run_rdd(context, bound, spilled, job, splits, progress) if splits else []

        yield run


def _run_rdd(
    context: SparkContext, bound: int, spilled: str, job: Job, splits: Sequence[Split], progress: Progress
) -> list[Part]:
    """Run both passes. Frequencies of more than ``bound`` bytes are joined by another shuffle instead of a broadcast."""
    buckets = 1 << job.bits
    work: RDD[Split] = context.parallelize(splits, len(splits))

    # Pass 1: map
    def map_split(split: Split) -> Iterable[tuple[int, tuple[int, bytes]]]:
        mapped = job.map_split(split)
        spill.keep(spilled, split.number, mapped.kept)
        return [(bucket, (split.number, table)) for bucket, table in mapped.frequencies]

    # shuffle (no combineByKey: each split's tables are combined already, and a bucket's are best merged all at once)
    tables = work.flatMap(map_split).partitionBy(buckets, itself)

    # reduce
    def merge(bucket: int, some: Iterable[tuple[int, tuple[int, bytes]]]) -> Iterable[tuple[int, bytes | None]]:
        table = job.merge(bucket, (table for _, (_, table) in some))
        yield bucket, table if len(table) <= bound // buckets else None

    with watched(context, "pass 1: map pages to candidates, reduce to document frequencies", "map", progress):
        merged = tables.mapPartitionsWithIndex(merge).collect()
    small = {bucket: table for bucket, table in merged if table is not None}

    # Pass 2: map
    def score_split(split: Split, frequencies: bytes) -> Iterable[tuple[int, bytes | Part]]:
        scored = job.score_split(split, spill.kept(spilled, split.number), frequencies)
        return [*scored.postings, *((split.number % buckets, part) for part in scored.parts)]

    if len(small) == len(merged):
        everywhere = context.broadcast(job.join(small))
        scored = work.flatMap(lambda split: score_split(split, everywhere.value))
    else:
        answers = tables.mapPartitionsWithIndex(lambda bucket, some: job.answer(bucket, (sent for _, sent in some)))
        everyone = context.broadcast(splits)
        scored = answers.partitionBy(len(splits), itself).mapPartitionsWithIndex(
            lambda number, some: score_split(everyone.value[number], job.join(dict(answer for _, answer in some)))
        )

    # shuffle (the parts that were written travel with the postings, so that Spark decides which attempt counts)
    postings = scored.partitionBy(buckets, itself)

    # reduce
    def write_bucket(bucket: int, some: Iterable[tuple[int, bytes | Part]]) -> Iterable[Part]:
        packed: list[bytes] = []
        for _, item in some:
            if isinstance(item, Part):
                yield item
            else:
                packed.append(item)
        if packed:
            yield job.write_bucket(bucket, packed)

    with watched(context, "pass 2: score candidates, reduce postings to the consolidated index", "score", progress):
        return postings.mapPartitionsWithIndex(write_bucket).collect()


def itself(key: int) -> int:
    """Partition by the key itself: key i goes to partition i."""
    return key
