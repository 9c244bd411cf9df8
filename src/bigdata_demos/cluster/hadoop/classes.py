"""Class-data sharing: the classes of Hadoop's programs in one file, which each JVM maps into memory instead of reading jars.

Most of the time of a small job goes into loading and verifying classes, anew in each of its JVMs. The file is made once for each
Java, of the classes in ``classes.txt.gz``: those that a run of the job loads (``make hadoop-classes``). A JVM that it was not
made for ignores it. See "Application Class Data Sharing" in https://docs.oracle.com/en/java/javase/17/docs/specs/man/java.html.
"""

import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from ...storage.atomic import atomic
from ..java import find_java

_LIST: Final = Path(__file__).with_name("classes.txt.gz")
_ARCHIVE: Final = "classes.jsa"
_MADE_FOR: Final = "classes.jsa.made-for"
_CLASS_PATH: Final = "classpath.jar"
_LINE: Final = 70  # characters of a line in a jar's manifest, without its end


def options(jars: Path, *others: str) -> list[str]:
    """Return the JVM's options for a class path of all jars in a directory and ``others``, with shared classes if they were made.

    The jars are named by the manifest of one jar: the file is valid for a class path that begins as that which it was made with.
    """
    return [f"-XX:SharedArchiveFile={jars / _ARCHIVE}", "-cp", ":".join([str(jars / _CLASS_PATH), *others])]


def write_class_path(jars: Path) -> None:
    """Write the jar whose manifest names all others in the directory, unless it is there."""
    if (jars / _CLASS_PATH).exists():
        return
    names = " ".join(sorted(path.name for path in jars.glob("*.jar")))
    text = f"Class-Path: {names}"
    lines = [text[:_LINE]] + [f" {text[at : at + _LINE - 1]}" for at in range(_LINE, len(text), _LINE - 1)]
    with atomic(jars / _CLASS_PATH) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "\r\n".join(["Manifest-Version: 1.0", *lines, "", ""]))


def share(jars: Path, java: str, say: Callable[[str], None]) -> None:
    """Make the file of shared classes for a Java, unless it is there. Without it, JVMs only start more slowly."""
    try:
        _share(jars, java, say)
    except OSError as error:
        say(f"Hadoop's classes cannot be prepared in {jars}, so that its programs start more slowly: {error.strerror}")


def _share(jars: Path, java: str, say: Callable[[str], None]) -> None:
    version = subprocess.run([java, "-version"], capture_output=True, check=True).stderr
    made_for = hashlib.sha256(_LIST.read_bytes() + version + str(jars).encode()).hexdigest()
    with suppress(OSError):
        if (jars / _MADE_FOR).read_text(encoding="ascii") == made_for:
            return
    say("preparing Hadoop's classes for this Java, which takes half a minute once, and halves each later start")
    with tempfile.TemporaryDirectory(dir=jars) as directory:
        names, archive = Path(directory) / "classes.txt", Path(directory) / _ARCHIVE
        names.write_bytes(gzip.decompress(_LIST.read_bytes()))
        line = [java, "-Xshare:dump", "-Xlog:disable", "-Xlog:all=off", "-XX:+UseSerialGC"]
        line += [f"-XX:SharedClassListFile={names}", f"-XX:SharedArchiveFile={archive}", "-cp", str(jars / _CLASS_PATH)]
        done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if done.returncode == 0 and archive.exists():
            archive.replace(jars / _ARCHIVE)
        else:
            (jars / _ARCHIVE).unlink(missing_ok=True)
    with atomic(jars / _MADE_FOR) as file:
        file.write(made_for.encode("ascii"))


def _write_list(recorded: Iterable[Path]) -> None:
    """Write the list of the classes that JVMs have recorded (``-XX:DumpLoadedClassList``), without those made at run time."""
    names = {name for path in recorded for name in path.read_text(encoding="utf-8").split("\n") if name and name[0] not in "#@"}
    with atomic(_LIST) as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as compressed:
        compressed.write("".join(f"{name}\n" for name in sorted(names) if " " not in name).encode())


if __name__ == "__main__":
    if sys.argv[1] == "share":  # used by docker/Dockerfile
        share(Path(os.environ["BIGDATA_DEMOS_HADOOP_JARS"]), find_java("hadoop"), print)
    else:  # `list`, used by `make hadoop-classes`: arguments are recorded lists
        _write_list(map(Path, sys.argv[2:]))
