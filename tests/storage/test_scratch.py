"""Temporary directories, and processes that are killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from bigdata_demos.storage import scratch

HOLD = "from bigdata_demos.storage import scratch; import sys, time; print(scratch.make(sys.argv[1]), flush=True); time.sleep(60)"


def test_directory_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    """A directory in use stays, even if it is old; that of a process that was killed goes, and so does an unlocked one."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        theirs = Path(process.stdout.readline().strip())
        (theirs / "output").mkdir()
        (theirs / "output" / "part").write_bytes(b"data")
        os.utime(theirs, (0, 0))
        mine = scratch.make(str(tmp_path))
        assert theirs.exists()
        process.send_signal(signal.SIGKILL)
    other = tmp_path / "bigdata-demos-other"
    other.mkdir()
    os.utime(other, (0, 0))
    os.utime(mine, (0, 0))
    new = scratch.make(str(tmp_path))
    assert sorted(tmp_path.iterdir()) == sorted([mine, new, other])
    scratch.discard(mine)
    scratch.discard(new)
    assert list(tmp_path.iterdir()) == [other]


def test_a_directory_that_was_just_made_stays(tmp_path: Path) -> None:
    """Between its creation and its lock, another process may look at it."""
    young = tmp_path / f"{scratch.PREFIX}young"
    young.mkdir()
    scratch.discard(scratch.make(str(tmp_path)))
    assert list(tmp_path.iterdir()) == [young]
