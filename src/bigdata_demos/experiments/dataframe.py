"""Document frequencies (the number of pages in which each word occurs) are counted three times, with the same result.

As an RDD, each page crosses from the JVM to a Python process, which splits it into words; the counts of each partition cross
back for the shuffle, and again to Python behind it. As a DataFrame with built-in functions (split, explode, count), the
Python program only describes the query. Spark compiles it to Java bytecode, and rows stay in the JVM, in a compact binary
form. A DataFrame with a function in Python is between them: the words are split in Python, and counted in the JVM.

So for DataFrames, Python is as fast as Scala, as long as all functions are built in. What they cannot express, such as this
project's extraction of phrases, must cross.
"""

import json
import re
import time
from functools import partial
from itertools import chain
from operator import add
from pathlib import Path
from statistics import median
from typing import Final

from pyspark import SparkContext
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as sql

from ..corpus import synthetic
from ..corpus.writers import decoded
from . import Outcome, Setting
from .spark_stages import OPTIMIZED, metric, outline, plan_of, session, spark, watched

WATCH = (
    "the nodes of the plans: ArrowEvalPython sends rows to Python, as do BatchEvalPython, MapInPandas and MapInArrow. The "
    "plan of built-in functions has none of them, and its query sends no row to Python."
)
PAGES = (
    "Spark's page SQL / DataFrame: the plan of each query; a node that runs Python shows the data sent to Python workers and "
    "returned from them. An RDD has no plan: its stages are on the pages of the jobs, with PythonRDD in their graph."
)
LARGER = (
    "what crosses to Python does not cross the network, but each row costs time of a core at both ends. This cost grows with "
    "the data and not with the cluster: the share of the cores that is lost to it is the same on one machine and on 100."
)
_FILES: Final = 8
_RDD, _UDF, _BUILT_IN = "RDD", "DataFrame, Python function", "DataFrame, built-in functions"


def words_of(text: str) -> list[str]:
    """Return the distinct words of a page."""
    return list(set(re.findall("[a-z]+", text.lower())))


def rdd_counts(context: SparkContext, path: str) -> dict[str, int]:
    """Count with an RDD."""
    words = context.textFile(path, _FILES).flatMap(lambda line: words_of(json.loads(line)["text"]))
    return words.map(lambda word: (word, 1)).reduceByKey(add, _FILES).collectAsMap()


def query(pages: DataFrame, words: Column) -> DataFrame:
    """Return the query that counts with a DataFrame, where ``words`` is the array of a page's words."""
    return pages.select(sql.explode(words).alias("word")).where("word != ''").groupBy("word").count()


def collected(frame: DataFrame) -> dict[str, int]:
    """Return a query's result."""
    return {row["word"]: row["count"] for row in frame.collect()}


def rows_to_python(context: SparkContext, path: str) -> int:
    """Return how many rows :func:`rdd_counts` sends to Python: lines, and behind the shuffle the words of each partition."""
    lines = context.textFile(path, _FILES)
    distinct = lines.mapPartitions(
        lambda some: [len(set(chain.from_iterable(words_of(json.loads(line)["text"]) for line in some)))]
    )
    return lines.count() + distinct.sum()


def write(directory: Path, each: int) -> int:
    """Write synthetic pages without their markup as JSON lines, so many to each file; return their size in bytes."""
    directory.mkdir()
    for number in range(_FILES):
        with (directory / f"{number}.jsonl").open("w", encoding="utf-8") as file:
            for page in synthetic.pages(each, seed=number):
                text = re.sub("<[^>]*>", " ", decoded(page))
                file.write(json.dumps({"url": page.url, "text": text}) + "\n")
    return sum(path.stat().st_size for path in directory.iterdir())


def measure(setting: Setting) -> Outcome:
    """Count document frequencies by each way; compare what crosses to Python, and the results."""
    each, repetitions = (10, 1) if setting.quick else (40, 3)
    nbytes = write(setting.directory / "pages", each)
    path = (setting.directory / "pages").as_uri()
    results, rows, crossed = [], [], {}

    with spark(setting, OPTIMIZED) as context:
        pages = session(context).read.schema("url string, text string").json(path)
        words: dict[str, Column | None] = {
            _RDD: None,
            _UDF: sql.udf(words_of, "array<string>", useArrow=True)("text"),
            _BUILT_IN: sql.array_distinct(sql.split(sql.lower("text"), "[^a-z]+")),
        }
        for name, column in words.items():
            setting.say(name)
            seconds = []
            for _ in range(repetitions):
                frame = pages if column is None else query(pages, column)  # anew, or Spark uses its shuffle files again
                count = partial(rdd_counts, context, path) if column is None else partial(collected, frame)
                start = time.perf_counter()
                counts, stages = watched(context, count)
                seconds.append(time.perf_counter() - start)
            results.append(counts)
            if column is None:
                crossed[name], nodes = rows_to_python(context, path), "(no plan)"
            else:
                plan = plan_of(frame)
                crossed[name] = metric(frame, "pythonNumRowsReceived")  # a row is returned for each that is sent
                nodes = ", ".join(re.findall(r"\w+EvalPython|MapIn\w+", plan)) or "none"
                for line in ("its plan, from the result to the source:", *outline(plan).splitlines()):
                    setting.say(line)
            rows.append((name, crossed[name], nodes, stages.shuffle_bytes / 1e6, median(seconds)))

    return Outcome(
        data=f"{_FILES * each:,} synthetic pages ({nbytes / 1e6:.1f} MB of JSON lines) with {len(results[0]):,} distinct words",
        head=("", "rows to Python", "Python in the plan", "MB in the shuffle", "s (median)"),
        rows=rows,
        bars=crossed,
        unit="rows that cross from the JVM to Python",
        finding=f"For the same document frequencies, the RDD sent {crossed[_RDD]:,} rows to Python, the DataFrame with a Python "
        f"function {crossed[_UDF]:,}, and the DataFrame with built-in functions {crossed[_BUILT_IN]:,}.",
        holds=crossed[_RDD] > crossed[_UDF] == _FILES * each
        and crossed[_BUILT_IN] == 0
        and rows[-1][2] == "none"
        and all(counts == results[0] for counts in results),
        counts=crossed,
    )
