"""Renders templates. All text of a crawl is escaped, and only addresses of the web become links."""

from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup

_PLACE: Final = files(__package__)
_STATIC: Final = {"style.css": "text/css", "search.js": "text/javascript", "report.js": "text/javascript"}


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, link=link, short=short)
    environment.globals["style"] = Markup(_PLACE.joinpath("static", "style.css").read_text("utf-8"))  # noqa: S704 (our own)
    return environment


def render(template: str, **values: Any) -> str:
    """Render a template of the folder ``templates``."""
    return _environment().get_template(f"{template}.html.jinja").render(values)


@cache
def static(name: str) -> tuple[str, str] | None:
    """Return the content and the media type of a file of the folder ``static``; None if there is no such file."""
    kind = _STATIC.get(name)
    return (_PLACE.joinpath("static", name).read_text("utf-8"), kind) if kind else None


def number(value: float) -> str:
    """Return a number with thin spaces between thousands, as SI has it."""
    return f"{value:,}".replace(",", "\u202f")


def link(url: str) -> str:
    """Return a URL if it is an address of the web, so that a link to it runs nothing; else ``""``."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""


def short(text: str, most: int = 200) -> str:
    """Return a text of at most so many characters, with an ellipsis if it was longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
