"""Avro's own Java implementation of RPC: its jars from Maven Central, and ``java/*.java`` compiled by Eclipse's compiler."""

import hashlib
import os
import subprocess
from pathlib import Path

from bigdata_demos.cluster.hadoop.jars import Jar, fetch
from bigdata_demos.cluster.java import find_java
from bigdata_demos.errors import BigDataDemosError

HERE = Path(__file__).parent


def directory() -> Path:
    """Where the jars are kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "bigdata_demos" / "avro-rpc"


def jars() -> list[Path]:
    """The jars of ``java.sha256``, fetched if they are not there, checked each time."""
    kept = directory()
    kept.mkdir(parents=True, exist_ok=True)
    paths = []
    for line in (HERE / "java.sha256").read_text(encoding="ascii").splitlines():
        sha256, path = line.split()
        jar = Jar(path, sha256)
        there = kept / jar.name
        if not there.exists() or hashlib.sha256(there.read_bytes()).hexdigest() != sha256:
            fetch(jar, kept)
        paths.append(there)
    return paths


def prepare(classes: Path) -> tuple[list[str], str]:
    """A command line of Java that lacks the class's name only, and ``""``; or why there is none."""
    try:
        java = find_java("avro-rpc")
        all_jars = jars()
    except (BigDataDemosError, OSError) as error:
        return [], f"no Java for Avro's RPC: {error}"
    [compiler] = [path for path in all_jars if path.name.startswith("ecj-")]
    path = os.pathsep.join(str(each) for each in all_jars if each != compiler)
    sources = [str(each) for each in sorted((HERE / "java").glob("*.java"))]
    subprocess.run(
        [java, "-jar", str(compiler), "--release", "17", "-cp", path, "-d", str(classes), *sources], check=True, timeout=120
    )
    return [java, "-Xmx128m", "-cp", f"{classes}{os.pathsep}{path}"], ""
