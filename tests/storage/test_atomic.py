"""Files that are complete or not there."""

import os
from pathlib import Path

import pytest

from bigdata_demos.errors import OutputError
from bigdata_demos.storage.atomic import atomic, writing


@pytest.mark.parametrize("sync", [False, True])
def test_file_gets_its_name_at_the_end(tmp_path: Path, *, sync: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with atomic(path, sync=sync) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_of_a_failure(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic(path) as file:
        file.write(b"new")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    with atomic(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_bytes() == b"new"


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "file"
    with pytest.raises(OutputError, match=rf"^cannot write {path}: No such file or directory$"), writing(path), atomic(path):
        raise AssertionError("nothing can be written")
    with pytest.raises(BrokenPipeError), writing("x"):
        raise BrokenPipeError
