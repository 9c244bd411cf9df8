"""The one family of errors that this package raises.

The message of each is one line that says what is wrong and what to do next.

Messages put the parameters of the Python interface in backquotes: ``"`top` must be at least 1"``. ``str(error)`` removes
the backquotes (``top must be at least 1``); a command writes the option instead whose ``dest`` in its parser is that
parameter (``--top must be at least 1``). A value may follow, and a key in brackets:

===============================  ===========================  ==============================
in the message                   ``str(error)``               on the command line
===============================  ===========================  ==============================
```max_rejected```               ``max_rejected``             ``--max-rejected``
```overwrite=True```             ``overwrite=True``           ``--overwrite``
```engine=asyncio```             ``engine=asyncio``           ``--engine asyncio``
```engine_options[memory]```     ``engine_options[memory]``   ``--engine-option memory``
```engine_options[memory]=1g```  ``engine_options[memory]=1g``  ``--engine-option memory=1g``
```inputs``` (positional)        ``inputs``                   ``INPUT``, its metavar
===============================  ===========================  ==============================

Anything else in backquotes, such as ```bigdata-demos cluster up```, is not changed. A message that quotes another error
uses ``error.args[0]``, not ``str(error)``, so that its parameters are spelled, too.
"""

import re
from collections.abc import Callable
from typing import Final

_PARAMETER: Final = re.compile(r"`([a-z_]+)(?:\[([^`\]]+)\])?(?:=([^`]*))?`")


class BigDataDemosError(Exception):
    """Base of all errors raised here."""

    def __str__(self) -> str:
        """Return the message with parameters spelled as in Python."""
        return _PARAMETER.sub(lambda match: match[0][1:-1], super().__str__())

    def spelled(self, spell: Callable[[str, str | None, str | None], str | None]) -> str:
        """Return the message with parameters spelled by ``spell(name, key, value)``; ``None`` means as in Python."""
        return _PARAMETER.sub(lambda match: spell(match[1], match[2], match[3]) or match[0][1:-1], super().__str__())


class UsageError(BigDataDemosError):
    """An argument is invalid, or contradicts another one."""


class InputError(BigDataDemosError):
    """An input does not exist, or cannot be read."""


class OutputError(BigDataDemosError):
    """An output cannot be written, or must not be overwritten."""


class TooManyRejected(BigDataDemosError):
    """More pages were rejected than the caller allows."""


class BadAvro(BigDataDemosError):
    """An Avro file breaks the specification. The message names the file and the offset."""


class RpcError(BigDataDemosError):
    """A call failed: there is no server, no answer in time, or an answer that cannot be decoded."""


class BadMessage(RpcError):
    """Bytes that are not an Avro RPC message, or exceed its maximum size."""


class BadProtocol(RpcError):
    """JSON that is not an Avro protocol, or exceeds its maximum size."""


class RemoteError(RpcError):
    """The server answered with an error. ``name``: of a declared one, else ``""``; ``value``: its fields, or a text."""

    def __init__(self, name: str, value: object) -> None:
        """Make the message of a declared error's field ``message``, if it has one."""
        self.name, self.value = name, value
        said = value["message"] if isinstance(value, dict) and "message" in value else value
        super().__init__(" ".join(f"{name or 'the server says'}: {said}".split()))


class EngineError(BigDataDemosError):
    """An engine cannot run the job."""


class EngineNotInstalled(EngineError):
    """A package or program that the engine needs is missing."""


class EngineUnavailable(EngineError):
    """The engine's cluster cannot be reached, or cannot run the job."""


class JobFailed(EngineError):
    """The job started and did not finish."""


class ExperimentsFailed(BigDataDemosError):
    """Some of several experiments failed; their errors were shown before."""


def printable(text: str) -> str:
    """Return a text on one line, with control characters and others that would steer a terminal escaped."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text)
    return shown.encode("utf-8", "backslashreplace").decode()
