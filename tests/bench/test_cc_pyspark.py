"""The peer cc-pyspark: how it is installed. What it counts is compared in ``test_peers_count_alike``."""

import subprocess
import sys
from pathlib import Path

import pytest

from bigdata_demos.bench.engines import cc_pyspark, contestants, peers
from bigdata_demos.errors import EngineUnavailable
from tests.support.paths import DATA
from tests.support.requirements import require_cc_pyspark

CRAWL = str(DATA / "site.warc.gz")
URL = "spark://localhost:7077"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a cache directory, in which nothing is; pip finds no package either."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    return tmp_path / "cache" / "bigdata_demos"


def test_failed_installation_leaves_nothing(cache: Path) -> None:
    """It says once that it begins, then what pip says, and the peer is still missing."""
    said: list[str] = []
    with pytest.raises(EngineUnavailable, match=r"cc-pyspark cannot be installed: .*cc-pyspark==.*is there a network"):
        cc_pyspark.install(said.append)
    assert len(said) == 1
    assert str(cc_pyspark.directory()) in said[0]
    assert list(cache.iterdir()) == []
    cache.rmdir()
    cache.write_text("a file")
    with pytest.raises(EngineUnavailable, match="cannot be installed into"):
        cc_pyspark.install(said.append)


@pytest.mark.usefixtures("cache")
def test_says_how_it_is_installed() -> None:
    """By the benchmark, and when it is run; the command is the one that installs it."""
    command = "python -m bigdata_demos.bench.engines.cc_pyspark install"
    _, absent = contestants.choose(["serial"], ["cc-pyspark"], [1], [])
    assert absent["cc-pyspark"] == f"not installed: {command}"
    line = [sys.executable, "-m", "bigdata_demos.bench.engines.peers", "cc-pyspark", CRAWL]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"error: cc-pyspark is not installed: {command}\n")
    done = subprocess.run([sys.executable, *command.split()[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error: cc-pyspark cannot be installed" in done.stderr


def test_runs_on_this_machine_only() -> None:
    """On a Spark cluster the benchmark leaves it where it can run; it refuses one itself. Installed, it is not installed again."""
    require_cc_pyspark()
    chosen, absent = contestants.choose(["spark"], ["cc-pyspark"], [2], [URL])
    assert absent == {}
    assert [(one.name, one.cluster) for one in chosen if one.name in peers.PEERS] == [("cc-pyspark", "")]
    line = [sys.executable, "-m", "bigdata_demos.bench.engines.peers", "cc-pyspark", "--cluster", URL, CRAWL]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cc-pyspark runs on this machine only" in done.stderr
    assert cc_pyspark.install(pytest.fail) == cc_pyspark.directory()
