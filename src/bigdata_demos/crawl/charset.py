"""Finds the character set of a page, and decodes it."""

import codecs
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from resiliparse.parse.encoding import map_encoding_to_html5

from .model import Unreadable

# Signatures of formats that are often served as HTML (WHATWG MIME Sniffing Standard, sections 6 and 7).
_NOT_HTML = re.compile(
    rb"\x89PNG\r\n\x1a\n|GIF8[79]a|\xff\xd8\xff|RIFF....WEBP|%PDF-|PK\x03\x04|\x1f\x8b\x08|Rar!\x1a\x07|7z\xbc\xaf"
    rb"|\x00\x00\x01\x00|\x7fELF|OggS\x00|wOF[F2]|\x00asm|BZh\d1AY&SY|\xfd7zXZ\x00|\x28\xb5\x2f\xfd",
    re.DOTALL,
)
_CONTROL = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0C, 0x0D, 0x1B})
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"',]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([^"']+)""", re.IGNORECASE)
# What a parser meets: comments, elements whose content is no markup, <meta>, and other tags, with what is quoted in them.
_MARKUP = re.compile(
    rb"""<!--.*?(?:-->|\Z)|<(script|style|title|textarea|xmp|iframe|noembed|noframes)\b.*?(?:</\1\b|\Z)"""
    rb"""|<meta\b((?:[^>"']++|"[^"]*+"|'[^']*+')*+)|<[a-z/](?:[^>"']++|"[^"]*+"|'[^']*+')*+""",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(rb"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
_META_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([^\s;\"']+)")
_SEARCHED: Final = 1 << 20  # bytes of a page in which a <meta> is looked for
_SAMPLE: Final = 50_000  # bytes from which a character set is detected
_FEW: Final = 3  # a set is believed if it decodes so many times more characters than it leaves undecoded
# Names whose character sets in the WHATWG Encoding Standard are larger than Python's, and names that resiliparse lacks.
_LARGER = {"shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs", "iso8859-11": "cp874", "gbk": "gb18030"}
_MAC_CYRILLIC = ("x-mac-cyrillic", "x-mac-ukrainian")


def is_utf8(raw: bytes) -> bool:
    """Return whether bytes are valid UTF-8."""
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def decode_html(raw: bytes, content_type: str = "", *, is_utf8: Callable[[bytes], bool] = is_utf8) -> bytes:
    """Return the markup of a page in UTF-8. Raises Unreadable with the reason ``empty`` or ``not-html``."""
    start = raw[:1024]
    if not start.strip():
        raise Unreadable("empty", "no bytes" if not raw else "nothing but white space")
    if _NOT_HTML.match(start):
        raise Unreadable("not-html", "the bytes are another format's")
    if (charset := _charset_of_start(raw, content_type)).startswith("utf-16"):
        return raw.decode(charset, "replace").removeprefix("\ufeff").encode("utf-8", "ignore")
    if (len(start) - len(start.translate(None, _CONTROL))) * 10 > len(start):
        raise Unreadable("not-html", "binary data")
    if is_utf8(raw) and not (raw.isascii() and _has_escapes(raw)):
        return raw.removeprefix(codecs.BOM_UTF8)
    return decode(raw, content_type).encode("utf-8", "ignore")  # surrogates come only from UTF-7 and the like


_ESCAPES: Final = (b"\x1b$", b"\x1b(", b"~{")  # of ISO-2022-JP and HZ, whose bytes are ASCII


def _has_escapes(raw: bytes) -> bool:
    return any(escape[:1] in raw and escape in raw for escape in _ESCAPES)  # one byte is found faster


def declared_charset(raw: bytes, content_type: str = "") -> str:
    """Return Python's name of the character set that a page declares, ``""`` if there is none or it is unknown.

    The order is that of the WHATWG HTML Standard, section 13.2.3.2: a byte order mark, the HTTP header, a ``<meta>``, here
    wherever it is, and an XML declaration. Names are those of the Encoding Standard (``iso-8859-1`` is ``windows-1252``).
    """
    return _charset_of_start(raw, content_type) or _charset_of_markup(raw)


def _charset_of_start(raw: bytes, content_type: str) -> str:
    """Return the character set of the byte order mark, or of the HTTP header."""
    for mark, charset in _BOMS:
        if raw.startswith(mark):
            return charset
    header = _HEADER_CHARSET.search(content_type)
    charset = known(header[1]) if header else ""
    return charset if not charset.startswith("utf-16") or b"\0" in raw[:1024] else ""


def _charset_of_markup(raw: bytes) -> str:
    """Return the character set that an element ``<meta>`` declares, or else an XML declaration."""
    head = raw[:_SEARCHED]
    for _, meta in _MARKUP.findall(head) if re.search(rb"(?i)charset", head) else ():
        if b"charset" not in (lowered := meta.lower()):
            continue
        attributes = {name: b"".join(values) for name, *values in _ATTRIBUTE.findall(lowered)}
        label = attributes.get(b"charset")
        if label is None and attributes.get(b"http-equiv", b"").strip() == b"content-type":
            declared = _META_CHARSET.search(attributes.get(b"content", b""))
            label = declared[1] if declared else None
        if label and (charset := known(label.decode("ascii", "ignore"))):
            return "utf-8" if charset.startswith("utf-16") else charset  # a <meta> that can be read as ASCII is not in UTF-16
    xml = _XML_ENCODING.match(head)
    charset = known(xml[1].decode("ascii", "ignore")) if xml else ""
    return "" if charset.startswith("utf-16") else charset


@lru_cache(maxsize=1000)
def known(label: str) -> str:
    """Return Python's name for a label of the Encoding Standard, ``""`` if it is unknown or cannot encode a page."""
    label = label.strip().lower()
    if label in _MAC_CYRILLIC:
        return "mac_cyrillic"
    name = map_encoding_to_html5(label, fallback_utf8=False) or ""
    name = _LARGER.get(name, name)
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return ""
    return "" if name in ("x-user-defined", "replacement") else name


def decode(raw: bytes, content_type: str = "") -> str:
    """Decode a page by the first of these character sets in which its bytes are valid.

    Those are that of a byte order mark, UTF-8, that of the HTTP header, and that of the markup. If all of them are invalid, the
    first one with few undecodable bytes is taken, else the one that is detected.
    """
    first = _charset_of_start(raw, content_type)
    if raw.isascii() and not _has_escapes(raw):
        return raw.decode()
    utf8 = [] if raw.isascii() else ["utf-8"]
    charsets = [first] if raw.startswith(tuple(mark for mark, _ in _BOMS)) else [*utf8, first, _charset_of_markup(raw)]
    charsets = list(dict.fromkeys(filter(None, charsets))) or ["utf-8"]
    for charset in charsets:
        try:
            return raw.decode(charset).removeprefix("\ufeff")
        except UnicodeDecodeError:
            pass
    for charset in [*charsets[1:], charsets[0]]:
        text = raw.decode(charset, "replace").removeprefix("\ufeff")
        bad = text.count("\ufffd")
        if len(text) - sum(map(text.count, map(chr, range(128)))) - bad >= _FEW * bad:
            return text
    return raw.decode(_detected(raw), "replace")


def _detected(raw: bytes) -> str:
    """Return the character set that the bytes look like, by chardet."""
    import chardet

    other = re.search(rb"[\x80-\xff]", raw)
    start = max(other.start() - 500, 0) if other else 0
    name = chardet.detect(raw[start : start + _SAMPLE])["encoding"] or ""
    if charset := known(name):
        return charset
    try:
        return codecs.lookup(name).name if name else "windows-1252"
    except LookupError:
        return "windows-1252"
