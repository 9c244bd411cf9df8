"""The containers of a compose cluster on this host: their CPU seconds and memory, which are in no process tree of ours.

A container counts only if all of this is so: it runs, it mounts the cluster's own ``docker/run``, and the kernel says that its
first process is in a control group of its name. Else nothing is measured, and the reason is told.
"""

import json
import subprocess
from pathlib import Path
from typing import Any, Final, NamedTuple

from ...cluster import registry

_CGROUPS: Final = Path("/sys/fs/cgroup")
_PROC: Final = Path("/proc")


class Container(NamedTuple):
    """``cpu``: the file with its CPU time. ``group``: the directory that lists its processes."""

    cpu: Path
    group: Path

    def cpu_seconds(self) -> float:
        """CPU time since it started, user and system."""
        text = self.cpu.read_text(encoding="ascii")
        if self.cpu.name == "cpu.stat":  # version 2: microseconds, among other figures
            return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("usage_usec")) / 1e6
        return int(text) / 1e9

    def processes(self) -> list[int]:
        """Its processes, also those in groups below its own."""
        return [int(pid) for file in self.group.rglob("cgroup.procs") for pid in file.read_text(encoding="ascii").split()]


def find(cluster: str) -> tuple[list[Container], str]:
    """The containers of the cluster at an address; or none, and why."""
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
    found = []
    for one in ours:
        container = locate(one["Id"], int(one["State"]["Pid"]))
        if container is None:
            return [], f"the control group of container {one['Id'][:12]} is not visible here (another machine or namespace)"
        found.append(container)
    return found, ""


def inspect() -> list[dict[str, Any]]:
    """What docker says of all containers that run."""
    ids = docker("ps", "--quiet", "--no-trunc").split()
    return list(json.loads(docker("inspect", *ids))) if ids else []


def docker(*arguments: str) -> str:
    """What a docker command prints."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=30, check=True).stdout


def locate(name: str, pid: int, proc: Path = _PROC, cgroups: Path = _CGROUPS) -> Container | None:
    """The control group of a container's first process, if it bears the container's name; of version 1 or 2."""
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
                # Version 1 has a cpu.stat as well, about throttling
                if (group / file).exists() and (file != "cpu.stat" or "usage_usec" in (group / file).read_text(encoding="ascii")):
                    return Container(group / file, group)
    return None
