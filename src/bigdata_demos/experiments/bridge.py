"""Pairs of numbers are made in Python, kept in the JVM, and added up in Python: three times, with the same result.

Spark's executors are JVMs, and the functions of a PySpark program run in Python processes beside them. All that goes into a
shuffle, into ``persist()`` or from one kind of function to the other crosses between the two. An RDD of tuples pickles each
pair, in batches of up to 64 KB, and Python makes a tuple and two numbers of each again. ``mapInArrow`` exchanges Arrow's
record batches, in which a column is one array that needs no conversion. An RDD with one element of packed bytes for each
partition pickles only that element; this project's keyword job sends its tables in this way.
"""

import io
import time
from collections.abc import Callable, Iterable, Iterator
from statistics import median
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import RDD, SparkContext
from pyspark.serializers import AutoBatchedSerializer, CPickleSerializer

from . import Outcome, Setting
from .spark_stages import OPTIMIZED, metric, session, spark

WATCH = (
    "the elements that Python unpacks: a tuple for each pair, a batch for 10,000 pairs (Spark's default), or one element for "
    "each partition. The bytes hardly differ, as pickled integers are short. The time of mapInArrow includes work in the JVM, "
    "which turns the batches into rows and back. The packed element passes through as it is."
)
PAGES = (
    "Spark's page SQL / DataFrame: MapInArrow shows the data sent to Python workers and returned from them. No page shows "
    "what an RDD sends: here, Spark's own serializer writes the same elements to a buffer, whose length is the figure."
)
LARGER = (
    "a calculation: if Python takes a microsecond to unpack a pair, 100 billion pairs take 100,000 seconds of one core, or "
    "about two minutes on 100 machines of 8 cores, before any work is done on them. In arrays, the same pairs are 10 million "
    "batches."
)
_PARTITIONS: Final = 8
_SCHEMA: Final = "number long, weight double"
_TUPLES, _ARROW, _PACKED = "RDD of tuples", "Arrow batches (mapInArrow)", "RDD of packed bytes"

Pairs = npt.NDArray[np.void]


def pairs(part: int, number: int) -> Pairs:
    """Return the pairs of a partition: a number, and a weight whose sums are exact."""
    made = np.empty(number, dtype=[("number", "<i8"), ("weight", "<f8")])
    made["number"] = np.arange(number) + part * number
    made["weight"] = made["number"] % 1000 / 8
    return made


def sent(elements: Iterable[Any]) -> list[tuple[int, int]]:
    """Return the number of a partition's elements, and the bytes that PySpark writes to the JVM for them."""
    some, buffer = list(elements), io.BytesIO()
    serializer: Any = AutoBatchedSerializer(CPickleSerializer())  # type: ignore[no-untyped-call]
    serializer.dump_stream(iter(some), buffer)
    return [(len(some), buffer.tell())]


def make_batches(batches: Iterator[pa.RecordBatch], number: int) -> Iterator[pa.RecordBatch]:
    """Make the pairs of the partitions that are the rows of some batches."""
    for batch in batches:
        for part in batch.column(0).to_pylist():
            made = pairs(part, number)
            columns = {name: np.ascontiguousarray(made[name]) for name in ("number", "weight")}
            yield pa.RecordBatch.from_pydict(columns)


def add_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Add up the weights of a partition, and count its batches."""
    sums = [float(batch.column(1).to_numpy().sum()) for batch in batches]
    yield pa.RecordBatch.from_pydict({"weight": [sum(sums)], "batches": [len(sums)]})


def by_rdd(made: RDD[Any], weight: Callable[[Any], float], repetitions: int) -> tuple[int, int, float, float]:
    """Add up the weights of persisted elements; return how many elements cross, their bytes, the sum, and the median seconds."""
    seconds = []
    for _ in range(repetitions):
        made.persist()  # in the JVM, in the same tasks that read it again
        start = time.perf_counter()
        total = made.map(weight).sum()
        seconds.append(time.perf_counter() - start)
        made.unpersist(blocking=True)
    crossed = made.mapPartitions(sent).collect()
    return sum(number for number, _ in crossed), sum(nbytes for _, nbytes in crossed), total, median(seconds)


def by_arrow(context: SparkContext, number: int, repetitions: int) -> tuple[int, int, float, float]:
    """Do the same with Arrow batches; the bytes are Spark's own metric of what Python returned, with 8 sums."""
    frame = (
        session(context)
        .range(_PARTITIONS, numPartitions=_PARTITIONS)
        .mapInArrow(lambda batches: make_batches(batches, number), _SCHEMA)
        .mapInArrow(add_batches, "weight double, batches long")
    )
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        rows = frame.collect()
        seconds.append(time.perf_counter() - start)
    batches, total = sum(row["batches"] for row in rows), sum(row["weight"] for row in rows)
    return batches, metric(frame, "pythonDataReceived"), total, median(seconds)


def measure(setting: Setting) -> Outcome:
    """Add up the weights by each way; compare what crosses, and the sums."""
    each, repetitions = (20_000, 1) if setting.quick else (100_000, 3)
    with spark(setting, OPTIMIZED) as context:
        parts = context.parallelize(range(_PARTITIONS), _PARTITIONS)
        tuples = parts.flatMap(lambda part: pairs(part, each).tolist())
        packed = parts.map(lambda part: pairs(part, each).tobytes())
        dtype = pairs(0, 0).dtype
        setting.say(_TUPLES)
        ways = {_TUPLES: by_rdd(tuples, lambda pair: float(pair[1]), repetitions)}
        setting.say(_ARROW)
        ways[_ARROW] = by_arrow(context, each, repetitions)
        setting.say(_PACKED)
        ways[_PACKED] = by_rdd(packed, lambda data: float(np.frombuffer(data, dtype)["weight"].sum()), repetitions)

    elements = {name: way[0] for name, way in ways.items()}
    megabytes = {name: way[1] / 1e6 for name, way in ways.items()}
    return Outcome(
        data=f"{_PARTITIONS * each:,} pairs of an integer and a float, in {_PARTITIONS} partitions",
        head=("", "elements", "MB from Python to the JVM", "bytes of a pair", "s (median)"),
        rows=[(name, way[0], way[1] / 1e6, way[1] / (_PARTITIONS * each), way[3]) for name, way in ways.items()],
        bars=elements,
        unit="elements that cross",
        finding=f"The same {_PARTITIONS * each:,} pairs crossed between the JVM and Python as {elements[_TUPLES]:,} tuples "
        f"({megabytes[_TUPLES]:.1f} MB), {elements[_ARROW]:,} Arrow batches ({megabytes[_ARROW]:.1f} MB), or "
        f"{elements[_PACKED]:,} packed elements ({megabytes[_PACKED]:.1f} MB).",
        holds=elements[_TUPLES] >= 1000 * elements[_ARROW]
        and elements[_ARROW] > elements[_PACKED]
        and len({way[2] for way in ways.values()}) == 1,
        counts=elements | {f"bytes, {name}": way[1] for name, way in ways.items()},
    )
