"""Fixtures of more than one module: the compose cluster, the inputs and the sessions of the conformance suite."""

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.cluster import registry
from bigdata_demos.cluster.compose import PORTS
from bigdata_demos.cluster.hadoop import daemons
from bigdata_demos.cluster.standalone import dask_cluster, free_ports, spark_cluster
from bigdata_demos.keywords import Session, open_session
from tests.support.conformance import InContainer, drive_in_container
from tests.support.inputs import Input, make_inputs
from tests.support.requirements import no_docker, refuse, require
from tests.support.stack import TEST_PROJECT, Stack

# A shell's background job ignores SIGINT, and ``nohup`` SIGHUP; the commands that tests start would inherit it.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

WITHOUT_DOCKER = "the compose cluster is left out, Spark's cluster is one of local processes, and no driver runs in a container"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was left out."""
    if no_docker():
        terminalreporter.write_line(f"{WITHOUT_DOCKER} ({no_docker()})", yellow=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let ``pytest --numprocesses 2 --dist loadscope`` run the tests of a group (:func:`_group_of`) in one process.

    (``--dist loadgroup`` of pytest-xdist 3.8 does not group anything with pytest 9.2.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return _group_of(nodeid)

    return Groups(config, log)


_CLUSTERS = {
    "stack": ("tests/cluster/test_compose.py", "tests/cluster/hadoop/test_compose.py", "[spark-cluster"),
    "hadoop": ("tests/cluster/hadoop/", "tests/storage/test_webhdfs.py", "tests/experiments/test_killed_container.py", "[hadoop"),
}
"""The tests that need a cluster, by its fixture: the starts of their modules' paths, and of their parameters."""


def _group_of(nodeid: str) -> str:
    """Return the group of a test: all that use one cluster are one group; others are grouped by module, or by session."""
    for cluster, marks in _CLUSTERS.items():
        if any(nodeid.startswith(mark) or ("[" in mark and mark in nodeid) for mark in marks):
            return cluster
    module, _, name = nodeid.partition("::")
    place = re.search(r"\[(serial|[a-z]+-(?:local|cluster))", name) if module.endswith("test_conformance.py") else None
    return f"{module} {place[1]}" if place else module


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of clusters first, since they take longest. Raises ``pytest.UsageError`` if one of them is in another group."""
    for item in items:
        for cluster in _CLUSTERS.keys() & set(getattr(item, "fixturenames", ())) - {_group_of(item.nodeid)}:
            raise pytest.UsageError(f"{item.nodeid} uses {cluster}: _CLUSTERS in tests/conftest.py must say so")
    items.sort(key=lambda item: _group_of(item.nodeid) not in _CLUSTERS)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the compose cluster sees: the tests' inputs, and ``out``, where all engines put their outputs."""
    root = tmp_path_factory.mktemp("what all see")
    (root / registry.OUT).mkdir()
    return root


@pytest.fixture
def place(shared: Path, request: pytest.FixtureRequest) -> Path:
    """A directory for a test's outputs, where any engine can write."""
    directory = shared / registry.OUT / f"{abs(hash(request.node.nodeid)):x}"
    directory.mkdir()
    return directory


@pytest.fixture(scope="session")
def stack(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The compose cluster, up."""
    if why := no_docker():
        refuse("the compose cluster", why)
    names = [name for kind in PORTS.values() for name in kind]
    ports = dict(zip(names, free_ports([0] * len(names)), strict=True))
    run = tmp_path_factory.mktemp("what is shared")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COMPOSE_PROJECT_NAME", TEST_PROJECT)
        environment.setenv(registry.ROOT, str(shared))
        environment.setenv(registry.RUN, str(run))
        for name, port in ports.items():
            environment.setenv(name, str(port))
        stack = Stack(f"spark://localhost:{ports['SPARK_MASTER_PORT']}", shared, run, ports)
        stack.cluster("down")  # what an earlier run that was killed has left
        try:
            up = stack.cluster("up")
            assert (up.returncode, up.stdout.strip()) == (0, stack.address), up.stderr
            yield stack
        finally:
            down = stack.cluster("down")
            assert down.returncode == 0, down.stderr
            assert stack.containers("{{.ID}}") == []


@pytest.fixture(scope="session")
def hadoop() -> Iterator[daemons.Cluster]:
    """HDFS and YARN with two slots, as processes of this machine."""
    require("hadoop")
    with daemons.local_hadoop(2, lambda _: None) as running:
        yield running


@pytest.fixture
def address(hadoop: daemons.Cluster, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of HDFS on this machine, which the settings in ``HADOOP_CONF_DIR`` make known."""
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hadoop.hadoop.conf))
    monkeypatch.setenv("XDG_STATE_HOME", str(hadoop.directory))  # so that a cluster that the user has started is not used
    return hadoop.hadoop.hdfs


@pytest.fixture(scope="module")
def session(request: pytest.FixtureRequest) -> Iterator[Session | InContainer]:
    """Each engine at each place with each number of workers: one session, through which all inputs go.

    Of a module: pyspark has one context in a process, and other modules have theirs.
    """
    engine, workers, where = request.param
    require(engine)
    with ExitStack() as stack:
        address = ""
        if where == "cluster-container-driver":
            yield InContainer(drive_in_container(request.getfixturevalue("stack"), request.getfixturevalue("inputs"), workers))
            return
        if where == "cluster" and engine == "dask":
            address = stack.enter_context(dask_cluster(2)).url
        elif where == "cluster":
            address = stack.enter_context(spark_cluster(2)).url if no_docker() else request.getfixturevalue("stack").address
        elif engine == "hadoop":
            cluster = request.getfixturevalue("hadoop")
            environment = stack.enter_context(pytest.MonkeyPatch.context())
            environment.setenv("HADOOP_CONF_DIR", str(cluster.hadoop.conf))
            address = cluster.hadoop.hdfs
        yield stack.enter_context(open_session(engine, workers=workers, cluster=address))


@pytest.fixture(scope="session")
def inputs(shared: Path) -> dict[str, Input]:
    """The inputs of the conformance suite, by name."""
    return make_inputs(shared / "inputs")
