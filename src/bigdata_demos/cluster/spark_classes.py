"""The classes that Spark's JVMs share: see :mod:`.shared_classes`. Their list is made by ``make spark-classes``."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ..errors import EngineNotInstalled, EngineUnavailable
from ..storage.cache import cache_directory
from .java import find_java
from .shared_classes import SharedClasses, write_list

DIRECTORY: Final = "BIGDATA_DEMOS_SPARK_CLASSES"
"""The environment variable for the directory of the shared classes; the default is in the user's cache directory."""
IN_IMAGE: Final = Path("/opt/spark")
"""Their directory in the image of the compose cluster."""
_LIST: Final = Path(__file__).with_name("spark-classes.txt.gz")
_ARCHIVE: Final = "classes.jsa"
_HOME: Final = "pyspark"  # a symbolic link beside the archive, to the pyspark that it was made for


def home() -> Path:
    """Return Spark's directory: that of pyspark. Raises EngineNotInstalled if it is not there."""
    spark = find_spec("pyspark")
    if spark is None or not spark.origin:
        raise EngineNotInstalled("pyspark is not installed: pip install 'pyspark>=4.1,<4.4'")
    return Path(spark.origin).parent


def directory() -> Path:
    """Return the directory of the shared classes of this pyspark; they are not valid for another one's jars."""
    if given := os.environ.get(DIRECTORY):
        return Path(given).expanduser().absolute()
    place = hashlib.sha256(os.fsencode(home())).hexdigest()[:8]
    return cache_directory(f"spark-{place}")


def java_options(where: Path) -> str:
    """Return the options for Spark's JVMs, as its settings quote them, with the shared classes in a directory if they were made.

    The JVMs only pass bytes on, so the optimizing compiler would take more time than it saves. They write nothing about shared
    classes that were made for another Java or class path, which would go to the standard output.
    """
    return f'-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xlog:disable "-XX:SharedArchiveFile={where / _ARCHIVE}"'


def prepare(say: Callable[[str], None]) -> None:
    """Make the file of the shared classes, unless it is there.

    Raises EngineNotInstalled if pyspark or Java is missing, EngineUnavailable if Spark's launcher does not know its class path.
    """
    java, where = find_java(), directory()
    with suppress(OSError):  # if it cannot be made, the classes cannot be either, which is told
        where.mkdir(parents=True, exist_ok=True)
    if not os.environ.get(DIRECTORY):
        with suppress(OSError):
            (where / _HOME).unlink(missing_ok=True)
            (where / _HOME).symlink_to(home())
            _remove_obsolete(where.parent)
    SharedClasses("Spark", _LIST, where / _ARCHIVE, _class_path(java)).make(java, say)


def _remove_obsolete(cache: Path) -> None:
    """Remove the shared classes (110 MB each) of installations of pyspark that no longer exist."""
    for note in cache.glob(f"spark-*/{_ARCHIVE}.made-for"):
        if not (note.parent / _HOME).exists():
            shutil.rmtree(note.parent, ignore_errors=True)


def _class_path(java: str) -> str:
    """Return the class path of Spark's programs, from its launcher, which answers with a command line."""
    launcher = [java, "-cp", f"{home()}/jars/*", "org.apache.spark.launcher.Main", "org.apache.spark.deploy.worker.Worker"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    variables |= {"SPARK_HOME": str(home()), "SPARK_SCALA_VERSION": "of no build"}  # or it looks for that of a developer
    done = subprocess.run(launcher, env=variables, capture_output=True, text=True, check=False)
    words = done.stdout.lstrip("\0\n").split("\0")
    if done.returncode or "-cp" not in words:
        raise EngineUnavailable(f"Spark's launcher fails: {done.stderr.strip().partition(chr(10))[0] or 'no message'}")
    return words[words.index("-cp") + 1]


if __name__ == "__main__":
    if sys.argv[1] == "share":  # used by docker/Dockerfile
        prepare(print)
    else:  # `list`, used by `make spark-classes`: arguments are recorded lists
        write_list(_LIST, map(Path, sys.argv[2:]))
