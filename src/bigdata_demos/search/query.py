"""The language of queries.

::

    map reduce          pages with both words, in any form
    "map reduce"        with the phrase
    hado*               with a word that starts so
    -spark              without the word; also -"a phrase", -site:…
    site:example.org    of a site, and of those below it (www.example.org, docs.example.org)
    lang:de             in a language
    keyword:shuffle     with a keyword; keyword:"map reduce"

Everything else is taken for words, so a query is an error only if it has none to look for, or is too long.
"""

import re
from typing import Final, Literal, NamedTuple

from ..errors import UsageError

Field = Literal["word", "phrase", "prefix", "site", "lang", "keyword"]
_ITEM: Final = re.compile(
    r'(?P<minus>-?)(?:(?P<field>site|lang|keyword):)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))', re.IGNORECASE
)
_MAX_QUERY: Final = 1_000  # characters
_MAX_TERMS: Final = 32


class Term(NamedTuple):
    """A part of a query."""

    field: Field
    text: str
    without: bool = False

    def __str__(self) -> str:
        shown = {"word": self.text, "phrase": f'"{self.text}"', "prefix": f"{self.text}*"}.get(
            self.field, f"{self.field}:{self.text}"
        )
        return f"{'-' if self.without else ''}{shown}"


def parse(query: str) -> list[Term]:
    """Return the terms of a query. Raises UsageError if it has none that says what to look for, or is too long."""
    if len(query) > _MAX_QUERY:
        raise UsageError(f"`query` has more than {_MAX_QUERY} characters")
    terms = []
    query = query.encode("utf-8", "replace").decode()  # without lone surrogates
    for match in _ITEM.finditer(query):
        text = match["quoted"] if match["quoted"] is not None else match["bare"]
        field: Field
        if match["field"]:
            field = match["field"].lower()  # type: ignore[assignment]
        elif match["quoted"] is not None:
            field = "phrase"
        elif len(text) > 1 and text.endswith("*"):
            field, text = "prefix", text.rstrip("*")
        else:
            field = "word"
        if any(map(str.isalnum, text)):
            terms.append(Term(field, text, bool(match["minus"])))
    if len(terms) > _MAX_TERMS:
        raise UsageError(f"`query` has more than {_MAX_TERMS} terms")
    if all(term.without for term in terms):
        raise UsageError("`query` has no word to look for")
    return terms
