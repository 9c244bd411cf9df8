"""The sheets of the interview: for each question, what to say, the full answer, follow-up questions and the usual mistake.

A sheet is a Markdown file in ``questions/``, with a fixed list of sections. References such as ``[HDFS 3.4]`` name a source and
the version that a fact holds for; ``questions/sources.md`` has their addresses. ``{figures}`` stands for a sentence with
figures of the reader's own benchmark.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

QUESTIONS: Final = (
    "experience",
    "parallel-algorithm",
    "bad-data",
    "accuracy-or-performance",
    "engines-compared",
    "rdd-or-dataframe",
    "shuffle",
    "formats",
    "exactly-once",
    "skew",
    "not-a-cluster",
    "common-crawl",
)
"""The names of the sheets, in the order in which they are shown."""
WORDS: Final = {"Thirty seconds": 95, "Two minutes": 400}
"""The most words of what is to be said, at 180 to 200 words a minute."""
SECTIONS: Final = (
    "Points to make",
    "Thirty seconds",
    "Two minutes",
    "The tools",
    "This project",
    "Follow-ups",
    "The usual mistake",
)
_REFERENCE: Final = re.compile(r"\[([^\]\n]+)\](?![(:])")


@dataclass(frozen=True)
class FollowUp:
    """A question that may come next, and its answer in Markdown."""

    question: str
    answer: str


@dataclass(frozen=True)
class Sheet:
    """The sheet of a question. All texts are Markdown.

    ``experiments``: the names of those that show what is said. ``program``: the file in this package with a program that is part
    of the answer, or ``""``. ``tools``: facts on big data tools, with sources. ``project``: what this project does. Together
    with ``two_minutes`` they are the full answer.
    """

    name: str
    question: str
    experiments: Sequence[str]
    program: str
    points: Sequence[str]
    thirty_seconds: str
    two_minutes: str
    tools: str
    project: str
    follow_ups: Sequence[FollowUp]
    mistake: str

    def code(self) -> str:
        """Return the source of the program."""
        return resources.files(__package__).joinpath(self.program).read_text("utf-8")

    def sources(self) -> dict[str, str]:
        """Return the addresses of the sources that the sheet refers to, in the order of the first reference."""
        texts = (self.thirty_seconds, self.two_minutes, self.tools, self.project, *(one.answer for one in self.follow_ups))
        labels = _REFERENCE.findall(" ".join("\n".join(texts).split()))
        return {label: sources()[label] for label in labels if label in sources()}


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(f"questions/{name}.md").read_text("utf-8")


@cache
def sources() -> dict[str, str]:
    """Return the addresses of all sources, by label."""
    return dict(re.findall(r"^\[(.+)\]: (\S+)$", _read("sources"), re.MULTILINE))


@cache
def load(name: str) -> Sheet:
    """Read a sheet."""
    _, head, text = _read(name).split("---\n", 2)
    settings = dict(line.split(": ", 1) for line in head.splitlines())
    title, *sections = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    part = {heading: body.strip() for heading, body in zip(sections[::2], sections[1::2], strict=True)}
    _, *follow_ups = re.split(r"^### (.+)\n", part["Follow-ups"], flags=re.MULTILINE)
    return Sheet(
        name=name,
        question=title.strip().removeprefix("# "),
        experiments=settings["experiments"].split(", "),
        program=settings.get("program", ""),
        points=[" ".join(point.split()) for point in part["Points to make"].removeprefix("- ").split("\n- ")],
        thirty_seconds=part["Thirty seconds"],
        two_minutes=part["Two minutes"],
        tools=part["The tools"],
        project=part["This project"],
        follow_ups=[FollowUp(asked, said.strip()) for asked, said in zip(follow_ups[::2], follow_ups[1::2], strict=True)],
        mistake=part["The usual mistake"],
    )


def filled(text: str, figures: str) -> str:
    """Put a sentence with figures, or ``""``, in its place in a text."""
    return re.sub(r"\s*\{figures\}", lambda _: f" {figures}" if figures else "", text)


def without_links(text: str) -> str:
    """Replace links to files of the source tree by their names: neither a terminal nor the page can follow them."""
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)
