"""Makes pages from the records of JSON lines and Avro."""

from typing import Any

from .model import Page, Rejected


def is_name(value: Any) -> bool:
    """Return whether a value can be a page's URL: text that is not empty, or a finite number."""
    if isinstance(value, str):
        return value != ""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and float("-inf") < value < float("inf")


def page_of(record: Any, source: str, offset: int) -> Page | Rejected:
    """Make a page of a record with ``url`` or ``id``, ``html`` or ``text``, and optional fields."""
    if not isinstance(record, dict):
        hint = ": one object on each line is needed, as `jq -c '.[]'` writes them" if isinstance(record, list) else ""
        return Rejected(source, offset, "", "bad-record", f"not an object{hint}")
    name = record.get("url")
    if name is None or name == "":
        name = record.get("id")
    if not is_name(name):
        return Rejected(source, offset, "", "bad-record", "neither url nor id")
    url = str(name)
    html, text = record.get("html"), record.get("text")
    is_text = html is None or (not html and bool(text))  # an empty field may stand for a missing one
    content = text if is_text else html
    if not isinstance(content, (str, bytes)):
        return Rejected(source, offset, url, "bad-record", "neither html nor text")

    def string(key: str) -> str:
        value = record.get(key)
        return value if isinstance(value, str) else ""

    return Page(url, source, offset, content, is_text, string("title"), string("content_type"), string("date"))
