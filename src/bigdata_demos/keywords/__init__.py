"""Keywords of a crawl: one job on every engine.

::

    splits ──► pages ──► candidates ───────────────► keywords of each page ──► consolidated index
          read     map_page    │     ▲  score_page                       │
                               ▼     │                                   ▼
                        document frequencies                      rejected pages, with reasons
                         (shuffle, merge)

Read in this order: :mod:`.model` (the values), :mod:`.job` (the job on pages, splits and buckets), :mod:`.tasks` (the same with
data in files), :mod:`.engines.serial` and then the other engines beside it. Then what the job is made of:
:mod:`bigdata_demos.crawl` (from paths to pages), :mod:`.analysis` (from a page to its keywords) and :mod:`.output` (parts,
digest, commit). Last, :mod:`.runner` and :mod:`.cli`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .runner import Result, Session, open_session, run, run_pages

__all__ = ["Result", "Session", "open_session", "run", "run_pages"]


def __getattr__(name: str) -> Any:
    """Import the public names on first use: workers and ``--help`` need none of them."""
    if name in __all__:
        import importlib

        return getattr(importlib.import_module(".runner", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
