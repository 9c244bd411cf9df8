"""The one family of errors that this package raises.

::

    BigDataDemosError
    ├── UsageError              what was asked for makes no sense (exit status 2)
    ├── InputError              an input that is not there or cannot be read
    ├── OutputError             an output that cannot or must not be written
    ├── TooManyRejected         more pages were rejected than the caller allows
    ├── BadAvro, BadWarc        a file that breaks its format's specification, with file and offset
    ├── RpcError                a call that failed: no server, no answer in time
    │   ├── BadMessage          bytes that are no message of Avro's RPC, or are too many
    │   ├── BadProtocol         JSON that is no protocol, or is too much
    │   └── RemoteError         the server's answer is an error, a declared one or a system error
    └── EngineError
        ├── EngineNotInstalled  a package or program is missing
        ├── EngineUnavailable   a cluster that cannot be reached or cannot run the job
        └── JobFailed           the job started and did not finish

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

Anything else in backquotes, such as ```bigdata-demos cluster up```, stays as it is. A message that quotes another error and
shall keep its parameters quotes ``error.args[0]``, not ``str(error)``.
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
    """An argument has no meaning, or two of them contradict each other."""


class InputError(BigDataDemosError):
    """An input is not there, or cannot be read."""


class OutputError(BigDataDemosError):
    """An output cannot be written, or must not be overwritten."""


class TooManyRejected(BigDataDemosError):
    """More pages were rejected than the caller allows."""


class BadAvro(BigDataDemosError):
    """An Avro file that breaks the specification; the text has file and offset."""


class _BadWarc(BigDataDemosError):
    """A WARC file that breaks the specification; the text has file and offset."""


class RpcError(BigDataDemosError):
    """A call that failed: no server, no answer in time, or one that cannot be understood."""


class BadMessage(RpcError):
    """Bytes that are no message of Avro's RPC, or are too many."""


class BadProtocol(RpcError):
    """JSON that is no protocol, or is too much."""


class RemoteError(RpcError):
    """The server's answer is an error. ``name``: a declared one's, ``""`` for a system error; ``value``: its fields, or text."""

    def __init__(self, name: str, value: object) -> None:
        """Of a declared error, the field ``message`` is for people."""
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


def printable(text: str) -> str:
    """Return a text on one line, with control characters and others that would steer a terminal escaped."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text)
    return shown.encode("utf-8", "backslashreplace").decode()
