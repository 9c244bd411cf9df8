"""Hadoop's programs in a pipe of a shell."""

import shlex
import subprocess
import sys
from pathlib import Path

from bigdata_demos.keywords.output import digest
from bigdata_demos.keywords.streaming import programs

PROGRAM = shlex.join([sys.executable, "-m", "bigdata_demos.keywords.streaming"])


def shell(line: str, where: Path) -> "subprocess.CompletedProcess[str]":
    """Run a shell's line; a failure of any part of a pipe is its failure."""
    command = ["bash", "-c", f"set -o pipefail; job={shlex.quote(PROGRAM)}; {line}"]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=120, check=False)


def piped(paths: list[str], where: Path, between: str = "sort") -> digest.Totals:
    """The job in a pipe; ``between``: what stands for the shuffle of pass 1."""
    inputs = shlex.join(paths)
    for line in (
        f"$job plan try {inputs} > splits",
        f"cat splits | $job map try | {between} | $job merge try > try/frequencies",
        "cat splits | $job score try | sort | $job index try > parts",
    ):
        done = shell(line, where)
        assert done.returncode == 0, done.stderr
    return digest.add_up(list(map(programs.part_of, (where / "parts").read_bytes().splitlines())))
