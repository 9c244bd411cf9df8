"""Shared classes: a Java that cannot make them, a directory that cannot take them, and their list."""

import dataclasses
import gzip
import os
import stat
from pathlib import Path

import pytest

from bigdata_demos.cluster import shared_classes


def classes_in(directory: Path) -> shared_classes.SharedClasses:
    """The classes of a program, of which there is only a list."""
    names = directory.parent / "names.txt.gz"
    names.write_bytes(gzip.compress(b"java/lang/Object\n"))
    return shared_classes.SharedClasses("Sparkoop", names, directory / "classes.jsa", "/no/such.jar")


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
    directory = tmp_path / "classes"
    directory.mkdir()
    (directory / "classes.jsa").touch()  # of another Java
    shared = classes_in(directory)
    told: list[str] = []
    for _ in range(2):
        shared.make(str(java), told.append)
        assert os.listdir(directory) == ["classes.jsa.made-for"]
    assert len(told) == 1
    assert (tmp_path / "calls").read_text().count("-Xshare:dump") == 1
    java.write_text(JAVA.replace("17.0.1", "17.0.2"), encoding="ascii")
    shared.make(str(java), told.append)
    assert len(told) == 2


def test_directory_that_cannot_be_written_to(tmp_path: Path) -> None:
    """The program starts all the same, and it is said why it is slower."""
    java = tmp_path / "java"
    java.write_text(JAVA, encoding="ascii")
    java.chmod(0o700)
    told: list[str] = []
    classes_in(tmp_path / "not there").make(str(java), told.append)
    assert "so that its programs start more slowly: No such file or directory" in told[-1]


def test_other_jars_of_the_same_names(tmp_path: Path) -> None:
    """The file is made again: a Java would ignore one that was made of other jars, as when an environment was made anew."""
    jar, directory = tmp_path / "jars" / "one.jar", tmp_path / "classes"
    for one in (jar.parent, directory):
        one.mkdir()
    jar.write_bytes(b"one")
    java = tmp_path / "java"
    java.write_text(JAVA, encoding="ascii")
    java.chmod(0o700)
    for class_path in (f"/no/conf:{jar.parent}/*", str(jar)):
        shared = dataclasses.replace(classes_in(directory), class_path=class_path)
        told: list[str] = []
        for change in (None, "time", None):
            if change:
                os.utime(jar, (1, jar.stat().st_mtime + 5))
            shared.make(str(java), told.append)
        assert len(told) == 2


def test_list_has_what_can_be_shared(tmp_path: Path) -> None:
    """Classes of files first, then those of lambdas; not what is made anew in each JVM, nor what is there to be read by people."""
    (tmp_path / "1.txt").write_text("# a comment\n@lambda-proxy org/B run ()V\norg/B\norg/A id: 7\norg/A$$Proxy12\n")
    (tmp_path / "2.txt").write_text("@lambda-form-invoker [SPECIES_RESOLVE] x\norg/A\norg/B\n@other\n")
    shared_classes.write_list(tmp_path / "list.gz", [tmp_path / "1.txt", tmp_path / "2.txt"])
    lines = gzip.decompress((tmp_path / "list.gz").read_bytes()).decode().splitlines()
    assert lines == ["org/A", "org/B", "@lambda-form-invoker [SPECIES_RESOLVE] x", "@lambda-proxy org/B run ()V"]
