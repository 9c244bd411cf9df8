"""The engines, and the contract that they keep.

An engine is a module with one function, ``open(settings)``. Entering it starts what the engine needs and waits until every
worker can work; leaving it stops all that was started, also after a failure. What entering gives is called with a job, its splits
and a progress report, and returns the parts that were written::

    with engine.open(settings) as run:
        parts = run(job, splits, progress)

All of them do the same: **map** the splits, **shuffle** by bucket, **reduce** each bucket once, twice over. What is kept
between the two passes, and where, is what makes them differ. No engine falls back to another.
"""

import importlib
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

ENGINES: Final[Mapping[str, tuple[str, str]]] = {
    "serial": ("serial", ""),
    "asyncio": ("asyncio_pool", ""),
    "dask": ("dask_bag", "dask distributed"),
    "spark": ("spark_rdd", "'pyspark>=4.1,<4.4'"),
    "hadoop": ("hadoop_streaming", "requests"),
}
"""Name → module, and the packages that it needs (as this package's extras have them)."""


@dataclass(frozen=True)
class Settings:
    """What an engine is opened with.

    ``workers``: how many tasks run at once (0: as many as the machine has cores, or the cluster offers); on a Dask cluster, how
    many of its worker processes run them, each as many at once as it has threads.
    ``cluster``: the address of a cluster, ``""`` for an embedded one. ``options``: what only one engine knows.
    """

    workers: int = 0
    cluster: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


class Run(Protocol):
    """An engine that is open."""

    def __call__(self, job: "Job", splits: "Sequence[Split]", progress: Progress) -> "list[Part]":
        """Run a job; returns its parts, one accepted attempt of each.

        Raises:
            EngineError: if the engine, or a worker, fails.

        """


class Engine(Protocol):
    """A module of this package."""

    def open(self, settings: Settings) -> AbstractContextManager[Run]:
        """Start the engine.

        Raises:
            EngineError: if it cannot be started; the text says what to do.

        """


def load(name: str) -> Engine:
    """The engine of a name.

    Raises:
        UsageError: if there is no such engine.
        EngineNotInstalled: if a package is missing.

    """
    if name not in ENGINES:
        raise UsageError(f"no such engine: {name!r} (there are {', '.join(ENGINES)})")
    module, extra = ENGINES[name]
    try:
        return cast(Engine, importlib.import_module(f"{__name__}.{module}"))
    except ModuleNotFoundError as error:
        if not extra or (error.name or "").startswith("bigdata_demos"):
            raise
        raise EngineNotInstalled(f"engine {name}: the package {error.name} is not installed: pip install {extra}") from None


def check_options(engine: str, options: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Refuse options that an engine does not know. ``known``: name → what it means.

    Raises:
        UsageError: naming those that it knows.

    """
    for name in options:
        if name not in known:
            listed = "; ".join(f"{key}: {what}" for key, what in known.items()) or "none"
            raise UsageError(f"engine {engine} has no option {name!r} (it has {listed})")


def check_embedded(engine: str, settings: Settings) -> None:
    """Refuse a cluster where there can be none.

    Raises:
        UsageError: if one was asked for.

    """
    if settings.cluster:
        raise UsageError(f"engine {engine} runs on this machine only: leave out --cluster, or take --engine dask or spark")


def warm_up() -> str:
    """A no-op that uses the job's imports: what start-up is measured by. Returns the Python version of where it ran.

    What was imported stays: no collection of garbage need look at it again. (That costs 15 ms each time, and pyspark has one
    after each task.)
    """
    import gc
    import platform

    from ..job import Job as _  # noqa: F401

    gc.collect()
    gc.freeze()
    return platform.python_version()
