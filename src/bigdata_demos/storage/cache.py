"""The user's cache directory."""

import os
from pathlib import Path


def cache_directory(name: str) -> Path:
    """Return the path of a directory for what can be made again, below ``$XDG_CACHE_HOME`` or ``~/.cache``. It may not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "bigdata_demos", name)
