"""The handlers of the messages of ``keywords.avpr``: from parameters to a response or a declared error."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from .index import Index, stems_of

_MAX_LIMIT: Final = 1_000  # the most pages that a call returns
_SUGGESTIONS: Final = 10
_MAX_PREFIX: Final = 200  # the most characters of a prefix; keywords have up to three words of 64

Handler = Callable[[dict[str, Any]], Any]


class DeclaredError(Exception):
    """A declared error of a message: its ``name`` without a namespace, and its ``fields``, of which ``message`` is for people."""

    def __init__(self, name: str, message: str, **fields: str) -> None:
        super().__init__(message)
        self.name, self.fields = name, {"message": message, **fields}


def handlers(index: Index) -> Mapping[str, Handler]:
    """Return the handlers by the names of messages."""

    def keywords(parameters: dict[str, Any]) -> Any:
        url = parameters["url"]
        if (page := index.page(url)) is None:
            raise DeclaredError("UnknownPage", "no page of the index has this URL", url=url)
        return page

    def pages(parameters: dict[str, Any]) -> Any:
        limit = parameters["limit"]
        if not 1 <= limit <= _MAX_LIMIT:
            raise DeclaredError("BadRequest", f"limit must be from 1 to {_MAX_LIMIT}, not {limit}", parameter="limit")
        if (entry := index.find(parameters["phrase"])) is None:
            stems = stems_of(parameters["phrase"], index.languages[0])
            raise DeclaredError("UnknownPhrase", "no page has this keyword", phrase=parameters["phrase"], stems=stems)
        hits = index.postings(entry.stems, limit)
        return {"phrase": entry.phrase, "stems": entry.stems, "total": entry.pages, "hits": hits}

    def suggest(parameters: dict[str, Any]) -> Any:
        prefix = parameters["prefix"]
        if not 1 <= len(prefix) <= _MAX_PREFIX:
            raise DeclaredError("BadRequest", f"a prefix has from 1 to {_MAX_PREFIX} characters", parameter="prefix")
        return [{"phrase": entry.phrase, "pages": entry.pages} for entry in index.starting(prefix, _SUGGESTIONS)]

    def stats(_: dict[str, Any]) -> Any:
        return index.stats

    return {"keywords": keywords, "pages": pages, "suggest": suggest, "stats": stats}
