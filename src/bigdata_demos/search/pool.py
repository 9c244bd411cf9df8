"""Several searchers of one index, for the threads of a server: each lookup has one of its own, and a time limit."""

import queue
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from .searcher import Searcher, open_searcher

_READERS: Final = 4  # the most lookups at once; others wait
_CLOSING: Final = 1.0  # seconds that a running lookup has when the server ends


class Searchers:
    """Open searchers, of which each lookup takes one; ``seconds`` is the time limit of a lookup.

    ``errors`` are what a lookup raises if the database fails.
    """

    def __init__(self, searchers: list[Searcher], seconds: float) -> None:
        self.free: queue.SimpleQueue[Searcher] = queue.SimpleQueue()
        self.number, self.seconds = len(searchers), seconds
        self.errors = searchers[0].database.errors
        for searcher in searchers:
            self.free.put(searcher)

    @contextmanager
    def lookup(self) -> Iterator[Searcher]:
        """Yield a searcher that no other thread uses. Raises TimeoutError if none is free, or the lookup takes too long."""
        try:
            searcher = self.free.get(timeout=self.seconds)
        except queue.Empty:
            raise TimeoutError("too many concurrent lookups") from None
        try:
            with searcher.database.deadline(self.seconds):
                yield searcher
        finally:
            self.free.put(searcher)


@contextmanager
def open_searchers(index: str, seconds: float = 5) -> Iterator[Searchers]:
    """Open an index for lookups of so many ``seconds``, at most. Errors: :func:`bigdata_demos.index.database.open_database`."""
    with ExitStack() as stack:
        searchers = Searchers([stack.enter_context(open_searcher(index)) for _ in range(_READERS)], seconds)
        try:
            yield searchers
        finally:
            with suppress(queue.Empty):
                for _ in range(searchers.number):
                    searchers.free.get(timeout=_CLOSING)
