"""Documents whose commands are run, and whose outputs are what the commands print."""

import os
import re
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"^```(console|python)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
NOT_RUN = ("$ pip install ",)
SYNC = re.compile(r"\b[0-9a-f]{32}\b")  # a file's sync marker, which is random


def run_blocks(text: str, directory: Path) -> str:
    """The text with the output of all its commands as it is when they are run in a directory, one after another."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "120", "LC_ALL": "C.UTF-8"}
    variables = ""  # what commands have set, for those after them

    def output(program: list[str]) -> str:
        done = subprocess.run(program, cwd=directory, env=environment, capture_output=True, timeout=120, check=False)
        return SYNC.sub("…", (done.stdout + done.stderr).decode())

    def block(found: re.Match[str]) -> str:
        nonlocal variables
        language, body = found.groups()
        if language == "python":
            assert output([sys.executable, "-c", body]) == ""
            return found[0]
        shown = ""
        for line in body.splitlines():
            if not line.startswith("$ "):
                continue
            shown += line + "\n"
            if line.startswith(NOT_RUN):
                continue
            if re.match(r"\$ \w+='[^']*'$", line):
                variables += line[2:] + "\n"
            shown += output(["bash", "-c", f"exec 2>&1\n{variables}{line[2:]}"])
        return f"```console\n{shown}```\n"

    return BLOCK.sub(block, text)
