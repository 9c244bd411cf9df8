"""Loads the scripts of docs/, which are no modules of the package."""

import importlib.util
from types import ModuleType

from tests.support.paths import ROOT


def load_script(name: str) -> ModuleType:
    """Load ``docs/NAME.py``."""
    specification = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
