"""The contestants: their commands, and the results of their runs.

An engine runs as the public command, ``bigdata-demos keywords …``, and reports phases and counts in its manifest. A peer runs as
``python -m bigdata_demos.bench.engines.peers …``, and reports them as a line of JSON.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ...errors import BigDataDemosError, UsageError
from ...keywords.engines import ENGINES, why_not
from ..results import CONTROL, ENGINE, PEER, PEERS_CONTROL, Run
from .measure import Measured
from .peers import PEERS

_SCHEMES: Final = {
    **{engine.name: {engine.scheme, engine.secure_scheme} - {""} for engine in ENGINES.values()},
    "spark-wordcount": {"spark"},
}
"""The URL schemes of each contestant that can run on a cluster."""
_CLUSTERS: Final = tuple(engine.variable for engine in ENGINES.values() if engine.variable)  # environment variables
LOCAL: Final = "local"
"""The ``--cluster`` value that adds this machine to the clusters."""
CLOCKS: Final = 0.03
"""The tolerated clock difference in seconds (the kernel rounds process creation times to hundredths)."""
_BESIDE_WORK: Final = ("plan", "start", "stop", "finish")  # phases before and after the work


@dataclass(frozen=True)
class Contestant:
    """An engine or a peer with a number of workers. ``cluster``: its URL, or empty for this machine."""

    name: str
    kind: str
    workers: int
    cluster: str = ""

    @property
    def key(self) -> tuple[str, int, str]:
        """What tells it from others."""
        return self.name, self.workers, self.cluster

    def __str__(self) -> str:
        return label(self.key)

    def command(self, inputs: Sequence[str], output: Path, options: Sequence[str] = ()) -> list[str]:
        """Return the command line of a run; ``options`` are passed to engines only."""
        if self.kind == PEER:
            more = ["--cluster", self.cluster] if self.cluster else []
            module = ("-m", "bigdata_demos.bench.engines.peers")
            return [sys.executable, *module, self.name, "--workers", str(self.workers), *more, *inputs]
        settings = ("--engine", self.name, "--workers", str(self.workers), "--cluster", self.cluster, "--format", "table")
        destination = ("--quiet", "--output", str(output), "--overwrite")
        return [sys.executable, "-m", "bigdata_demos.keywords", *inputs, *settings, *destination, *options]


def label(key: tuple[str, int, str], *, short: bool = False) -> str:
    """Format a contestant's key; ``short`` omits the cluster's address."""
    name, workers, cluster = key
    where = "" if not cluster else " on cluster" if short else f" @ {cluster}"
    return name if name in {CONTROL, PEERS_CONTROL} else f"{name} ×{workers}{where}"


def choose(
    engines: Sequence[str], peers: Sequence[str], workers: Sequence[int], clusters: Sequence[str]
) -> tuple[list[Contestant], dict[str, str]]:
    """Return the contestants, the control first, and the reasons why others cannot run.

    Raises UsageError if a name is unknown, or no contestant can run on one of the clusters.
    """
    chosen, absent = [Contestant(CONTROL, ENGINE, 1)], dict[str, str]()
    for name in dict.fromkeys([*engines, *peers]):
        if name == CONTROL:
            continue
        if why := missing(name):
            absent[name] = why
            continue
        kind = PEER if name in PEERS else ENGINE
        places = [url for url in clusters if url.partition("://")[0] in _SCHEMES.get(name, ())]
        if not places or LOCAL in clusters:
            places.insert(0, "")
        serially = kind == PEER and not PEERS[name].parallel
        chosen += [Contestant(name, kind, number, place) for place in places for number in ([1] if serially else workers)]
    for url in clusters:
        if url != LOCAL and not any(one.cluster == url for one in chosen):
            addresses = [f"{one.scheme}://HOST:PORT for {one.name}" for one in ENGINES.values() if one.scheme]
            raise UsageError(f"`cluster={url}`: no selected engine uses such an address ({', '.join(addresses)}, {LOCAL})")
    return chosen, absent


def missing(name: str) -> str:
    """Return why a contestant cannot run here, or an empty string. Raises UsageError if the name is unknown."""
    if name in PEERS:
        return PEERS[name].missing
    if name not in ENGINES:
        raise UsageError(f"no such engine or peer: {name!r} (engines: {', '.join(ENGINES)}; peers: {', '.join(PEERS)})")
    return why_not(name)


def outcome(one: Contestant, measured: Measured, output: Path, *, size: int, number: int, cold: bool, timeout: float) -> Run:
    """Combine measurements with what the contestant reports."""
    said, error = {}, failure(measured, timeout)
    if error is None:
        try:
            said = _of_peer(measured.stdout) if one.kind == PEER else _of_engine(output)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as raised:
            error = f"what it says of itself cannot be read: {type(raised).__name__}: {raised}"
    phases: dict[str, float] = dict(said.get("phases", {}))
    unmeasured = dict(measured.unmeasured)
    if phases:
        phases["finish"] = measured.seconds - sum(phases.values())
        if phases["finish"] < -CLOCKS:
            unmeasured["startup"] = f"its own clock says {-phases['finish']:.2f} s more than passed"
        phases["finish"] = max(phases["finish"], 0.0)
    if said and said["shuffle"] is None:
        unmeasured["shuffle"] = said["no_shuffle"]
    return Run(
        contestant=one.name,
        kind=one.kind,
        workers=one.workers,
        cluster=one.cluster,
        size=size,
        round=number,
        cold=cold,
        seconds=round(measured.seconds, 4),
        startup=None if "startup" in unmeasured else said.get("startup"),
        work=round(sum(took for name, took in phases.items() if name not in _BESIDE_WORK), 4) if phases else None,
        phases={name: round(took, 4) for name, took in phases.items()},
        cpu_seconds=None if measured.cpu_seconds is None else round(measured.cpu_seconds, 3),
        peak_memory_bytes=measured.peak_memory_bytes,
        shuffle=said.get("shuffle"),
        pages=said.get("pages"),
        digest=said.get("digest"),
        error=error,
        started=datetime.fromtimestamp(measured.started, UTC).isoformat(timespec="milliseconds"),
        memory_is=measured.memory_is,
        unmeasured=unmeasured,
    )


def failure(measured: Measured, timeout: float) -> str | None:
    """Return why a run failed, in one line; None if it succeeded."""
    if measured.status is None:
        return f"it was ended after {timeout:g} s (--timeout)"
    if measured.status == 0:
        return None
    lines = [line.strip() for line in measured.stderr.splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1] if lines else "it said nothing")
    status = f"signal {-measured.status}" if measured.status < 0 else f"status {measured.status}"
    return f"{said.removeprefix('bigdata-demos keywords: ')[:500]} ({status})"


def _of_engine(output: Path) -> dict[str, Any]:
    """Read the manifest. Its seconds end before the commit of the output and the printing."""
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    seconds = dict(manifest["seconds"])
    startup, _ = seconds.pop("startup"), seconds.pop("total")
    shuffle = manifest.get("shuffle")
    return {
        "startup": float(startup),
        "phases": {name: float(took) for name, took in seconds.items()},
        "pages": int(manifest["counts"]["pages"]),
        "digest": str(manifest["digest"]),
        "shuffle": None if shuffle is None else {name: int(size) for name, size in shuffle.items()},
        "no_shuffle": "the manifest has no record of it",
    }


def _of_peer(stdout: str) -> dict[str, Any]:
    said = json.loads(stdout.splitlines()[-1])
    return {
        "startup": float(said["startup"]),
        "phases": {name: float(took) for name, took in said["phases"].items()},
        "pages": int(said["pages"]),
        "digest": str(said["digest"]),
        "shuffle": None,
        "no_shuffle": "peers do not count what they move",
    }


def input_bytes(output: Path) -> int | None:
    """Return the stored bytes that the splits in a manifest cover; None if it has no such sizes."""
    try:
        manifest: Mapping[str, Any] = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
        return sum(int(piece[2]) - int(piece[1]) for split in manifest["splits"] for piece in split)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def environment() -> dict[str, str]:
    """Return this environment without the variables that select a cluster."""
    return {name: value for name, value in os.environ.items() if name not in _CLUSTERS}


def check_peers(inputs: Sequence[str], contestants: Sequence[Contestant]) -> dict[str, str]:
    """Return the peers that cannot read the inputs, with the reason."""
    from .peers import warcs

    peers = [one.name for one in contestants if one.kind == PEER]
    try:
        warcs(inputs)
    except BigDataDemosError as error:
        return dict.fromkeys(peers, f"not run: {error}")
    return {}
