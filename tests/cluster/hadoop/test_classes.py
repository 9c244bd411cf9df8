"""Hadoop's shared classes: made by a real Java, used by a real program."""

import subprocess
import zipfile
from pathlib import Path

from bigdata_demos.cluster.hadoop import classes, client, jars
from bigdata_demos.cluster.java import find_java
from tests.support.requirements import require


def test_programs_share_classes(tmp_path: Path) -> None:
    """Hadoop's shell gets its classes from the file: with ``-Xshare:on``, Java refuses to start without a valid one."""
    require("hadoop")
    directory = jars.install(lambda _: None)
    classes.shared(directory).make(find_java("hadoop"), lambda _: None)
    told: list[str] = []
    classes.shared(directory).make(find_java("hadoop"), told.append)
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
