"""Hadoop's jars: those of ``pom.xml`` with the checksums of ``jars.sha256``, downloaded once from Maven Central.

Maven itself makes the list (``make hadoop-jars``), and is not needed otherwise.
"""

import hashlib
import os
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from ...errors import EngineUnavailable
from ...storage.atomic import atomic
from ...storage.cache import cache_directory
from . import classes

VERSION: Final = "3.4.2"
_MEGABYTES: Final = 97  # the size of all jars together
HERE: Final = Path(__file__).parent
_CENTRAL: Final = "https://repo.maven.apache.org/maven2"
MIRROR: Final = "BIGDATA_DEMOS_MAVEN"
"""The environment variable for another repository than Maven Central, such as a company's mirror."""
DIRECTORY: Final = "BIGDATA_DEMOS_HADOOP_JARS"
"""The environment variable for the directory of the jars; the default is in the user's cache directory."""


class Jar(NamedTuple):
    """A jar: its path in the repository, and the SHA-256 of its bytes."""

    path: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.rpartition("/")[2]


def listed() -> list[Jar]:
    """Return the list of jars."""
    lines = (HERE / "jars.sha256").read_text(encoding="ascii").splitlines()
    return [Jar(path, sha256) for sha256, path in (line.split() for line in lines)]


def directory() -> Path:
    """Return the directory of the jars."""
    if given := os.environ.get(DIRECTORY):
        return Path(given).expanduser().absolute()
    return cache_directory(f"hadoop-{VERSION}")


def missing() -> list[Jar]:
    """Return the jars that are not in the directory."""
    return [jar for jar in listed() if not (directory() / jar.name).exists()]


def install(say: Callable[[str], None]) -> Path:
    """Download the jars that are missing; return their directory.

    Raises EngineUnavailable if one cannot be downloaded, or has another checksum.
    """
    target = directory()
    if absent := missing():
        share = -(-_MEGABYTES * len(absent) // len(listed()))
        say(f"fetching Hadoop {VERSION} from Maven Central: {len(absent)} jars, about {share} MB, into {target}")
        try:
            target.mkdir(parents=True, exist_ok=True)
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda jar: fetch(jar, target), absent))
        except OSError as error:
            raise EngineUnavailable(
                f"Hadoop's jars cannot be had: {error}: is there a network, or a mirror for {MIRROR}=URL?"
            ) from error
    try:
        classes.write_class_path(target)
    except OSError as error:
        raise EngineUnavailable(f"the list of Hadoop's jars cannot be written to {target}: {error.strerror}") from error
    return target


def fetch(jar: Jar, target: Path) -> None:
    """Download a jar; its file appears when it is complete.

    Raises OSError if it cannot be downloaded; EngineUnavailable if it has another checksum.
    """
    url = f"{(os.environ.get(MIRROR) or _CENTRAL).rstrip('/')}/{jar.path}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        data = answer.read()
    if hashlib.sha256(data).hexdigest() != jar.sha256:
        raise EngineUnavailable(f"{url} is not the expected jar: its SHA-256 is {hashlib.sha256(data).hexdigest()}")
    with atomic(target / jar.name) as file:
        file.write(data)


def _write_list(repository: Path, names: list[str]) -> str:
    """Return the list for jars, given by their files' names, in Maven's local repository."""
    paths = [path for path in sorted(repository.rglob("*.jar")) if path.name in names]
    hashed = ((path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths)
    return "".join(f"{sha256}  {path.relative_to(repository).as_posix()}\n" for path, sha256 in hashed)


if __name__ == "__main__":
    if sys.argv[1] == "install":  # used by docker/Dockerfile
        install(print)
    else:  # `list`, used by `make hadoop-jars`: arguments are Maven's local repository, and a directory with the jars to list
        found = {path.name for path in Path(sys.argv[3]).glob("*.jar")}
        (HERE / "jars.sha256").write_text(_write_list(Path(sys.argv[2]), sorted(found)), encoding="ascii")
