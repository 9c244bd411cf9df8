"""Hadoop's jars: fetched from a repository, checked against the list; and what the container image fetches them with."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bigdata_demos.cluster.hadoop import jars
from bigdata_demos.errors import EngineUnavailable
from tests.support.paths import ROOT
from tests.support.requirements import require


def test_jars_are_what_the_list_says() -> None:
    """All of them, with their checksums; and Streaming and Avro's input format are among them."""
    require("hadoop")
    found = jars.install(lambda _: None)
    names = {jar.name for jar in jars.listed()}
    assert {f"hadoop-streaming-{jars.VERSION}.jar", f"hadoop-hdfs-{jars.VERSION}.jar"} <= names
    assert any(name.startswith("avro-mapred-") for name in names)
    assert all((found / name).exists() for name in names)


def test_damaged_jar_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another file than the one of the list is not kept."""
    mirror = tmp_path / "mirror"
    jar = jars.listed()[0]
    (mirror / jar.path).parent.mkdir(parents=True)
    (mirror / jar.path).write_bytes(b"something else")
    monkeypatch.setenv(jars.MIRROR, mirror.as_uri())
    monkeypatch.setattr(jars, "listed", lambda: [jar])
    monkeypatch.setenv(jars.DIRECTORY, str(tmp_path / "kept"))
    with pytest.raises(EngineUnavailable, match="is not the expected jar"):
        jars.install(lambda _: None)
    assert not list((tmp_path / "kept").iterdir())
    monkeypatch.setenv(jars.MIRROR, (tmp_path / "nowhere").as_uri())
    with pytest.raises(EngineUnavailable, match="Hadoop's jars cannot be had"):
        jars.install(lambda _: None)


def test_image_copies_the_modules_that_fetch_the_jars(tmp_path: Path) -> None:
    """The first stage of the image copies some modules only, and has no packages: the program starts with them alone."""
    stage = (ROOT / "docker" / "Dockerfile").read_text().split("\nFROM ")[1].replace("\\\n", " ")
    for copied in re.findall(r"^COPY (.+)$", stage, re.MULTILINE):
        *files, target = copied.split()
        directory = tmp_path / target.lstrip("/")
        directory.mkdir(parents=True)
        for file in files:
            shutil.copy(ROOT / file, directory)
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        jars.MIRROR: (tmp_path / "nowhere").as_uri(),
        jars.DIRECTORY: str(tmp_path / "installed"),
    }
    line = [sys.executable, "-S", "-m", "bigdata_demos.cluster.hadoop.jars", "install"]
    done = subprocess.run(line, cwd=tmp_path / "jars", env=environment, capture_output=True, text=True, check=False)
    assert "Hadoop's jars cannot be had" in done.stderr
