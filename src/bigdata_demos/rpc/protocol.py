"""Protocols, and the schemas of their messages (Avro specification, "Protocol Declaration")."""

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import fastavro

from ..avro import limits
from ..avro.binary import Schema
from ..avro.kinds import complete
from ..errors import BadProtocol

_MAX_PROTOCOL: Final = 64 << 10  # the most bytes of a protocol that is read; ``keywords.avpr`` has 4,000


class Message(NamedTuple):
    """A message's schemas. Each is a record around the data, which does not change their encoding.

    ``request`` has the parameters as fields; ``response`` and ``errors`` have one field, ``value``. ``errors`` is the effective
    union, ``string`` first.
    """

    request: Schema
    response: Schema
    errors: Schema


class Protocol:
    """A protocol. ``text`` is its JSON, and ``md5`` the hash of that, which identifies it in handshakes.

    Logical types are read as their underlying types. One-way messages are not supported.

    Raises BadProtocol if it is invalid, too long, or nested too deep.
    """

    def __init__(self, text: str) -> None:
        encoded = text.encode()
        if len(encoded) > _MAX_PROTOCOL:
            raise BadProtocol(f"a protocol of {len(encoded)} bytes; {_MAX_PROTOCOL} are the most")
        if limits.nesting(text) > limits.MAX_NESTING:
            raise BadProtocol(f"a protocol nested more than {limits.MAX_NESTING} levels deep")
        self.text, self.md5 = text, hashlib.md5(encoded, usedforsecurity=False).digest()
        self.named: dict[str, Any] = {}
        self.compiled: dict[str, Message] = {}
        try:
            whole = json.loads(text, object_hook=_without_logical_type)
            self.name = str(whole["protocol"])
            self.namespace = str(whole.get("namespace") or self.name.rpartition(".")[0])
            self.messages: dict[str, Any] = dict(whole.get("messages") or {})
            for definition in whole.get("types") or []:
                if "." not in definition["name"]:
                    definition.setdefault("namespace", self.namespace)
                fastavro.parse_schema(definition, self.named, _force=True)  # a mark of fastavro's that the schema is parsed
        except Exception as error:
            raise BadProtocol(f"not a protocol: {type(error).__name__}: {error}") from None

    def message(self, name: str) -> Message | None:
        """Return the schemas of a message, which are parsed on first use; ``None`` if there is no such message.

        Raises BadProtocol if they are invalid, or :func:`~..avro.limits.measure` refuses them.
        """
        if name in self.compiled or name not in self.messages:
            return self.compiled.get(name)
        try:
            declared = self.messages[name]
            if declared.get("one-way"):
                raise ValueError("one-way messages are not supported")
            errors = ["string", *declared.get("errors", [])]
            compiled = Message(
                self.record("request", declared["request"]),
                self.record("response", [{"name": "value", "type": declared["response"]}]),
                self.record("errors", [{"name": "value", "type": errors}]),
            )
        except Exception as error:
            raise BadProtocol(f"message {name} of protocol {self.name}: {type(error).__name__}: {error}") from None
        self.compiled[name] = compiled
        return compiled

    def record(self, name: str, fields: list[Any]) -> Schema:
        """Parse a record of fields, which may have the protocol's types."""
        named = dict(self.named)
        parts = {"type": "record", "name": f"__{name}__", "namespace": self.namespace, "fields": fields}
        parsed: Any = fastavro.parse_schema(parts, named, _force=True)
        limits.measure(parsed, named, recursive=False)
        parsed = complete(parsed, named)
        parsed["name"] = f"__{name}__"  # the same in all namespaces, for schema resolution
        return parsed  # type: ignore[no-any-return]


def _without_logical_type(parts: dict[str, Any]) -> dict[str, Any]:
    """Remove logical types from a JSON object, because fastavro would compute them: for one, a decimal of a million digits."""
    parts.pop("logicalType", None)
    return parts


@cache
def keyword_index() -> Protocol:
    """Return the protocol of the service, ``keywords.avpr``."""
    text = (files("bigdata_demos") / "rpc" / "keywords.avpr").read_text(encoding="utf-8")
    return Protocol(json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")))
