"""Practice: the questions are asked, the reader answers aloud, and then sees the points that the answer should have had."""

import random
import time
from collections.abc import Callable, Iterator, Sequence

from . import terminal
from .sheets import FollowUp, Sheet


def practice(
    sheets: Sequence[Sheet], wait: Callable[[str], str], width: int, paint: terminal.Paint, chosen: random.Random
) -> Iterator[str]:
    """Yield the lines of a practice interview, one question after another, with one follow-up for each.

    ``wait`` shows a prompt, and returns when the reader goes on; it raises EOFError to end the interview.
    """
    for number, sheet in enumerate(sheets, 1):
        yield paint(f"Question {number} of {len(sheets)}", "dim")
        yield paint(sheet.question, "title")
        yield _answered(wait)
        yield paint("The points to make", "d")
        yield terminal.items(sheet.points, width)
        yield from ("", paint("The usual mistake", "d"), terminal.markdown(sheet.mistake, width))
        follow_up: FollowUp = chosen.choice(sheet.follow_ups)
        yield from ("", paint(f"Follow-up: {follow_up.question}", "title"))
        yield _answered(wait)
        yield terminal.markdown(follow_up.answer, width)
        yield from ("", f"The whole sheet: bigdata-demos interview {sheet.name}", "")


def _answered(wait: Callable[[str], str]) -> str:
    """Wait for the answer; return a line that says how long it took."""
    asked = time.monotonic()
    wait("Answer aloud, then press Enter … ")
    return f"You took {time.monotonic() - asked:.0f} seconds.\n"
