"""The experiments in one JVM of Spark, which they share here: the direction of each effect, by counts."""

import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyspark import SparkContext

from bigdata_demos.experiments import (
    Outcome,
    Setting,
    between_passes,
    bridge,
    broadcast_join,
    combiner,
    dataframe,
    hot_key,
    spark_stages,
)
from tests.support.requirements import require


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkContext]:
    """A context with two slots."""
    require("spark")
    require("dask")
    with spark_stages.spark(Setting(tmp_path_factory.mktemp("spark"), quick=True, workers=2, cluster="", say=print)) as context:
        yield context


def measure(module: types.ModuleType, context: SparkContext, directory: Path) -> Outcome:
    """Run an experiment quickly in the context; its effect must be there."""

    @contextmanager
    def spark(_setting: Setting, _settings: Mapping[str, str] = {}) -> Iterator[SparkContext]:
        yield context

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "spark", spark)
        outcome: Outcome = module.measure(Setting(directory, quick=True, workers=2, cluster="", say=print))
    assert {len(row) for row in outcome.rows} == {len(outcome.head)}
    assert outcome.bars
    assert outcome.holds, outcome
    return outcome


def test_between_passes(context: SparkContext, tmp_path: Path) -> None:
    """80 pages are mapped twice, or once if the results are kept, in memory or in files. (It comes first: nothing else is in memory.)"""
    require("hadoop")
    outcome = measure(between_passes, context, tmp_path)
    assert outcome.counts == {"recomputed": 160, "persist()": 80, "local files": 80, "HDFS": 80}
    memory, written = ([float(row[column]) for row in outcome.rows] for column in (3, 4))
    assert memory[0] == memory[2] == memory[3] == 0 < memory[1]
    assert written[0] == written[1] == 0 < min(written[2:])


def test_combiner(context: SparkContext, tmp_path: Path) -> None:
    """A combiner sends fewer pairs, and fewer bytes."""
    counts = measure(combiner, context, tmp_path).counts
    assert counts["pairs with a combiner"] < counts["pairs without a combiner"] / 2
    assert counts["reduceByKey"] < counts["partitionBy, then count"] / 1.5


def test_hot_key(context: SparkContext, tmp_path: Path) -> None:
    """Of 80,000 rows, one task gets half and its share of the others without salt, about an eighth with it."""
    counts = measure(hot_key, context, tmp_path).counts
    assert counts["no salt"] > 39_000
    assert 10_000 <= counts["salt, first step"] < 15_000
    assert counts["combiner"] <= 8 * 1000


def test_broadcast_join(context: SparkContext, tmp_path: Path) -> None:
    """All pages and sites cross the shuffle, or only partial sums: 7 topics of at most 8 map tasks."""
    outcome = measure(broadcast_join, context, tmp_path)
    counts = outcome.counts
    assert counts["rows, no hint"] > 1_000_000 + 1000
    assert counts["rows, broadcast hint"] <= 7 * 8
    assert counts["rows, no hint, adaptive execution"] > 1_000_000
    assert (counts["shuffles, no hint"], counts["shuffles, broadcast hint"]) == (3, 1)
    assert [row[1] for row in outcome.rows] == ["SortMergeJoin", "BroadcastHashJoin", "BroadcastHashJoin"]


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")
def test_dataframe(context: SparkContext, tmp_path: Path) -> None:
    """Built-in functions send no row to Python; a function in Python takes each of 80 pages; an RDD more."""
    outcome = measure(dataframe, context, tmp_path)
    assert outcome.counts["DataFrame, built-in functions"] == 0
    assert outcome.counts["DataFrame, Python function"] == 80
    assert outcome.counts["RDD"] > 1000
    assert [row[2] for row in outcome.rows] == ["(no plan)", "ArrowEvalPython", "none"]


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")
def test_bridge(context: SparkContext, tmp_path: Path) -> None:
    """160,000 pairs of 16 bytes in 8 partitions, in Arrow batches of 10,000 rows, or packed; the bytes are the same."""
    counts = measure(bridge, context, tmp_path).counts
    assert counts["RDD of tuples"] == 160_000
    assert counts["Arrow batches (mapInArrow)"] == 16
    assert counts["RDD of packed bytes"] == 8
    for way in ("Arrow batches (mapInArrow)", "RDD of packed bytes"):
        assert 16 * 160_000 <= counts[f"bytes, {way}"] < 1.1 * 16 * 160_000
