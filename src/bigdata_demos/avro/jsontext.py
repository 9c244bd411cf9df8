"""Streams of JSON values, such as JSON lines."""

import codecs
import json
from collections.abc import Iterator
from typing import Any

from ..errors import InputError
from .limits import MAX_JSON
from .streams import Source


def json_values(source: Source) -> Iterator[tuple[int, Any]]:
    """Yield consecutive JSON values, numbered from 1; a value may span several lines.

    Raises InputError if a value is invalid or too long; with its number.
    """
    decoder, text, number, least = json.JSONDecoder(), "", 1, 0
    decode = codecs.getincrementaldecoder("utf-8")().decode
    while True:
        chunk = source.read(1 << 16)
        try:
            text += decode(chunk, not chunk)
        except UnicodeDecodeError as error:
            raise InputError(f"{source.name}: value {number}: not UTF-8: {error.reason}, before offset {source.tell()}") from None
        start = 0
        while len(text) - start >= least or not chunk:
            start = _after_space(text, start)
            if start == len(text):
                break
            try:
                value, end = decoder.raw_decode(text, start)
            except RecursionError:
                raise InputError(f"{source.name}: value {number} is nested too deeply") from None
            except json.JSONDecodeError as error:
                least = 2 * (len(text) - start)  # so that a long value is not parsed again with each chunk
                if not chunk or least > 2 * MAX_JSON or not _may_go_on(error, len(text)):
                    raise InputError(f"{source.name}: value {number} is not JSON: {error.msg}") from None
                break
            except ValueError as error:  # a number has too many digits
                raise InputError(f"{source.name}: value {number}: {error}") from None
            if end == len(text) and chunk:
                break  # a number may continue in the next chunk
            yield number, value
            number, start, least = number + 1, end, 0
        text = text[start:]
        if not chunk:
            return


def _may_go_on(error: json.JSONDecodeError, size: int) -> bool:
    """Whether more input could fix an error in the first ``size`` characters: it is in a string, or at the end."""
    return error.msg.startswith("Unterminated string") or error.pos > size - len("-Infinity")


def _after_space(text: str, start: int) -> int:
    while start < len(text) and text[start] in " \t\r\n\ufeff":
        start += 1
    return start
