"""The inner loops of the job over many pages, twice: :mod:`.plain` says what is done, :mod:`.native` does it in C.

Both give the same answers, and the tests hold them to it. The native one is there if the package was installed where it could
be compiled (``hatch_build.py``); it is chosen unless ``BIGDATA_DEMOS_KERNEL=plain`` says otherwise.
"""

import os
import threading
from collections.abc import Iterable
from typing import Protocol

from ....errors import UsageError
from ...model import Document, Packed
from ..frequencies import Table
from ..languages import Rules
from ..text import Scanner
from . import native

VARIABLE = "BIGDATA_DEMOS_KERNEL"


class Kernel(Protocol):
    """What a thread does its pages with. Words stay known from task to task; a task starts its counts, or its scores, anew.

    One thing at a time: between :meth:`start_counts` and :meth:`counted` nothing is merged.
    """

    scanner: Scanner
    """How it reads markup and text."""

    def start_counts(self) -> None:
        """Start a table of document frequencies."""
        ...

    def count(self, document: Document) -> None:
        """Add the candidates of one more page to the table, each once."""
        ...

    def counted(self) -> bytes:
        """The table, the number of pages in it (see :mod:`~..frequencies`)."""
        ...

    def merge(self, tables: Iterable[bytes], least: int = 1) -> bytes:
        """One table with the sums of several, but for phrases whose sum is below ``least``."""
        ...

    def start_scores(self, table: Table, top: int, bits: int) -> None:
        """Start scoring pages by a table of document frequencies; postings go to 2**bits buckets."""
        ...

    def score(self, document: Document) -> bytes:
        """The page's ``top`` best keywords, as an Avro array of ``Keyword``; each is posted to its bucket, too."""
        ...

    def postings(self) -> list[Packed]:
        """What was posted since the start, by bucket: ``Posting`` after ``Posting`` in Avro's encoding."""
        ...

    def rank(self, postings: bytes) -> tuple[list[bytes], int]:
        """The rows of the index, each an Avro ``IndexRow``, from a bucket's postings; and how many keywords these are."""
        ...


def name() -> str:
    """Return the name of the kernel in use: ``native`` or ``plain``.

    Raises UsageError if the environment variable names one that is not available.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "plain", "native"):
        raise UsageError(f"{VARIABLE}={wanted}: must be plain or native")
    if wanted == "native" and not native.available():
        raise UsageError(f"{VARIABLE}=native: {native.why_not()}")
    return wanted or ("native" if native.available() else "plain")


_of_this_thread = threading.local()


def of_this_thread(rules: Rules, effort: str = "standard") -> Kernel:
    """Return this thread's kernel, which all its tasks share."""
    key = (name(), rules, effort)
    kernel: Kernel | None = getattr(_of_this_thread, "kernel", None)
    if kernel is None or _of_this_thread.key != key:
        from ..effort import around

        kernel = around(native.NativeKernel(rules) if key[0] == "native" else _plain(rules), effort)
        _of_this_thread.kernel, _of_this_thread.key = kernel, key
    return kernel


def _plain(rules: Rules) -> Kernel:
    from .plain import PlainKernel  # with numpy, whose import takes 60 ms

    return PlainKernel(rules)
