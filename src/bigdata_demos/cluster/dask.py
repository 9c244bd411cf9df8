"""Dask: local clusters and connections to schedulers, which fail within seconds if they cannot work."""

import logging
import platform
import signal
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Final

import cryptography  # noqa: F401 (Security.temporary needs it: without it, the engine is not installed)
import dask
import psutil
from distributed import CancelledError, Client, Future, LocalCluster, Security
from distributed.comm.core import CommClosedError
from distributed.versions import VersionMismatchWarning

from ..errors import EngineUnavailable, UsageError
from . import credentials, registry
from .probe import check_python, reachable, seconds_to_wait
from .processes import check_machine, environment

_WAIT: Final = 20.0  # seconds to wait for a scheduler
STUCK: Final = 30.0
"""Seconds without a running task after which a computation is given up."""


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


_UNWATCHED: Final = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
}
"""Settings without what Dask measures for its dashboard, many times in a second, by processes that have work to do."""


@contextmanager
def local_cluster(workers: int, memory: str) -> Iterator[LocalCluster]:
    """Start a scheduler in this process, and workers of one thread as processes of their own.

    They listen on loopback, and talk by TLS with a certificate that is made for them, and exists in their memory only. Workers do
    not receive Ctrl-C, which goes to all processes in the foreground: the driver stops them.
    """
    check_machine()
    resource_tracker.ensure_running()  # which unblocks signals when it starts
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # child processes inherit it
    try:
        with dask.config.set(_UNWATCHED):
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                memory_limit=memory,
                host="127.0.0.1",
                dashboard_address=None,
                security=Security.temporary(),
            )
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
def connect(address: str, workers: int, options: Mapping[str, str]) -> Iterator[Client]:
    """Connect to a scheduler that has at least some workers, with this Python and this package.

    Of the engine-specific ``options``, it takes ``wait``: the seconds to wait for the workers.

    The certificate for an address that begins with ``tls://`` is that of ``cluster dask``, or else of Dask's own configuration.

    Raises EngineUnavailable if there is no such scheduler, or its workers cannot run the job.
    """
    limit = seconds_to_wait(options)
    scheme = "tls" if address.startswith("tls://") else "tcp"
    reachable(address, scheme, f"{registry.HOW_TO_START} dask, or without Docker: … cluster dask")
    if record := registry.find(address):
        registry.check_same(record)
    certificate = credentials.find(address)
    if scheme == "tls" and not certificate and not dask.config.get("distributed.comm.tls.ca-file"):
        raise EngineUnavailable(
            f"{address} wants a certificate, and this user has none for it ({credentials.path_for(address)}): if another user "
            "runs it, start your own (bigdata-demos cluster dask); else name the certificate in Dask's configuration"
        )
    try:
        client = Client(address, timeout=_WAIT, security=security_from(certificate) if certificate else None)
    except (OSError, TimeoutError, ValueError) as error:
        raise EngineUnavailable(f"{address} does not answer as a Dask scheduler: {error}") from None
    with client:
        try:
            client.wait_for_workers(max(workers, 1), timeout=limit)
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


def security_from(certificate: Path) -> Security:
    """Return the settings for TLS with one certificate, which all hosts of a cluster have, from a file with its key."""
    file = str(certificate)
    roles = {f"tls_{role}_{what}": file for role in ("client", "scheduler", "worker") for what in ("cert", "key")}
    return Security(require_encryption=True, tls_ca_file=file, **roles)


def _has_package() -> bool:
    """Whether this package can be imported on a worker."""
    import importlib.util

    return importlib.util.find_spec("bigdata_demos") is not None


def prepare(client: Client, workers: list[str] | None, warm_up: Callable[[], object]) -> None:
    """Call a function on some workers (None: on all), and check that they have memory left for tasks then.

    Raises EngineUnavailable if they have not: Dask would end them again and again, or give them no task, and wait for ever.
    """
    try:
        client.run(warm_up, workers=workers)
        states = client.run(_memory, workers=workers).values()
    except CommClosedError:
        states = []
    if not states:
        raise EngineUnavailable(f"Dask's workers end while they start (killed, or out of memory): {_how_to_give_memory(client)}")
    for used, limit, most in states:
        if limit and most and used > most * limit:
            raise EngineUnavailable(
                f"a Dask worker uses {used >> 20} MiB before its first task, and Dask gives it none beyond "
                f"{int(most * limit) >> 20} MiB, {most:.0%} of its limit: {_how_to_give_memory(client)}"
            )


def _memory(dask_worker: Any) -> tuple[int, int, float]:
    """Return the bytes that a worker uses, its limit (0: none), and the fraction of the limit at which it takes no more tasks."""
    manager = dask_worker.memory_manager
    return psutil.Process().memory_info().rss, manager.memory_limit or 0, manager.memory_pause_fraction or 0


def _how_to_give_memory(client: Client) -> str:
    if client.cluster is None:
        return "start them with more memory (dask worker --memory-limit 2GiB; DASK_WORKER_MEMORY=2GiB for the compose cluster)"
    return "allow them more memory (`engine_options[memory]=2GiB`), or use fewer `workers`"


def ended_for_memory(client: Client, since: float) -> str:
    """Return a clause that says that workers were ended because they took too much memory, ``""`` if none was.

    ``since``: the time from which on, in seconds since the epoch.
    """
    with suppress(Exception):  # the scheduler may be gone
        taken = [event["rss"] for at, event in client.get_events("worker-restart-memory") if at >= since]
        if taken:
            return f"Dask ended {len(taken)} because they used {max(taken) >> 20} MiB of memory: {_how_to_give_memory(client)}"
    return ""


@contextmanager
def watched(client: Client) -> Iterator[None]:
    """Cancel all tasks if none has run for some time: Dask would wait for ever for workers that are paused, or gone.

    Raises EngineUnavailable in that case.
    """
    over, said = threading.Event(), list[str]()
    scheduler: Any = client.scheduler

    def watch() -> None:
        moved, finished = time.monotonic(), 0
        while not over.wait(1):
            try:
                workers = [*client.sync(scheduler.identity, n_workers=-1, callback_timeout=5)["workers"].values()]
                futures = Counter(state.status for state in [*client.futures.values()])
            except Exception:  # the scheduler is busy, or gone, which the computation itself will notice
                workers, futures = [], Counter()
            tasks = Counter[str]()
            for worker in workers:
                tasks.update(worker["metrics"].get("task_counts", {}))
            if not futures["pending"] or futures["finished"] != finished or tasks["executing"] or tasks["flight"]:
                moved, finished = time.monotonic(), futures["finished"]
            elif time.monotonic() - moved > STUCK:
                said.append(_why_stuck(client, workers))
                with suppress(CommClosedError):
                    client.cancel([Future(key, client) for key in [*client.futures]])
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except CancelledError:
        if said:
            raise EngineUnavailable(said[0]) from None
        raise
    finally:
        over.set()
        watcher.join()


def _why_stuck(client: Client, workers: list[dict[str, Any]]) -> str:
    """Say why none of some workers runs a task."""
    if not workers:
        return f"Dask has had no worker for {STUCK:.0f} s: they were stopped, or died; start some again"
    paused = [worker for worker in workers if worker["status"] == "paused"]
    if not paused:
        return f"Dask has run no task for {STUCK:.0f} s: the workers that the job was to use are gone; start the job again"
    most = max(worker["memory_limit"] for worker in paused)
    return (
        f"Dask has run no task for {STUCK:.0f} s: it has paused {len(paused)} of {len(workers)} workers, which use most of their "
        f"{most >> 20} MiB of memory: {_how_to_give_memory(client)}"
    )
