"""Measures the containers of a compose cluster on this host, which are outside the benchmark's process tree.

A container must be running, mount the cluster's ``docker/run``, and have its first process in a control group that has its id.
If a container of the cluster fails a check, nothing is measured, and the reason is reported.
"""

import json
import subprocess
from pathlib import Path
from typing import Any, Final, NamedTuple

from ...cluster import registry

_CGROUPS: Final = Path("/sys/fs/cgroup")
_PROC: Final = Path("/proc")


class Container(NamedTuple):
    """A container. ``cpu``: the file with its CPU time. ``group``: its control group directory."""

    cpu: Path
    group: Path

    def cpu_seconds(self) -> float:
        """Return the CPU time (user and system) since the container started."""
        text = self.cpu.read_text(encoding="ascii")
        if self.cpu.name == "cpu.stat":  # cgroup v2, in microseconds
            return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("usage_usec")) / 1e6
        return int(text) / 1e9

    def processes(self) -> list[int]:
        """Return the process ids in the control group and its descendants."""
        return [int(pid) for file in self.group.rglob("cgroup.procs") for pid in file.read_text(encoding="ascii").split()]


def find(cluster: str) -> tuple[list[Container], str]:
    """Return the containers of a cluster, or no containers and the reason."""
    run = registry.directory()
    if registry.find(cluster) is None or run is None:
        return [], f"{cluster} is no compose cluster of this host: its processes are not this benchmark's to see"
    try:
        described = inspect()
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return [], f"docker does not tell which containers {cluster} has ({type(error).__name__})"
    ours = [one for one in described if any(mount.get("Source") == str(run) for mount in one["Mounts"])]
    if not ours:
        return [], f"docker shows no container that mounts {run}"
    located = []
    for one in ours:
        container = locate(one["Id"], int(one["State"]["Pid"]))
        if container is None:
            return [], f"the control group of container {one['Id'][:12]} is not visible here (another machine or namespace)"
        located.append(container)
    return located, ""


def inspect() -> list[dict[str, Any]]:
    """Return ``docker inspect`` of all running containers."""
    ids = docker("ps", "--quiet", "--no-trunc").split()
    return list(json.loads(docker("inspect", *ids))) if ids else []


def docker(*arguments: str) -> str:
    """Run a docker command, and return its output."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=30, check=True).stdout


def locate(name: str, pid: int, proc: Path = _PROC, cgroups: Path = _CGROUPS) -> Container | None:
    """Return the cgroup (v1 or v2) of a container's first process, or None if its path lacks the container's id."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if name not in path:
            continue
        places = [cgroups / controllers, cgroups / "unified", cgroups] if controllers else [cgroups, cgroups / "unified"]
        for place in places:
            group = Path(f"{place}{path}")
            for file in ("cpuacct.usage", "cpu.stat"):
                # cgroup v1 has a cpu.stat as well, with throttling statistics
                if (group / file).exists() and (file != "cpu.stat" or "usage_usec" in (group / file).read_text(encoding="ascii")):
                    return Container(group / file, group)
    return None
