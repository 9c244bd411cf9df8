"""From the bytes of a page to its fields: character set, HTML5, title, text, language, and what the page declares of itself.

:func:`extract` turns a :class:`~.model.Page` into a :class:`~.model.Document`, or raises with one of these reasons:

``empty``         no bytes, or no word in them
``not-html``      the bytes of something else: an image, a PDF, an archive
``too-large``     more than :data:`MAX_BYTES`
``too-many-tags`` more than :data:`MAX_TAGS` tags, or formatting elements of which the parser would make too many
``too-deep``      elements nested more than :data:`MAX_DEPTH` deep

The limits are needed because every HTML parser takes time that grows with the square of the depth on some pages. They are
counts, not times, so that all engines reject the same pages.

Much of a web page is not the page's own: lists of links, other pages' headlines, legal notices. Extraction of the main content
loses too much on some pages, so nothing is dropped, but blocks that do not look like the page's own text are **weak**, and the
words in them count less (:func:`blocks`).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Final, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ...crawl.charset import decode, decode_html, is_utf8
from ...crawl.model import MAX_BYTES, Page, Unreadable
from ..model import Document
from . import segments
from .languages import Rules, detect

MAX_TAGS: Final = 400_000
"""The most tags, opening and closing, of a page that is parsed."""

MAX_DEPTH: Final = 2_000
"""The most levels of nesting of a page that is parsed. (Browsers stop at 512, and put deeper elements beside the others.)"""

# A mark is put before each tag that is not inline, so that the boundaries of blocks are known in the text: a form feed, and as
# many tabs as say what starts here. HTML reads it as white space wherever a tag may be, so the tree is the same.
BLOCK, LINK, LINK_END, HEADING = range(4)
_MARKS: Final = {b"a": LINK, b"/a": LINK_END, b"h1": HEADING}
INLINE: Final = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr q s samp small span strike strong "
    "sub sup time tt u var wbr"
)
_ANY_CASE = "|".join("".join(f"[{char}{char.upper()}]" for char in name) for name in INLINE.split())  # IGNORECASE is slower
_OTHER_INLINE = _ANY_CASE.removeprefix("[aA]|")
_MARKED_TAG = re.compile(
    rf"<(?=[A-Za-z/!?])(?!!--|/?(?:{_OTHER_INLINE})[ \t\n\r\f/>])(?=((?:/?[Aa]|[Hh]1)(?=[ \t\n\r\f/>]))?)".encode()
)
_MARK = re.compile("\f(\t*)")
_MARK_OF_TAG = re.compile("\f\t*<")
_TAG_NAME = re.compile(rb"<(?=([^ \t\n\r\f/>]{1,8})(?:[ \t\n\r\f/>]|\Z))")
# Elements and attributes of what is not text, or not the page's own. A form that contains the page's text is not removed.
_ELEMENTS: Final = [
    "script",
    "style",
    "noscript",
    "template",
    "nav",
    "footer",
    "iframe",
    "object",
    "svg",
    "math",
    "canvas",
    "audio",
    "video",
    "select",
    "button",
    "textarea",
    "datalist",
    "dialog",
    "menu",
    "form",
]
_AROUND: Final = ("nav", "footer", "button", "menu", "form")
"""Elements that are usually around the page's text, and have it in pages without other text."""
_FORMS: Final = "form:not(:has(p,h1,h2,h3,article,main,table))"
_MAX_FORMS: Final = 20  # forms inside forms, of which HTML has none; to judge each takes as long as all that is in it
_MAX_COPIES: Final = 1_000_000
"""The most elements that the parser may make of open formatting elements (<font>), repeating them in each block that follows."""
_MAX_COMPARED: Final = 50_000_000  # pairs of attributes of formatting elements
_LONG_TAGS: Final = 300  # bytes of markup for each tag, beyond which the attributes are counted
_QUOTED: Final = re.compile(rb""""[^"]*+"|'[^']*+'""")
_FORMATTING: Final = re.compile(rb"<(/?)(b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])([^>]*)", re.IGNORECASE)
_SHARE: Final = 400  # a form whose text has less than this part of the bytes of the markup is not the page
ROLES: Final = frozenset(["navigation", "contentinfo", "search", "banner", "menu", "menubar", "toolbar", "dialog"])
_HIDDEN: Final = "[hidden],[aria-hidden=true]"
WATCHED: Final = (*_ELEMENTS, "meta")
"""Elements whose names are looked for in the markup first, so that the tree is searched only for those that it may have."""
_KEYWORDS_BIT, _ROLE_BIT, _HIDDEN_BIT, _SITE_BIT = 1 << 60, 1 << 61, 1 << 62, 1 << 63
_META_BIT: Final = 1 << WATCHED.index("meta")
_FORM_BIT: Final = 1 << _ELEMENTS.index("form")
_AROUND_BITS: Final = sum(1 << _ELEMENTS.index(name) for name in _AROUND)
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
# Characters that say how text is laid out, inside words too: directions, soft hyphens, byte order marks, invisible operators.
_FORMAT_CHARACTERS = re.compile("[\xad\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
# Text of these characters only is in Unicode's normal form C already, which is faster to find out than to compute: Latin, Greek,
# Cyrillic, Hebrew and Arabic letters, punctuation, symbols, kana, Han, Hangul, wide forms and emoji. kernel.c has the same list.
COMPOSED: Final = (
    r"\0-\u02ff\u0370-\u0373\u0375-\u037d\u037f-\u0386\u0388-\u0482\u048a-\u052f\u0531-\u0556\u05d0-\u05ea\u0620-\u064a\u0660-\u066f"
    r"\u0671-\u06d5\u1e00-\u1eff\u200b-\u20cf\u2190-\u2328\u232b-\u2adb\u2add-\u2bff\u3001-\u3029\u3030-\u303f\u3041-\u3094"
    r"\u309b-\u30ff\u3105-\u318e\u3200-\u9fff\uac00-\ud7a3\uff01-\uffee\ufffd\U0001f000-\U0001faff\U00020000-\U0002f7ff"
)
_UNUSUAL = re.compile("[^\0-\u02ff\u0388-\u0482\u2010-\u20cf]")  # compiled in a tenth of the time of COMPOSED
# More than 30 marks in a row, which normalization sorts in quadratic time: UAX #15, section 13 (Stream-Safe Text Process).
_MANY_MARKS = re.compile(r"[^\w\s\0-\u02ff]{30}(?=[^\w\s\0-\u02ff])")


_CORE: Final = 60  # bytes without spaces, about 12 words: the least of a block that is certainly a paragraph
_NEAR: Final = 2  # blocks from such a one: headings, captions and short paragraphs
_MOST_SAMPLED: Final = 3000  # bytes of a page, from which its language is detected
_FEW: Final = 150  # bytes: if the blocks that look like the page's own text have fewer, all count as such


class Marked(NamedTuple):
    """Markup with a mark before each tag that is not inline, and before those of links, and facts about it.

    ``tags`` counts ``<``, ``closing`` ``</``, ``flat`` start tags that never raise the depth (:data:`_FLAT_STARTS`). ``present``
    has bit i set if there may be an element named ``WATCHED[i]``, and bits for attributes and values that may be there.
    """

    markup: bytes
    tags: int
    closing: int
    flat: int
    present: int


class Scanner(NamedTuple):
    """The loops over each character of a page: functions of this module and others, or faster equivalents."""

    mark: Callable[[bytes], Marked]
    count_levels: Callable[[bytes], int]
    count_open: Callable[[bytes], int]
    blocks: Callable[[str], bytes]
    insert: Callable[[bytes, str], bytes]
    is_utf8: Callable[[bytes], bool]


def extract(page: Page, scanner: Scanner | None = None, rules: Rules = Rules()) -> Document:  # noqa: B008 (immutable)
    """Extract the fields of a page, by default with the scanner :data:`PLAIN`.

    A block ends at an empty line in plain text, and at a tag that is not inline in HTML. All blocks of plain text are strong.

    Raises Unreadable with one of the reasons in the module's docstring.
    """
    if len(page.content) > MAX_BYTES:
        raise Unreadable("too-large", f"more than {MAX_BYTES} bytes")
    scanner = scanner or PLAIN
    declared: list[str] = []
    named = site = ""
    if page.is_text:
        markup = page.content if isinstance(page.content, str) else decode(page.content, page.content_type)
        title = _collapse(clean(page.title))
        text = scanner.blocks(re.sub(r"\n\s*\n", "\f", clean(markup).replace("\t", " ")))
        text = text.replace(b"\n\t", b"\n").removeprefix(b"\t")
    else:
        utf8 = (
            clean(page.content).encode()
            if isinstance(page.content, str)
            else decode_html(page.content, page.content_type, is_utf8=scanner.is_utf8)
        )
        title, text, declared, named, site = _parse_html(utf8, scanner)
        if not text.strip():
            title, text, declared, named, site = _parse_html(utf8, scanner, all_text=True)
        title = title or _collapse(clean(page.title))
    if not _SOME_WORD.search(text) and not any(map(str.isalnum, title)) and not any(map(str.isalnum, text.decode())):
        raise Unreadable("empty", "no word in it")
    language = rules.language or detect(_sample(title, text), named)
    text = scanner.insert(b"%b\n%b" % (title.encode(), text), language)
    site = site and scanner.insert(site.encode(), language).decode()
    return Document(clean(page.url), clean(page.source), page.offset, title, language, text, declared, site)


def _sample(title: str, text: bytes) -> str:
    """Return the start of a page's strong blocks, for its language to be detected from."""
    strong = b""
    for line in text[:20_000].splitlines(keepends=True):
        if not line.startswith(b"\t"):
            strong += line
            if len(strong) >= _MOST_SAMPLED:
                break
    return f"{title}\n{strong[:_MOST_SAMPLED].decode(errors='ignore')}"


def mark(markup: bytes) -> Marked:
    """Mark the boundaries of blocks and links in HTML (UTF-8), count its tags, and look for the elements in :data:`WATCHED`."""
    markup = markup.replace(b"\f", b" ")
    lowered = markup.lower()
    names = set(_TAG_NAME.findall(lowered))
    present = sum(1 << bit for bit, name in enumerate(WATCHED) if name.encode() in names)
    for flag, start in ((_KEYWORDS_BIT, b"keyw"), (_ROLE_BIT, b"role"), (_HIDDEN_BIT, b"hidd"), (_SITE_BIT, b"og:s")):
        present |= flag if start in lowered else 0
    flat = sum(map(markup.count, _FLAT_STARTS))
    markup = markup.replace(b"\t", b" ")
    marked = _MARKED_TAG.sub(lambda tag: b"\f%b<" % (b"\t" * _MARKS.get((tag[1] or b"").lower(), BLOCK)), markup)
    return Marked(marked, markup.count(b"<"), markup.count(b"</"), flat, present)


@lru_cache(maxsize=1000)
def _boilerplate(present: int) -> str:
    """Return a CSS selector for the kinds of boilerplate that a page may have."""
    selectors = [name for bit, name in enumerate(_ELEMENTS) if present >> bit & 1]
    return ",".join(selectors + [_HIDDEN] * bool(present & _HIDDEN_BIT))


def _parse_html(markup: bytes, scanner: Scanner, *, all_text: bool = False) -> tuple[str, bytes, list[str], str, str]:
    """Return the title, the text (in UTF-8), and the declared keywords, language and site name of an HTML page in UTF-8.

    With ``all_text``, the text of navigation, footers and forms is included.
    """
    marked = scanner.mark(markup)
    if marked.tags > MAX_TAGS:
        raise Unreadable("too-many-tags", f"more than {MAX_TAGS} tags")
    most = marked.tags - marked.closing - marked.flat  # an upper bound of the levels
    if most > MAX_DEPTH and scanner.count_levels(markup) > MAX_DEPTH:
        raise Unreadable("too-deep", f"more than {MAX_DEPTH} levels of elements")
    if (
        most * marked.tags > _MAX_COPIES
        and scanner.count_open(markup) * marked.tags > _MAX_COPIES
        and 3 * _different_formatting(markup) * marked.tags > _MAX_COPIES  # of equal ones, the parser keeps three
    ):
        raise Unreadable("too-many-tags", f"formatting elements that stay open make more than {_MAX_COPIES} elements")
    if len(markup) > _LONG_TAGS * marked.tags and _compared_attributes(markup) > _MAX_COMPARED:
        raise Unreadable(
            "too-many-tags", f"formatting elements have so many attributes that more than {_MAX_COMPARED} are compared"
        )
    tree = LexborHTMLParser(marked.markup, options=_WITHOUT_EVENTS)
    declared: list[str] = []
    if marked.present & _KEYWORDS_BIT and marked.present & _META_BIT:
        for meta in tree.css('meta[name="keywords" i]'):
            declared += filter(None, map(_one_line, (meta.attributes.get("content") or "").split(",")))
    site = ""
    if marked.present & _SITE_BIT and marked.present & _META_BIT:
        declarations = tree.css('meta[property="og:site_name" i]')  # https://ogp.me/
        site = next(filter(None, (_one_line(meta.attributes.get("content") or "") for meta in declarations)), "")
    ignored = _KEYWORDS_BIT | _SITE_BIT | _META_BIT | _ROLE_BIT | (_AROUND_BITS if all_text else _FORM_BIT)
    if selector := _boilerplate(marked.present & ~ignored):
        _remove(tree.css(selector))
    if marked.present & _ROLE_BIT and not all_text:
        _remove(node for node in tree.css("[role]") if node.attrs.get("role") in ROLES)
    if marked.present & _FORM_BIT and not all_text and len(tree.css("form form")) <= _MAX_FORMS:
        _remove(form for form in tree.css(_FORMS) if not _has_most_text(form, tree, len(markup)))
    title = heading(tree, "title") or heading(tree, "h1")  # the titles of SVG images are removed by now
    body = tree.body
    named = tree.root.attributes.get("lang") if tree.root else None
    return title, scanner.blocks(body.text()) if body else b"", declared, named or "", site


def _different_formatting(markup: bytes) -> int:
    """Return how many formatting elements differ in their names or attributes."""
    return len({(name, attributes) for slash, name, attributes in _FORMATTING.findall(markup.lower()) if not slash})


def _compared_attributes(markup: bytes) -> int:
    """Estimate how many pairs of attributes the parser compares: of each formatting element, with up to three before it."""
    starts = (attributes for slash, _, attributes in _FORMATTING.findall(markup) if not slash)
    return sum(len(_QUOTED.sub(b"", attributes).split()) ** 2 for attributes in starts)


def _has_most_text(form: LexborNode, tree: LexborHTMLParser, size: int) -> bool:
    """Whether a form has more than half of the text of a page; ``size``: the bytes of its markup."""
    text = len("".join(form.text().split()))
    return text * _SHARE > size and tree.body is not None and 2 * text > len("".join(tree.body.text().split()))


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
    """Return text in Unicode's NFC, without control and format characters and lone surrogates, for all later steps."""
    if _CONTROL_CHARACTERS.search(text):
        text = _CONTROL_CHARACTERS.sub("", text)
    if text.isascii():
        return text
    text = _FORMAT_CHARACTERS.sub("", text).replace("\u2010", "-").replace("\u2011", "-")
    if not _UNUSUAL.search(text) or not _not_composed().search(text):
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFC", _MANY_MARKS.sub("\\g<0>\u034f", text))


@cache
def _not_composed() -> re.Pattern[str]:
    return re.compile(f"[^{COMPOSED}]")


def _one_line(text: str) -> str:
    """Return the text of an attribute or a title in one line, without the marks of tags."""
    return _collapse(clean(_MARK_OF_TAG.sub("<", text)))


def _collapse(text: str) -> str:
    """Replace each run of white space by a space."""
    return " ".join(text.split())


class _Block:
    """A block: its text, how many bytes it has (without spaces), how many of them in links, and whether it is a heading."""

    def __init__(self, heading: bool = False) -> None:
        self.text, self.bytes, self.linked, self.heading = "", 0, 0, heading

    def add(self, text: str, linked: bool) -> None:
        self.text += text
        size = len("".join(text.split()).encode())
        self.bytes += size
        self.linked += size * linked

    @property
    def is_core(self) -> bool:
        return self.bytes >= _CORE and 3 * self.linked <= self.bytes


def count_open(markup: bytes) -> int:
    """Return the most formatting elements that are open at once, counted by name."""
    still_open, most = Counter[bytes](), 0
    for slash, name, _ in _FORMATTING.findall(markup.lower()):
        if not slash:
            still_open[name] += 1
            most = max(most, still_open.total())
        elif still_open[name]:
            still_open[name] -= 1
    return most


def blocks(text: str) -> bytes:
    """Return the blocks of marked text as lines in UTF-8: clean, white space collapsed, empty ones dropped.

    A weak block's line starts with a tab. A block is strong if it is the page's main heading, or has no more than half of its
    text in links and is near a block that certainly is a paragraph; if there is little strong text, all blocks are strong.
    """
    start, *rest = _MARK.split(clean(text))
    found, linked = [_Block()], False
    found[0].add(start, linked)
    for mark, content in zip(rest[::2], rest[1::2], strict=True):
        if len(mark) in (LINK, LINK_END):
            linked = len(mark) == LINK
        else:
            found.append(_Block(len(mark) == HEADING))
        found[-1].add(content, linked)
    found = [block for block in found if block.bytes]
    core = [i for i, block in enumerate(found) if block.is_core]
    near = {j for i in core for j in range(i - _NEAR, i + _NEAR + 1)}
    strong = [block.heading or (2 * block.linked <= block.bytes and i in near) for i, block in enumerate(found)]
    if sum(block.bytes for block, it_is in zip(found, strong, strict=True) if it_is) < _FEW:
        strong = [True] * len(found)
    lines = ("\t" * (not it_is) + _collapse(block.text) for block, it_is in zip(found, strong, strict=True))
    return "\n".join(lines).encode()


PLAIN: Final = Scanner(mark, count_levels, count_open, blocks, segments.insert, is_utf8)
"""The scanner without compiled code."""
