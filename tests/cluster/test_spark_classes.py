"""Spark's shared classes: valid for the class path that Spark's launcher makes, and used by its programs."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from bigdata_demos.cluster import cli, shared_classes, spark_classes
from bigdata_demos.cluster.java import find_java
from bigdata_demos.errors import EngineUnavailable
from tests.support.requirements import require


def test_programs_share_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Spark's master gets its classes from the file: with ``-Xshare:on``, Java refuses to start without a valid one."""
    require("spark")
    spark_classes.prepare(lambda _: None)
    assert cli.main(["prepare"]) == 0
    assert "Spark" not in capsys.readouterr().err  # it is made once
    log = tmp_path / "classes.log"
    options = f"{spark_classes.java_options(spark_classes.directory())} -Xshare:on -Xlog:class+load:file={log}"
    environment = os.environ | {"SPARK_HOME": str(spark_classes.home()), "SPARK_DAEMON_JAVA_OPTS": options}
    line = ["bash", f"{spark_classes.home()}/bin/spark-class", "org.apache.spark.deploy.master.Master", "--help"]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
    assert "Usage: Master" in done.stdout + done.stderr
    loaded = [one for one in log.read_text().splitlines() if " org.apache.spark." in one and "$$Lambda" not in one]
    shared = [one for one in loaded if "source: shared objects file" in one]
    assert len(loaded) > 20
    assert len(shared) > 0.75 * len(loaded)  # the job shows no usage, so some classes are not in the list


def test_each_pyspark_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two environments do not replace each other's classes; those of a removed environment are removed."""
    require("spark")
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.delenv(spark_classes.DIRECTORY, raising=False)
    monkeypatch.setattr(shared_classes.SharedClasses, "make", lambda *_: None)
    real, homes = spark_classes.home(), [tmp_path / name / "pyspark" for name in ("one", "two")]
    places = []
    for home in homes:
        home.parent.mkdir()
        home.symlink_to(real)
        monkeypatch.setattr(spark_classes, "home", lambda home=home: home)
        spark_classes.prepare(lambda _: None)
        places.append(spark_classes.directory())
        (places[-1] / "classes.jsa.made-for").touch()
    assert len({*places}) == 2
    earlier = cache / "bigdata_demos/spark-4.0.0"  # of a version of this package that named it after pyspark's version
    earlier.mkdir()
    (earlier / "classes.jsa.made-for").touch()
    (cache / "bigdata_demos/spark-of-the-user").mkdir()
    homes[0].unlink()
    monkeypatch.setenv(spark_classes.DIRECTORY, str(cache / "bigdata_demos/other"))
    spark_classes.prepare(lambda _: None)
    assert all(place.is_dir() for place in (*places, earlier))  # only the user's cache directory is tidied up
    monkeypatch.delenv(spark_classes.DIRECTORY)
    spark_classes.prepare(lambda _: None)
    assert [place.exists() for place in (*places, earlier)] == [False, True, False]
    assert (cache / "bigdata_demos/spark-of-the-user").is_dir()


def test_file_that_is_not_valid_is_ignored(tmp_path: Path) -> None:
    """A JVM starts without shared classes, and writes nothing about it, for which it would take its standard output."""
    java = find_java()
    (tmp_path / "classes.jsa").write_bytes(b"of another Java")
    for directory in (tmp_path, tmp_path / "not there"):
        options = shlex.split(spark_classes.java_options(directory))
        done = subprocess.run([java, *options, "-version"], capture_output=True, text=True, check=True)
        assert done.stdout == ""
        assert "version" in done.stderr.splitlines()[0]


def test_launcher_that_fails(tmp_path: Path) -> None:
    """Its message is in the error."""
    require("spark")
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'no such class' >&2; exit 1\n", encoding="ascii")
    java.chmod(0o700)
    with pytest.raises(EngineUnavailable, match="Spark's launcher fails: no such class"):
        spark_classes._class_path(str(java))
