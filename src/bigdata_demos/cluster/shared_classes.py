"""Class-data sharing: the classes of a JVM's programs in one file, which each JVM maps into memory instead of reading jars.

Most of the time of a small job goes into loading and verifying classes, anew in each of its JVMs. A file is made once for each
Java, of a list of classes that a run of the job has loaded; a JVM that it was not made for ignores it. See "Application Class
Data Sharing" in https://docs.oracle.com/en/java/javase/17/docs/specs/man/java.html.
"""

import gzip
import hashlib
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..storage.atomic import atomic


@dataclass(frozen=True)
class SharedClasses:
    """Classes that JVMs share.

    Attributes:
        engine: whose programs they are, for messages.
        names: the list of their names, compressed by gzip.
        archive: the file that is made of them.
        class_path: the class path that the programs' class path begins with.
    """

    engine: str
    names: Path
    archive: Path
    class_path: str

    def make(self, java: str, say: Callable[[str], None]) -> None:
        """Make the file for a Java, unless it is there. Without it, JVMs only start more slowly."""
        try:
            self._make(java, say)
        except OSError as error:
            where, why = self.archive.parent, error.strerror
            say(f"{self.engine}'s classes cannot be prepared in {where}, so that its programs start more slowly: {why}")

    def _make(self, java: str, say: Callable[[str], None]) -> None:
        version = subprocess.run([java, "-version"], capture_output=True, check=True).stderr
        made_for = hashlib.sha256(self.names.read_bytes() + version + self._jars().encode()).hexdigest()
        note = self.archive.with_name(f"{self.archive.name}.made-for")
        with suppress(OSError):
            if note.read_text(encoding="ascii") == made_for:
                return
        say(f"preparing {self.engine}'s classes for this Java, which takes half a minute once, and halves each later start")
        with tempfile.TemporaryDirectory(dir=self.archive.parent) as directory:
            names, archive = Path(directory) / "classes.txt", Path(directory) / self.archive.name
            names.write_bytes(gzip.decompress(self.names.read_bytes()))
            line = [java, "-Xshare:dump", "-Xlog:disable", "-Xlog:all=off", "-XX:+UseSerialGC"]
            line += [f"-XX:SharedClassListFile={names}", f"-XX:SharedArchiveFile={archive}", "-cp", self.class_path]
            done = subprocess.run(
                line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
            )
            if done.returncode == 0 and archive.exists():
                archive.replace(self.archive)
            else:
                self.archive.unlink(missing_ok=True)
        with atomic(note) as file:
            file.write(made_for.encode("ascii"))

    def _jars(self) -> str:
        """Return the class path, with the sizes and times of its jars: of other jars of the same names, the file is not valid."""
        patterns = [Path(f"{entry}.jar") if entry.endswith("*") else Path(entry) for entry in self.class_path.split(":")]
        jars = sorted(jar for pattern in patterns for jar in pattern.parent.glob(pattern.name))
        return "\n".join([self.class_path, *(f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}" for jar in jars)])


def write_list(names: Path, recorded: Iterable[Path]) -> None:
    """Write the list of the classes that JVMs have recorded (``-XX:DumpLoadedClassList``): those of files, then those of lambdas.

    Other classes that were made at run time, such as proxies, cannot be shared.
    """
    lines = {line for path in recorded for line in path.read_text(encoding="utf-8").split("\n")}
    classes = {line for line in lines if line and line[0] not in "#@" and " " not in line and "$Proxy" not in line}
    lambdas = {line for line in lines if line.startswith(("@lambda-proxy ", "@lambda-form-invoker "))}
    with atomic(names) as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as compressed:
        compressed.write("".join(f"{line}\n" for line in (*sorted(classes), *sorted(lambdas))).encode())
