"""Spark: starts a driver, connects it to a cluster, and turns failures into one-line errors."""

import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psutil
import pyspark
from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException

from ..errors import BigDataDemosError, EngineUnavailable, JobFailed, UsageError
from . import credentials, registry, spark_classes, spark_daemon
from .java import find_java
from .probe import WAIT, mebibytes, reachable, seconds_to_wait
from .processes import environment
from .settings import write_settings
from .spark_master import ask_master, check_capacity, free_resources

OPTIONS: Final = {
    "memory": "memory of each executor, such as 2g (default 1g); of the driver, where it is the executor too",
    "driver-memory": "memory of the driver on a cluster, which holds the table of document frequencies (default 1g)",
    "broadcast": "the largest table of document frequencies that each worker gets a copy of; a larger one is joined by shuffle "
    "(default an eighth of the executor's memory)",
    "python": "the workers' Python (default: this one; on the compose cluster its own)",
    "ui": "port of Spark's web page for the job, 0 for any free one, none for none (default: none; on the compose cluster 4040)",
    "wait": WAIT,
    "master-ui": "address of the master's web page, such as localhost:8080: asked when no worker takes the job",
}
WORKERLESS: Final = 20.0
"""Seconds without a worker after which a job is given up."""
_GRACE: Final = 2.0  # seconds to wait for another message after a master has refused a driver


@contextmanager
def connect(
    cluster: str, workers: int, options: Mapping[str, str], preload: str, settings: Mapping[str, str] = {}
) -> Iterator[tuple[SparkContext, int]]:
    """Yield a context on this machine or a cluster, and the number of its slots. Leaving it ends the context and the JVM.

    The workers have the module ``preload``, and what it imports, from their start. ``settings`` are further settings of Spark.
    A program of spark-submit has a JVM already, which is used with all that spark-submit was told, and which spark-submit ends.

    Raises EngineNotInstalled if Java is missing; EngineUnavailable if the cluster cannot be reached, or has no worker that is
    large enough; UsageError if spark-submit decides what was given.
    """
    if _SUBMITTED in os.environ:
        with _submitted(cluster, workers, options, {**spark_daemon.settings(preload), **settings}) as connected:
            yield connected
        return
    find_java()
    slots = workers or os.cpu_count() or 1
    memory, driver_memory = (
        f"{mebibytes(f'`engine_options[{name}]`', options.get(name, '1g'))}m" for name in ("memory", "driver-memory")
    )
    variables = {"PYSPARK_PYTHON": options.get("python", sys.executable)}
    with tempfile.TemporaryDirectory(prefix="spark-") as directory, _socket_directory(directory) as sockets:
        conf = SparkConf().setAppName("bigdata_demos keywords").setAll(_settings_for(options, preload))
        conf.set("spark.local.dir", directory).set("spark.sql.warehouse.dir", directory)
        if cluster:
            host, _ = reachable(cluster, "spark", f"{registry.HOW_TO_START}, or without Docker: … cluster spark")
            conf.setMaster(cluster).set("spark.executor.memory", memory).set("spark.driver.memory", driver_memory)
            conf.set("spark.executor.cores", "1").setAll([("spark.cores.max", str(workers))] if workers else [])
            if record := registry.find(cluster):
                variables |= _join_compose(record, cluster, conf, Path(directory), options)
                check_capacity(cluster, workers, options)
            elif host in credentials.LOOPBACK:
                variables |= _stay_on(conf, "127.0.0.1") | _with_settings(credentials.find(cluster))
        else:
            conf.setMaster(f"local[{slots},4]").set("spark.driver.memory", memory)
            conf.set("spark.authenticate", "true")  # with a secret that this JVM makes: other users reach its ports, too
            conf.set("spark.python.unix.domain.socket.dir", sockets)
            variables |= _stay_on(conf, "127.0.0.1")
        conf.setAll(list(settings.items()))
        context = start(conf, variables, Path(directory) / "driver.log")
        try:
            if cluster:
                slots = _wait_for_executors(context, cluster, workers, options)
            yield context, slots
        finally:
            stop(context)


_SUBMITTED: Final = "PYSPARK_GATEWAY_PORT"
"""The environment variable by which spark-submit tells a program the port of the JVM that it has started."""


@contextmanager
def _submitted(
    cluster: str, workers: int, options: Mapping[str, str], settings: Mapping[str, str]
) -> Iterator[tuple[SparkContext, int]]:
    """Yield the context of spark-submit, and the number of its slots."""
    if cluster:
        raise UsageError(f"`cluster={cluster}`: leave it out, as spark-submit has chosen the cluster (--master)")
    if others := sorted(options.keys() - {"broadcast", "ui"}):
        raise UsageError(f"`engine_options[{others[0]}]`: leave it out, and use the options of spark-submit")
    try:
        context = SparkContext(conf=SparkConf().setAll(list(settings.items())))
    except (PySparkException, Py4JError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise EngineUnavailable(f"the Spark of spark-submit does not start a context: {reason}") from error
    with context:
        yield context, workers or context.defaultParallelism


@contextmanager
def _socket_directory(directory: str) -> Iterator[str]:
    """Yield a directory for sockets: the given one, or another one with a short path if the system does not take longer paths."""
    if len(os.fsencode(directory)) <= _SOCKET_DIRECTORY:
        yield directory
    else:
        with tempfile.TemporaryDirectory(prefix="spark-", dir="/tmp") as short:
            yield short


_SOCKET_DIRECTORY: Final = 60  # bytes; Spark adds 43, and a socket's address has 104 (macOS) or 108 (Linux)


def broadcast_bound(options: Mapping[str, str]) -> int:
    """Return the bytes of the largest table that is broadcast."""
    if "broadcast" in options:
        return mebibytes("`engine_options[broadcast]`", options["broadcast"]) << 20
    return (mebibytes("`engine_options[memory]`", options.get("memory", "1g")) << 20) // 8


def _stay_on(conf: SparkConf, address: str) -> dict[str, str]:
    """Let a driver listen on one address only, with its web page on loopback; return environment variables to the same effect."""
    conf.set("spark.driver.host", address).set("spark.driver.bindAddress", address)
    return {"SPARK_LOCAL_IP": "127.0.0.1"}  # for the web page


def _join_compose(
    record: registry.Record, cluster: str, conf: SparkConf, directory: Path, options: Mapping[str, str]
) -> dict[str, str]:
    """Set a driver up for the compose cluster, from outside or in one of its containers; returns the variables that it needs."""
    registry.check_same(record, pyspark=pyspark.__version__)
    inside = cluster == record.inside
    if not inside and not registry.bindable(record.gateway):
        raise EngineUnavailable(
            f"this machine does not have {record.gateway}, its address for the containers: Docker runs in a virtual machine (as "
            "on macOS), or the cluster was stopped; run the driver in a container instead: docker compose run --rm keywords …"
        )
    settings = directory / "settings.conf"
    write_settings(settings, registry.secret(make=False), registry.events().as_uri())
    conf.set("spark.executor.extraJavaOptions", spark_classes.java_options(spark_classes.IN_IMAGE))
    address = socket.gethostbyname(socket.gethostname()) if inside else record.gateway
    variables = _stay_on(conf, address)
    if inside:
        del variables["SPARK_LOCAL_IP"]  # its web page is for the host's browser
    if "python" not in options:
        variables["PYSPARK_PYTHON"] = record.interpreter
    if "ui" not in options:
        conf.set("spark.ui.enabled", "true").set("spark.ui.port", "4040")
    return {**variables, **_with_settings(settings), "SPARK_PUBLIC_DNS": "localhost"}


def _with_settings(file: Path | None) -> dict[str, str]:
    """Return the variables that let a driver read a properties file, in which there is a secret; none for None."""
    return {"PYSPARK_SUBMIT_ARGS": f"--properties-file {shlex.quote(str(file))} pyspark-shell"} if file else {}


def _settings_for(options: Mapping[str, str], preload: str) -> list[tuple[str, str]]:
    settings = {
        **spark_daemon.settings(preload),
        "spark.log.level": "WARN",
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.enabled": "true" if options.get("ui", "none") != "none" else "false",
        "spark.ui.port": options.get("ui", "none").replace("none", "0"),
        "spark.python.worker.reuse": "true",
        # Over TCP between a JVM and its Python, each task waits twice for 40 ms (Nagle's algorithm and delayed acknowledgments).
        "spark.python.unix.domain.socket.enabled": "true",
        # One shuffle file for each map task: one for each of its buckets costs the JVM more than the data.
        "spark.shuffle.sort.bypassMergeThreshold": "1",
        "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
        "spark.driver.extraJavaOptions": spark_classes.java_options(spark_classes.directory()),
        "spark.executor.extraJavaOptions": spark_classes.java_options(spark_classes.directory()),
        "spark.driver.maxResultSize": "0",  # the table of document frequencies is bounded by the driver's memory only
        "spark.dynamicAllocation.enabled": "false",  # the start-up counts until every slot has answered
    }
    return list(settings.items())


def start(conf: SparkConf, variables: Mapping[str, str], log: Path) -> SparkContext:
    """Start a context. The JVM's messages go to a file, whose last line is in the error if it does not start.

    ``variables`` are set in the environment during the start: for some settings, pyspark has no other way.
    """
    children = {child.pid for child in psutil.Process().children()}
    refusal: list[str] = []
    over = threading.Event()
    has_secret = "PYSPARK_SUBMIT_ARGS" in variables
    secret = str(credentials.find(conf.get("spark.master", "")) or f"{registry.directory()}/secret") if has_secret else ""
    watcher = threading.Thread(target=_give_up_when_refused, args=(log, children, secret, refusal, over), daemon=True)
    watcher.start()
    try:
        with environment(variables), _stderr_to(log):
            context = SparkContext(conf=conf)
        if server := getattr(context, "_accumulatorServer", None):  # which would print a traceback if the JVM ends first
            server.handle_error = lambda *_: None
        return context
    except KeyboardInterrupt:  # pyspark does not stop a JVM that is still starting
        _end_jvm()
        _kill_new_children(children)
        raise
    except (PySparkException, Py4JError, OSError, ValueError) as error:
        said = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
        reason = next((line for line in said if re.match(r"(Exception|Error|.*(Exception|Error):)", line)), "") or str(error)
        _end_jvm()
        if refusal:
            raise EngineUnavailable(f"{conf.get('spark.master')} refuses this driver: {refusal[0]}") from error
        raise EngineUnavailable(f"Spark does not start: {reason.strip().splitlines()[0]}") from error
    finally:
        over.set()
        watcher.join()


def _give_up_when_refused(log: Path, children: set[int], secret: str, refusal: list[str], over: threading.Event) -> None:
    """End a JVM that a master has refused, and keep the reason: Spark would retry for a minute, and then not report it.

    ``secret``: the file with the driver's secret, ``""`` if it has none.
    """
    while not over.wait(0.5):
        said = log.read_text(errors="replace") if log.exists() else ""
        if "Failed to connect to master" not in said:
            continue
        if over.wait(_GRACE):
            return
        causes = re.findall(r"Caused by: (?:[\w.$]+\.)?([\w$]+: .*)", said)
        guess = (
            f"its secret is another than {secret}, or a firewall drops its answers: restart it ({registry.HOW_TO_START}), or "
            f"name its own docker/run by {registry.RUN}"
            if secret  # and the record says that the versions are the same
            else "it wants a secret, and this driver has none (if it is the compose cluster of another directory, name that "
            f"directory's docker/run by {registry.RUN}; if another user runs it by `cluster spark`, start your own), or its "
            f"Spark is another than {pyspark.__version__}"
        )
        refusal.append(f"{guess} ({causes[-1] if causes else 'no reason given'})")
        _kill_new_children(children)
        return


def _kill_new_children(children: set[int]) -> None:
    """Kill child processes that are not in ``children``, with their descendants."""
    for child in psutil.Process().children():
        if child.pid not in children:
            for process in (*child.children(recursive=True), child):
                with suppress(psutil.NoSuchProcess):
                    process.kill()


@contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Redirect the standard error of this process, and of the children that it starts, to a file."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with path.open("wb") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def stop(context: SparkContext) -> None:
    """Stop a context and its JVM.

    pyspark would wait for its server of accumulators, which checks only once or twice a second whether it should stop.
    """
    server = getattr(context, "_accumulatorServer", None)
    if server:
        context._accumulatorServer = None  # type: ignore[assignment]  # noqa: SLF001

        def shut_down() -> None:
            with suppress(OSError):  # its socket is removed meanwhile
                server.shutdown()

        threading.Thread(target=shut_down, daemon=True).start()
    with suppress(Exception):  # the JVM may have ended already
        context.stop()
    _end_jvm()
    if server and isinstance(server.server_address, str):  # a file, which the server would remove at its end
        with suppress(OSError):
            os.unlink(server.server_address)


def _end_jvm() -> None:
    """End the JVM that pyspark started; the next context starts its own."""
    gateway: Any = SparkContext._gateway  # noqa: SLF001 (pyspark has no public way to do this)
    if gateway is None:
        return
    process: subprocess.Popen[bytes] | None = getattr(gateway, "proc", None)
    with suppress(Exception):
        gateway.shutdown()
    if process is not None:
        if process.stdin:
            with suppress(OSError):
                process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    SparkContext._gateway = None  # noqa: SLF001
    SparkContext._jvm = None  # noqa: SLF001


def _wait_for_executors(context: SparkContext, cluster: str, workers: int, options: Mapping[str, str]) -> int:
    """Wait until the cluster has started the requested executors; return their number.

    Executors that the master has granted, but which have not reached the driver, get as much time again: a machine may be slow.
    """
    begun = since = time.monotonic()
    there = 0
    wait = seconds_to_wait(options)
    for limit in (wait, 2 * wait):
        while time.monotonic() < begun + limit:
            try:
                now = executors(context)
            except Py4JError:
                raise EngineUnavailable(
                    f"{cluster} ended the application: its executors do not start; the workers' logs say why"
                ) from None
            if now != there:
                there, since = now, time.monotonic()
            if workers and there >= workers:
                return workers
            if not workers and there and time.monotonic() - since > 1:  # none has joined in the last second
                return there
            time.sleep(0.05)
        state = ask_master(cluster, options)
        granted = {app["id"]: app["cores"] for app in (state or {}).get("activeapps", [])}.get(str(context.applicationId), 0)
        if granted <= there:
            break
    else:
        raise EngineUnavailable(
            f"{cluster} started executors, but {granted - there} of them did not reach this driver at "
            f"{context.getConf().get('spark.driver.host')} within {limit:.0f} s: a firewall between them, or no route; "
            f"their own words are in the workers' logs{f' ({registry.LOGS})' if registry.find(cluster) else ''}"
        )
    memory = options.get("memory", "1g")
    wanted = f"{workers or 'one'} executor{'s' if workers > 1 else ''} of 1 core and {memory} of memory"
    raise EngineUnavailable(
        f"{cluster} gave {there} of {wanted} within {limit:.0f} s{free_resources(state, cluster, options)}: ask for less "
        "(`workers`, `engine_options[memory]=512m`), or start larger workers"
    )


def executors(context: SparkContext) -> int:
    """Return the number of a context's executors."""
    return int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1  # noqa: SLF001 (the driver is one of them)


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Convert Spark's exceptions about a failed task to one line with the task's own error."""
    try:
        yield
    except BigDataDemosError:
        raise
    except (Py4JError, PySparkException) as error:
        text = text_of(error)
        if "PYTHON_VERSION_MISMATCH" in text:
            found = re.search(r"different version: (\d+\.\d+) than that in driver: (\d+\.\d+)", text)
            pair = f"{found[2]} here and {found[1]} on the workers" if found else "another one on the workers than here"
            raise EngineUnavailable(
                f"Python is {pair}: driver and workers must have the same minor version; name the workers' Python with "
                "`engine_options[python]=PATH`, or run this with theirs"
            ) from RuntimeError(text)
        if "Cannot run program" in text:
            program = re.search(r'Cannot run program "([^"]*)"', text)
            raise EngineUnavailable(
                f"the workers have no {program[1] if program else 'Python'}: name theirs with `engine_options[python]=PATH`"
            ) from RuntimeError(text)
        if "No module named" in text:
            name = re.search(r"No module named '([^']*)'", text)
            raise EngineUnavailable(
                f"the workers' Python lacks {name[1] if name else 'a package'}: pip install bigdata-demos there, the same "
                f"version with Python {sys.version_info.major}.{sys.version_info.minor}, as here"
            ) from RuntimeError(text)
        raised = re.findall(r"^\s*(?:\w+\.)*(\w+(?:Error|Exception|Exit|Interrupt)): (.*)$", text, re.MULTILINE)
        raised = [(name, what) for name, what in raised if not name.startswith(("SparkException", "Py4J", "PySpark"))]
        what = f"{raised[0][0]}: {raised[0][1]}" if raised else text.strip().splitlines()[0]
        raise JobFailed(f"a Spark task failed: {what}") from RuntimeError(text)


def text_of(error: Exception) -> str:
    """Return an error's message, also of a Java exception whose JVM has ended, for which ``str`` fails."""
    try:
        return str(error)
    except Exception:
        return "Spark's JVM is gone (killed, or out of memory)"


@contextmanager
def watched(context: SparkContext, description: str, phase: str, progress: Callable[[str, int, int], None]) -> Iterator[None]:
    """Set the jobs' description in Spark's web page, and report how many tasks of their stages are done."""
    context.setJobDescription(description)
    over, lost = threading.Event(), threading.Event()

    def watch() -> None:
        tracker = context.statusTracker()
        alive = time.monotonic()
        while not over.wait(0.2):
            with suppress(Exception):
                if not str(context.master).startswith("spark://") or executors(context):
                    alive = time.monotonic()
                elif time.monotonic() - alive > WORKERLESS:  # Spark would wait for ever
                    lost.set()
                    context.cancelAllJobs()
            with suppress(Exception):  # a job must not fail because of its progress
                stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
                for stage in stages:
                    if stage:
                        progress(phase, stage.numCompletedTasks, stage.numTasks)

    progress(phase, 0, 1)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except Py4JError:
        if lost.is_set():
            raise EngineUnavailable(
                f"{context.master} has had no worker for {WORKERLESS:.0f} s: they were stopped, or died; start some again"
            ) from None
        raise
    finally:
        over.set()
        watcher.join()
        context.setJobDescription(None)  # type: ignore[arg-type]
