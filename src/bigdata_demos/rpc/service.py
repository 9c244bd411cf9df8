"""The handlers of the messages of ``keywords.avpr``: from parameters to a response or a declared error."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..errors import UsageError
from ..search.pool import Searchers

_MAX_LIMIT: Final = 1_000  # the most pages that a call returns
_SUGGESTIONS: Final = 10
_MAX_PREFIX: Final = 200  # the most characters of a prefix; keywords have up to three words of 64

Handler = Callable[[dict[str, Any]], Any]


class DeclaredError(Exception):
    """A declared error of a message: its ``name`` without a namespace, and its ``fields``, of which ``message`` is for people."""

    def __init__(self, name: str, message: str, **fields: str) -> None:
        super().__init__(message)
        self.name, self.fields = name, {"message": message, **fields}


def handlers(searchers: Searchers) -> Mapping[str, Handler]:
    """Return the handlers by the names of messages."""

    def keywords(parameters: dict[str, Any]) -> Any:
        url = parameters["url"]
        with searchers.lookup() as searcher:
            page = searcher.page(url)
        if page is None:
            raise DeclaredError("UnknownPage", "no page of the index has this URL", url=url)
        return page

    def pages(parameters: dict[str, Any]) -> Any:
        limit, phrase = parameters["limit"], parameters["phrase"].replace('"', " ").strip()
        if not 1 <= limit <= _MAX_LIMIT:
            raise DeclaredError("BadRequest", f"limit must be from 1 to {_MAX_LIMIT}, not {limit}", parameter="limit")
        query = " ".join(filter(None, [parameters["query"], f'"{phrase}"' if phrase else ""]))
        with searchers.lookup() as searcher:
            try:
                total, found = searcher.search(query, limit)
            except UsageError as error:
                raise DeclaredError("BadRequest", str(error), parameter="query") from None
            advice = "" if found else searcher.advice(query)
        hits = [
            {
                "rank": rank,
                "score": hit.score,
                "url": hit.url,
                "title": hit.title,
                "language": hit.language,
                "snippet": hit.snippet,
                "keywords": hit.keywords,
            }
            for rank, hit in enumerate(found, 1)
        ]
        return {"query": query, "total": total, "advice": advice, "hits": hits}

    def suggest(parameters: dict[str, Any]) -> Any:
        prefix = parameters["prefix"]
        if not 1 <= len(prefix) <= _MAX_PREFIX:
            raise DeclaredError("BadRequest", f"a prefix has from 1 to {_MAX_PREFIX} characters", parameter="prefix")
        with searchers.lookup() as searcher:
            return [{"phrase": phrase, "pages": number} for phrase, number in searcher.suggestions(prefix, _SUGGESTIONS)]

    def stats(_: dict[str, Any]) -> Any:
        with searchers.lookup() as searcher:
            return searcher.stats()

    return {"keywords": keywords, "pages": pages, "suggest": suggest, "stats": stats}
