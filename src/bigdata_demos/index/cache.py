"""Indexes of outputs that are made when they are first needed, and kept in the cache."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager

from ..errors import InputError
from ..keywords.output.reading import read_manifest
from ..keywords.outputs import place_of
from ..storage.cache import cache_directory
from .database import VERSION, is_address, open_database
from .load import Progress, load


def index_of(index: str, say: Callable[[str], None], progress: Callable[[], AbstractContextManager[Progress]]) -> str:
    """Return the database that is named, or the one of the output that is named.

    The latter is made in ``~/.cache/bigdata_demos/index`` (or ``$XDG_CACHE_HOME``), once for each digest and version of tables.

    Args:
        index: the path or address of a database, or an output directory, also in HDFS.
        say: is told when an index is made.
        progress: opens a display of the progress of that.

    Raises:
        InputError: it is neither, or the cache cannot be written.
    """
    if is_address(index) or not (os.path.isdir(index) or "://" in index):
        return index
    manifest = read_manifest(place_of(index))
    cache = cache_directory("index")
    kind = "-text" if manifest.parts["text"] else ""
    path = cache / f"{manifest.digest.removeprefix('sha256:')[:32]}{kind}-{VERSION}.db"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{cache}: {error.strerror}: make an index by `bigdata-demos index {index} --db FILE`") from None
    with open_database(path, write=True) as database:
        if not database.has_tables:
            say(f"indexing {index} into {path}, once")
            with progress() as shown:
                load(database, index, shown)
    return str(path)
