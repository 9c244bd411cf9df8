"""The classes that Hadoop's JVMs share: see :mod:`..shared_classes`. Their list is made by ``make hadoop-classes``."""

import os
import sys
import zipfile
from pathlib import Path
from typing import Final

from ...storage.atomic import atomic
from ..java import find_java
from ..shared_classes import SharedClasses, write_list

_LIST: Final = Path(__file__).with_name("classes.txt.gz")
_ARCHIVE: Final = "classes.jsa"
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


def shared(jars: Path) -> SharedClasses:
    """Return the classes of the jars in a directory."""
    return SharedClasses("Hadoop", _LIST, jars / _ARCHIVE, str(jars / _CLASS_PATH))


if __name__ == "__main__":
    if sys.argv[1] == "share":  # used by docker/Dockerfile
        shared(Path(os.environ["BIGDATA_DEMOS_HADOOP_JARS"])).make(find_java("hadoop"), print)
    else:  # `list`, used by `make hadoop-classes`: arguments are recorded lists
        write_list(_LIST, map(Path, sys.argv[2:]))
