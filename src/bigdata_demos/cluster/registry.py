"""The registry of the compose cluster: a directory (``docker/run``) that the host and all containers share.

It contains the shared secret (``secret``), the password of PostgreSQL (``pgpass``), the addresses of each cluster
(``spark.json``, ``dask.json``, ``hadoop.json``, which the containers write when they start, because the network's addresses
change), the settings of Hadoop's clients (``hadoop/``), and Spark's event logs (``events/``).
"""

import hashlib
import json
import os
import re
import secrets
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final

from ..errors import EngineUnavailable, UsageError

RUN: Final = "BIGDATA_DEMOS_RUN"
"""The environment variable for the directory; the default is ``docker/run`` in the source tree."""
ROOT: Final = "BIGDATA_DEMOS_ROOT"
"""The environment variable for the directory tree that all containers see at the same path as the host."""
OUT: Final = "out"
"""The directory below the root that the containers may write to."""
HOW_TO_START: Final = "bigdata-demos cluster up"
LOGS: Final = "bigdata-demos cluster logs"


@dataclass(frozen=True)
class Record:
    """The addresses of a compose cluster, and the versions that it runs.

    ``port``: the host's port of the scheduler (or master), on loopback. ``inside``: its address for containers. ``page``: its web
    page's port. ``gateway``: the host's address on the containers' network. ``root``: the shared tree. ``interpreter``: the
    containers' Python. ``fingerprint``: of the package's source there. ``other``: a further address.
    """

    scheme: str
    port: int
    inside: str
    page: int
    gateway: str
    root: str
    interpreter: str
    python: str
    pyspark: str
    fingerprint: str
    other: str = ""


def directory() -> Path | None:
    """Return the directory, if there is one: of the variable, of the source tree, or of the current directory."""
    if os.environ.get(RUN):
        return Path(os.environ[RUN]).expanduser().absolute()
    trees = (Path(__file__).parents[3], Path.cwd())
    return next((tree / "docker" / "run" for tree in trees if (tree / "docker" / "run").is_dir()), None)


def write(record: Record) -> None:
    """Write the record of a cluster."""
    at = directory()
    if at is None:
        raise UsageError(f"{RUN} is not set")
    secret()  # raises if the directory belongs to another user
    temporary = at / f".{record.scheme}.{os.getpid()}"
    temporary.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
    temporary.replace(at / f"{_name_of(record.scheme)}.json")


def _name_of(scheme: str) -> str:
    return {"spark": "spark", "tcp": "dask", "hdfs": "hadoop"}[scheme]


def read(name: str) -> Record | None:
    """Read the record of the compose cluster with a name; None if it is not up."""
    try:
        return Record(**json.loads(((directory() or Path()) / f"{name}.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def find(url: str) -> Record | None:
    """Find the record of the compose cluster with an address; None if it is another cluster's address."""
    scheme = url.partition("://")[0]
    record = read(_name_of(scheme)) if scheme in ("spark", "tcp", "hdfs") else None
    if record is None:
        return None
    known = {f"{scheme}://{host}:{record.port}" for host in ("localhost", "127.0.0.1")}
    return record if url.rstrip("/") in {*known, record.inside, record.other or record.inside} else None


def secret(*, make: bool = True) -> str:
    """Return the shared secret of Spark's hosts. Errors: :func:`_read_secret`."""
    return _read_secret("secret", make=make)


def password_file() -> Path:
    """Return the file with the password of the compose cluster's PostgreSQL, in libpq's format. Errors: :func:`_read_secret`."""
    _read_secret("pgpass", before="*:*:*:*:")
    return (directory() or Path()) / "pgpass"


def _read_secret(name: str, *, make: bool = True, before: str = "") -> str:
    """Return a file's secret. Whichever process needs it first creates it, with ``before`` in front, readable by its owner only.

    Raises EngineUnavailable if it can be neither read nor created, or other users can read it.
    """
    at = directory()
    if at is None:
        raise EngineUnavailable(f"there is no docker/run directory here: run this in the source tree, or set {RUN}")
    path = at / name
    try:
        if make and not path.exists():
            temporary = at / f".{name}.{secrets.token_hex(8)}"
            try:
                with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                    file.write(before + secrets.token_hex(32))
                with suppress(FileExistsError):  # of processes that start at the same time, one wins
                    os.link(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        if path.stat().st_mode & 0o077:
            raise EngineUnavailable(f"others can read {path}: chmod 600 it, or remove it and start the cluster again")
        text = path.read_text(encoding="ascii", errors="replace").strip()
        if not re.fullmatch(r"[!-~]{16,}", text):
            raise EngineUnavailable(f"{path} is not a secret: remove it, and start the cluster again")
        return text
    except FileNotFoundError:
        raise EngineUnavailable(f"there is no secret at {path}: start the cluster ({HOW_TO_START})") from None
    except OSError as error:
        raise EngineUnavailable(
            f"no access to {path} ({error.strerror}) for user {os.getuid()}, it belongs to {owner_of(at)}: "
            "BIGDATA_DEMOS_USER=$(id -u):$(id -g) is who the containers run as"
        ) from None


def events() -> Path:
    """Return the directory of Spark's event logs, which is created if needed (after the secret, which checks the owner)."""
    at = (directory() or Path()) / "events"
    at.mkdir(mode=0o700, exist_ok=True)
    return at


def hadoop() -> Path:
    """Return the directory of the settings of Hadoop's clients."""
    return (directory() or Path()) / "hadoop"


def owner_of(path: Path) -> str:
    """Return the user who owns a path."""
    try:
        return str(path.stat().st_uid)
    except OSError:
        return "nobody (it is not there)"


def check_owner(path: Path, volume: str) -> None:
    """Check that what a container finds on a volume is its user's. Raises UsageError if it is not."""
    if path.exists() and path.stat().st_uid != os.getuid():
        raise UsageError(
            f"{path} belongs to user {path.stat().st_uid}, and this container runs as {os.getuid()}: "
            f"BIGDATA_DEMOS_USER=USER:GROUP is who the containers run as; or remove {volume} (docs/cluster.md)"
        )


def bindable(address: str) -> bool:
    """Return whether an address belongs to this machine or container."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def check_paths(record: Record, inputs: Iterable[str], output: str | os.PathLike[str] | None) -> None:
    """Check that the containers see local paths at the same place, and may write to the output.

    Raises UsageError for the first path that fails.
    """
    root = Path(record.root)
    for path in inputs:
        scheme, separator, rest = path.partition("://")
        if path == "-" or (separator and scheme not in ("file", "local")):
            continue
        place = Path(rest if separator else path).expanduser().absolute()
        if not within(place, root):
            raise UsageError(
                f"{path}: the compose cluster sees {root} and nothing else: move it there, or start the cluster with another "
                f"root ({HOW_TO_START} --root {place if place.is_dir() else place.parent})"
            )
    if output is not None:
        place = Path(output).expanduser().absolute()
        if not within(place.parent, root / OUT):
            raise UsageError(
                f"`output={output}`: the compose cluster writes below {root / OUT} only: `output={root / OUT / place.name}`"
            )


def check_reachable(paths: Iterable[str]) -> None:
    """Check that no address of HDFS is one that means another machine in a container, such as localhost.

    Raises UsageError for the first path that has one.
    """
    for path in paths:
        scheme, _, rest = path.partition("://")
        host = rest.partition("/")[0].rpartition("@")[2].rpartition(":")[0]
        if scheme in ("hdfs", "webhdfs") and host in ("localhost", "127.0.0.1", "[::1]"):
            raise UsageError(
                f"{path}: containers of the compose cluster cannot reach an HDFS on {host}, which is themselves: take one whose "
                "address is this machine's for others, or another engine"
            )


def spool(url: str) -> str | None:
    """Return the directory for temporary results: one that a compose cluster can write to, else None for the system's.

    Raises UsageError if the directory does not exist, or cannot be written to.
    """
    record = find(url)
    if record is None:
        return None
    out = Path(record.root) / OUT
    if not os.access(out, os.W_OK):
        raise UsageError(
            f"{out} cannot be written by user {os.getuid()}: the compose cluster needs it, it belongs to {owner_of(out)}"
        )
    return str(out)


def within(path: Path, root: Path) -> bool:
    """Return whether an absolute path is in a tree, both as it is written and with symbolic links resolved."""
    return Path(os.path.normpath(path)).is_relative_to(root) and path.resolve().is_relative_to(root.resolve())


@cache
def fingerprint() -> str:
    """Return the SHA-256 of this package's source, which is the same for driver and workers of the same version."""
    package = Path(__file__).parents[1]
    hashed = hashlib.sha256()
    for path in sorted(path for suffix in ("py", "c", "avsc", "txt") for path in package.rglob(f"*.{suffix}") if path.is_file()):
        data = path.read_bytes()
        hashed.update(f"{path.relative_to(package).as_posix()} {len(data)}\n".encode())
        hashed.update(data)
    return hashed.hexdigest()


def check_same(record: Record, *, pyspark: str = "") -> None:
    """Check that a cluster has the same Python, pyspark and package as the driver.

    Raises EngineUnavailable if not; the message has both versions, and says how to make them equal.
    """
    import platform

    how_to_start = f"{HOW_TO_START} hadoop --containers" if record.scheme == "hdfs" else HOW_TO_START
    here, there = platform.python_version(), record.python
    if here.split(".")[:2] != there.split(".")[:2]:
        minor = ".".join(here.split(".")[:2])
        raise EngineUnavailable(
            f"Python is {here} here and {there} in the containers: rebuild their image with this one ({how_to_start}; or "
            f"PYTHON_VERSION={minor} docker compose up --build), or run the driver there (docker compose run --rm keywords …)"
        )
    if pyspark and pyspark != record.pyspark:
        raise EngineUnavailable(
            f"pyspark is {pyspark} here and {record.pyspark} in the containers: rebuild their image with this one "
            f"({HOW_TO_START}; or PYSPARK_VERSION={pyspark} docker compose up --build)"
        )
    if record.fingerprint != fingerprint():
        raise EngineUnavailable(f"the containers run another bigdata_demos than this one: {how_to_start} rebuilds their image")
