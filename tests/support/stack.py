"""The compose cluster of the tests."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bigdata_demos.cluster.docker import find_compose

TEST_PROJECT = f"bigdata-demos-test-{os.getuid()}"


@dataclass(frozen=True)
class Stack:
    """The compose cluster that the tests run against: not the user's own, but another project, on other ports, with its own secret."""

    address: str
    shared: Path
    run: Path
    ports: Mapping[str, int]

    def cluster(self, *arguments: str, **more: Any) -> "subprocess.CompletedProcess[str]":
        """Run ``bigdata-demos cluster`` on it."""
        line = [sys.executable, "-m", "bigdata_demos.cluster", *arguments]
        return subprocess.run(line, capture_output=True, text=True, timeout=600, check=False, **more)

    def containers(self, form: str) -> list[str]:
        """What ``docker ps`` says of each of its containers."""
        chosen = ["--filter", f"label=com.docker.compose.project={TEST_PROJECT}"]
        return subprocess.run(
            ["docker", "ps", *chosen, "--format", form], capture_output=True, text=True, check=True
        ).stdout.splitlines()

    def driver(self, script: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a Python script, which is below the root, in a container where the command could run."""
        compose = find_compose()
        entry = ["--entrypoint", "python -m bigdata_demos.cluster.container python"]
        line = compose.line("run", "--rm", "-T", *entry, "keywords", str(script), *arguments)
        return subprocess.run(line, env=compose.environment, capture_output=True, text=True, timeout=600, check=False)
