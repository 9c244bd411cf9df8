"""Describes the environment of a benchmark: machine, versions, commit."""

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
    """Describe this machine and its current load."""
    load = memory = None
    with suppress(OSError, AttributeError):
        load = round(os.getloadavg()[0], 2)
    with suppress(OSError, ValueError):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(machine_id(), platform.node(), cpu_model(), cores, memory, f"{platform.system()} {platform.release()}", load)


def versions() -> dict[str, str]:
    """Return the versions of the packages that the job and the peers use, and of Java."""
    known = versions_of_job()
    for package in _OF_PEERS:
        with suppress(metadata.PackageNotFoundError):
            known[package] = metadata.version(package)
    with suppress(OSError, subprocess.SubprocessError, IndexError):
        said = subprocess.run(["java", "-version"], capture_output=True, text=True, timeout=20, check=True)
        known["java"] = said.stderr.splitlines()[0]
    return known


def commit() -> str | None:
    """Return the commit of the source tree, with ``+`` for uncommitted changes; None outside a git tree."""
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
