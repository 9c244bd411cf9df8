"""From the bytes of a page to its fields: character set, HTML5, title, text, and what the page declares of itself.

:func:`extract` turns a :class:`~.model.Page` into a :class:`~.model.Document`, or says why not. The reasons:

``empty``         nothing in it that could be read: no bytes, or no word in them
``not-html``      the bytes of something else: an image, a PDF, an archive
``too-large``     more than :data:`MAX_BYTES`
``too-many-tags`` more than :data:`MAX_TAGS` tags
``too-deep``      elements nested more than :data:`MAX_DEPTH` deep

The limits are there because every HTML parser has pages on which its time grows with the square of the page's depth.
They count, and never look at a clock: each engine rejects the same pages.
"""

import re
import unicodedata
from typing import Final

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5
from selectolax.lexbor import LexborHTMLParser

from .model import Document, Page

MAX_BYTES: Final = 16 << 20
"""Bytes of the largest page that is read; characters, of what is decoded already."""

MAX_TAGS: Final = 400_000
"""Tags, opening and closing, of the largest page that is parsed."""

MAX_DEPTH: Final = 2_000
"""Levels of nesting of the deepest page that is parsed. (Browsers stop at 512, and put what is deeper beside.)"""

# Signatures of what is often served as HTML and is not (WHATWG MIME Sniffing Standard, sections 6 and 7).
NOT_HTML = re.compile(
    rb"\x89PNG\r\n\x1a\n|GIF8[79]a|\xff\xd8\xff|RIFF....WEBP|%PDF-|PK\x03\x04|\x1f\x8b\x08|Rar!\x1a\x07|7z\xbc\xaf"
    rb"|\x00\x00\x01\x00|\x7fELF|OggS\x00|wOF[F2]|\x00asm|BZh\d1AY&SY|\xfd7zXZ\x00|\x28\xb5\x2f\xfd",
    re.DOTALL,
)
CONTROL = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0C, 0x0D, 0x1B})
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
META = re.compile(rb"<meta\b([^>]*)", re.IGNORECASE)
COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
ATTRIBUTE = re.compile(rb"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
META_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([^\s;\"']+)", re.IGNORECASE)
# Where the Web's sets of a name are larger than Python's (WHATWG Encoding Standard, indexes), and names that resiliparse lacks.
LARGER = {"shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs", "iso8859-11": "cp874", "gbk": "gb18030"}
MAC_CYRILLIC = ("x-mac-cyrillic", "x-mac-ukrainian")

# A form feed before each tag that is not inline. HTML takes it for white space wherever a tag may stand, so the tree is
# the same; in the text, it marks the boundaries of blocks.
INLINE = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr q s samp small span strike strong "
    "sub sup time tt u var wbr"
)
ANY_CASE = "|".join("".join(f"[{char}{char.upper()}]" for char in name) for name in INLINE.split())  # IGNORECASE is slower
BLOCK_TAG = re.compile(rf"<(?=[A-Za-z/!?])(?!!--|/?(?:{ANY_CASE})[\s/>])")
# What is not text, or not the page's own: by element and by ARIA role. A form that holds the page itself stays.
BOILERPLATE = (
    "script,style,noscript,template,nav,footer,iframe,object,svg,math,canvas,audio,video,select,button,textarea,datalist,"
    "dialog,menu,form:not(:has(p,h1,h2,h3,article,main,table)),[hidden],[aria-hidden=true],[role=navigation],"
    "[role=contentinfo],[role=search],[role=banner],[role=menu],[role=menubar],[role=toolbar],[role=dialog]"
)
WITHOUT_EVENTS = 1  # lexbor's option: no work for scripts that nobody runs
# For counting levels: what holds no tags though it seems to, and tags with their attributes, whatever these are quoted by.
NO_TAGS = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style|title|textarea|xmp)\b.*?(?:</\1\b|\Z)", re.DOTALL)
TAG = re.compile(r"""<(/?[a-z][^\s/>]*+)(?:[^>"']++|"[^"]*+"|'[^']*+')*+""")
# Elements that never hold others (in HTML; in SVG, in practice), or that the parser closes when the next one comes.
FLAT = frozenset(
    "area base br col embed hr img input link meta source track wbr a button li nobr p tbody td tfoot th thead tr image "  # noqa: SIM905
    "circle ellipse line path polygon polyline rect stop use".split()
)
SIBLINGS = frozenset(["dd", "dt", "option"])  # each closes the one just before it
FLAT_STARTS = ("<a ", "<br>", "<br/", "<br ", "<p>", "<p ", "<li>", "<li ", "<td>", "<td ", "<tr>", "<tr ", "<!--", "<img ")
CONTROL_CHARACTERS = re.compile(r"[\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
# Unicode's normal form C of a text of these characters is the text. What is outside needs more care, and more time.
NOT_COMPOSED = re.compile(r"[^\0-\u02ff\u2010-\u20cf\u2190-\u2328\u232b-\u2adb\u2add-\u2bff]")
# More than 30 marks in a row, which normalization sorts in quadratic time: UAX #15, section 13 (Stream-Safe Text Process).
MANY_MARKS = re.compile(r"[^\w\s\0-\u02ff]{30}(?=[^\w\s\0-\u02ff])")


class Unreadable(Exception):
    """A page that cannot be read; ``args`` are the reason and a detail."""


def extract(page: Page) -> Document:
    """The fields of a page.

    Text in, text out: a block of plain text ends at an empty line, a block of HTML at a tag that is not inline.

    Raises:
        Unreadable: with one of the reasons in the module's docstring.

    """
    if len(page.content) > MAX_BYTES:
        raise Unreadable("too-large", f"more than {MAX_BYTES} bytes")
    if isinstance(page.content, str):
        markup = clean(page.content)
    elif page.is_text:
        markup = decode(page.content, page.content_type)
    else:
        markup = decode_html(page.content, page.content_type)
    declared: list[str] = []
    if page.is_text:
        title = collapse(clean(page.title))
        text = blocks(re.sub(r"\n\s*\n", "\f", clean(markup)))
    else:
        title, text, declared = parse_html(markup)
        title = title or collapse(clean(page.title))
    if not any(map(str.isalnum, title)) and not any(map(str.isalnum, text)):
        raise Unreadable("empty", "no word in it")
    return Document(clean(page.url), clean(page.source), page.offset, title, text, declared)


def decode_html(raw: bytes, content_type: str = "") -> str:
    """The page's markup as text, if it can be HTML at all.

    Raises:
        Unreadable: ``empty`` or ``not-html``.

    """
    start = raw[:1024]
    if not start.strip():
        raise Unreadable("empty", "no bytes" if not raw else "nothing but white space")
    if NOT_HTML.match(start):
        raise Unreadable("not-html", "the bytes are another format's")
    charset = declared_charset(raw, content_type)
    if "utf-16" not in charset and (len(start) - len(start.translate(None, CONTROL))) * 10 > len(start):
        raise Unreadable("not-html", "binary data")
    return decode(raw, content_type)


def declared_charset(raw: bytes, content_type: str = "") -> str:
    """The character set that a page declares, as Python names it; ``""`` if none that is known.

    A byte order mark, then the HTTP header, then the first 1,024 bytes' ``<meta>``: the order of the WHATWG HTML
    Standard, section 13.2.3.2, with its Encoding Standard's names (so ``iso-8859-1`` is ``windows-1252``).
    """
    for mark, charset in BOMS:
        if raw.startswith(mark):
            return charset
    header = HEADER_CHARSET.search(content_type)
    if header and (charset := known(header[1])):
        return charset
    for meta in META.finditer(COMMENT.sub(b"", raw[:1024])):
        attributes = {name.lower(): b"".join(values) for name, *values in ATTRIBUTE.findall(meta[1])}
        label = attributes.get(b"charset")
        if label is None and attributes.get(b"http-equiv", b"").strip().lower() == b"content-type":
            declared = META_CHARSET.search(attributes.get(b"content", b""))
            label = declared[1] if declared else None
        if label and (charset := known(label.decode("ascii", "ignore"))):
            return "utf-8" if charset.startswith("utf-16") else charset  # who could read this <meta> read no UTF-16
    return ""


def known(label: str) -> str:
    """Python's name for an Encoding Standard's label, ``""`` for one that it doesn't know or that can't hold a page."""
    label = label.strip().lower()
    if label in MAC_CYRILLIC:
        return "mac_cyrillic"
    name = map_encoding_to_html5(label, fallback_utf8=False) or ""
    name = LARGER.get(name, name)
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return ""
    return "" if name in ("x-user-defined", "replacement") else name


def decode(raw: bytes, content_type: str = "") -> str:
    """Decode a page by the character set that it declares, or the one that its bytes show where that cannot be right.

    It cannot be right if it leaves more of what is not ASCII undecodable than it decodes.
    """
    charset = declared_charset(raw, content_type) or "utf-8"
    try:
        return raw.decode(charset).removeprefix("\ufeff")
    except UnicodeDecodeError:
        text = raw.decode(charset, "replace").removeprefix("\ufeff")
    bad = text.count("\ufffd")
    good = len(text) - sum(map(text.count, map(chr, range(128)))) - bad
    if good > bad:
        return text
    detected = known(detect_encoding(raw[:1_000_000]) or "") or "windows-1252"
    return raw.decode(detected, "replace")


def parse_html(markup: str) -> tuple[str, str, list[str]]:
    """Title, text and declared keywords of an HTML page.

    Raises:
        Unreadable: ``too-many-tags`` or ``too-deep``.

    """
    check_limits(markup)
    tree = LexborHTMLParser(BLOCK_TAG.sub("\f<", markup.replace("\f", " ")), options=WITHOUT_EVENTS)
    declared = [
        keyword
        for meta in tree.css('meta[name="keywords" i]')
        for keyword in map(plain, (meta.attributes.get("content") or "").split(","))
        if keyword
    ]
    for node in tree.css(BOILERPLATE):
        node.decompose()
    titles = [*tree.css("title"), *tree.css("h1")[:1]]  # by now none of them is an SVG's
    title = next(filter(None, (plain(node.text()) for node in titles)), "")
    body = tree.body
    return title, blocks(clean(body.text())) if body else "", declared


def check_limits(markup: str) -> None:
    """Refuse what would take the parser very long: see the module's docstring.

    Raises:
        Unreadable: ``too-many-tags`` or ``too-deep``.

    """
    tags, closing = markup.count("<"), markup.count("</")
    if tags > MAX_TAGS:
        raise Unreadable("too-many-tags", f"more than {MAX_TAGS} tags")
    if tags - closing <= MAX_DEPTH:  # no more elements than levels allowed
        return
    if tags - closing - sum(map(markup.count, FLAT_STARTS)) <= MAX_DEPTH:
        return
    depth, last, open_elements = 0, "", dict.fromkeys(FLAT, -len(markup))  # these never count
    for tag in TAG.findall(NO_TAGS.sub("", markup.lower())):
        if tag[0] != "/":
            before_it, last = last, tag
            if tag in SIBLINGS and before_it in SIBLINGS:
                continue
            before = open_elements.get(tag, 0)
            open_elements[tag] = before + 1
            depth += before >= 0
            if depth > MAX_DEPTH:
                raise Unreadable("too-deep", f"more than {MAX_DEPTH} levels of elements")
        elif open_elements.get(tag[1:], 0) > 0:
            open_elements[tag[1:]] -= 1
            depth -= 1


def clean(text: str) -> str:
    """Text that any later part can hold: composed (Unicode's NFC), without control characters, soft hyphens, lone surrogates."""
    if CONTROL_CHARACTERS.search(text):
        text = CONTROL_CHARACTERS.sub("", text)
    if text.isascii():
        return text
    text = text.replace("\xad", "")
    if not NOT_COMPOSED.search(text):
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFC", MANY_MARKS.sub("\\g<0>\u034f", text))


def plain(text: str) -> str:
    """What an attribute or a title says, without the form feeds that mark tags, in one line."""
    return collapse(clean(text.replace("\f<", "<")))


def collapse(text: str) -> str:
    """The text with each run of white space made one space."""
    return " ".join(text.split())


def blocks(text: str) -> str:
    """Blocks that end in form feeds as lines, white space collapsed, empty ones dropped."""
    return "\n".join(filter(None, map(collapse, text.split("\f"))))
