"""A table of pages is joined with a small table of sites, by the sort-merge join and by the broadcast hash join.

The sort-merge join sends both tables through the shuffle, so that equal keys meet in one task, and sorts them there. It works
for tables of any size. The broadcast hash join sends the small table, whole, to each executor, where it becomes a hash table;
the large table is read where it is, and none of it crosses the shuffle. The small table must fit into each executor's memory.

Spark chooses the broadcast where it estimates a side at less than spark.sql.autoBroadcastJoinThreshold (10 MB). Here it has
no estimate, because the sites come from Python, and so it plans a sort-merge join unless a hint tells it to broadcast.
Adaptive execution (on by default) corrects the plan when it has seen the small table's true size. That is late: each side is
in shuffle files by then. It saves the sort, and each task reads the files of its own machine.
"""

import re
import time
from statistics import median
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

from . import Outcome, Setting
from .spark_stages import OPTIMIZED, plan_of, session, spark, watched

WATCH = (
    "the rows in the shuffle: all pages and sites for the sort-merge join; for the broadcast hash join only the partial sums "
    "of the aggregation that follows it. Each Exchange in a plan is a shuffle, and the aggregation needs one in every plan."
)
PAGES = (
    "Spark's page SQL / DataFrame, which draws the plan of each query with the rows and bytes that went through each node: "
    "BroadcastExchange and BroadcastHashJoin, or Exchange, Sort and SortMergeJoin. DataFrame.explain() prints the same nodes."
)
LARGER = (
    "a calculation: a sort-merge join of a table of 1 TB sends 0.99 TB over the network, about 10 GB from each machine. A "
    "broadcast of a table of 10 MB to 100 executors sends 1 GB in total. But the driver collects the small table first, and "
    "then every executor holds all of it: a table of several gigabytes can exhaust their memory, whereas a sort-merge join "
    "spills to disk."
)
_SITES: Final = 1000
_MERGE, _BROADCAST, _ADAPTIVE = "no hint", "broadcast hint", "no hint, adaptive execution"


def query(spark: SparkSession, sites: DataFrame, pages: int) -> DataFrame:
    """Return the query: the number of pages of each topic, and the sum of their lengths. A site has one topic."""
    site, length = sql.pmod(sql.xxhash64("id"), sql.lit(_SITES)), sql.pmod("id", sql.lit(5000))
    large = spark.range(pages).select("id", site.alias("site"), length.alias("length"))
    return large.join(sites, "site").groupBy("topic").agg(sql.count("*"), sql.sum("length"))


def measure(setting: Setting) -> Outcome:
    """Join by each plan; compare shuffles and results."""
    # Spark must estimate the pages at more than 10 MB, or it would broadcast them.
    pages, repetitions = (1_000_000, 1) if setting.quick else (2_000_000, 3)
    rows, sent, plans, results = [], {}, {}, []

    with spark(setting, OPTIMIZED) as context:
        for name in (_MERGE, _BROADCAST, _ADAPTIVE):
            setting.say(name)
            now = session(context, adaptive=name == _ADAPTIVE)
            sites = now.createDataFrame([(site, f"topic {site % 7}") for site in range(_SITES)], "site long, topic string")
            sites.count()  # starts the Python workers that make the sites
            seconds = []
            for _ in range(repetitions):
                frame = query(now, sql.broadcast(sites) if name == _BROADCAST else sites, pages)
                start = time.perf_counter()
                result, stages = watched(context, frame.collect)
                seconds.append(time.perf_counter() - start)
            plan = plan_of(frame)
            results.append(sorted(result))
            sent[name], plans[name] = stages.shuffle_records, plan
            [join] = re.findall(r"\w+Join\b", plan)
            shuffles, sorts = (len(re.findall(rf"\b{node} ", plan)) for node in ("Exchange", "Sort"))
            rows.append((name, join, shuffles, sorts, stages.shuffle_records, stages.shuffle_bytes / 1e6, median(seconds)))

    return Outcome(
        data=f"{pages:,} pages of {_SITES:,} sites",
        head=("", "join", "shuffles", "sorts", "rows in the shuffle", "MB in the shuffle", "s (median)"),
        rows=rows,
        bars=sent,
        unit="rows in the shuffle",
        finding=f"The sort-merge join of {pages:,} pages with {_SITES:,} sites sent {sent[_MERGE]:,} rows through the shuffle; "
        f"the broadcast hash join sent {sent[_BROADCAST]:,}, which are the partial sums of the aggregation after it.",
        holds="SortMergeJoin" in plans[_MERGE]
        and "BroadcastHashJoin" in plans[_BROADCAST]
        and sent[_BROADCAST] < sent[_MERGE] / 100
        and all(result == results[0] for result in results),
        counts={f"rows, {name}": number for name, number in sent.items()} | {f"shuffles, {row[0]}": row[2] for row in rows},
    )
