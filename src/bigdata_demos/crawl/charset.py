"""Finds the character set of a page, and decodes it."""

import codecs
import re
from functools import lru_cache

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from .model import Unreadable

# Signatures of formats that are often served as HTML (WHATWG MIME Sniffing Standard, sections 6 and 7).
_NOT_HTML = re.compile(
    rb"\x89PNG\r\n\x1a\n|GIF8[79]a|\xff\xd8\xff|RIFF....WEBP|%PDF-|PK\x03\x04|\x1f\x8b\x08|Rar!\x1a\x07|7z\xbc\xaf"
    rb"|\x00\x00\x01\x00|\x7fELF|OggS\x00|wOF[F2]|\x00asm|BZh\d1AY&SY|\xfd7zXZ\x00|\x28\xb5\x2f\xfd",
    re.DOTALL,
)
_CONTROL = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0C, 0x0D, 0x1B})
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
META = re.compile(rb"<meta\b([^>]*)")
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_ATTRIBUTE = re.compile(rb"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
_META_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([^\s;\"']+)")
# Names whose character sets in the WHATWG Encoding Standard are larger than Python's, and names that resiliparse lacks.
_LARGER = {"shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs", "iso8859-11": "cp874", "gbk": "gb18030"}
_MAC_CYRILLIC = ("x-mac-cyrillic", "x-mac-ukrainian")


def decode_html(raw: bytes, content_type: str = "") -> bytes:
    """Return the markup of a page in UTF-8. Raises Unreadable with the reason ``empty`` or ``not-html``."""
    start = raw[:1024]
    if not start.strip():
        raise Unreadable("empty", "no bytes" if not raw else "nothing but white space")
    if _NOT_HTML.match(start):
        raise Unreadable("not-html", "the bytes are another format's")
    charset = declared_charset(raw, content_type)
    if "utf-16" not in charset and (len(start) - len(start.translate(None, _CONTROL))) * 10 > len(start):
        raise Unreadable("not-html", "binary data")
    if charset in ("", "utf-8") and _is_utf8(raw):
        return raw.removeprefix(codecs.BOM_UTF8)
    return decode(raw, content_type).encode("utf-8", "ignore")  # surrogates come only from UTF-7 and the like


def _is_utf8(raw: bytes) -> bool:
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def declared_charset(raw: bytes, content_type: str = "") -> str:
    """Return Python's name of the character set that a page declares, ``""`` if there is none or it is unknown.

    The order is that of the WHATWG HTML Standard, section 13.2.3.2: a byte order mark, the HTTP header, a ``<meta>`` in the
    first 1,024 bytes. Names are those of the Encoding Standard (``iso-8859-1`` is ``windows-1252``).
    """
    for mark, charset in _BOMS:
        if raw.startswith(mark):
            return charset
    header = _HEADER_CHARSET.search(content_type)
    if header and (charset := known(header[1])):
        return charset
    head = raw[:1024].lower()
    for meta in META.finditer(_COMMENT.sub(b"", head) if b"<!--" in head else head):
        if b"charset" not in meta[1]:
            continue
        attributes = {name: b"".join(values) for name, *values in _ATTRIBUTE.findall(meta[1])}
        label = attributes.get(b"charset")
        if label is None and attributes.get(b"http-equiv", b"").strip() == b"content-type":
            declared = _META_CHARSET.search(attributes.get(b"content", b""))
            label = declared[1] if declared else None
        if label and (charset := known(label.decode("ascii", "ignore"))):
            return "utf-8" if charset.startswith("utf-16") else charset  # a <meta> that can be read as ASCII is not in UTF-16
    return ""


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
    """Decode a page by the character set that it declares, or by a detected one if the declared one is wrong.

    It is wrong if it leaves more non-ASCII text undecodable than it decodes.
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
