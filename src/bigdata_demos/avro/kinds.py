"""Types of parsed schemas: kinds, names, and logical types."""

from typing import Any, Final

Named = dict[str, Any]  # named types by full name
PRIMITIVE: Final = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
BUILT_IN: Final = (*PRIMITIVE, "fixed", "enum", "record", "error", "array", "map", "union")  # others are names
_NAMED: Final = ("record", "error", "enum", "fixed")
LOGICAL: Final = {
    "date": ("int",),
    "time-millis": ("int",),
    "time-micros": ("long",),
    **{f"{local}timestamp-{unit}": ("long",) for local in ("", "local-") for unit in ("millis", "micros", "nanos")},
    "decimal": ("bytes", "fixed"),
    "uuid": ("string", "fixed"),
    "duration": ("fixed",),
}
"""Logical types and the types they may annotate; on others the specification says to ignore them."""
PROMOTIONS: Final = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
"""The types that each type may be read as, besides itself (specification, "Schema Resolution")."""


def named_types(schema: Any) -> dict[str, Any]:
    """Return the named types that a parsed schema defines, by full name."""
    named: dict[str, Any] = {}
    left = [schema]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict):
            if part["type"] in ("record", "error", "enum", "fixed"):
                named[part["name"]] = part
            left += [field["type"] for field in part.get("fields", ())]
            left += [part[inner] for inner in ("items", "values") if inner in part]
    return named


def complete(schema: Any, named: Named) -> Any:
    """Return a parsed schema in which the first use of each named type, including those in ``named``, is its definition."""
    defined: set[str] = set()

    def with_definitions(part: Any) -> Any:
        if isinstance(part, list):
            return [with_definitions(branch) for branch in part]
        if part in PRIMITIVE if isinstance(part, str) else part["type"] in PRIMITIVE:
            return part
        name = part if isinstance(part, str) else part["name"] if part["type"] in _NAMED else None
        if name in defined:
            return name
        if name is not None:
            defined.add(name)
            part = named.get(name, part)
        inner = {key: with_definitions(part[key]) for key in ("items", "values") if key in part}
        if "fields" in part:
            inner["fields"] = [{**field, "type": with_definitions(field["type"])} for field in part["fields"]]
        return {**part, **inner}

    return with_definitions(schema)


def is_complete(schema: Any) -> bool:
    """Whether a parsed schema defines each type before it refers to it."""
    defined: set[str] = set()

    def follows(part: Any) -> bool:
        if isinstance(part, list):
            return all(map(follows, part))
        if isinstance(part, str):
            return part in PRIMITIVE or part in defined
        if part["type"] in _NAMED:
            defined.add(part["name"])
        parts = [*(field["type"] for field in part.get("fields", ())), *(part[key] for key in ("items", "values") if key in part)]
        return all(map(follows, parts))

    return follows(schema)


def resolve(schema: Any, named: Named) -> tuple[Any, str]:
    """Look up a reference to a named type; return the schema, which is not a union, and its kind."""
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind not in BUILT_IN:
        schema = named[kind]
        kind = schema["type"]
    return schema, kind


def label(branch: Any) -> str:
    """Return the tag of a union branch: its full name, or its type."""
    if isinstance(branch, str):
        return branch
    return str(branch["name"] if branch["type"] in _NAMED else branch["type"])


def logical(schema: Any, kind: str) -> str | None:
    """Return the logical type of a schema, or None if it has none or an invalid one, which the specification says to ignore."""
    name = schema.get("logicalType") if isinstance(schema, dict) else None
    if not isinstance(name, str) or kind not in LOGICAL.get(name, ()):
        return None
    if name == "decimal":
        precision, scale = schema.get("precision"), schema.get("scale", 0)
        return name if is_int(precision) and is_int(scale) and 0 <= scale <= precision and precision > 0 else None
    if kind == "fixed" and schema["size"] != {"uuid": 16, "duration": 12}[name]:
        return None
    return name


def is_int(value: Any) -> bool:
    """Whether a value is an integer and not a boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def same_name(name: str, reader: Any) -> bool:
    """Whether the writer's full name is one of the reader's aliases, or equals the reader's name except for the namespace."""
    namespace, dot, own = reader["name"].rpartition(".")
    aliases = [alias if "." in alias else namespace + dot + alias for alias in reader.get("aliases", ())]
    return name.rpartition(".")[2] == own or name in aliases
