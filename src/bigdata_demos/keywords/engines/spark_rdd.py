"""Spark: an RDD of splits. What is kept between the passes is a persisted RDD; the frequencies are a broadcast variable.

The RDD's elements are few and large: splits, and packed buckets. What crosses from Python to the JVM and back is bytes that
the JVM does not look into, so a record for each phrase would only add their cost.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark import BarrierTaskContext, SparkContext, StorageLevel

from ...cluster.spark import OPTIONS, connect, in_plain_words, watched
from ..job import Job
from ..model import Mapped, Part, Scored, Split
from . import Progress, Run, Settings, check_options, warm_up

if TYPE_CHECKING:
    from pyspark import RDD


@contextmanager
def open(settings: Settings) -> Iterator[Run]:
    """Start Spark on this machine, or connect to a cluster; then wait until every slot's Python has the job's imports."""
    check_options("spark", settings.options, OPTIONS)
    with connect(settings.cluster, settings.workers, settings.options) as (context, slots), in_plain_words():
        context.setJobDescription("start-up: one no-op on every slot")
        context.parallelize(range(slots), slots).barrier().mapPartitions(wait_for_everyone).collect()

        def run(job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
            with in_plain_words():
                return run_rdd(context, job, splits, progress) if splits else []

        yield run


def run_rdd(context: SparkContext, job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
    """Both passes."""
    buckets = 1 << job.bits
    work: RDD[Split] = context.parallelize(splits, len(splits))

    # Pass 1: map
    mapped: RDD[tuple[Split, Mapped]] = work.map(lambda split: (split, job.map_split(split)))
    mapped.setName("kept between the passes").persist(StorageLevel.MEMORY_AND_DISK)
    # shuffle (by groupByKey: each split's table is combined already, and a bucket's tables merge best all at once)
    tables = mapped.flatMap(lambda of: of[1].frequencies).groupByKey(buckets, lambda bucket: bucket)
    # reduce
    with watched(context, "pass 1: map pages to candidates, reduce to document frequencies", "map", progress):
        merged = tables.map(lambda group: (group[0], job.merge(*group))).collect()
    frequencies = context.broadcast(job.join(dict(merged)))

    # Pass 2: map
    scored: RDD[Scored] = mapped.map(lambda of: job.score_split(of[0], of[1].kept, frequencies.value))
    scored.setName("postings").persist(StorageLevel.MEMORY_AND_DISK)
    with watched(context, "pass 2: score candidates, write each page's keywords", "score", progress):
        parts = scored.flatMap(lambda of: of.parts).collect()
    # shuffle
    postings = scored.flatMap(lambda of: of.postings).groupByKey(buckets, lambda bucket: bucket)
    # reduce
    with watched(context, "pass 2: reduce postings to the consolidated index", "index", progress):
        parts += postings.map(lambda group: job.write_bucket(*group)).collect()

    for rdd in (mapped, scored):
        rdd.unpersist()
    frequencies.destroy()
    return parts


def wait_for_everyone(_: Iterable[int]) -> Iterable[str]:
    """Import what the job needs, and come back when every slot has."""
    version = warm_up()
    BarrierTaskContext.get().barrier()
    yield version
