"""What runs in the containers: Spark's settings and the command lines of its daemons."""

import os
import stat
from importlib.util import find_spec
from pathlib import Path

import pytest

from bigdata_demos.cluster import container, registry
from bigdata_demos.cluster.settings import write_settings


def test_settings_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """Mode 0600, whatever the umask and the mode of a file that was there before."""
    path = tmp_path / "settings.conf"
    path.write_text("old")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        write_settings(path, "s3cr3t", "file:///events")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings = dict(line.split(" ", 1) for line in path.read_text().splitlines())
    assert settings["spark.authenticate.secret"] == "s3cr3t"
    assert settings["spark.authenticate"] == settings["spark.network.crypto.enabled"] == "true"
    assert settings["spark.eventLog.dir"] == settings["spark.history.fs.logDirectory"] == "file:///events"
    assert [path.name for path in tmp_path.iterdir()] == ["settings.conf"]


@pytest.mark.skipif(find_spec("pyspark") is None, reason="pyspark is not installed")
@pytest.mark.parametrize("role", ["spark-master", "spark-worker", "history-server"])
def test_secret_is_on_no_command_line(tmp_path: Path, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark's daemons get it from their settings file, as everybody can read command lines."""
    at = tmp_path / "registry"
    at.mkdir()
    monkeypatch.setenv(registry.RUN, str(at))
    started: list[str] = []

    def become(command: list[str], environment: dict[str, str]) -> None:
        started.extend([*command, *map("=".join, environment.items())])

    monkeypatch.setattr(container, "SCRATCH", tmp_path)
    monkeypatch.setattr(container, "become", become)
    monkeypatch.setattr(container, "gateway", lambda: "192.0.2.1")
    monkeypatch.setattr(container, "own_address", lambda: "192.0.2.2")
    variables = {
        "SPARK_MASTER_PORT": "7077",
        "SPARK_MASTER_WEBUI_PORT": "8080",
        "SPARK_WORKER_CORES": "1",
        "SPARK_WORKER_MEMORY": "1g",
    }
    for name, value in {**variables, registry.ROOT: "/data"}.items():
        monkeypatch.setenv(name, value)
    container.ROLES[role](*(["8081"] if role == "spark-worker" else []))
    made = (at / "secret").read_text()
    assert any("org.apache.spark.deploy" in word for word in started)
    assert made not in " ".join(started)
    conf = tmp_path / "settings.conf"
    assert f"spark.authenticate.secret {made}\n" in conf.read_text()
    assert stat.S_IMODE(conf.stat().st_mode) == 0o600
