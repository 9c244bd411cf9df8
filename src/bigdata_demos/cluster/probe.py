"""Quick checks before a job: does the cluster answer, and do its workers have the right Python?"""

import platform
import re
import socket
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from ..errors import EngineUnavailable, UsageError

_SECONDS = 5.0  # seconds for a connection
LOCAL = build_opener(ProxyHandler({}))
"""Opens the web pages of clusters, never by a proxy."""


def reachable(url: str, scheme: str, how_to_start: str) -> tuple[str, int]:
    """Return the host and the port of a cluster, if it accepts connections.

    Raises UsageError if the address is not of the form ``scheme://host:port``; EngineUnavailable if it does not.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme != scheme or not host or not port:
        raise UsageError(f"`cluster={url}`: not an address of the form {scheme}://HOST:PORT")
    try:
        socket.create_connection((host, port), _SECONDS).close()
    except OSError as error:
        raise EngineUnavailable(
            f"nothing answers at {url} ({error.strerror or error}): start the cluster ({how_to_start}), or leave out `cluster`"
        ) from None
    return host, port


def check_python(where: str, versions: Collection[str]) -> None:
    """Check that workers have the same minor version of Python as the driver.

    Raises EngineUnavailable if not; the message has both versions.
    """
    here = platform.python_version_tuple()[:2]
    others = sorted(version for version in versions if tuple(version.split(".")[:2]) != here)
    if others:
        raise EngineUnavailable(
            f"Python is {platform.python_version()} here and {', '.join(others)} on {where}: driver and workers must have the "
            f"same minor version; run this with Python {'.'.join(others[0].split('.')[:2])}, or make their environment anew"
        )


WAIT: Final = "seconds to wait for a cluster's workers (default 20)"
"""The description of the engine-specific option ``wait``."""


def seconds_to_wait(options: Mapping[str, str]) -> float:
    """Return the value of the option ``wait``. Raises UsageError if it is not a number of seconds."""
    return seconds("`engine_options[wait]`", options.get("wait", "20"))


def seconds(name: str, text: str) -> float:
    """Convert a number of seconds. Raises UsageError if it is none."""
    if not re.fullmatch(r"[1-9]\d{0,5}", text, re.ASCII):
        raise UsageError(f"{name}={text}: not a number of seconds such as 20")
    return float(text)


def mebibytes(name: str, text: str) -> int:
    """Convert an amount of memory such as 1g or 2GiB to MiB. Raises UsageError if it is not an amount of memory."""
    match = re.fullmatch(r"([1-9]\d*)([kmgt])(i?b)?", text.strip(), re.IGNORECASE | re.ASCII)
    if not match:
        raise UsageError(f"{name}={text}: not an amount of memory such as 512m or 2g")
    return int(match[1]) << 10 * "kmgt".index(match[2].lower()) >> 10
