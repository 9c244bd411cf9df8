"""Finds the Java that Spark and Hadoop need."""

import os
import re
import shutil
import subprocess
from typing import Final

from ..errors import EngineNotInstalled

_OLDEST: Final = 17  # the oldest version for Spark 4; Hadoop runs on it, too
_ADVICE: Final = f"install Java {_OLDEST} (Debian: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17)"


def find_java(engine: str = "spark") -> str:
    """Return the path of a Java that is new enough: of ``JAVA_HOME``, or on the ``PATH``.

    Raises EngineNotInstalled if there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if not java or not os.access(java, os.X_OK):
        where = f"JAVA_HOME is {home}, which has no bin/java" if home else "no java on the PATH"
        raise EngineNotInstalled(f"engine {engine} needs Java, and there is {where}: {_ADVICE}")
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineNotInstalled(f"{java} does not run ({error}): {_ADVICE}") from None
    match = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    if not match:
        raise EngineNotInstalled(f"{java} -version does not say which Java it is: {_ADVICE}")
    if int(match[1]) < _OLDEST:
        raise EngineNotInstalled(
            f"{java} is Java {match[1]}, and {engine.capitalize()} needs {_OLDEST} or newer: {_ADVICE}, and set JAVA_HOME"
        )
    return java
