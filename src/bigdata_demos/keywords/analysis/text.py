"""From the bytes of a page to its fields: character set, HTML5, title, text, and what the page declares of itself.

:func:`extract` turns a :class:`~.model.Page` into a :class:`~.model.Document`, or raises with one of these reasons:

``empty``         no bytes, or no word in them
``not-html``      the bytes of something else: an image, a PDF, an archive
``too-large``     more than :data:`MAX_BYTES`
``too-many-tags`` more than :data:`MAX_TAGS` tags
``too-deep``      elements nested more than :data:`MAX_DEPTH` deep

The limits are needed because every HTML parser takes time that grows with the square of the depth on some pages. They are
counts, not times, so that all engines reject the same pages.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ...crawl.charset import decode, decode_html
from ...crawl.model import MAX_BYTES, Page, Unreadable
from ..model import Document

MAX_TAGS: Final = 400_000
"""The most tags, opening and closing, of a page that is parsed."""

MAX_DEPTH: Final = 2_000
"""The most levels of nesting of a page that is parsed. (Browsers stop at 512, and put deeper elements beside the others.)"""

# A form feed is put before each tag that is not inline, to mark the boundaries of blocks in the text. HTML reads it as white
# space wherever a tag may be, so the tree is the same.
INLINE: Final = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr q s samp small span strike strong "
    "sub sup time tt u var wbr"
)
_ANY_CASE = "|".join("".join(f"[{char}{char.upper()}]" for char in name) for name in INLINE.split())  # IGNORECASE is slower
_BLOCK_TAG = re.compile(rf"<(?=[A-Za-z/!?])(?!!--|/?(?:{_ANY_CASE})[ \t\n\r\f/>])".encode())
_TAG_NAME = re.compile(rb"<(?=([^ \t\n\r\f/>]{1,8})(?:[ \t\n\r\f/>]|\Z))")
# Elements and attributes of what is not text, or not the page's own. A form that contains the page's text is not removed.
_ELEMENTS: Final = (
    "script style noscript template nav footer iframe object svg math canvas audio video select button textarea datalist dialog "
    "menu"
)
_BOILERPLATE: Final = {**{name: name for name in _ELEMENTS.split()}, "form": "form:not(:has(p,h1,h2,h3,article,main,table))"}
ROLES: Final = frozenset(["navigation", "contentinfo", "search", "banner", "menu", "menubar", "toolbar", "dialog"])
_HIDDEN: Final = "[hidden],[aria-hidden=true]"
WATCHED: Final = (*_BOILERPLATE, "meta")
"""Elements whose names are looked for in the markup first, so that the tree is searched only for those that it may have."""
_KEYWORDS_BIT, _ROLE_BIT, _HIDDEN_BIT = 1 << 60, 1 << 61, 1 << 62
_WITHOUT_EVENTS = 1  # lexbor's option: no events for scripts
# For counting levels: comments and elements without markup, whose tags do not count, and tags with quoted attributes.
_LEVELS = re.compile(
    rb"""<!--.*?(?:-->|\Z)|<(script|style|title|textarea|xmp)\b.*?(?:</\1\b|\Z)"""
    rb"""|<(/?[a-z][^\s/>]*+)(?:[^>"']++|"[^"]*+"|'[^']*+')*+""",
    re.DOTALL,
)
# Elements that never contain others (in HTML; in SVG, in practice), or that the parser closes when the next one starts.
FLAT: Final = frozenset(
    b"area base br col embed hr img input link meta source track wbr a button li nobr p tbody td tfoot th thead tr image "
    b"circle ellipse line path polygon polyline rect stop use".split()
)
SIBLINGS: Final = frozenset([b"dd", b"dt", b"option"])  # each closes the one just before it
_FLAT_STARTS: Final = tuple(b"<a |<br>|<br/|<br |<p>|<p |<li>|<li |<td>|<td |<tr>|<tr |<!--|<img ".split(b"|"))
_SOME_WORD = re.compile(rb"[0-9A-Za-z]")
_CONTROL_CHARACTERS = re.compile(r"[\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
# Text without these characters is in Unicode's normal form C already, which is faster to find out than to compute.
_NOT_COMPOSED = re.compile(r"[^\0-\u02ff\u2010-\u20cf\u2190-\u2328\u232b-\u2adb\u2add-\u2bff]")
# More than 30 marks in a row, which normalization sorts in quadratic time: UAX #15, section 13 (Stream-Safe Text Process).
_MANY_MARKS = re.compile(r"[^\w\s\0-\u02ff]{30}(?=[^\w\s\0-\u02ff])")


class Marked(NamedTuple):
    """Markup with a form feed before each tag that is not inline, and facts about it.

    ``tags`` counts ``<``, ``closing`` ``</``, ``flat`` start tags that never raise the depth (:data:`_FLAT_STARTS`). ``present``
    has bit i set if there may be an element named ``WATCHED[i]``, and bits for attributes and values that may be there.
    """

    markup: bytes
    tags: int
    closing: int
    flat: int
    present: int


class Scanner(NamedTuple):
    """The loops over each character of a page: :func:`mark`, :func:`count_levels`, :func:`blocks`, or faster equivalents."""

    mark: Callable[[bytes], Marked]
    count_levels: Callable[[bytes], int]
    blocks: Callable[[str], bytes]


def extract(page: Page, scanner: Scanner | None = None) -> Document:
    """Extract the fields of a page, by default with the scanner :data:`PLAIN`.

    A block ends at an empty line in plain text, and at a tag that is not inline in HTML.

    Raises Unreadable with one of the reasons in the module's docstring.
    """
    if len(page.content) > MAX_BYTES:
        raise Unreadable("too-large", f"more than {MAX_BYTES} bytes")
    scanner = scanner or PLAIN
    declared: list[str] = []
    if page.is_text:
        markup = page.content if isinstance(page.content, str) else decode(page.content, page.content_type)
        title = _collapse(clean(page.title))
        text = scanner.blocks(re.sub(r"\n\s*\n", "\f", clean(markup)))
    else:
        utf8 = clean(page.content).encode() if isinstance(page.content, str) else decode_html(page.content, page.content_type)
        title, text, declared = _parse_html(utf8, scanner)
        title = title or _collapse(clean(page.title))
    if not _SOME_WORD.search(text) and not any(map(str.isalnum, title)) and not any(map(str.isalnum, text.decode())):
        raise Unreadable("empty", "no word in it")
    return Document(clean(page.url), clean(page.source), page.offset, title, text, declared)


def mark(markup: bytes) -> Marked:
    """Mark the boundaries of blocks in HTML (UTF-8), count its tags, and look for the elements in :data:`WATCHED`."""
    markup = markup.replace(b"\f", b" ")
    lowered = markup.lower()
    names = set(_TAG_NAME.findall(lowered))
    present = sum(1 << bit for bit, name in enumerate(WATCHED) if name.encode() in names)
    for flag, start in ((_KEYWORDS_BIT, b"keyw"), (_ROLE_BIT, b"role"), (_HIDDEN_BIT, b"hidd")):
        present |= flag if start in lowered else 0
    flat = sum(map(markup.count, _FLAT_STARTS))
    return Marked(_BLOCK_TAG.sub(b"\f<", markup), markup.count(b"<"), markup.count(b"</"), flat, present)


@lru_cache(maxsize=1000)
def _boilerplate(present: int) -> str:
    """Return a CSS selector for the kinds of boilerplate that a page may have."""
    selectors = [selector for bit, selector in enumerate(_BOILERPLATE.values()) if present >> bit & 1]
    return ",".join(selectors + [_HIDDEN] * bool(present & _HIDDEN_BIT))


def _parse_html(markup: bytes, scanner: Scanner) -> tuple[str, bytes, list[str]]:
    """Return the title, the text (in UTF-8) and the declared keywords of an HTML page in UTF-8."""
    marked = scanner.mark(markup)
    if marked.tags > MAX_TAGS:
        raise Unreadable("too-many-tags", f"more than {MAX_TAGS} tags")
    most = marked.tags - marked.closing - marked.flat  # an upper bound of the levels
    if most > MAX_DEPTH and scanner.count_levels(markup) > MAX_DEPTH:
        raise Unreadable("too-deep", f"more than {MAX_DEPTH} levels of elements")
    tree = LexborHTMLParser(marked.markup, options=_WITHOUT_EVENTS)
    declared: list[str] = []
    if marked.present & _KEYWORDS_BIT and marked.present >> WATCHED.index("meta") & 1:
        for meta in tree.css('meta[name="keywords" i]'):
            declared += filter(None, map(_one_line, (meta.attributes.get("content") or "").split(",")))
    if selector := _boilerplate(marked.present & ~_KEYWORDS_BIT & ~_ROLE_BIT):
        _remove(tree.css(selector))
    if marked.present & _ROLE_BIT:
        _remove(node for node in tree.css("[role]") if node.attributes["role"] in ROLES)
    title = heading(tree, "title") or heading(tree, "h1")  # the titles of SVG images are removed by now
    body = tree.body
    return title, scanner.blocks(body.text()) if body else b"", declared


def _remove(nodes: Iterable[LexborNode]) -> None:
    different = {node.mem_id: node for node in nodes if node.tag != "html"}  # the root is never removed, even if hidden
    for node in reversed(different.values()):  # inner ones first: removing a node frees those inside
        node.decompose()


def heading(tree: LexborHTMLParser, name: str) -> str:
    """Return the text of the first element with a name; of titles, the first text that is not empty."""
    first = tree.css_first(name)
    if first is None:
        return ""
    return _one_line(first.text()) or (
        next(filter(None, (_one_line(node.text()) for node in tree.css(name))), "") if name == "title" else ""
    )


def count_levels(markup: bytes) -> int:
    """Return the most elements that are open at once, counted by name: hardly fewer than the levels that a parser makes."""
    depth = deepest = 0
    last, open_elements = b"", dict.fromkeys(FLAT, -len(markup))  # these never count
    for match in _LEVELS.finditer(markup.lower()):
        tag = match[2] or b"/"
        if tag[:1] != b"/":
            before_it, last = last, tag
            if tag in SIBLINGS and before_it in SIBLINGS:
                continue
            before = open_elements.get(tag, 0)
            open_elements[tag] = before + 1
            depth += before >= 0
            deepest = max(depth, deepest)
        elif open_elements.get(tag[1:], 0) > 0:
            open_elements[tag[1:]] -= 1
            depth -= 1
    return deepest


def clean(text: str) -> str:
    """Return text in Unicode's NFC, without control characters, soft hyphens and lone surrogates, for all later steps."""
    if _CONTROL_CHARACTERS.search(text):
        text = _CONTROL_CHARACTERS.sub("", text)
    if text.isascii():
        return text
    text = text.replace("\xad", "")
    if not _NOT_COMPOSED.search(text):
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFC", _MANY_MARKS.sub("\\g<0>\u034f", text))


def _one_line(text: str) -> str:
    """Return the text of an attribute or a title in one line, without the form feeds that mark tags."""
    return _collapse(clean(text.replace("\f<", "<")))


def _collapse(text: str) -> str:
    """Replace each run of white space by a space."""
    return " ".join(text.split())


def blocks(text: str) -> bytes:
    """Return blocks, which end at form feeds, as lines in UTF-8: clean, white space collapsed, empty ones dropped."""
    return "\n".join(filter(None, map(_collapse, clean(text).split("\f")))).encode()


PLAIN: Final = Scanner(mark, count_levels, blocks)
"""The scanner without compiled code."""
