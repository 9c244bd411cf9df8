"""What PostgreSQL in a container needs, and says if it is missing. (``test_compose.py`` runs it.)"""

import os
from pathlib import Path

import pytest

from bigdata_demos.cluster import postgres
from bigdata_demos.errors import UsageError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of an installed PostgreSQL, which is never called here."""
    monkeypatch.setattr(postgres, "_PROGRAMS", tmp_path / "lib")
    (tmp_path / "lib" / "15" / "bin").mkdir(parents=True)
    return tmp_path / "lib"


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    ("user", "version", "said"),
    [
        (0, "15", "PostgreSQL does not run as root: BIGDATA_DEMOS_USER"),
        (4321, "15", "belongs to user .*, and this container runs as 4321: BIGDATA_DEMOS_USER"),
        (None, "14", "are of PostgreSQL 14, and this image has 15: remove PostgreSQL's volume"),
    ],
)
def test_files_that_it_cannot_use(
    user: int | None, version: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root, the files of another user, and those of another version are errors, which say what to do."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text(f"{version}\n", encoding="ascii")
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: (owner or 1000) if user is None else user)
    if not owner and user is None:
        os.chown(tmp_path / "data", 1000, 1000)
    with pytest.raises(UsageError, match=said):
        postgres.prepare(tmp_path, tmp_path, tmp_path / "pgpass")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "lib"]


def test_image_without_it(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image of an earlier version of this package has no PostgreSQL."""
    (programs / "15" / "bin").rmdir()
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    with pytest.raises(UsageError, match="build it again"):
        postgres.prepare(tmp_path, tmp_path, tmp_path / "pgpass")
