"""The engines and their contract.

An engine is a module with a function ``open(settings)``, a context manager. Entering it starts what the engine needs and waits
until every worker is ready; leaving it stops everything that was started, also after a failure. The context's value runs a job
and returns the parts that were written::

    with engine.open(settings) as run:
        parts = run(job, splits, progress)

Every engine does the same, twice: **map** the splits, **shuffle** by bucket, **reduce** each bucket once. They differ in where
the tasks run and in where the data between the two passes are. No engine falls back to another.
"""

import importlib
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, cast

from ...errors import EngineNotInstalled, UsageError

if TYPE_CHECKING:  # the command asks for the names of engines before it imports what they need
    from ...crawl.model import Split
    from ..job import Job
    from ..model import Part

Progress = Callable[[str, int, int], None]
"""Called with the name of a phase, how many of its tasks are done, and how many there are."""


@dataclass(frozen=True)
class Engine:
    """What the command, the demo, the benchmark, the interview and the tests know of an engine.

    Attributes:
        name: the value of ``--engine``.
        title: the name in prose.
        module: the module in this package.
        requirements: what ``pip install`` takes if the engine's packages are missing, ``""`` if there are none to install.
        scheme: how a cluster's address begins, ``""`` if the engine runs on this machine only.
        secure_scheme: how it begins if connections to the cluster are encrypted, ``""`` if it makes no difference.
        variable: the environment variable with the default of ``--cluster``, ``""`` if there is none.
        needs_java: whether it needs a Java runtime.
        repeats: whether a task runs again when the process that it ran in has died.
        resumes: whether its map tasks can take results of an earlier run (:mod:`..checkpoints`).
        download: a module below ``bigdata_demos`` whose ``install(say)`` downloads what the engine needs, once.
    """

    name: str
    title: str
    module: str
    requirements: str = ""
    scheme: str = ""
    secure_scheme: str = ""
    variable: str = ""
    needs_java: bool = False
    repeats: bool = True
    resumes: bool = True
    download: str = ""


ENGINES: Final[Mapping[str, Engine]] = {
    engine.name: engine
    for engine in (
        Engine("serial", "one thread", "serial", repeats=False),
        Engine("asyncio", "asyncio", "asyncio_pool"),
        Engine("dask", "Dask", "dask_bag", "dask distributed cryptography", "tcp", "tls", "BIGDATA_DEMOS_DASK"),
        Engine("spark", "Spark", "spark_rdd", "'pyspark>=4.1,<4.4'", "spark", variable="BIGDATA_DEMOS_SPARK", needs_java=True),
        Engine(
            "hadoop", "Hadoop", "hadoop_streaming", "requests", "hdfs", variable="BIGDATA_DEMOS_HADOOP",
            needs_java=True, resumes=False, download="cluster.hadoop.jars",
        ),
    )
}  # fmt: skip
"""The engines by name. A new one needs its module, its record here, and its start-up in ``cluster/`` if it has clusters."""


def packages() -> list[str]:
    """The names of the packages that engines need, without versions."""
    requirements = [requirement for engine in ENGINES.values() for requirement in shlex.split(engine.requirements)]
    return [re.split("[<>=]", requirement)[0] for requirement in requirements]


@dataclass(frozen=True)
class Settings:
    """What an engine is opened with.

    Attributes:
        workers: how many tasks run at once; 0 for as many as the machine has cores, or the cluster offers. On a Dask cluster it
            is the number of worker processes, each of which runs as many tasks at once as it has threads.
        cluster: the address of a cluster, ``""`` to run on this machine.
        options: engine-specific options.
    """

    workers: int = 0
    cluster: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


class Run(Protocol):
    """An engine that is open."""

    def __call__(self, job: "Job", splits: "Sequence[Split]", progress: Progress) -> "list[Part]":
        """Run a job; returns its parts, one accepted attempt of each. Raises EngineError if the engine, or a worker, fails."""


class EngineModule(Protocol):
    """The module of an engine."""

    def open(self, settings: Settings) -> AbstractContextManager[Run]:
        """Start the engine. Raises EngineError if it cannot be started; the text says what to do."""


def load(name: str) -> EngineModule:
    """Import the module of an engine.

    Raises UsageError if there is no such engine; EngineNotInstalled if one of its packages is missing.
    """
    if name not in ENGINES:
        raise UsageError(f"there is no engine {name!r} (there are {', '.join(ENGINES)})")
    engine = ENGINES[name]
    try:
        return cast(EngineModule, importlib.import_module(f"{__name__}.{engine.module}"))
    except ModuleNotFoundError as error:
        if not engine.requirements or (error.name or "").startswith("bigdata_demos"):
            raise
        raise EngineNotInstalled(
            f"engine {name}: the package {error.name} is not installed: pip install {engine.requirements}"
        ) from None


def why_not(name: str) -> str:
    """Return why an engine cannot run on this machine, ``""`` if it can."""
    try:
        load(name)
        if ENGINES[name].needs_java:
            from ...cluster.java import find_java

            find_java(name)
    except EngineNotInstalled as error:
        return str(error)
    return ""


def download(name: str, say: Callable[[str], None]) -> None:
    """Download what an engine needs besides Python packages, unless it is here already; ``say`` is told how much that is.

    Raises EngineUnavailable if it cannot be downloaded.
    """
    if module := ENGINES[name].download:
        importlib.import_module(f"bigdata_demos.{module}").install(say)


def check_options(engine: str, options: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Check the names of engine-specific options. ``known``: name → description.

    Raises UsageError if one is unknown; the message lists the known ones.
    """
    for name in options:
        if name not in known:
            listed = "; ".join(f"{key}: {what}" for key, what in known.items()) or "none"
            raise UsageError(f"engine {engine} has no option {name!r} (it has {listed})")


def check_embedded(name: str, settings: Settings) -> None:
    """Check that no cluster was asked for, for an engine that runs on this machine only. Raises UsageError if one was."""
    if settings.cluster:
        others = " or ".join(engine.name for engine in ENGINES.values() if engine.scheme)
        raise UsageError(f"engine {name} runs on this machine only: leave out `cluster`, or use {others}")


def warm_up() -> str:
    """Import what the job needs, in a worker, so that this counts as start-up. Returns the worker's Python version.

    The imported objects are moved out of the garbage collector's sight: a collection would take 15 ms for them, and pyspark runs
    one after each task.
    """
    import gc
    import platform

    from ..job import Job as _  # noqa: F401

    gc.collect()
    gc.freeze()
    return platform.python_version()
