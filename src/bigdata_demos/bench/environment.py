"""Where a benchmark runs: machine, versions, commit."""

import os
import platform
import subprocess
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Final

from ..keywords.runner import versions as versions_of_job
from .results import Machine, cpu_model, machine_id

_OF_PEERS: Final = ("ray", "polars", "duckdb")


def machine() -> Machine:
    """This machine, and its load before the first run."""
    load = memory = None
    with suppress(OSError, AttributeError):
        load = round(os.getloadavg()[0], 2)
    with suppress(OSError, ValueError):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(machine_id(), platform.node(), cpu_model(), cores, memory, f"{platform.system()} {platform.release()}", load)


def versions() -> dict[str, str]:
    """The versions that times depend on: the job's, the peers', Java's."""
    found = versions_of_job()
    for package in _OF_PEERS:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    with suppress(OSError, subprocess.SubprocessError, IndexError):
        said = subprocess.run(["java", "-version"], capture_output=True, text=True, timeout=20, check=True)
        found["java"] = said.stderr.splitlines()[0]
    return found


def commit() -> str | None:
    """The commit of the source tree that runs, with ``+`` if something in it was changed since; None without git or a tree."""
    tree = Path(__file__).parents[3]
    git = ["git", "-C", str(tree)]
    try:
        if not (tree / ".git").exists():
            return None
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=20, check=True).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "src"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+" if changed else "")
