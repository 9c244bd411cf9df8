"""From bytes to fields: golden pages, every reason to reject one, and pages made to break parsers.

Each golden page is ``tests/data/extraction/NAME.html`` with ``NAME.json`` beside it: title, text and declared keywords as a person
would want them, written by hand, and ``content_type`` if a server sent one.
"""

import json
import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bigdata_demos.crawl import charset
from bigdata_demos.crawl.model import MAX_BYTES, Page, Unreadable
from bigdata_demos.keywords.analysis import text as text_module
from bigdata_demos.keywords.analysis.text import COMPOSED, MAX_DEPTH, MAX_TAGS, extract
from bigdata_demos.keywords.model import Document
from tests.support.paths import ROOT
from tests.support.texts import text_of

GOLDEN = ROOT / "tests" / "data" / "extraction"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.html"))


def page(content: bytes | str, content_type: str = "", *, is_text: bool = False, title: str = "") -> Page:
    """A page with some content."""
    return Page("u", "s", 0, content, is_text, title, content_type)


def reason(content: bytes | str, content_type: str = "", *, is_text: bool = False) -> str:
    """Why a page is rejected; ``""`` if it is not."""
    try:
        extract(page(content, content_type, is_text=is_text))
    except Unreadable as error:
        why, detail = error.args
        return str(why) if detail else "no detail"
    return ""


def test_golden_files_are_complete() -> None:
    """Each page has its expectation, each expectation its page."""
    assert len(NAMES) >= 14
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_golden_page(name: str) -> None:
    """Title, text and declared keywords are what a person would want of the page."""
    wanted = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    found = extract(page((GOLDEN / f"{name}.html").read_bytes(), wanted.pop("content_type", "")))
    assert {"title": found.title, "text": text_of(found), "declared": found.declared} == wanted


def test_markup_that_is_decoded_already_keeps_its_characters() -> None:
    """What a page says of its character set does not matter once it is text."""
    found = extract(page('<meta charset="koi8-r"><title>déjà</title><p>vu – “naïve”', "text/html; charset=shift_jis"))
    assert (found.title, text_of(found)) == ("déjà", "vu – “naïve”")


def test_plain_text() -> None:
    """Tags are text there, an empty line ends a block, a line's end does not, and the title is the record's."""
    found = extract(page("a <b>\nsecond  line\n \t\nnew block\r\n\r\nthird", is_text=True, title=" The\n title "))
    assert (found.title, text_of(found), found.declared) == ("The title", "a <b> second line\nnew block\nthird", [])


def test_title_of_the_record_is_second_to_the_pages_own() -> None:
    """A record's title counts where the page has none."""
    assert extract(page("<title>own</title><p>x", title="record's")).title == "own"
    assert extract(page("<p>x", title="record's")).title == "record's"


@pytest.mark.parametrize(
    ("markup", "site"),
    [
        ('<meta property="og:site_name" content=" The\n Village&amp;Voice ">', "The Village&Voice"),
        ("<META CONTENT=Voice PROPERTY=OG:SITE_NAME>", "Voice"),
        ('<meta property="og:site_name" content="Voice"><meta property="og:site_name" content="Times">', "Voice"),
        (
            '<meta property="og:site_name"><meta property="og:site_name" content=" "><meta property="og:site_name" content="V">',
            "V",
        ),
        ('<meta property="og:site_name">', ""),
        ('<meta name="og:site_name" content="Voice">', ""),
        ('<meta property="og:site" content="Voice">', ""),
        ('<p property="og:site_name" content="Voice">', ""),
        ("<p>og:site_name", ""),
        ('<html lang="zh"><meta property="og:site_name" content="网易新闻">', "网易\u200b新闻"),
    ],
)
def test_name_of_the_site(markup: str, site: str) -> None:
    """The one that the page declares by Open Graph, with spaces between words for languages without."""
    assert extract(page(f"{markup}<p>word")).site == site


def test_fields_are_handed_on() -> None:
    """URL, source and offset stay; a URL that cannot be encoded is mended."""
    found = extract(Page("u\ud800", "source", 7, "<p>word"))
    assert found == Document("u\ufffd", "source", 7, "", "en", b"\nword", [])


@pytest.mark.parametrize(
    ("label", "content", "expected"),
    [
        ("latin1", b"\x93x\x94 \x80", "“x” €"),
        ("ISO-8859-1", b"\x93x\x94 \x80", "“x” €"),
        ("us-ascii", b"x\x85", "x…"),
        ("iso-8859-9", b"\xfd\xfe\x93x", "ış“x"),
        (" UTF8 ", b"\xc3\xa9t\xc3\xa9", "été"),
        ("shift_jis", b"\x87\x40\xfb\xfcx", "①髙x"),
        ("x-sjis", b"\x87\x40\xee\xe0x", "①髙x"),
        ("ks_c_5601-1987", b"\xb0\xa1 \x8cc", "가 똠"),
        ("gb2312", b"\xe9F", "镕"),
        ("big5", b"\xa4\xa4 \x9d\xee", "中 㗎"),
        ("tis-620", b"\xa1\x93x\x94", "ก“x”"),
        ("x-mac-cyrillic", b"\x9f\xe0", "Яа"),
    ],
)
def test_labels_are_the_webs(label: str, content: bytes, expected: str) -> None:
    """A label means what browsers take it for: the vendor's larger character set, not the standard's."""
    assert text_of(extract(page(b"<p>word " + content, f"text/html; charset={label}"))) == f"word {expected}"


@pytest.mark.parametrize(
    "label", ["", "no-such-charset", "x-user-defined", "replacement", "hz-gb-2312", "base64", "idna", "\x00"]
)
def test_labels_that_name_no_character_set_are_ignored(label: str) -> None:
    """Unknown ones, those that are no character set, and Python's own codecs."""
    assert charset.known(label) == ""
    assert text_of(extract(page("<p>é".encode(), f"text/html; charset={label}"))) == "é"


def test_order_of_declarations() -> None:
    """Byte order mark, then header, then meta; a meta that says UTF-16 means UTF-8."""
    meta = b"<meta charset=windows-1251><p>"
    assert text_of(extract(page(b"\xef\xbb\xbf" + meta + "é".encode(), "text/html; charset=koi8-r"))) == "é"
    assert text_of(extract(page(meta + "я".encode("koi8-r"), "text/html; charset=koi8-r"))) == "я"
    assert text_of(extract(page(meta + "я".encode("cp1251"), "text/html; charset=nonsense"))) == "я"
    assert text_of(extract(page(meta.replace(b"windows-1251", b"utf-16") + "é".encode()))) == "é"


def test_few_bad_bytes_leave_the_declared_character_set() -> None:
    """One broken character in a UTF-8 page costs itself only."""
    good = "<meta charset=utf-8><p>müde Größe für Übung".encode()
    assert text_of(extract(page(good + b" caf\xe9 ende"))) == "müde Größe für Übung caf\ufffd ende"


# Rejections, each at its limit.


def test_too_large() -> None:
    """The largest page allowed is read, one byte more is too much."""
    content = b"<p>word" + b" " * (MAX_BYTES - 7)
    assert text_of(extract(page(content))) == "word"
    assert reason(content + b" ") == "too-large"


@pytest.mark.parametrize("is_text", [False, True])
def test_too_large_as_text(monkeypatch: pytest.MonkeyPatch, is_text: bool) -> None:
    """The limit holds for what is decoded already, too."""
    monkeypatch.setattr(text_module, "MAX_BYTES", 20)
    assert reason("word" * 5, is_text=is_text) == ""
    assert reason("word" * 5 + "s", is_text=is_text) == "too-large"


def test_too_many_tags() -> None:
    """The limit counts opening and closing tags."""
    content = b"<p>x</p>" * (MAX_TAGS // 2)
    assert reason(content) == ""
    assert reason(content + b"<p>") == "too-many-tags"


@pytest.mark.parametrize("tag", ["div", "DIV", "section", "b", "x-unknown", "ul"])
def test_too_deep(tag: str) -> None:
    """As many levels as allowed, and one more."""
    levels = f"<{tag}>" * MAX_DEPTH
    assert text_of(extract(page(levels + "the bottom"))) == "the bottom"
    assert text_of(extract(page(levels + "the bottom" + f"</{tag}>" * MAX_DEPTH))) == "the bottom"
    assert reason(levels + f"<{tag}>the bottom") == "too-deep"


@pytest.mark.parametrize(
    "row",
    [
        "<div>x</div>",
        "<p>x",
        "<li>x",
        "<br>x",
        "<tr><td>x<td>y",
        "<dt>x<dd>y",
        "<option>x",
        "<img src=x>",
        "<a name=x>x",
        "<hr>",
        "<p>x<a>y",
    ],
)
def test_long_is_not_deep(row: str) -> None:
    """What the parser closes by itself, or what never holds anything, adds no level however often it comes."""
    table = "<table>" if "td" in row else ""
    assert reason(f"<p>word</p>{table}" + row * (2 * MAX_DEPTH)) == ""


@pytest.mark.parametrize(
    "level",
    ["<div><!--</div>-->", "<div title='</div>'>", "<h1><li>", "<h1><a>", "<dd><li>", "<option><li>", "<rt><h2>", "<rect><h1>"],
)
def test_depth_is_counted_as_the_parser_nests(level: str) -> None:
    """Levels that are easily missed: end tags that are none, and elements that end others of their kind only.

    (That these do nest, each time, was found by asking the parser.) It takes time that grows with their number's square.
    """
    assert reason("<p>word</p>" + level * (2 * MAX_DEPTH)) == "too-deep"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \r\n\t",
        b"<html></html>",
        b"<title></title><p>... --- !</p>",
        b"<script>word</script>",
        b"\xef\xbb\xbf",
        b"<!-- word -->",
        "",
        "<p>",
    ],
)
def test_empty(content: bytes | str) -> None:
    """No bytes, white space, or no word in what can be seen."""
    assert reason(content) == "empty"
    assert reason("\n \f\n", is_text=True) == "empty"


def test_one_word_is_not_empty() -> None:
    """In the title or in the text; a digit will do."""
    assert extract(page(b"<title>word</title>")).title == "word"
    assert text_of(extract(page(b"<p>7"))) == "7"


@pytest.mark.parametrize(
    "start",
    [
        b"\x89PNG\r\n\x1a\n", b"GIF89a", b"GIF87a", b"\xff\xd8\xff\xe0", b"RIFF\x01\x02\x03\x04WEBP", b"%PDF-1.7\n", b"PK\x03\x04", b"\x1f\x8b\x08",
        b"7z\xbc\xaf\x27\x1c", b"\x7fELF", b"wOF2", b"\x00asm", b"BZh91AY&SY", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"\x00\x00\x01\x00",
    ],
)  # fmt: skip
def test_not_html(start: bytes) -> None:
    """The signatures of images, archives and programs, whatever the server says; not as text, nor further on."""
    assert reason(start + b"<p>word</p>") == "not-html"
    assert reason(start + b"<p>word</p>", "text/html; charset=utf-8") == "not-html"
    assert reason(b"<p>word " * 20 + start) == ""


def test_binary_data_is_not_html() -> None:
    """More than one control character in ten among the first 1,024 bytes; later ones do not matter."""
    assert reason(b"word" * 90 + b"\x00" * 40) == ""
    assert reason(b"word" * 89 + b"\x00" * 40) == "not-html"
    assert reason(b"word" * 256 + b"\x00" * 2000) == ""


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
def test_zeros_of_utf16_are_not_binary(charset: str) -> None:
    """Half of the bytes are zero, by a byte order mark or by the header."""
    content = "<title>zeros</title><p>each second byte"
    assert text_of(extract(page(("\ufeff" + content).encode(charset)))) == "each second byte"
    assert (
        extract(page(content.encode(charset), f"text/html; charset={charset[:6]}{charset[6:].replace('-', '')}")).title == "zeros"
    )
    assert reason(content.encode(charset)) == "not-html"


# Properties.

WORDS = st.sampled_from(["<p>", "</p>", "<b>", "<!--", "-->", "<title>", "\x0c", "\xa0", "\xad", "\u0301", "e", "<", ">", '"', "\ud800", "\0", "&shy;", "&#12;", "&#xD800;", "<svg>", "<pre>", "<meta name=keywords content='", "\u2028", "\x85", " "])  # fmt: skip
MARKUP = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=60).map("".join))
BYTES = st.one_of(st.binary(max_size=300), MARKUP.map(lambda s: s.encode("utf-8", "surrogatepass")), MARKUP.map(lambda s: s.encode("utf-16", "surrogatepass")))  # fmt: skip
CONTENT_TYPES = st.sampled_from(
    ["", "text/html; charset=utf-16", "text/html; charset=big5", "text/html; charset=iso-2022-jp", "charset=", "x; charset=utf-7"]
)


@settings(max_examples=300, deadline=None)
@given(content=st.one_of(MARKUP, BYTES), content_type=CONTENT_TYPES, is_text=st.booleans(), title=MARKUP)
@example("a&#12;b&#xD;c&#x85;d&nbsp;e", "", False, "")
@example("e&#x301; e<b>\u0301</b>", "", False, "")
@example("<title>x\ud800</title>y", "", False, "\udfff")
def test_whatever_comes(content: bytes | str, content_type: str, is_text: bool, title: str) -> None:
    """Any bytes, any text: fields that every later part can hold, or a reason; and the same each time."""
    given_page, why, detail = page(content, content_type, is_text=is_text, title=title), "", ""
    found: Document | None
    try:
        found = extract(given_page)
    except Unreadable as error:
        why, detail = error.args
        found = None
    if found is None:
        assert why in {"empty", "not-html", "too-large", "too-many-tags", "too-deep"}
        with pytest.raises(Unreadable, match=re.escape(detail)):
            extract(given_page)
        return
    assert extract(given_page) == found
    for line in [found.title, *text_of(found).split("\n"), *found.declared]:
        line.encode()  # no surrogates
        assert line == " ".join(line.split())
        assert unicodedata.is_normalized("NFC", line)
    assert "" not in text_of(found).split("\n") or text_of(found) == ""
    assert any(map(str.isalnum, found.title + text_of(found)))


# Pages made to break parsers: code that makes one, and the reason for which it has to be rejected, "" if it can be read.
ADVERSARIAL = {
    "nested-div": ("'<div>' * 390_000", "too-deep"),
    "nested-font": ("'<font size=1>' * 390_000", "too-deep"),
    "unclosed-b-i": ("'<b><i>' * 190_000", "too-deep"),
    "misnested-b-i": ("'<b><i></b></i>' * 95_000", ""),
    "misnested-b-i-p": ("'<b><i><p></b></i>' * 75_000", ""),
    "misnested-font-p": ("'<font><p></font>' * 130_000", ""),
    "misnested-b-div": ("'<b><div></b></div>' * 95_000", ""),
    "many-formatting-elements": ("''.join(f'<b id={i}>' for i in range(1_990)) + '<p>x' * 190_000", "too-many-tags"),
    "copies-of-fonts": ("'<p>' + ''.join(f'<font color={i}>' for i in range(1_900)) + '<p>x' * 3_000", "too-many-tags"),
    "copies-of-fonts-after-ends": ("'</font>' * 1_900 + '<p>' + ''.join(f'<font color={i}>' for i in range(1_900)) + '<p>x' * 3_000", "too-many-tags"),
    "attributes-of-formatting-elements": ("('<i ' + ' '.join(f'a{i}' for i in range(1_500)) + '>x') * 600", "too-many-tags"),
    "a-long-value": ("'<i title=\"' + 'word ' * 20_000 + '\">x'", ""),
    "equal-fonts": ("('<p><font size=1>' + 'x') * 1_900", ""),
    "forms-in-forms": ("'<form><div></form>' * 900 + '<i></i>' * 60_000", ""),
    "anchors-around-tables": ("'<a><table><a>' * 1_900", ""),
    "headings-around-items": ("'<h1><li>' * 190_000", "too-deep"),
    "end-tags-in-comments": ("'<div><!--</div>-->' * 130_000", "too-deep"),
    "comments-unclosed": ("'<!--' * 100_000", ""),
    "brackets": ("'<' * 390_000", ""),
    "too-many-brackets": ("'<' * 410_000", "too-many-tags"),
    "brackets-and-letters": ("'<a' * 500_000", "too-many-tags"),
    "brackets-and-letters-few": ("'<a' * 390_000", ""),
    "attributes": ("'<p ' + ' '.join(f'a{i}=v{i}' for i in range(10_000)) + '>'", ""),
    "attributes-a-million": ("'<p ' + 'a ' * 1_000_000 + '>'", ""),
    "attribute-quotes-unclosed": ("'<p title=\"' * 390_000", ""),
    "meta-unclosed": ("'<meta ' * 390_000", ""),
    "entities-unfinished": ("'&' * 1_000_000 + '&#' * 1_000_000 + '&CounterClockwiseContourIntegra' * 100_000", ""),
    "empty-lines": ("'\\n \\n' * 5_000_000", ""),
    "combining-marks": ("'a' + '\\u0301\\u0323' * 1_000_000", ""),
}  # fmt: skip
TRY = """
import sys
from bigdata_demos.crawl.model import Page
from bigdata_demos.keywords.analysis.text import extract
from bigdata_demos.crawl.model import Unreadable
try:
    markup = "<title>adversary</title><p>readable</p>" + eval(sys.argv[1])
    found = extract(Page("u", "s", 0, markup if sys.argv[2] else markup.encode(), bool(sys.argv[2]), "adversary"))
    print("" if found.title == "adversary" and "readable" in found.text else "lost")
except Unreadable as error:
    print(error.args[0])
"""


def attempt(code: str, is_text: str) -> str:
    """What becomes of a page in a process of its own, within a time that only a parser gone astray exceeds."""
    done = subprocess.run([sys.executable, "-c", TRY, code, is_text], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout.strip()


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_page(name: str) -> None:
    """A page made to break parsers is rejected, or read, and ends no process."""
    code, expected = ADVERSARIAL[name]
    assert attempt(code, "") == expected


@pytest.mark.parametrize("name", ["empty-lines", "combining-marks", "brackets"])
def test_adversarial_text(name: str) -> None:
    """The same for plain text."""
    assert attempt(ADVERSARIAL[name][0], "text") == ""


@pytest.mark.parametrize("around", ["<form>{}</form>", "<nav>{}</nav>", "<footer>{}</footer>", "<menu>{}</menu>", "<div role=navigation>{}</div>", "<nav><form>{}</form></nav>"])  # fmt: skip
@pytest.mark.parametrize(
    "inside",
    [
        "<div>Harbour dredging.<br><br>Container cranes.</div>",
        "<h4>Harbour dredging</h4><ul><li>Container cranes</ul>",
        "<dl><dt>Harbour dredging<dd>Container cranes</dl>",
        "<section>Harbour dredging; container cranes</section>",
        "<pre>Harbour dredging</pre>",
        "Harbour dredging<input name=q>",
    ],
)
def test_a_page_that_is_wholly_in_one_element_is_a_page(around: str, inside: str) -> None:
    """A form, navigation, footer or menu that has all of the page's text is read, whatever is in it."""
    document = extract(Page("u", "s", 0, around.format(inside).encode()))
    assert "Harbour dredging" in document.text


@pytest.mark.parametrize(("text", "kept"), [("Harbour dredging and container cranes", True), ("Search", False)])
def test_a_form_is_read_if_it_has_most_of_the_text(text: str, kept: bool) -> None:
    """A login link beside a page in a form does not make the form a search box; and a search box is none of the page's text."""
    markup = f"<div>Log in, or read on</div><form><div>{text}</div></form>"
    assert (text in extract(Page("u", "s", 0, markup.encode())).text) is kept


def test_characters_that_no_normal_form_changes() -> None:
    """Each is in form C by itself, does not combine with what is before it, and is no mark, which would be put in order."""
    second = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}  # of syllables of Hangul
    for code in range(0x110000):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            second.add(chr(int(parts[1], 16)))
    composed = re.compile(f"[{COMPOSED}]")
    chars = [char for char in map(chr, range(0x110000)) if composed.match(char)]
    assert len(chars) > 50_000
    assert not second & set(chars)
    assert all(unicodedata.combining(char) == 0 and unicodedata.is_normalized("NFC", char) for char in chars)
