"""The workers and applications of a Spark standalone master, from its web page, and a check of its capacity."""

import json
from collections.abc import Mapping
from typing import Any

from ..errors import EngineUnavailable
from . import registry
from .probe import LOCAL, mebibytes


def _master_page(cluster: str, options: Mapping[str, str]) -> str:
    """Return the address of a master's web page: of the option, of the compose cluster, or the default."""
    host = cluster.removeprefix("spark://").rsplit(":", 1)[0]
    record = registry.find(cluster)
    return options.get("master-ui") or f"{host}:{record.page if record else 8080}"


def ask_master(cluster: str, options: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the state of a master, from its web page; None if it does not answer."""
    page = _master_page(cluster, options).removeprefix("http://").rstrip("/")
    try:
        with LOCAL.open(f"http://{page}/json/", timeout=3) as answer:
            state = json.load(answer)
        record = registry.find(cluster)
        master = record.inside if record else cluster
        same = (
            "master-ui" in options or state["url"].rpartition(":")[2] == master.rpartition(":")[2]
        )  # the page of another program
        return state if same and {"workers", "activeapps"} <= state.keys() else None
    except (OSError, ValueError, AttributeError, KeyError):
        return None


def alive(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the workers in a master's state that are alive."""
    return [worker for worker in state["workers"] if worker["state"] == "ALIVE"]


def check_capacity(cluster: str, workers: int, options: Mapping[str, str]) -> None:
    """Check that a cluster could start the requested executors if no other application ran.

    Raises EngineUnavailable if not; the message has the resources of its workers.
    """
    state = ask_master(cluster, options)
    if state is None:
        return
    memory = options.get("memory", "1g")
    each = max(mebibytes("`engine_options[memory]`", memory), 1)
    slots = sum(min(worker["cores"], worker["memory"] // each) for worker in alive(state))
    if slots < max(workers, 1):
        have = ", ".join(f"{worker['cores']} cores and {worker['memory']} MB" for worker in alive(state)) or "none"
        raise EngineUnavailable(
            f"{cluster} has room for {slots} executors of 1 core and {memory} of memory, not {max(workers, 1)} "
            f"(its workers: {have}): ask for less (`workers`, `engine_options[memory]=512m`), or start larger workers "
            "(SPARK_WORKER_MEMORY, SPARK_WORKER_CORES)"
        )


def free_resources(state: dict[str, Any] | None, cluster: str, options: Mapping[str, str]) -> str:
    """Describe the free resources of a master's workers, or the option for its web page if that does not answer."""
    if state is None:
        page = _master_page(cluster, options)
        return f" (no answer from its master's page at {page}: name it by `engine_options[master-ui]=HOST:PORT`)"
    free = ", ".join(f"{worker['coresfree']} cores and {worker['memoryfree']} MB" for worker in alive(state))
    return f" (free on its workers: {free})" if free else " (it has no worker)"
