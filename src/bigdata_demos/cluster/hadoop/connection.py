"""Finds the Hadoop that is meant: one that is started for a run, or the one that has an address."""

import getpass
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ...errors import UsageError
from . import daemons, jars
from .client import Hadoop

log = logging.getLogger(__name__)

PAGE: Final = 9870
"""Of a NameNode whose settings are not known."""


@contextmanager
def connect(url: str, slots: int) -> Iterator[Hadoop]:
    """Hadoop on this machine, started for as long as the context lasts; or the one with an address (of its HDFS).

    Raises:
        UsageError: if nothing is known of that address.
        EngineNotInstalled: without Java.
        EngineUnavailable: if it does not come up.

    """
    if url:
        yield find(url)
        return
    say("starting HDFS and YARN on this machine; `bigdata-demos cluster up hadoop` has them stay, then: --cluster hdfs://…")
    with daemons.local_hadoop(slots, say) as cluster:
        yield cluster.hadoop


def find(url: str) -> Hadoop:
    """The Hadoop whose file system has an address.

    Raises:
        UsageError: if it is not known.

    """
    wanted = url.rstrip("/")
    for hadoop in known():
        if hadoop.hdfs == wanted:
            jars.install(say)
            return hadoop
    there = ", ".join(hadoop.hdfs for hadoop in known()) or "none that is known"
    raise UsageError(
        f"--cluster {url}: no Hadoop of that address (there is {there}): start one with `bigdata-demos cluster up hadoop`, or "
        "set HADOOP_CONF_DIR to the directory of its settings"
    )


def known() -> list[Hadoop]:
    """The Hadoops that this machine knows: the one that `up` has started, and the one of ``HADOOP_CONF_DIR``."""
    found = []
    if cluster := daemons.recorded():
        found.append(cluster.hadoop)
    if (given := os.environ.get("HADOOP_CONF_DIR")) and (Path(given) / "core-site.xml").exists():
        found.append(Hadoop(Path(given), jars.directory()))
    return [hadoop for hadoop in found if "fs.defaultFS" in hadoop.settings()]


def by_http(path: str) -> str:
    """A path in HDFS as its WebHDFS address, which needs no native code; any other path as it is."""
    scheme, _, rest = path.partition("://")
    if scheme != "hdfs":
        return path
    host, slash, inside = rest.partition("/")
    for hadoop in known():
        if not host or hadoop.hdfs == f"hdfs://{host}":
            return f"{hadoop.webhdfs}/{inside}"
    return f"webhdfs://{getpass.getuser()}@{host.partition(':')[0] or 'localhost'}:{PAGE}{slash}{inside}"


def say(text: str) -> None:
    """Tell who waits."""
    log.info(text)
