"""Avro's own Java implementation, all of it in one jar from Maven Central, and ``java/*.java`` compiled by Eclipse's compiler."""

import hashlib
import os
import subprocess
from pathlib import Path

from bigdata_demos.cluster.hadoop.jars import Jar, fetch
from bigdata_demos.cluster.java import find_java
from bigdata_demos.errors import BigDataDemosError

HERE = Path(__file__).parent
SHORT = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""What makes a Java that runs for seconds run for fewer."""


def directory() -> Path:
    """Where the jars are kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "bigdata_demos" / "avro-java"


def fetched(artifact: str) -> Path:
    """A jar of ``java.sha256``, fetched if it is not there, checked each time.

    Raises:
        OSError, EngineUnavailable: if it cannot be had, or is another one.

    """
    lines = [line.split() for line in (HERE / "java.sha256").read_text(encoding="ascii").splitlines()]
    [jar] = [Jar(path, sha256) for sha256, path in lines if f"/{artifact}/" in path]
    kept = directory()
    kept.mkdir(parents=True, exist_ok=True)
    there = kept / jar.name
    if not there.exists() or hashlib.sha256(there.read_bytes()).hexdigest() != jar.sha256:
        fetch(jar, kept)
    return there


def prepare(classes: Path, memory: str = "128m") -> tuple[list[str], str]:
    """A command line of Java that lacks the class's name only, and ``""``; or why there is none."""
    try:
        java = find_java("avro")
        tools, compiler = fetched("avro-tools"), fetched("ecj")
    except (BigDataDemosError, OSError) as error:
        return [], f"no Java for Avro: {error}"
    sources = [str(each) for each in sorted((HERE / "java").glob("*.java"))]
    compile_all = [java, *SHORT, "-jar", str(compiler), "--release", "17", "-cp", str(tools), "-d", str(classes), *sources]
    subprocess.run(compile_all, check=True, timeout=120)
    return [java, f"-Xmx{memory}", *SHORT, "-cp", f"{classes}{os.pathsep}{tools}"], ""
