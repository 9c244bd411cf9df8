"""Secrets of clusters of local processes: only their owner can read them, and they end with the cluster."""

import os
import stat
from pathlib import Path

import pytest

from bigdata_demos.cluster import credentials
from bigdata_demos.errors import EngineUnavailable

URL = "spark://127.0.0.1:23456"


def test_a_secret_is_found_by_the_address_while_the_cluster_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File and directory are private, whatever the umask, and what an earlier cluster of the same port has left is replaced."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    old = credentials.path_for(URL)
    old.parent.mkdir(parents=True)
    old.write_text("old")
    before = os.umask(0)
    try:
        with credentials.kept(URL) as path:
            assert not path.exists()
            credentials.write(path, "new")
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert credentials.find(URL) == credentials.find("spark://localhost:23456") == path
            assert path.read_text() == "new"
            assert credentials.find("spark://127.0.0.1:23457") is None
            assert credentials.find("tls://127.0.0.1:23456") is None
            assert credentials.find("spark://192.0.2.1:23456") is None  # a machine with a cluster at the same port
    finally:
        os.umask(before)
    assert credentials.find(URL) is None
    assert not path.exists()


def test_a_secret_that_others_can_read_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to do."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with credentials.kept(URL) as path:
        credentials.write(path, "a secret")
        path.chmod(0o640)
        with pytest.raises(EngineUnavailable, match=r"is not private to user .*: remove it"):
            credentials.find(URL)


def test_no_directory_for_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state directory is a file."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(EngineUnavailable, match=r"no private directory .*: set XDG_STATE_HOME"), credentials.kept(URL):
        pass
