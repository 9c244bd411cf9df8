"""Connects to Hadoop: starts one for a run, or finds the one with an address."""

import getpass
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import EngineUnavailable, UsageError
from .. import registry
from . import configuration, daemons, jars
from .client import Hadoop

log = logging.getLogger(__name__)

RPC, PAGE = "8020", 9870
"""The default ports of a NameNode."""


@contextmanager
def connect(url: str, slots: int) -> Iterator[Hadoop]:
    """Start Hadoop on this machine until the context ends, or find the one with an HDFS address.

    Raises UsageError if there is no configuration for that address; EngineNotInstalled if Java is missing; EngineUnavailable if
    it does not come up.
    """
    if url:
        yield find(url)
        return
    say("starting HDFS and YARN on this machine; `bigdata-demos cluster up hadoop` has them stay, then: --cluster hdfs://…")
    with daemons.local_hadoop(slots, say) as cluster:
        yield cluster.hadoop


def find(url: str) -> Hadoop:
    """Find the Hadoop whose file system has an address.

    Raises UsageError if it is not known; EngineUnavailable if it is the compose cluster's, and cannot run a job of this driver.
    """
    for hadoop in known():
        if hadoop.known_as(url):
            check(hadoop)
            jars.install(say)
            return hadoop
    there = ", ".join(map(_address_of, known())) or "none that is known"
    raise UsageError(
        f"`cluster={url}`: no Hadoop of that address (there is {there}): start one with `bigdata-demos cluster up hadoop`, or "
        "set HADOOP_CONF_DIR to the directory of its settings"
    )


def _address_of(hadoop: Hadoop) -> str:
    return hadoop.settings().get(configuration.ADDRESSES, hadoop.hdfs).partition(",")[0]


def check(hadoop: Hadoop) -> None:
    """Check that a compose cluster answers, and has the same Python and package as the driver.

    Raises EngineUnavailable if not; the message says what to do.
    """
    record = registry.read("hadoop")
    if record is None or hadoop.conf != registry.hadoop():
        return
    registry.check_same(record)
    host, _, port = hadoop.settings()["dfs.namenode.http-address"].partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise EngineUnavailable(
            f"HDFS at {_address_of(hadoop)} does not answer at {host}:{port}, its address on the containers' network ({error}): "
            f"`{registry.HOW_TO_START} hadoop --containers` starts it; where Docker runs in a virtual machine (macOS, "
            "Windows), run the driver in a container: bigdata-demos cluster run --engine hadoop …"
        ) from None


def known() -> list[Hadoop]:
    """Return the Hadoops with a known configuration: local processes, the compose cluster, and that of ``HADOOP_CONF_DIR``."""
    clusters = []
    if cluster := daemons.recorded():
        clusters.append(cluster.hadoop)
    if registry.read("hadoop") and (registry.hadoop() / "core-site.xml").exists():
        clusters.append(Hadoop(registry.hadoop(), jars.directory()))
    if (given := os.environ.get("HADOOP_CONF_DIR")) and (Path(given) / "core-site.xml").exists():
        clusters.append(Hadoop(Path(given), jars.directory()))
    return [hadoop for hadoop in clusters if "fs.defaultFS" in hadoop.settings()]


def by_http(path: str) -> str:
    """Return the WebHDFS address of a path in HDFS, which needs no native code, and any other path unchanged.

    Raises UsageError if there is no configuration for that HDFS, and its port is not the default.
    """
    scheme, _, rest = path.partition("://")
    if scheme != "hdfs":
        return path
    host, slash, inside = rest.partition("/")
    for hadoop in known():
        if not host or hadoop.known_as(f"hdfs://{host}"):
            return f"{hadoop.webhdfs}/{inside}"
    name, _, port = host.partition(":")
    if port not in ("", RPC):
        there = ", ".join(map(_address_of, known())) or "none that is known"
        raise UsageError(
            f"{path}: no HDFS of that address (there is {there}): set HADOOP_CONF_DIR to the directory of its settings, or name "
            f"its page: webhdfs://{getpass.getuser()}@{name}:{PAGE}/{inside}"
        )
    return f"webhdfs://{getpass.getuser()}@{name or 'localhost'}:{PAGE}{slash}{inside}"


def say(text: str) -> None:
    """Log a message for the user who waits."""
    log.info(text)
