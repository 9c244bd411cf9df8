"""Practice: what is asked, what is shown, and how it ends."""

import os
import random
import subprocess
import sys

from bigdata_demos.interview import sheets, terminal
from bigdata_demos.interview.practice import practice


def test_points_come_after_the_answer() -> None:
    """Question, wait, points and mistake; a follow-up, wait, its answer."""
    sheet = sheets.load("skew")
    log: list[str] = []

    def wait(prompt: str) -> str:
        log.append(f"WAIT {prompt}")
        return ""

    for line in practice([sheet], wait, 80, terminal.plain, random.Random(1)):
        log.append(line)  # noqa: PERF402 (wait adds to it as well)
    text = "\n".join(log)
    question, answer, follow_up = text.split("WAIT Answer aloud, then press Enter … ")
    assert question == f"Question 1 of 1\n{sheet.question}\n"
    assert "You took 0 seconds." in answer
    assert "The hot key is in one partition" not in question
    assert all(point.split()[0] in answer for point in sheet.points)
    [asked] = [one for one in sheet.follow_ups if one.question in answer]
    assert asked.answer.split()[0] in follow_up
    assert "bigdata-demos interview skew" in follow_up


LINE = [sys.executable, "-m", "bigdata_demos", "interview", "--practice"]


def test_command_asks_what_was_chosen_and_ends_with_its_input() -> None:
    """Two lines are enough for one question; the end of the input ends the interview without an error."""
    for sent, number in (("\n\n", 1), ("", 0), ("\n\n\n", 1)):
        done = subprocess.run(
            [*LINE, "skew", "shuffle"],
            input=sent,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "90"},
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("The whole sheet:") == number
    assert "Question 2 of 2\nWhat happens in a shuffle?" in done.stdout
