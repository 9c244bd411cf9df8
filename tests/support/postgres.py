"""A PostgreSQL server of the tests' own, on a free port of loopback, in a temporary directory."""

import glob
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bigdata_demos.cluster.standalone import free_ports
from tests.support.requirements import refuse


def _program(name: str) -> str:
    """The newest of Debian's versions, or what is on the path."""
    there = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda path: int(path.split("/")[4]))
    return there[-1] if there else name


@contextmanager
def postgres_server(directory: Path) -> Iterator[str]:
    """Start a server; yields the address of an empty database. The test is refused if there is no server, or the user is root."""
    if os.getuid() == 0:
        refuse("PostgreSQL", "its server does not run as root")
    data = directory / "data"
    password = directory / "password"
    password.write_text("swordfish")
    initdb: list[str | Path] = [_program("initdb"), "--pgdata", data, "--no-sync", "--username", "tester", "--pwfile", password]
    try:
        done = subprocess.run([*initdb, "--auth", "scram-sha-256"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        refuse("PostgreSQL", "there is no initdb (Debian: apt-get install postgresql)")
    assert done.returncode == 0, done.stderr
    (port,) = free_ports([0])
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen([_program("postgres"), "-D", data, *options], stdout=log, stderr=log)
    try:
        for _ in range(600):
            if "ready to accept connections" in (directory / "log").read_text():
                break
            assert server.poll() is None, (directory / "log").read_text()
            time.sleep(0.1)
        yield f"postgresql://tester:swordfish@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown
        server.wait(60)
