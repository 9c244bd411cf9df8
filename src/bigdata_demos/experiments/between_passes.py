"""Pages are read twice: to count in how many pages each word occurs, and then to find each page's rarest word.

Both need the words of each page, which a map function extracts. An RDD is a recipe (its lineage) and not data: each action
follows the recipe from the start, so that two passes run the map function twice for each page. ``persist()`` keeps what the
map function returned, in the executors' memory, for the actions that follow. MapReduce has no such memory: one job writes
files to HDFS, and the next one reads them. Here, Spark does the same: with files on the local disk, and in an HDFS that is
started for the experiment, if Hadoop was installed (``bigdata-demos cluster up hadoop`` installs it).

The map function appends one byte to a file whenever it runs, and the sizes of these files tell how often it ran. An
accumulator would count the same here, but its documentation warns that a task which runs again may count twice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from operator import add
from pathlib import Path
from typing import Final, TypeAlias

from pyspark import RDD, SparkContext

from ..cluster.hadoop import daemons, jars
from ..corpus import synthetic
from ..corpus.writers import decoded
from . import Outcome, Setting
from .spark_stages import spark, stored, watched

WATCH = (
    "how often the map function ran for each page. It runs once if its results are kept, wherever that is. What is kept takes "
    "memory or disk. PySpark compresses what it persists, and not these files; each pass over the files reads all of them. "
    "This HDFS keeps one copy of each block. With three, which is the default, it writes three times as much."
)
PAGES = (
    "Spark's page Storage shows what is persisted, how much of it fits into memory, and on which executors. In the graph of a "
    "job, a persisted RDD has a green dot. The columns Input and Output of the stages show what they read from it, and files."
)
LARGER = (
    "a calculation: 1 TB between two passes is 10 GB on each of 100 machines, which their memory may hold. In HDFS with three "
    "copies, it is 3 TB of writes, 2 TB of which cross the network. If a machine dies, Spark extracts again what was in its "
    "memory, a hundredth of the pages; from HDFS, the next job reads another copy."
)
_PARTITIONS: Final = 8

Words: TypeAlias = tuple[str, list[str]]


def extract(part: int, pages: int, runs: Path) -> Iterator[Words]:
    """Map the synthetic pages of a partition to their URLs and distinct words, and note each run of the map function."""
    for page in synthetic.pages(pages, seed=part):
        with (runs / str(part)).open("ab") as file:
            file.write(b".")
        yield f"{part} {page.url}", sorted(set(re.findall("[a-z]+", decoded(page))))


def two_passes(context: SparkContext, words: RDD[Words]) -> dict[str, str]:
    """Count the pages of each word, then return the rarest word of each page, by URL."""
    counts = words.flatMap(lambda page: [(word, 1) for word in page[1]]).reduceByKey(add, _PARTITIONS).collectAsMap()
    frequencies = context.broadcast(counts)
    return words.mapValues(lambda some: rarest(some, frequencies.value)).collectAsMap()


def rarest(words: Iterable[str], frequencies: Mapping[str, int]) -> str:
    """Return the word that occurs in the fewest pages; of several, the first in the alphabet."""
    return min(words, key=lambda word: (frequencies[word], word))


def through_files(context: SparkContext, words: RDD[Words], url: str) -> dict[str, str]:
    """Let one job write the words to files in a directory, and run the two passes on the files."""
    words.saveAsPickleFile(url)
    return two_passes(context, context.pickleFile(url))


def measure(setting: Setting) -> Outcome:
    """Run the two passes from the lineage, from memory and through files; compare runs of the map function, bytes and results."""
    pages = 10 if setting.quick else 250
    rows, runs, results = [], {}, []
    urls = {"recomputed": "", "persist()": "", "local files": (setting.directory / "words").as_uri()}

    with ExitStack() as stack:
        if setting.cluster or jars.missing():
            setting.say("HDFS is left out: it needs Spark on this machine, and Hadoop (`bigdata-demos cluster up hadoop`)")
        else:
            hdfs = stack.enter_context(daemons.local_hadoop(setting.workers, setting.say, daemons.HDFS)).hadoop.hdfs
            urls["HDFS"] = f"{hdfs}/words"
        context = stack.enter_context(spark(setting))
        context._jsc.hadoopConfiguration().set("dfs.replication", "1")  # noqa: SLF001 (there is one DataNode)
        parts = context.parallelize(range(_PARTITIONS), _PARTITIONS)
        for number, (name, url) in enumerate(urls.items()):
            setting.say(name)
            notes = setting.directory / f"runs-{number}"
            notes.mkdir()
            words = parts.flatMap(partial(extract, pages=pages, runs=notes))
            if name == "persist()":
                words.persist()
            job = partial(through_files, url=url) if url else two_passes
            result, stages = watched(context, partial(job, context, words))
            memory = stored(context)
            words.unpersist(blocking=True)
            results.append(result)
            runs[name] = sum(file.stat().st_size for file in notes.iterdir())
            made = runs[name] / (_PARTITIONS * pages)
            rows.append((name, runs[name], made, memory / 1e6, stages.output_bytes / 1e6, stages.input_bytes / 1e6))

    number = _PARTITIONS * pages
    return Outcome(
        data=f"{number:,} synthetic pages in {_PARTITIONS} partitions",
        head=("", "runs of the map function", "for each page", "MB in memory", "MB written to files", "MB read"),
        rows=rows,
        bars=runs,
        unit="runs of the map function",
        finding=f"Two passes over {number:,} pages ran the map function {runs['recomputed']:,} times when Spark recomputed its "
        f"results, {runs['persist()']:,} times with persist() ({rows[1][3]:.1f} MB in memory), and {runs[name]:,} times "
        f"through {'files in HDFS' if name == 'HDFS' else name} ({rows[-1][4]:.1f} MB written, {rows[-1][5]:.1f} MB read).",
        holds=runs["recomputed"] == 2 * number
        and all(runs[way] == number for way in runs if way != "recomputed")
        and all(result == results[0] for result in results),
        counts=runs,
    )
