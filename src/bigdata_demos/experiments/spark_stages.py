"""Spark for experiments: a context, what its stages and tasks did, as its REST API and its web page tell it, and physical plans.

The API is described at https://spark.apache.org/docs/latest/monitoring.html#rest-api.
"""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar

from pyspark import SparkContext
from pyspark.sql import DataFrame, SparkSession

from ..cluster.spark import connect, in_plain_words
from . import Setting

Done = TypeVar("Done")


class Stages(NamedTuple):
    """Sums over the stages of an action. Sizes are in bytes, as written, that is, compressed.

    ``input_bytes`` and ``output_bytes`` are those of files (input also of what is persisted), not of the shuffle.
    """

    stages: int
    tasks: int
    shuffle_bytes: int
    shuffle_records: int
    input_bytes: int
    output_bytes: int


OPTIMIZED: Final = {f"spark.{process}.extraJavaOptions": "-XX:+UseSerialGC" for process in ("driver", "executor")}
"""Settings that let the JVM optimize the code that Spark makes of a query: for jobs in Python, the JVM only passes bytes on."""
_SUMS: Final = ("numCompleteTasks", "shuffleWriteBytes", "shuffleWriteRecords", "inputBytes", "outputBytes")


@contextmanager
def spark(setting: Setting, settings: Mapping[str, str] = {}) -> Iterator[SparkContext]:
    """Yield a context, with Spark's web page on a free port; its workers have all that this package's experiments import.

    ``settings`` are Spark's own, such as ``spark.speculation``, which it needs before it starts.

    Raises what :func:`..cluster.spark.connect` raises, and JobFailed if a task fails.
    """
    with connect(setting.cluster, setting.workers, {"ui": "0"}, __name__, settings) as (context, _), in_plain_words():
        yield context


def session(context: SparkContext, *, adaptive: bool = False) -> SparkSession:
    """Return a session for DataFrames, with 8 partitions behind a shuffle; its plans do not change while they run by default."""
    made = SparkSession(context)
    made.conf.set("spark.sql.shuffle.partitions", "8")
    made.conf.set("spark.sql.adaptive.enabled", str(adaptive).lower())
    return made


def watched(context: SparkContext, action: Callable[[], Done]) -> tuple[Done, Stages]:
    """Call a function that runs Spark jobs; return its result, and the sums over their stages."""
    before = {stage["stageId"] for stage in completed_stages(context)}
    done = action()
    new = [stage for stage in completed_stages(context) if stage["stageId"] not in before]
    return done, Stages(len(new), *(sum(int(stage[field]) for stage in new) for field in _SUMS))


def completed_stages(context: SparkContext) -> list[dict[str, Any]]:
    """Return the stages that a context has completed, newest first, as the REST API has them."""
    stages: list[dict[str, Any]] = _ask(context, "stages?status=complete")
    return stages


def tasks_of(context: SparkContext, stage: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tasks of a stage, with all their attempts, as the REST API has them."""
    tasks: list[dict[str, Any]] = _ask(context, f"stages/{stage['stageId']}/{stage['attemptId']}/taskList?length=1000")
    return tasks


def stored(context: SparkContext) -> int:
    """Return the bytes that persisted RDDs take in the executors' memory and on their disks."""
    return sum(rdd["memoryUsed"] + rdd["diskUsed"] for rdd in _ask(context, "storage/rdd"))


def _ask(context: SparkContext, path: str) -> Any:
    context._jsc.sc().listenerBus().waitUntilEmpty()  # noqa: SLF001 (the API is behind by some events)
    with urllib.request.urlopen(f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/{path}") as answer:
        return json.load(answer)


def plan_of(frame: DataFrame) -> str:
    """Return the physical plan of a DataFrame: as it ran, if an action of this DataFrame has run."""
    return str(_executed(frame).toString()).partition("+- == Initial Plan ==")[0]


def outline(plan: str) -> str:
    """Return a plan with the names of its nodes only, one on each line."""
    return re.sub(r"(?m)^(\W*(?:\d+\) )?\w+).*$", r"\1", plan).rstrip()


def metric(frame: DataFrame, name: str) -> int:
    """Return a metric of the nodes of a plan that ran, such as ``pythonDataSent``, summed up. The plan must not be adaptive."""
    nodes, total = [_executed(frame)], 0
    while nodes:
        node = nodes.pop()
        children = node.children()
        nodes += [children.apply(index) for index in range(children.size())]
        if node.metrics().contains(name):
            total += node.metrics().apply(name).value()
    return total


def _executed(frame: DataFrame) -> Any:
    return frame._jdf.queryExecution().executedPlan()  # noqa: SLF001 (pyspark only prints it)
