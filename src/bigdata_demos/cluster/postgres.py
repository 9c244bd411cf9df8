"""PostgreSQL in a container: an empty database at the first start, the registry's password at each."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..errors import EngineUnavailable, UsageError
from . import registry

NAME: Final = "bigdata_demos"
"""The name of the database, and of its user."""
_ACCESS: Final = "host all all all scram-sha-256\n"
_PROGRAMS: Final = Path("/usr/lib/postgresql")  # where Debian has them, by version


def prepare(home: Path, scratch: Path, password_file: Path) -> list[str]:
    """Make the database if there is none, set its user's password, and return the server's command line.

    ``home``: the directory of its files. ``scratch``: one for files of this start. ``password_file``: in libpq's format.

    Raises UsageError for root, or if the files are another user's; EngineUnavailable if PostgreSQL's programs fail.
    """
    if os.getuid() == 0:
        raise UsageError("PostgreSQL does not run as root: BIGDATA_DEMOS_USER=USER:GROUP is who the containers run as")
    programs = max(_PROGRAMS.glob("*/bin"), default=None)
    if programs is None:
        raise UsageError("there is no PostgreSQL in this image: build it again (bigdata-demos cluster up postgres --build)")
    data, new = home / "data", home / "new"
    registry.check_owner(data, "PostgreSQL's volume")
    if not data.exists():
        shutil.rmtree(new, ignore_errors=True)  # of a start that was killed
        _run([programs / "initdb", "--pgdata", new, "--username", NAME, "--encoding", "UTF8", "--locale", "C.UTF-8"])
        _execute(programs, new, f"CREATE DATABASE {NAME}")
        new.rename(data)
    version = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if version != programs.parent.name:
        raise UsageError(
            f"the files in {data} are of PostgreSQL {version}, and this image has {programs.parent.name}: remove PostgreSQL's "
            "volume (docs/cluster.md), and load the index again"
        )
    password = password_file.read_text(encoding="ascii").strip().rpartition(":")[2]
    _execute(programs, data, f"ALTER USER {NAME} PASSWORD '{password}'")
    access = scratch / "pg_hba.conf"
    access.write_text(_ACCESS, encoding="ascii")
    settings = {"listen_addresses": "*", "unix_socket_directories": str(scratch), "hba_file": str(access)}
    return [str(programs / "postgres"), "-D", str(data), *(part for pair in settings.items() for part in ("-c", "=".join(pair)))]


def _execute(programs: Path, data: Path, statement: str) -> None:
    """Execute a statement without a server."""
    _run([programs / "postgres", "--single", "-D", data, "-c", "exit_on_error=on", "postgres"], f"{statement}\n")


def _run(line: Sequence[str | Path], text: str = "") -> None:
    """Run a program. Raises EngineUnavailable with its last line if it fails."""
    done = subprocess.run(line, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [""]
        raise EngineUnavailable(f"{Path(line[0]).name} failed: {said[-1]}")
