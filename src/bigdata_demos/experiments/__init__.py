"""Experiments: small programs that each show one effect of big data tools, by counts and times of this machine.

An experiment is a module with a docstring, whose paragraphs introduce it, three texts, and a function::

    WATCH     what to look at in the table
    PAGES     where the web pages of Spark, YARN or Dask show the same
    LARGER    what the figures would mean on 100 machines

    def measure(setting: Setting) -> Outcome

Each runs for one or two minutes on two cores (``quick``: for seconds, for the tests; such figures are not quoted). The effect is
judged by counts, such as bytes, tasks and rows, and not by times, which depend on what else the machine does.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol, cast

from ..errors import EngineNotInstalled, UsageError


class Experiment(NamedTuple):
    """What ``experiments list`` knows of an experiment: its module, what it shows, and what ``pip install`` takes for it."""

    module: str
    title: str
    requirements: str = ""


_SPARK: Final = "'bigdata-demos[spark]'"
_TABLES: Final = "'bigdata-demos[spark,tables]'"
_BOTH: Final = "'bigdata-demos[spark,dask]'"

EXPERIMENTS: Final[Mapping[str, Experiment]] = {
    "combiner": Experiment("combiner", "a combiner makes the shuffle smaller: groupByKey, reduceByKey, foldby", _BOTH),
    "schema-evolution": Experiment("schema_evolution", "which changes of a schema old and new programs survive"),
    "formats": Experiment("formats", "what one field costs in JSON lines, Avro and Parquet", "'bigdata-demos[tables]'"),
    "hot-key": Experiment("hot_key", "one key has half of all rows: one task gets them all, unless the key is salted", _SPARK),
    "idempotent-sink": Experiment("idempotent_sink", "a task that runs twice doubles its rows, unless the sink prevents it"),
    "broadcast-join": Experiment("broadcast_join", "a join with a small table needs no shuffle of the large one", _SPARK),
    "batch-size": Experiment("batch_size", "small work items in small and large batches: messages against balance"),
    "small-files": Experiment("small_files", "thousands of small files against ten large ones, and what packing saves"),
    "killed-worker": Experiment("killed_worker", "what a killed worker costs on one thread, asyncio, Dask and Spark", _BOTH),
    "killed-container": Experiment(
        "killed_container", "a task's container is killed on Hadoop: one task runs again", "'bigdata-demos[hadoop]'"
    ),
    "damage": Experiment("damage", "flipped bits and cuts in Avro files: what is noticed, and what survives"),
    "straggler": Experiment("straggler", "one task is slow, and a speculative copy of it overtakes it", _SPARK),
    "dataframe": Experiment("dataframe", "a DataFrame with built-in functions sends no row to Python, an RDD sends all", _TABLES),
    "python-bridge": Experiment("bridge", "rows between the JVM and Python: one by one, in Arrow batches, packed", _TABLES),
    "between-passes": Experiment("between_passes", "a second pass: recomputed, persisted in memory, or read from files", _SPARK),
    "cost": Experiment("cost", "from how many pages on an engine beats one thread (COST)", _BOTH),
}
"""The experiments by name, in the order in which ``run all`` runs them."""


@dataclass(frozen=True)
class Setting:
    """Where and how an experiment runs.

    Attributes:
        directory: an empty directory for its files, which is deleted afterwards.
        quick: whether it should run for seconds only, with little data.
        workers: how many tasks run at once.
        cluster: the address of a cluster of Spark or Hadoop, for the experiments on it; ``""`` for this machine.
        say: shows a line of progress.
    """

    directory: Path
    quick: bool
    workers: int
    cluster: str
    say: Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What an experiment measured.

    Attributes:
        data: what it ran on, such as ``20,000 synthetic pages (82 MB)``.
        head: the heads of the table's columns; the first column has names.
        rows: the table's cells. Whole numbers are shown with thousands separators, others with three digits.
        bars: the lengths of the plot's bars, by label.
        unit: what the bars measure, such as ``MB through the shuffle``.
        finding: one sentence with the figures, to be quoted: ``reduceByKey sent 1.2 MB through the shuffle, groupByKey 96 MB.``
        holds: whether the effect was there.
        counts: the counts that the effect is judged by.
    """

    data: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | float]]
    bars: Mapping[str, float]
    unit: str
    finding: str
    holds: bool
    counts: Mapping[str, int]


def conclusion(finding: str, *, holds: bool) -> str:
    """Return a finding as it is quoted: with a remark if the effect was not there."""
    return finding if holds else f"The effect did not show here. {finding}"


class Module(Protocol):
    """The module of an experiment."""

    __doc__: str | None
    __file__: str | None
    WATCH: str
    PAGES: str
    LARGER: str

    def measure(self, setting: Setting) -> Outcome:
        """Run the experiment."""


def load(name: str) -> Module:
    """Import the module of an experiment.

    Raises UsageError if there is no such experiment; EngineNotInstalled if a package that it needs is missing.
    """
    if name not in EXPERIMENTS:
        raise UsageError(f"there is no experiment {name!r}: `bigdata-demos experiments list` shows them all")
    experiment = EXPERIMENTS[name]
    try:
        return cast(Module, importlib.import_module(f"{__name__}.{experiment.module}"))
    except ModuleNotFoundError as error:
        if not experiment.requirements or (error.name or "").startswith("bigdata_demos"):
            raise
        raise EngineNotInstalled(
            f"experiment {name}: the package {error.name} is not installed: pip install {experiment.requirements}"
        ) from None
