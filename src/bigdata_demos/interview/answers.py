"""The prose: what to say in half a minute, and how the engines differ, with the papers that say so."""

from collections.abc import Mapping
from typing import Final, NamedTuple

QUESTIONS: Final = (
    "Do you have experience using big data tools like Hadoop, Spark or Avro?",
    "Can you write a parallel implementation of an algorithm?",
)
BEFORE: Final = (
    "Yes, both. I work with one MapReduce job, the keywords of a web crawl, on five engines: one thread, asyncio with a "
    "process pool, Dask, Spark, and Hadoop on HDFS and YARN. All map, shuffle and reduce twice and give the same answer, bit "
    "for bit, as Avro."
)
AFTER: Final = "I start from one thread: a cluster has to beat it."
"""What is said before the figures, and after them."""
WITHOUT_FIGURES: Final = "Start-up decides small jobs, the shuffle large ones."
WORDS: Final = 85  # so many are said in 30 seconds


class Topic(NamedTuple):
    """One way in which engines differ: what is so for each of them."""

    title: str
    engines: Mapping[str, str]


class Source(NamedTuple):
    """Where a fact is from."""

    text: str
    url: str


TOPICS: Final = (
    Topic(
        "History",
        {
            "Hadoop": "2006: MapReduce as Google's paper has it (2004), over HDFS",
            "Spark": "2009, Berkeley: RDDs (2012) keep data in memory between steps",
            "Dask": "2015: task graphs behind arrays, dataframes and bags",
            "asyncio": "2014: part of Python since 3.4; its process pools since 3.2 (2011)",
        },
    ),
    Topic(
        "Execution model",
        {
            "Hadoop": "one map and one reduce a job, each task a JVM: two passes, two jobs",
            "Spark": "lazy; the driver cuts the graph at each shuffle into stages of tasks",
            "Dask": "a graph of tasks; a scheduler hands them to workers one by one",
            "asyncio": "an event loop hands splits to processes, a bounded number at a time",
        },
    ),
    Topic(
        "Shuffle",
        {
            "Hadoop": "map output sorted by key on local disk, fetched by reducers over HTTP",
            "Spark": "each map task writes files by bucket; reduce tasks fetch their bucket",
            "Dask": "more tasks of the same graph; workers send each other their buckets",
            "asyncio": "packed buckets come back to the parent, which gathers them in a dict",
        },
    ),
    Topic(
        "Fault tolerance",
        {
            "Hadoop": "failed tasks run again, slow ones twice; HDFS copies each block",
            "Spark": "a lost partition is computed again from its lineage",
            "Dask": "tasks of a lost worker, and what only it held, run again elsewhere",
            "asyncio": "none: if a worker dies the run fails, and says so",
        },
    ),
    Topic(
        "Memory",
        {
            "Hadoop": "little is kept in it: between two jobs everything is on HDFS",
            "Spark": "what is kept goes to files; a JVM beside each Python",
            "Dask": "results stay in the workers that made them, which spill to disk",
            "asyncio": "what is kept goes to files; the frequencies are one, mapped by all",
        },
    ),
)
ONE_THREAD: Final = (
    "The job ends before a cluster has started; the data fits one disk and you can wait; or tasks are so small that handing "
    "them out costs more than doing them. McSherry, Isard and Murray call the number of cores at which a system beats a "
    "competent single thread its COST: many published systems needed hundreds, some never beat it. So one thread, the engine "
    "serial, is the baseline here."
)
HERE: Final = (
    "serial, asyncio, Dask, Spark and Hadoop run, the last three also on clusters. Avro (2009) is the format of "
    "input, output and what is kept between the passes; a command-line tool for it, and its RPC, are not here yet."
)
SOURCES: Final = (
    Source(
        "Dean, Ghemawat: MapReduce, OSDI 2004",
        "https://www.usenix.org/conference/osdi-04/mapreduce-simplified-data-processing-large-clusters",
    ),
    Source("Hadoop (2006)", "https://hadoop.apache.org/"),
    Source(
        "Zaharia et al.: RDDs, NSDI 2012",
        "https://www.usenix.org/conference/nsdi12/technical-sessions/presentation/zaharia",
    ),
    Source("Avro (2009)", "https://avro.apache.org/"),
    Source("Rocklin: Dask, SciPy 2015", "https://doi.org/10.25080/Majora-7b98e3ed-013"),
    Source(
        "McSherry et al.: Scalability! But at what COST?, HotOS 2015",
        "https://www.usenix.org/conference/hotos15/workshop-program/presentation/mcsherry",
    ),
    Source("asyncio: PEP 3156", "https://peps.python.org/pep-3156/"),
    Source("process pools: PEP 3148", "https://peps.python.org/pep-3148/"),
)


def spoken(figures: str = "") -> str:
    """What to say in 30 seconds; ``figures`` is a sentence with those of this machine, ``""`` if there are none."""
    return " ".join((BEFORE, figures or WITHOUT_FIGURES, AFTER))
