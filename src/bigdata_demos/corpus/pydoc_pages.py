"""Renders the documentation of the running Python with pydoc, one HTML page per module."""

import contextlib
import importlib
import io
import os
import pkgutil
import pydoc
import sys
import warnings
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Final

from ..crawl.model import Page, Skipped

_NOT_IMPORTED: Final = """
    __hello__ __main__ __phello__ _ctypes_test _test_atexit _testbuffer _testcapi _testclinic _testconsole
    _testimportmultiple _testinternalcapi _testmultiphase _xxtestfuzz antigravity idle_test idlelib test tests this
    turtledemo
"""
_LEFT_OUT: Final = frozenset(_NOT_IMPORTED.split())  # components of module names: tests, and imports with side effects


def pages(modules: Iterable[str] | None = None) -> Iterator[Page | Skipped]:
    """Yield the pages of the modules and their submodules, by default of the whole standard library.

    A module that cannot be imported (for example, one for another platform) is skipped; ``source`` gives the reason.
    """
    for name in sorted(sys.stdlib_module_names if modules is None else modules):
        yield from walk(name)


def walk(name: str) -> Iterator[Page | Skipped]:
    """Yield the page of a module, then those of its submodules."""
    if not _LEFT_OUT.isdisjoint(name.split(".")):
        return
    try:
        with _silence():
            module = importlib.import_module(name)
            page = document(module, name)
            inside = sorted(info.name for info in pkgutil.iter_modules(getattr(module, "__path__", []), f"{name}."))
    except (Exception, SystemExit) as error:  # an import can raise anything
        yield Skipped(f"{name}: {type(error).__name__}: {error}", 0)
        return
    yield page
    for submodule in inside:
        yield from walk(submodule)


def document(module: ModuleType, name: str) -> Page:
    """Render the page of a module."""
    writer = pydoc.HTMLDoc()
    html = writer.page(pydoc.describe(module), writer.document(module, name))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    content = html.encode("utf-8", "xmlcharrefreplace")
    return Page(f"pydoc://{version}/{name}.html", "pydoc", 0, content, content_type="text/html; charset=utf-8")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Suppress warnings and output during imports, including output from C (GNU readline writes to the terminal)."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a closed standard output needs no guard
            saved = os.dup(1)
            stack.callback(os.close, saved)
            stack.callback(os.dup2, saved, 1)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.close(nowhere)
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        yield
