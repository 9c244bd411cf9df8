"""The end of a Spark context."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.requirements import require


def test_nothing_waits_for_the_server_of_accumulators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops in the background, where pyspark would wait for it; its socket is removed."""
    require("spark")
    from bigdata_demos.cluster import spark

    asked, over, ended = threading.Event(), threading.Event(), threading.Event()

    class Server:
        server_address = str(tmp_path / "socket")

        def shutdown(self) -> None:
            asked.set()
            assert over.wait(60)
            Path(self.server_address).unlink()  # as pyspark's does
            ended.set()

    class Context:
        _accumulatorServer: Any = Server()  # noqa: N815 (as pyspark names it)
        stopped = False

        def stop(self) -> None:
            assert self._accumulatorServer is None
            self.stopped = True

    monkeypatch.setattr(spark, "_end_jvm", lambda: None)
    (tmp_path / "socket").touch()
    context: Any = Context()
    spark.stop(context)
    assert context.stopped
    assert asked.wait(60)
    assert not ended.is_set()
    assert not (tmp_path / "socket").exists()
    over.set()
