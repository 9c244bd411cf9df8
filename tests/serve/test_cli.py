"""The command: its address, its end, what it cannot do, and many readers at once."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bigdata_demos.keywords import run
from bigdata_demos.serve.cli import main
from tests.support.crawls import make_index
from tests.support.paths import SITE


@contextmanager
def serving(*arguments: str | Path, **environment: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Start the command; yields its address and its process."""
    line = [sys.executable, "-m", "bigdata_demos.serve", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def get(address: str, path: str) -> tuple[int, str]:
    """Ask for a path."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_output_is_served_until_a_signal(number: int, tmp_path: Path) -> None:
    """It is indexed in the cache first; on loopback only; the end is no failure."""
    run([SITE], engine="serial", output=tmp_path / "out", keep_text=True)
    with serving(tmp_path / "out", XDG_CACHE_HOME=str(tmp_path)) as (address, process):
        assert address.startswith("http://127.0.0.1:")
        status, page = get(address, "/?q=spark+shuffle")
        assert status == 200
        assert "The shuffle, where the time goes" in page
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
        assert [line.split()[0] for line in said.splitlines()] == ["indexing", "serving"]


def test_changes(tmp_path: Path) -> None:
    """With another index."""
    for name in ("monday", "tuesday"):
        (tmp_path / name).mkdir()
    make_index(tmp_path / "monday", tmp_path / "monday.db", [{"url": "https://a.example/a", "text": "tigers roar at night"}])
    make_index(tmp_path / "tuesday", tmp_path / "tuesday.db")
    with serving(tmp_path / "tuesday.db", "--diff", tmp_path / "monday.db") as (address, _):
        page = get(address, "/changes")[1]
    assert "<bdi>monday.db</bdi> to <bdi>tuesday.db</bdi>" in page
    assert "https://a.example/a<" in page


def test_what_it_cannot_serve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that says what to do."""
    assert main([str(tmp_path / "none.db")]) == 1
    assert "no such index: make it by" in capsys.readouterr().err
    make_index(tmp_path, tmp_path / "a.db")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main([str(tmp_path / "a.db"), "--port", str(taken.getsockname()[1])]) == 2
    assert "take another port" in capsys.readouterr().err
    assert main([str(tmp_path / "a.db"), "--host", "nowhere.invalid"]) == 2
    assert "cannot listen at --host nowhere.invalid" in capsys.readouterr().err


def test_fifty_readers(tmp_path: Path) -> None:
    """For ten seconds, all get answers without an error."""
    run([SITE], engine="serial", output=tmp_path / "out", keep_text=True)
    paths = [
        "/",
        "/?q=spark",
        "/?q=shuffle&lang=en",
        "/rejected",
        "/runs",
        "/api/top",
        "/static/style.css",
        "/?q=ma*&fragment=true",
    ]
    statuses = Counter[int]()
    errors: list[Exception] = []
    with serving(tmp_path / "out", "--seconds", "60", XDG_CACHE_HOME=str(tmp_path)) as (address, process):
        end = time.monotonic() + 10

        def read(number: int) -> None:
            try:
                while time.monotonic() < end:
                    status, _ = get(address, paths[number % len(paths)])
                    statuses[status] += 1
                    number += 1
            except Exception as error:
                errors.append(error)

        readers = [threading.Thread(target=read, args=(number,)) for number in range(50)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert errors == []
    assert statuses.keys() == {200}, said
    assert statuses[200] > 50
    assert len(said.splitlines()) == 2, said
