"""Spark for experiments: a context, and what its stages did, as Spark's REST API and its web page tell it.

The API is described at https://spark.apache.org/docs/latest/monitoring.html#rest-api.
"""

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from pyspark import SparkContext

from ..cluster.spark import connect
from . import Setting

Done = TypeVar("Done")


class Stages(NamedTuple):
    """Sums over the stages of an action. Sizes are in bytes, as written, that is, compressed."""

    stages: int
    tasks: int
    shuffle_bytes: int
    shuffle_records: int


@contextmanager
def spark(setting: Setting) -> Iterator[SparkContext]:
    """Yield a context, with Spark's web page on a free port; its workers have all that this package's experiments import."""
    with connect(setting.cluster, setting.workers, {"ui": "0"}, __name__) as (context, _):
        yield context


def watched(context: SparkContext, action: Callable[[], Done]) -> tuple[Done, Stages]:
    """Call a function that runs Spark jobs; return its result, and the sums over their stages."""
    before = {stage["stageId"] for stage in completed_stages(context)}
    done = action()
    new = [stage for stage in completed_stages(context) if stage["stageId"] not in before]
    sums = (sum(int(stage[field]) for stage in new) for field in ("numCompleteTasks", "shuffleWriteBytes", "shuffleWriteRecords"))
    return done, Stages(len(new), *sums)


def completed_stages(context: SparkContext) -> list[dict[str, Any]]:
    """Return the stages that a context has completed, newest first, as the REST API has them."""
    context._jsc.sc().listenerBus().waitUntilEmpty()  # noqa: SLF001 (the API is behind by some events)
    url = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/stages?status=complete"
    with urllib.request.urlopen(url) as answer:
        stages: list[dict[str, Any]] = json.load(answer)
    return stages
