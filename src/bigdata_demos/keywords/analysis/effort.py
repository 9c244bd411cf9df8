"""The settings of ``--effort``: how much work goes into the choice of keywords. Each is a kernel around the usual one.

``fast``
    No document frequencies are counted, so nothing is shuffled in pass 1. Words that are common in this crawl rank higher.
``standard``
    The kernel alone.
``precise``
    The best keywords of an English page are ranked again, by how similar they are to the beginning of the page in a static
    word embedding (:mod:`.precise`).

``docs/quality.md`` has what each of them costs and gains.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...errors import UsageError
from ..model import EFFORTS, Document, Packed
from . import frequencies
from .text import Scanner

if TYPE_CHECKING:
    from .kernels import Kernel


def check(effort: str) -> str:
    """Return the name of an effort. Raises UsageError if there is no such effort, or what it needs is not installed."""
    if effort not in EFFORTS:
        raise UsageError(f"`effort` must be one of {', '.join(EFFORTS)}, not {effort}")
    if effort == "precise" and find_spec("wordllama") is None:
        raise UsageError("`effort=precise` needs the package wordllama: pip install 'bigdata-demos[precise]'")
    return effort


def around(kernel: "Kernel", effort: str) -> "Kernel":
    """Return a kernel that works with an effort, by the help of the usual one."""
    if effort == "precise":
        from .precise import Precise

        return Precise(kernel)
    return kernel if effort == "standard" else Fast(kernel)


@dataclass
class Around:
    """A kernel (:class:`~.kernels.Kernel`) that passes all calls on to another one."""

    kernel: "Kernel"

    def __post_init__(self) -> None:
        self.scanner: Scanner = self.kernel.scanner

    def start_counts(self) -> None:
        self.kernel.start_counts()

    def count(self, document: Document) -> None:
        self.kernel.count(document)

    def counted(self) -> bytes:
        return self.kernel.counted()

    def merge(self, tables: Iterable[bytes], least: int = 1) -> bytes:
        return self.kernel.merge(tables, least)

    def start_scores(self, table: frequencies.Table, top: int, bits: int) -> None:
        self.kernel.start_scores(table, top, bits)

    def score(self, document: Document) -> bytes:
        return self.kernel.score(document)

    def postings(self) -> list[Packed]:
        return self.kernel.postings()

    def rank(self, postings: bytes) -> tuple[list[bytes], int]:
        return self.kernel.rank(postings)


class Fast(Around):
    """Counts nothing: the table of frequencies is empty, and all phrases are taken for equally rare."""

    def count(self, document: Document) -> None:
        pass
