"""How the engines differ, in one screen, with sources."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class _Topic(NamedTuple):
    """One way in which the engines differ, with a line of text for each engine."""

    title: str
    engines: Mapping[str, str]


class Source(NamedTuple):
    """The source of a fact."""

    text: str
    url: str


TOPICS: Final = (
    _Topic(
        "History",
        {
            "Hadoop": "2006: MapReduce as in Google's paper (2004), on top of HDFS",
            "Spark": "2009, Berkeley: RDDs (2012) keep data in memory between steps",
            "Dask": "2015: task graphs behind arrays, dataframes and bags",
            "asyncio": "2014: in Python since 3.4; its process pools since 3.2 (2011)",
            "serial": "a for loop: the baseline of every comparison",
        },
    ),
    _Topic(
        "Execution model",
        {
            "Hadoop": "one map and one reduce phase per job; two passes are two jobs",
            "Spark": "lazy; the driver cuts the graph into stages of tasks at each shuffle",
            "Dask": "a graph of tasks; a scheduler sends them to workers one by one",
            "asyncio": "an event loop sends splits to processes, a bounded number at a time",
            "serial": "one split after another, in one process",
        },
    ),
    _Topic(
        "Shuffle",
        {
            "Hadoop": "map output sorted by key on local disk, fetched by reducers over HTTP",
            "Spark": "each map task writes one data file and an index; reducers fetch ranges",
            "Dask": "bags: tasks of the same graph; dataframes: worker to worker (P2P)",
            "asyncio": "packed buckets return to the parent, which writes them to files",
            "serial": "buckets are appended to files in the working directory",
        },
    ),
    _Topic(
        "Fault tolerance",
        {
            "Hadoop": "failed tasks run again, slow ones twice; HDFS replicates each block",
            "Spark": "a lost partition is recomputed from its lineage",
            "Dask": "tasks of a lost worker, and the results it held, run again elsewhere",
            "asyncio": "a new pool runs the tasks in flight again, up to four times",
            "serial": "none: if the process dies, the run is lost",
        },
    ),
    _Topic(
        "Memory",
        {
            "Hadoop": "tasks stream; everything between two jobs is on HDFS",
            "Spark": "a heap per executor, which spills; Python workers are outside it",
            "Dask": "results stay in the workers that made them, which spill to disk",
            "asyncio": "each process has its own heap; large tables are memory-mapped files",
            "serial": "one split and the memory-mapped frequencies at a time",
        },
    ),
)
ONE_THREAD: Final = (
    "The job ends before a cluster has started; the data fit on one disk and you can wait; or tasks are so small that "
    "scheduling them costs more than running them. McSherry et al. call the number of cores at which a system beats "
    "a competent single thread its COST: many published systems needed hundreds, some never beat it."
)
HERE: Final = (
    "serial, asyncio, Dask, Spark and Hadoop run the same job, the last three also on clusters. Avro (2009) is the format of "
    "input, output and intermediate data: `bigdata-demos avro` inspects its files, `rpc` serves the index."
)
SOURCES: Final = (
    Source(
        "Dean, Ghemawat: MapReduce, OSDI 2004",
        "https://www.usenix.org/conference/osdi-04/mapreduce-simplified-data-processing-large-clusters",
    ),
    Source("Hadoop (2006)", "https://hadoop.apache.org/"),
    Source("Zaharia et al.: RDDs, NSDI 2012", "https://www.usenix.org/conference/nsdi12/technical-sessions/presentation/zaharia"),
    Source("Avro (2009)", "https://avro.apache.org/"),
    Source("Rocklin: Dask, SciPy 2015", "https://doi.org/10.25080/Majora-7b98e3ed-013"),
    Source(
        "McSherry et al.: Scalability! But at what COST?, HotOS 2015",
        "https://www.usenix.org/conference/hotos15/workshop-program/presentation/mcsherry",
    ),
    Source("asyncio: PEP 3156", "https://peps.python.org/pep-3156/"),
    Source("process pools: PEP 3148", "https://peps.python.org/pep-3148/"),
)
