"""Where outputs are: in a directory of this machine, or of HDFS."""

from dataclasses import replace
from pathlib import Path

from ..errors import UsageError
from ..storage import places
from ..storage.places import Place


def place_of(output: str | Path) -> Place:
    """Return the place of an output: a local path, ``file:///PATH``, ``hdfs://HOST:PORT/PATH`` or ``webhdfs://HOST:PORT/PATH``.

    Raises UsageError if it is of another kind.
    """
    scheme, separator, rest = str(output).partition("://")
    if not separator:
        return Path(output)
    if scheme == "file":
        return Path(rest)
    place = places.at(by_http(str(output)))
    if not isinstance(place, places.Hdfs) or "?" in rest:
        raise UsageError(
            f"`output={output}`: an output is a directory of this machine (a path, or file:///PATH), or of HDFS (hdfs://HOST:PORT/PATH)"
        )
    return replace(place, called=f"{scheme}://{rest.partition('/')[0]}")


def by_http(path: str) -> str:
    """Return the WebHDFS address of a path in HDFS, which needs no native code, and any other path unchanged."""
    if not path.startswith("hdfs://"):
        return path
    from ..cluster.hadoop import connection

    return connection.by_http(path)
