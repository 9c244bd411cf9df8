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

The text of each is one line that says what is wrong and what to do next.
"""


class BigDataDemosError(Exception):
    """Base of all errors raised here."""


class UsageError(BigDataDemosError):
    """What was asked for makes no sense."""


class InputError(BigDataDemosError):
    """An input is not there, or cannot be read."""


class OutputError(BigDataDemosError):
    """An output cannot be written, or must not be overwritten."""


class TooManyRejected(BigDataDemosError):
    """More pages were rejected than the caller allows."""


class BadAvro(BigDataDemosError):
    """An Avro file that breaks the specification; the text has file and offset."""


class BadWarc(BigDataDemosError):
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
