"""Conversion between Avro data and JSON, in the specification's encoding ("JSON Encoding") or as plain JSON.

Data have the form in which fastavro decodes them with :func:`raw_schema` and :data:`READ_OPTIONS`: without logical types
(Python's dates end at year 9999, Avro's do not), and with the branch of each union value::

    raw = raw_schema(parsed)
    datum = fastavro.schemaless_reader(file, raw, None, **READ_OPTIONS)
    value = to_json(datum, parsed, named, plain=True)
    fastavro.schemaless_writer(file, raw, from_json(value, parsed, named, plain=True))

===================  ==================================================  ==========================================
Avro                 specification                                       plain
===================  ==================================================  ==========================================
union                ``null``, or ``{"branch name": value}``             the value
bytes, fixed         text, one character per byte (Latin-1)              the same
NaN, infinities      ``"NaN"``, ``"Infinity"``, ``"-Infinity"``          the same
date                 the number                                          ``"2026-11-24"``
time, timestamp      the number                                          ``"12:53:09.000"``, ``"2026-11-24T12:53:09.000Z"``
local timestamp      the number                                          ``"2026-11-24T12:53:09.000"``
decimal              bytes, as above                                     ``"12.30"``
uuid on fixed        bytes, as above                                     ``"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"``
duration             bytes, as above                                     ``"P1M2DT3.004S"``
===================  ==================================================  ==========================================

The specification does not mention NaN and the infinities. Java's ``JsonEncoder`` writes them as strings, because Jackson
quotes them; old versions of its ``JsonDecoder`` refuse them (AVRO-2032). As in Java, a ``float`` is written as the equal double.

Plain JSON does not record the branch of a union, so :func:`from_json` uses the strictest branch that fits (:func:`chosen`).
An invalid time of day is written as a number, and numbers are accepted for all dates, times and timestamps.
"""

import math
import re
import struct
import uuid
from collections.abc import Callable, Collection
from typing import Any, Final, NoReturn

import fastavro

from ..errors import BadAvro, InputError
from .kinds import Named, is_int, label, logical, resolve
from .limits import MAX_DECIMAL, MAX_DEFAULT, MAX_DIGITS, MAX_NESTING

READ_OPTIONS: Final[dict[str, Any]] = {"return_named_type": True}
"""Options for fastavro's readers: records, enums and fixed values in unions are then returned as (full name, value)."""
WRAPPED: Final = "bigdata_demos__raw"
"""Namespace of the one-field records by which :func:`raw_schema` distinguishes int from long and float from double."""
_NUMBERS: Final = frozenset(("int", "long", "float", "double"))
_ALIKE: Final = {**dict.fromkeys(_NUMBERS, _NUMBERS), **dict.fromkeys(("bytes", "string"), frozenset(("bytes", "string")))}
"""For each primitive type, the types that fastavro cannot distinguish from it in a union."""
RANGES: Final = {"int": 1 << 31, "long": 1 << 63}
_FLOAT_MAX: Final = 3.4028234663852886e38
_NOT_NUMBERS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_DAY: Final = 86_400
SCALES: Final = {"millis": 3, "micros": 6, "nanos": 9}
_DATE: Final = r"([+-][0-9]{4,9}|[0-9]{4})-([0-9]{2})-([0-9]{2})"
TIME: Final = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
_TIMESTAMP: Final = re.compile(_DATE + "[T ]" + TIME + r"(Z|[+-][0-9]{2}:[0-9]{2})?")
_DURATION: Final = re.compile(
    r"P(?=.)(?:([0-9]{1,9})Y)?(?:([0-9]{1,10})M)?(?:([0-9]{1,9})W)?(?:([0-9]{1,10})D)?"
    r"(?:T(?=.)(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,8})(?:\.([0-9]{1,3}))?S)?)?"
)
DECIMAL: Final = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?")

Step = str | int | tuple[str]
"""A field or branch name, an array index, or a map key in a tuple. Paths are only built for error messages."""


class Mismatch(ValueError):
    """A value does not match its schema. ``steps`` is the path to the value, innermost step first."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.steps: list[Step] = []

    def again(self) -> "Mismatch":
        """Return a copy, because callers append steps to the exception they raise."""
        other = Mismatch(self.text)
        other.steps = list(self.steps)
        return other

    def __str__(self) -> str:
        path = "".join(map(_shown_step, reversed(self.steps))).removeprefix(".")
        return f"{path}: {self.text}" if path else self.text


def _shown_step(step: Step) -> str:
    return f"[{step}]" if isinstance(step, int) else f"[{step[0]!r:.60}]" if isinstance(step, tuple) else f".{step}"


def to_json(value: Any, schema: Any, named: Named, *, plain: bool) -> Any:
    """Convert a datum to a JSON-serializable object, by a parsed ``schema`` with logical types; ``named`` has its named types.

    Raises BadAvro if the datum does not match the schema, or a decimal is larger than :data:`MAX_DECIMAL`; with the path.
    """
    try:
        return write(value, schema, named, plain)
    except Mismatch as error:
        raise BadAvro(str(error)) from None


def from_json(value: Any, schema: Any, named: Named, *, plain: bool) -> Any:
    """Convert a JSON value to a datum that fastavro's writers accept with :func:`raw_schema`.

    Values of unions are returned as (name, value), except null, so that fastavro does not guess the branch. A missing field
    is filled with its default if ``plain`` and refused otherwise. A field that the schema does not have is always refused.

    Raises InputError if the value does not match the schema; with the path and the expected type.
    """
    try:
        return read(value, schema, named, {} if plain else None)
    except Mismatch as error:
        raise InputError(str(error)) from None


def raw_schema(schema: Any, needed: Collection[str] | None = None) -> Any:
    """Return the schema with which fastavro decodes and encodes: the same bytes, without logical types and defaults.

    A union branch that fastavro cannot distinguish from another (:data:`_ALIKE`) is wrapped in a record with one field, which
    takes no extra bytes; :data:`READ_OPTIONS` then return its name. If ``needed`` names fields of the record, only unions in
    those fields are wrapped. Use this schema for data only, never in a file's header.
    """
    wrapped: set[str] = set()

    def bare(part: Any, *, wrapping: bool = True) -> Any:
        if isinstance(part, list):
            inners = [bare(branch, wrapping=wrapping) for branch in part]
            alike = [wrapping and isinstance(inner, str) and _ambiguous(inner, part) for inner in inners]
            return [wrap(inner) if several else inner for inner, several in zip(inners, alike, strict=True)]
        if isinstance(part, str):
            return part
        kind = part["type"]
        if not isinstance(kind, str):
            return bare(kind, wrapping=wrapping)
        if kind in ("record", "error"):
            own = (part is not schema or needed is None or field["name"] in needed for field in part["fields"])
            fields = [
                {"name": field["name"], "type": bare(field["type"], wrapping=wrapping and wanted)}
                for field, wanted in zip(part["fields"], own, strict=True)
            ]
            return {"type": "record", **name(part), "fields": fields}
        if kind == "enum":
            return {"type": kind, **name(part), "symbols": part["symbols"]}
        if kind == "fixed":
            return {"type": kind, **name(part), "size": part["size"]}
        if kind in ("array", "map"):
            inner = "items" if kind == "array" else "values"
            return {"type": kind, inner: bare(part[inner], wrapping=wrapping)}
        return kind

    def wrap(kind: str) -> Any:
        full = f"{WRAPPED}.{kind}"
        if full in wrapped:
            return full
        wrapped.add(full)
        return {"type": "record", "name": full, "fields": [{"name": "value", "type": kind}]}

    def name(part: Any) -> dict[str, str]:
        full = part["name"]
        return {"name": full} if "." in full else {"name": full, "namespace": ""}

    return fastavro.parse_schema(bare(schema), {}, _force=True)


def _ambiguous(name: str, union: list[Any]) -> bool:
    return name in _ALIKE and len(_ALIKE[name].intersection(map(label, union))) > 1


def untagged(datum: Any) -> Any:
    """Return a datum without the names of union branches."""
    if isinstance(datum, tuple):
        name, inner = datum
        return inner["value"] if name.startswith(WRAPPED + ".") and isinstance(inner, dict) else untagged(inner)
    if isinstance(datum, dict):
        return {key: untagged(value) if isinstance(value, (tuple, dict, list)) else value for key, value in datum.items()}
    return list(map(untagged, datum)) if isinstance(datum, list) else datum


def expected(what: str, value: Any) -> NoReturn:
    """Raise a :class:`Mismatch` that says what was expected."""
    if isinstance(value, (dict, list, tuple)):
        raise Mismatch(f"expected {what}, not {type(value).__name__} of {len(value)}")
    raise Mismatch(f"expected {what}, not {shown if len(shown := _displayed(value)) <= 60 else shown[:57] + '…'}")


def _displayed(value: Any) -> str:
    """``repr``, except for large integers: Python refuses to convert more than 4,300 digits."""
    return f"a number of {value.bit_length()} bits" if isinstance(value, int) and value.bit_length() > 10_000 else repr(value)


# Avro to JSON


def write(value: Any, schema: Any, named: Named, plain: bool) -> Any:
    """Convert a datum as :func:`to_json` does, but raise Mismatch."""
    if isinstance(schema, list):
        branch, value = taken(value, schema, named)
        if label(branch) == "null":
            return None
        inner = write(value, branch, named, plain)
        return inner if plain else {label(branch): inner}
    schema, kind = resolve(schema, named)
    if kind in ("record", "error"):
        if not isinstance(value, dict):
            expected(f"a record {schema['name']}", value)
        record = {}
        for field in schema["fields"]:
            name = field["name"]
            if name not in value:
                raise Mismatch(f"no field {name!r}, which the record {schema['name']} has")
            record[name] = under(name, write, value[name], field["type"], named, plain)
        return record
    if kind == "array":
        if not isinstance(value, list):
            expected("an array", value)
        return [under(i, write, item, schema["items"], named, plain) for i, item in enumerate(value)]
    if kind == "map":
        if not isinstance(value, dict):
            expected("a map", value)
        return {key: under((key,), write, item, schema["values"], named, plain) for key, item in value.items()}
    if plain and (meaning := logical(schema, kind)):
        return legible(value, meaning, schema, kind)
    if kind in ("bytes", "fixed"):
        if not isinstance(value, bytes):
            expected(kind, value)
        return value.decode("latin-1")
    if kind in ("float", "double") and isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def under(step: Step, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call the function; if it raises Mismatch, add the step to its path."""
    try:
        return function(*arguments)
    except Mismatch as error:
        error.steps.append(step)
        raise


def taken(value: Any, union: list[Any], named: Named) -> tuple[Any, Any]:
    """Return the union branch that a datum belongs to, and the datum without its branch name.

    A datum without a name, as fastavro returns it without :data:`READ_OPTIONS`, belongs to the first branch that fits.
    """
    if isinstance(value, tuple):
        name, inner = value
        wrapped = name.startswith(WRAPPED + ".")
        name = name.removeprefix(WRAPPED + ".")
        for branch in union:
            if label(branch) == name:
                return branch, inner["value"] if wrapped and isinstance(inner, dict) else inner
        raise Mismatch(f"a union has no branch {name!r}")
    for branch in union:
        if _may_be(value, *resolve(branch, named)):
            return branch, value
    expected(f"one of {', '.join(map(label, union))}", value)


def _may_be(value: Any, schema: Any, kind: str) -> bool:
    """Whether an untagged datum fits a type, judged without looking into its items or fields."""
    if kind in RANGES:
        return is_int(value) and -RANGES[kind] <= value < RANGES[kind]
    if kind in ("record", "error"):
        return isinstance(value, dict) and value.keys() == {field["name"] for field in schema["fields"]}
    if kind == "enum":
        return value in schema["symbols"]
    if kind == "fixed":
        return isinstance(value, bytes) and len(value) == schema["size"]
    simple = {"boolean": bool, "float": float, "double": float, "bytes": bytes, "string": str, "array": list, "map": dict}
    return value is None if kind == "null" else isinstance(value, simple[kind])


def legible(value: Any, meaning: str, schema: Any, kind: str) -> Any:
    """Return a datum of a logical type in its plain JSON form."""
    if kind in RANGES:
        if not is_int(value):
            expected(meaning, value)
        if meaning == "date":
            return date_text(value)
        digits = SCALES[meaning.rpartition("-")[2]]
        if meaning.startswith("time-"):
            return _time_text(value, digits) if 0 <= value < _DAY * 10**digits else value
        days, rest = divmod(value, _DAY * 10**digits)
        return f"{date_text(days)}T{_time_text(rest, digits)}{'' if meaning.startswith('local-') else 'Z'}"
    if kind == "string":  # a uuid
        return value
    if not isinstance(value, bytes) or (kind == "fixed" and len(value) != schema["size"]):
        expected(f"{meaning} in {kind}", value)
    if meaning == "uuid":
        return str(uuid.UUID(bytes=value))
    if meaning == "duration":
        months, days, millis = struct.unpack("<III", value)
        return f"P{months}M{days}DT{millis // 1000}.{millis % 1000:03d}S"
    _bounded(schema, len(value))
    return _decimal_text(int.from_bytes(value, "big", signed=True), schema.get("scale", 0))


def date_text(days: int) -> str:
    """Format days since 1970-01-01 as ISO 8601; years outside 0000 to 9999 have a sign, as in Java's ``LocalDate``."""
    year, month, day = _civil(days)
    return f"{year:04d}-{month:02d}-{day:02d}" if 0 <= year <= 9999 else f"{year:+05d}-{month:02d}-{day:02d}"


def _time_text(units: int, digits: int) -> str:
    """Format a time of day, in units of 10**-digits seconds, as ISO 8601."""
    seconds, part = divmod(units, 10**digits)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{part:0{digits}d}"


def _decimal_text(unscaled: int, scale: int) -> str:
    sign, digits = "-" if unscaled < 0 else "", str(abs(unscaled)).rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else sign + digits


def _civil(days: int) -> tuple[int, int, int]:
    """Convert days since 1970-01-01 to year, month and day of the proleptic Gregorian calendar.

    This is Howard Hinnant's ``civil_from_days`` ("chrono-Compatible Low-Level Date Algorithms"): years start in March, so the
    leap day is the last day, and an era is 400 years or 146,097 days. Python's ``//`` already rounds down.
    """
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    return year + era * 400 + (month >= 10), month + 3 if month < 10 else month - 9, day


def _days_from_civil(year: int, month: int, day: int) -> int:
    """Convert a date to days since 1970-01-01: the inverse of :func:`_civil`, from the same source."""
    march = year - (month <= 2)
    era, of_era = divmod(march, 400)
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    if not 1 <= month <= 12 or _civil(days) != (year, month, day):
        raise Mismatch("there is no such day")
    return days


# JSON to Avro


Tried = dict[tuple[int, int], Any]
"""Union data, or the Mismatch, by the ids of a plain JSON object or array and of the union.

Without this cache, recursive types take exponential time, because each level tries each branch again.
"""


def read(value: Any, schema: Any, named: Named, plain: Tried | None) -> Any:
    """Convert as :func:`from_json` does, but raise Mismatch; ``plain`` is the cache, or None for the specification's encoding."""
    if isinstance(schema, list):
        return tagged(value, schema, named) if plain is None else remembered(value, schema, named, plain)
    schema, kind = resolve(schema, named)
    if kind in ("record", "error"):
        return _read_record(value, schema, named, plain)
    if kind == "array":
        if not isinstance(value, list):
            expected("an array", value)
        return [under(i, read, item, schema["items"], named, plain) for i, item in enumerate(value)]
    if kind == "map":
        if not isinstance(value, dict):
            expected("a map (a JSON object)", value)
        return {text(key): under((key,), read, item, schema["values"], named, plain) for key, item in value.items()}
    if plain is not None and (meaning := logical(schema, kind)):
        return meant(value, meaning, schema, kind)
    return _read_simple(value, schema, kind)


def _read_simple(value: Any, schema: Any, kind: str) -> Any:
    if kind == "null":
        if value is not None:
            expected("null", value)
    elif kind == "boolean":
        if not isinstance(value, bool):
            expected("a boolean", value)
    elif kind in RANGES:
        if not is_int(value):
            expected(f"{kind} (a whole number)", value)
        return _within(value, kind)
    elif kind in ("float", "double"):
        return _read_float(value, kind)
    elif kind == "string":
        return text(value)
    elif kind == "enum":
        if value not in schema["symbols"]:
            expected(f"one of the symbols of {schema['name']}", value)
    else:
        try:
            packed = text(value).encode("latin-1")
        except UnicodeEncodeError:
            expected(f"{kind} (text of characters up to U+00FF, one a byte)", value)
        if kind == "fixed" and len(packed) != schema["size"]:
            expected(f"fixed of {schema['size']} bytes", value)
        return packed
    return value


def _within(value: int, kind: str) -> int:
    if not -RANGES[kind] <= value < RANGES[kind]:
        raise Mismatch(f"out of the range of {kind}: {_displayed(value)}")
    return value


def _read_float(value: Any, kind: str) -> float:
    """Read a number, or one of the strings for NaN and the infinities."""
    if isinstance(value, str) and value in _NOT_NUMBERS:
        return _NOT_NUMBERS[value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        expected(f"{kind} (a number)", value)
    try:
        number = float(value)
        if kind == "float" and math.isfinite(number):
            struct.pack("<f", number)
    except OverflowError:
        raise Mismatch(f"out of the range of {kind}") from None
    return number


def text(value: Any) -> str:
    """Return a string after checking that it can be encoded as UTF-8."""
    if not isinstance(value, str):
        expected("a string", value)
    try:
        value.isascii() or value.encode()
    except UnicodeEncodeError:
        expected("text without lone surrogates", value)
    return value


def _read_record(value: Any, schema: Any, named: Named, plain: Tried | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        expected(f"a record {schema['name']} (a JSON object)", value)
    record = {}
    for field in schema["fields"]:
        name = field["name"]
        if name in value:
            record[name] = under(name, read, value[name], field["type"], named, plain)
        elif plain is not None and "default" in field:
            record[name] = under(f"{name} (default)", default, field["default"], field["type"], named)
        else:
            raise Mismatch(f"no field {name!r}, which the record {schema['name']} has")
    if len(record) < len(value):
        unknown = next(key for key in value if key not in record)
        raise Mismatch(f"a field {unknown!r}, which the record {schema['name']} does not have")
    return record


def default(value: Any, schema: Any, named: Named, left: list[None] | None = None, depth: int = 0) -> Any:
    """Convert a field's default to a datum. Defaults use the specification's JSON encoding, but unions are not tagged.

    The default of a union belongs to its first branch (specification, "Unions"), or, since 1.12, to any: the first that fits is
    used. ``left`` limits how many values are created, and has one item for each remaining value.

    Raises Mismatch if the default does not match the schema; InputError if it has too many values or is nested too deeply.
    """
    left = [None] * MAX_DEFAULT if left is None else left
    if not left or depth > MAX_NESTING:
        raise InputError(f"a default of more than {MAX_DEFAULT} values, or nested more than {MAX_NESTING} levels deep")
    left.pop()
    if isinstance(schema, list):
        for branch in schema:
            try:
                return choice(branch, schema, default(value, branch, named, left, depth + 1))
            except Mismatch:
                continue
        expected(f"a default of one of {', '.join(map(label, schema))}", value)
    schema, kind = resolve(schema, named)
    if kind in ("record", "error") and isinstance(value, dict):
        fields = {field["name"]: field for field in schema["fields"]}
        filled = {name: field["default"] for name, field in fields.items() if "default" in field} | value
        if filled.keys() != fields.keys():
            expected(f"all the fields of {schema['name']}", value)
        return {name: default(filled[name], field["type"], named, left, depth + 1) for name, field in fields.items()}
    if kind == "array" and isinstance(value, list):
        return [default(item, schema["items"], named, left, depth + 1) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: default(item, schema["values"], named, left, depth + 1) for key, item in value.items()}
    return read(value, schema, named, None)


def choice(branch: Any, union: list[Any], datum: Any) -> Any:
    """Tag a union datum with the name that makes fastavro choose this branch of the :func:`raw_schema`."""
    name = label(branch)
    if _ambiguous(name, union):
        return f"{WRAPPED}.{name}", {"value": datum}
    return None if name == "null" else (name, datum)


def tagged(value: Any, union: list[Any], named: Named) -> Any:
    """Read a union value in the specification's JSON encoding."""
    names = [label(branch) for branch in union]
    if value is None and "null" in names:
        return None
    if not isinstance(value, dict) or len(value) != 1:
        expected(f"a union's value with its tag: null or an object with one of {', '.join(names)}", value)
    [(name, inner)] = value.items()
    if name not in names or name == "null":
        raise Mismatch(f"a union has no branch {name!r}, only {', '.join(names)}")
    branch = union[names.index(name)]
    return choice(branch, union, under(name, read, inner, branch, named, None))


def remembered(value: Any, union: list[Any], named: Named, tried: Tried) -> Any:
    """Return :func:`chosen`, cached for each combination of object or array and union."""
    if not isinstance(value, (dict, list)):
        return chosen(value, union, named, tried)
    key = id(value), id(union)
    if key not in tried:
        try:
            tried[key] = chosen(value, union, named, tried)
        except Mismatch as error:
            tried[key] = error.again()
    result = tried[key]
    if isinstance(result, Mismatch):
        raise result.again()
    return result


def chosen(value: Any, union: list[Any], named: Named, tried: Tried) -> Any:
    """Read a union value in plain JSON.

    Branches are tried in the order of :func:`rank`, and the first whose datum converts back to exactly the same value is used. So
    text is never reformatted because it could also be a decimal. Without such a branch, the first that accepts the value is used.
    """
    if value is None and "null" in union:
        return None
    ranked = sorted(union, key=lambda branch: rank(value, *resolve(branch, named)))
    several = sum(label(branch) != "null" for branch in union) > 1
    fits: list[Any] = []
    failures: list[Mismatch] = []
    for branch in ranked:
        try:
            datum = read(value, branch, named, tried)
        except Mismatch as error:
            if label(branch) != "null":
                failures.append(error)
            continue
        fits.append(choice(branch, union, datum))
        if not several or _identical(write(datum, branch, named, plain=True), value):
            return fits[-1]
    if fits:
        return fits[0]
    if value is not None and len(failures) == 1:
        raise failures[0]
    expected(f"one of {', '.join(map(label, union))}", value)


def _identical(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal and have the same types throughout (1 and 1.0 differ)."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_identical(inner, other[key]) for key, inner in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_identical, one, other))
    return bool(one == other)


def rank(value: Any, schema: Any, kind: str) -> int:
    """Return the rank of a union branch for a plain JSON value: strict types first; the union's order decides ties.

    Whole numbers prefer int and long to float and double; other numbers prefer float only if it is exact. Text prefers
    enum, then logical types, string, double and float (for NaN and the infinities), fixed, and bytes. An object prefers a record
    to a map. So a string that looks like a date is read as a date if the union has both.
    """
    if isinstance(value, str):
        if logical(schema, kind) not in (None, "uuid") or (kind == "fixed" and logical(schema, kind)):
            return 1
        return {"enum": 0, "string": 2, "float": 4, "double": 3, "fixed": 5}.get(kind, 6)
    if isinstance(value, float):
        if kind == "float" and (abs(value) > _FLOAT_MAX or value != struct.unpack("<f", struct.pack("<f", value))[0]):
            return 1
        return 0 if kind in ("float", "double") else 2
    if isinstance(value, dict):
        return {"record": 0, "error": 0}.get(kind, 1)
    return 1 if kind in ("float", "double") else 0


def meant(value: Any, meaning: str, schema: Any, kind: str) -> Any:
    """Read a logical type from its plain JSON form."""
    if kind in RANGES:
        if is_int(value):
            return _within(value, kind)
        return _within(moment(text(value), meaning), kind)
    if meaning == "uuid":
        if kind == "string":
            return text(value)
        try:
            return uuid.UUID(text(value)).bytes
        except ValueError:
            expected("a uuid", value)
    if meaning == "duration":
        return duration(text(value))
    return unscaled(value, schema, kind)


def moment(value: str, meaning: str) -> int:
    """Parse a date, time or timestamp into the number that Avro stores."""
    if meaning == "date":
        match = re.fullmatch(_DATE, value) or expected("a date (2026-11-24)", value)
        return _days_from_civil(*(int(part) for part in match.groups()))
    digits = SCALES[meaning.rpartition("-")[2]]
    if meaning.startswith("time-"):
        match = re.fullmatch(TIME, value) or expected("a time (12:53:09.000)", value)
        return _time_of_day(match.groups(), digits)
    local = meaning.startswith("local-")
    form = "a local timestamp (2026-11-24T12:53:09)" if local else "a timestamp (2026-11-24T12:53:09Z)"
    match = _TIMESTAMP.fullmatch(value) or expected(form, value)
    year, month, day, *time, zone = match.groups()
    if (zone is None) != local:
        expected(form, value)
    second: int = 10**digits
    units = _days_from_civil(int(year), int(month), int(day)) * _DAY * second + _time_of_day(time, digits)
    if zone in (None, "Z"):
        return units
    hours, minutes = int(zone[1:3]), int(zone[4:])
    if hours > 23 or minutes > 59:
        expected(form, value)
    return units - (1 if zone[0] == "+" else -1) * (hours * 60 + minutes) * 60 * second


def _time_of_day(parts: Any, digits: int) -> int:
    """Convert hours, minutes, seconds and fraction digits to units of 10**-digits seconds since midnight."""
    hours, minutes, seconds = (int(part) for part in parts[:3])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise Mismatch("there is no such time of day")
    after = (parts[3] or "").rstrip("0")
    if len(after) > digits:
        raise Mismatch(f"more than {digits} digits of a second")
    units: int = ((hours * 60 + minutes) * 60 + seconds) * 10**digits + int(after.ljust(digits, "0"))
    return units


def duration(value: str) -> bytes:
    """Parse an ISO 8601 duration into months, days and milliseconds, each a little-endian unsigned 32-bit number."""
    match = _DURATION.fullmatch(value) or expected("a duration (P1M2DT3.004S)", value)
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:7])
    millis = ((hours * 60 + minutes) * 60 + seconds) * 1000 + int((match[8] or "").ljust(3, "0"))
    try:
        return struct.pack("<III", years * 12 + months, weeks * 7 + days, millis)
    except struct.error:
        raise Mismatch("out of the range of duration: months, days and milliseconds are below 2**32 each") from None


def _bounded(schema: Any, size: int) -> None:
    """Refuse decimals that are too large for decimal notation, where a few bytes can become gigabytes of zeros."""
    if size > MAX_DECIMAL:
        raise Mismatch(f"a decimal of {size} bytes; more than {MAX_DECIMAL} are not written out")
    if schema.get("scale", 0) > MAX_DIGITS:
        raise Mismatch(f"a decimal of {schema['scale']} digits after the point; more than {MAX_DIGITS} are not written out")


def unscaled(value: Any, schema: Any, kind: str) -> bytes:
    """Encode a decimal, given as text or a number, in as few bytes as possible, or in the size of the fixed type."""
    shown = value if isinstance(value, str) else _displayed(value) if is_int(value) or isinstance(value, float) else ""
    match = DECIMAL.fullmatch(shown)
    _bounded(schema, schema["size"] if kind == "fixed" else 0)
    if len(shown) > MAX_DIGITS or not match:
        expected("a decimal (12.30)", value)
    sign, whole, after, power = match[1], match[2], match[3] or "", int(match[4] or 0)
    scale, precision = schema.get("scale", 0), schema["precision"]
    shift = scale - len(after) + power
    digits = whole + after
    if shift < 0:
        digits, lost = digits[:shift], digits[shift:]
        if lost.strip("0"):
            raise Mismatch(f"more than the {scale} digits after the point that the decimal has")
        digits = digits or "0"
    digits = (digits + "0" * max(shift, 0)).lstrip("0") or "0"
    if len(digits) > min(precision, MAX_DIGITS):
        raise Mismatch(f"more than the {min(precision, MAX_DIGITS)} digits that the decimal has")
    number = int(sign + digits)
    size = schema["size"] if kind == "fixed" else (number if number >= 0 else ~number).bit_length() // 8 + 1
    try:
        return number.to_bytes(size, "big", signed=True)
    except OverflowError:
        raise Mismatch(f"more than the {size} bytes of the decimal") from None
