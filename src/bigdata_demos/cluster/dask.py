"""Dask: local clusters and connections to schedulers, which fail within seconds if they cannot work."""

import logging
import platform
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Final

import dask
from distributed import Client, LocalCluster
from distributed.versions import VersionMismatchWarning

from ..errors import EngineUnavailable, UsageError
from . import registry
from .probe import check_python, reachable
from .processes import check_machine, environment

WAIT: Final = 20.0
"""Seconds to wait for workers."""


@contextmanager
def quiet() -> Iterator[None]:
    """Limit Dask's log to errors, and its default addresses to this machine, while the engine is open."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.worker", "distributed.nanny", "bokeh")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        silent = {"DASK_LOGGING__DISTRIBUTED": "critical"}  # for workers, which log their normal end as an error
        connect_soon = {"distributed.comm.timeouts.connect": "10s", "logging.distributed": "critical"}
        with dask.config.set(connect_soon), environment(silent), warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # the versions that matter are checked below
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def local_cluster(workers: int, memory: str) -> Iterator[LocalCluster]:
    """Start a scheduler and workers of one thread, as processes that only this machine can reach.

    They do not receive Ctrl-C, which goes to all processes in the foreground: the driver stops them.
    """
    check_machine()
    resource_tracker.ensure_running()  # which unblocks signals when it starts
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # child processes inherit it
    try:
        cluster = LocalCluster(workers, threads_per_worker=1, memory_limit=memory, host="127.0.0.1", dashboard_address=None)
    except ValueError as error:
        raise UsageError(f"`engine_options[memory]={memory}`: {error}") from None
    except RuntimeError as error:
        raise EngineUnavailable(
            f'Dask\'s workers do not start ({error}): in a script, call run() below `if __name__ == "__main__":`'
        ) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    with cluster:
        yield cluster


@contextmanager
def connect(address: str, workers: int) -> Iterator[Client]:
    """Connect to a scheduler that has at least some workers, with this Python and this package.

    Raises EngineUnavailable if there is no such scheduler, or its workers cannot run the job.
    """
    reachable(address, "tcp", f"{registry.HOW_TO_START} dask, or without Docker: … cluster dask")
    if record := registry.find(address):
        registry.check_same(record)
    try:
        client = Client(address, timeout=WAIT)
    except (OSError, TimeoutError, ValueError) as error:
        raise EngineUnavailable(f"{address} does not answer as a Dask scheduler: {error}") from None
    with client:
        try:
            client.wait_for_workers(max(workers, 1), timeout=WAIT)
        except TimeoutError:
            there = len(client.scheduler_info(n_workers=-1)["workers"])
            raise EngineUnavailable(
                f"the scheduler at {address} has {there} workers, not {max(workers, 1)}: start more (dask worker {address}), "
                "or ask for fewer with `workers`"
            ) from None
        check_python(f"the workers of {address}", set(client.run(platform.python_version).values()))
        missing = client.run(_has_package)
        if not all(missing.values()):
            some = ", ".join(sorted(worker for worker, there in missing.items() if not there))
            raise EngineUnavailable(f"bigdata_demos is not installed on {some}: pip install it there, the same version as here")
        yield client


def _has_package() -> bool:
    """Whether this package can be imported on a worker."""
    import importlib.util

    return importlib.util.find_spec("bigdata_demos") is not None
