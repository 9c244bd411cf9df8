"""Hadoop's settings: one definition for local processes and for containers, which differ only in their :class:`Layout`.

Names and meanings: https://hadoop.apache.org/docs/r3.4.2/, ``core-default.xml``, ``hdfs-default.xml``, ``yarn-default.xml``,
``mapred-default.xml``.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import classes

PORTS: Final[Mapping[str, int]] = {
    "namenode": 8020,
    "namenode-page": 9870,
    "datanode": 9866,
    "datanode-page": 9864,
    "datanode-ipc": 9867,
    "resourcemanager": 8032,
    "resourcemanager-scheduler": 8030,
    "resourcemanager-tracker": 8031,
    "resourcemanager-admin": 8033,
    "resourcemanager-page": 8088,
    "nodemanager": 8041,
    "nodemanager-localizer": 8040,
    "nodemanager-page": 8042,
    "shuffle": 13562,
    "historyserver": 10020,
    "historyserver-page": 19888,
    "historyserver-admin": 10033,
}
"""Hadoop's default ports. (8041: NodeManagers take any port by default.)"""
TASK_MEMORY: Final = 1024
"""MiB of a YARN container, for a small JVM and a Python process."""
_PASSED: Final = ("JAVA_HOME", "HADOOP_CONF_DIR", "PATH", "LANG", "TZ", "LD_PRELOAD", "NSS_WRAPPER_PASSWD", "NSS_WRAPPER_GROUP")
"""Environment variables that tasks inherit from their node."""
LIGHT: Final = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"
"""Options of JVMs that run for seconds and only pass bytes on: no optimizing compiler, one thread for garbage collection."""


ADDRESSES: Final = "bigdata-demos.addresses"
"""Our own property: further addresses of the file system, separated by commas."""
PYTHON: Final = "bigdata-demos.python"
"""Our own property: the Python of the nodes, if it is not the driver's."""


@dataclass(frozen=True)
class Layout:
    """Hosts, ports and directories. ``hosts``: by daemon (namenode, datanode …); ``bind``: the address that all listen on.

    ``jars``: a directory on all machines; ``data``: the daemons' files; ``slots``: the number of tasks at once; ``jvm``:
    further options of the tasks' JVMs.
    """

    hosts: Mapping[str, str]
    ports: Mapping[str, int]
    bind: str
    jars: Path
    data: Path
    slots: int
    user: str
    jvm: str = ""

    def at(self, name: str) -> str:
        """Return the address of a daemon's port for clients."""
        return f"{self.hosts[name.partition('-')[0]]}:{self.ports[name]}"

    def on(self, name: str) -> str:
        """Return the address that a daemon listens on."""
        return f"{self.bind}:{self.ports[name]}"


def settings(layout: Layout) -> dict[str, dict[str, object]]:
    """Return all settings, by file."""
    classpath = f"{layout.jars}/*"
    light = " ".join(filter(None, [LIGHT, layout.jvm, *classes.options(layout.jars, ".", "job.jar/job.jar")]))
    memory = (layout.slots + 1) * TASK_MEMORY  # one more for the application master
    return {
        "core-site": {
            "fs.defaultFS": f"hdfs://{layout.at('namenode')}",
            "hadoop.tmp.dir": layout.data / "tmp",
            "hadoop.http.staticuser.user": layout.user,
            "ipc.client.connect.max.retries": 3,
        },
        "hdfs-site": {
            "dfs.namenode.name.dir": (layout.data / "name").as_uri(),
            "dfs.datanode.data.dir": (layout.data / "blocks").as_uri(),
            "dfs.replication": 1,
            "dfs.permissions.enabled": "false",
            "dfs.namenode.safemode.extension": 0,
            "dfs.namenode.datanode.registration.ip-hostname-check": "false",
            "dfs.namenode.rpc-address": layout.at("namenode"),
            "dfs.namenode.rpc-bind-host": layout.bind,
            "dfs.namenode.http-address": layout.at("namenode-page"),
            "dfs.namenode.http-bind-host": layout.bind,
            "dfs.datanode.hostname": layout.hosts["datanode"],
            "dfs.datanode.address": layout.on("datanode"),
            "dfs.datanode.http.address": layout.on("datanode-page"),
            "dfs.datanode.ipc.address": layout.on("datanode-ipc"),
            "dfs.client.use.datanode.hostname": "true",
            "dfs.datanode.du.reserved": 0,
        },
        "yarn-site": {
            "yarn.resourcemanager.hostname": layout.hosts["resourcemanager"],
            "yarn.resourcemanager.bind-host": layout.bind,
            "yarn.resourcemanager.address": layout.at("resourcemanager"),
            "yarn.resourcemanager.scheduler.address": layout.at("resourcemanager-scheduler"),
            "yarn.resourcemanager.resource-tracker.address": layout.at("resourcemanager-tracker"),
            "yarn.resourcemanager.admin.address": layout.at("resourcemanager-admin"),
            "yarn.resourcemanager.webapp.address": layout.at("resourcemanager-page"),
            "yarn.nodemanager.hostname": layout.hosts["nodemanager"],
            "yarn.nodemanager.bind-host": layout.bind,
            "yarn.nodemanager.address": layout.at("nodemanager"),
            "yarn.nodemanager.localizer.address": layout.at("nodemanager-localizer"),
            "yarn.nodemanager.webapp.address": layout.at("nodemanager-page"),
            # The last three: without them, tasks do not start if the container's user has no name
            "yarn.nodemanager.env-whitelist": ",".join(_PASSED),
            "yarn.nodemanager.local-dirs": layout.data / "containers",
            "yarn.nodemanager.log-dirs": layout.data / "container-logs",
            "yarn.nodemanager.aux-services": "mapreduce_shuffle",
            "yarn.nodemanager.aux-services.mapreduce_shuffle.class": "org.apache.hadoop.mapred.ShuffleHandler",
            "yarn.nodemanager.resource.memory-mb": memory,
            "yarn.nodemanager.resource.cpu-vcores": layout.slots + 1,
            "yarn.nodemanager.vmem-check-enabled": "false",  # of JVMs, it says nothing
            "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 99,
            "yarn.nodemanager.process-kill-wait.ms": 1000,
            "yarn.nodemanager.container-monitor.interval-ms": 1000,
            "yarn.log-aggregation-enable": "true",
            "yarn.nodemanager.remote-app-log-dir": "/logs",
            "yarn.nodemanager.log-aggregation.debug-enabled": "false",
            "yarn.scheduler.minimum-allocation-mb": 256,
            "yarn.scheduler.maximum-allocation-mb": memory,
            "yarn.application.classpath": classpath,
            # Short timeouts: the clusters are small, and losing a node is one of the things to try on them
            "yarn.nm.liveness-monitor.expiry-interval-ms": 15_000,
            "yarn.am.liveness-monitor.expiry-interval-ms": 15_000,
            "yarn.resourcemanager.nm.liveness-monitor.interval-ms": 1000,
            "yarn.resourcemanager.nodemanagers.heartbeat-interval-ms": 200,
            "yarn.resourcemanager.container.liveness-monitor.interval-ms": 10_000,
        },
        "capacity-scheduler": {
            "yarn.scheduler.capacity.root.queues": "default",
            "yarn.scheduler.capacity.root.default.capacity": 100,
            "yarn.scheduler.capacity.maximum-am-resource-percent": 1.0,
            "yarn.scheduler.capacity.node-locality-delay": 0,
        },
        "mapred-site": {
            "mapreduce.framework.name": "yarn",
            "mapreduce.application.classpath": classpath,
            "mapreduce.map.memory.mb": TASK_MEMORY,
            "mapreduce.reduce.memory.mb": TASK_MEMORY,
            "mapreduce.map.java.opts": f"-Xmx384m {light}",
            "mapreduce.reduce.java.opts": f"-Xmx384m {light}",
            "mapreduce.task.io.sort.mb": 128,
            "yarn.app.mapreduce.am.resource.mb": TASK_MEMORY,
            "yarn.app.mapreduce.am.command-opts": f"-Xmx512m {light}",
            "yarn.app.mapreduce.am.scheduler.heartbeat.interval-ms": 200,
            "yarn.app.mapreduce.am.staging-dir": "/staging",
            "mapreduce.client.progressmonitor.pollinterval": 200,
            "mapreduce.client.completion.pollinterval": 200,
            "mapreduce.task.progress-report.interval": 500,
            "mapreduce.task.exit.timeout": 10_000,
            "mapreduce.shuffle.port": layout.ports["shuffle"],
            "mapreduce.jobhistory.address": layout.at("historyserver"),
            "mapreduce.jobhistory.bind-host": layout.bind,
            "mapreduce.jobhistory.webapp.address": layout.at("historyserver-page"),
            "mapreduce.jobhistory.admin.address": layout.at("historyserver-admin"),
            "mapreduce.jobhistory.move.interval-ms": 1000,
            # Not below the staging directory: the history server would own that, and other users could not enter it
            "mapreduce.jobhistory.intermediate-done-dir": "/history-of-running",
            "mapreduce.jobhistory.done-dir": "/history",
        },
    }


_LOGGING: Final = """\
log4j.rootLogger=INFO,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
"""


def write(layout: Layout, directory: Path, ours: Mapping[str, str] | None = None) -> None:
    """Write the settings and our own properties to a directory, in Hadoop's XML."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, values in {**settings(layout), **({"bigdata-demos-site": ours} if ours else {})}.items():
        root = ET.Element("configuration")
        for key, value in values.items():
            one = ET.SubElement(root, "property")
            ET.SubElement(one, "name").text = key
            ET.SubElement(one, "value").text = str(value)
        ET.indent(root)
        ET.ElementTree(root).write(directory / f"{name}.xml", encoding="utf-8", xml_declaration=True)
    (directory / "log4j.properties").write_text(_LOGGING, encoding="ascii")
    for name in ("hdfs", "datanode", "secondary", "static"):  # HDFS's daemons need these files, which the jars do not contain
        (directory / "webapps" / name / "WEB-INF").mkdir(parents=True, exist_ok=True)


def read(directory: Path) -> dict[str, str]:
    """Read the settings of all files in a directory."""
    settings = {}
    for path in sorted(directory.glob("*-site.xml")):
        for one in ET.parse(path).getroot().iter("property"):  # noqa: S314 (written by us, or by the user's administrators)
            settings[one.findtext("name", "")] = one.findtext("value", "")
    return settings
