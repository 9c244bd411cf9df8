"""Hadoop's shared classes: made by a real Java, used by a real program; and a Java that cannot make them."""

import os
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

from bigdata_demos.cluster.hadoop import classes, client, jars
from bigdata_demos.cluster.java import find_java
from tests.support.requirements import require


def test_programs_share_classes(tmp_path: Path) -> None:
    """Hadoop's shell gets its classes from the file: with ``-Xshare:on``, Java refuses to start without a valid one."""
    require("hadoop")
    directory = jars.install(lambda _: None)
    classes.share(directory, find_java("hadoop"), lambda _: None)
    told: list[str] = []
    classes.share(directory, find_java("hadoop"), told.append)
    assert told == []  # it is made once
    (tmp_path / "core-site.xml").write_text("<configuration/>", encoding="utf-8")
    hadoop = client.Hadoop(tmp_path, directory)
    options = (*client.CLIENT, "-Xshare:on", "-Xlog:class+load")
    line = client.command(hadoop, "org.apache.hadoop.fs.FsShell", "-ls", f"file://{tmp_path}", jvm=options)
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert "core-site.xml" in done.stdout
    loaded = [one for one in done.stdout.splitlines() if " org.apache.hadoop." in one and "source: " in one]
    shared = [one for one in loaded if "source: shared objects file" in one]
    assert len(loaded) > 200
    assert len(shared) > 0.75 * len(loaded)  # the job does not use the shell, so some of its classes are not in the list


JAVA = """#!/bin/sh
[ -z "$CALLS" ] || echo "$@" >> "$CALLS"
case "$1" in -version) echo 'openjdk version "17.0.1"' >&2 ;; *) exit 1 ;; esac
"""


def test_java_that_cannot_make_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left but a note, so that it is tried once; another Java is tried again."""
    java = tmp_path / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(JAVA, encoding="ascii")
    java.chmod(java.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    directory = tmp_path / "jars"
    directory.mkdir()
    (directory / "classes.jsa").touch()  # of another Java
    told: list[str] = []
    for _ in range(2):
        classes.share(directory, str(java), told.append)
        assert os.listdir(directory) == ["classes.jsa.made-for"]
    assert len(told) == 1
    assert (tmp_path / "calls").read_text().count("-Xshare:dump") == 1
    java.write_text(JAVA.replace("17.0.1", "17.0.2"), encoding="ascii")
    classes.share(directory, str(java), told.append)
    assert len(told) == 2


def test_directory_that_cannot_be_written_to(tmp_path: Path) -> None:
    """Hadoop starts all the same, and it is said why it is slower."""
    java = tmp_path / "java"
    java.write_text(JAVA, encoding="ascii")
    java.chmod(0o700)
    told: list[str] = []
    classes.share(tmp_path / "not there", str(java), told.append)
    assert "so that its programs start more slowly: No such file or directory" in told[-1]


def test_class_path_is_written_once(tmp_path: Path) -> None:
    """Its manifest has lines of at most 72 bytes; the file stays, as shared classes are valid for its time only."""
    names = [f"library-{number:03}-1.2.3.jar" for number in range(100)]
    for name in names:
        (tmp_path / name).touch()
    classes.write_class_path(tmp_path)
    written = (tmp_path / "classpath.jar").stat()
    classes.write_class_path(tmp_path)
    assert (tmp_path / "classpath.jar").stat() == written
    with zipfile.ZipFile(tmp_path / "classpath.jar") as archive:
        text = archive.read("META-INF/MANIFEST.MF").decode()
    assert max(map(len, text.split("\r\n"))) <= 70
    assert text.replace("\r\n ", "").split("\r\n")[1] == f"Class-Path: {' '.join(names)}"
