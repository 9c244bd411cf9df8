"""The kernel in C gives the answers of the plain one, byte for byte, and those of :mod:`reference`.

Whatever a task hands on is compared: tables of document frequencies, the keywords of each page, postings, and rows of the index.
"""

import itertools
import random
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import pytest
import Stemmer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bigdata_demos.avro import binary, schemas
from bigdata_demos.crawl import plan, reader
from bigdata_demos.crawl.model import Page, Unreadable
from bigdata_demos.keywords.analysis import counting, frequencies, stopwords, text
from bigdata_demos.keywords.analysis.candidates import phrase_hash
from bigdata_demos.keywords.analysis.kernels import Kernel, native, of_this_thread
from bigdata_demos.keywords.analysis.kernels.native import NativeKernel
from bigdata_demos.keywords.analysis.kernels.plain import PlainKernel
from bigdata_demos.keywords.analysis.languages import LANGUAGES, Rules
from bigdata_demos.keywords.analysis.text import MAX_DEPTH, PLAIN, extract
from bigdata_demos.keywords.model import Document, IndexRow, Keyword, Posting
from tests.support import reference
from tests.support.languages import languages
from tests.support.mapping import with_site
from tests.support.paths import DATA
from tests.support.requirements import refuse
from tests.support.texts import ENDINGS, PIECES, headlines, messy, plain, tops

ENGLISH, NONE = Rules("en"), Rules("en", stopwords.load("none"))
LISTS = {
    "en": ENGLISH,
    "none": NONE,
    **{code: Rules(code) for code in ("de", "es", "fr", "it", "pt", "ru", "hi", "ja", "ko", "th", "zh")},
    "each page": Rules(),
    "en as de": Rules("de", stopwords.load("en")),
    "endings only": Rules("en", stopwords.parse("*ly *s *és *字 *'s")),
    "not ASCII": Rules("en", stopwords.parse("ναί ß é 漢 かな İ ﬁne हिन्दी ſ K")),
    "one word": Rules("fr", stopwords.parse("data")),
    "odd": Rules("en", stopwords.parse("' - * *- *' it's state-of-the-art _ 42 x* " + "x" * 64)),
}
LAST = 0x10FFFF
FEW = settings(max_examples=100, deadline=None)
MANY = settings(max_examples=300, deadline=None)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """There must be something to test."""
    if not native.available():
        refuse("the kernel in C", native.why_not())


@cache
def warm(rules: Rules) -> tuple[NativeKernel, PlainKernel]:
    """Both kernels, as in a worker: kept from one page to the next."""
    return NativeKernel(rules), PlainKernel(rules)


class Answers(NamedTuple):
    """What a kernel makes of some pages."""

    tables: list[bytes]
    merged: bytes
    scores: list[bytes]
    postings: list[tuple[int, bytes]]
    ranked: list[tuple[list[bytes], int]]


def answers(kernel: Kernel, documents: Sequence[Document], top: int = 10, bits: int = 2, size: int = 2) -> Answers:
    """The job, in splits of so many pages."""
    tables = []
    for start in range(0, len(documents), size):
        kernel.start_counts()
        for document in documents[start : start + size]:
            kernel.count(document)
        tables.append(kernel.counted())
    merged = kernel.merge(tables, least=2)
    kernel.start_scores(merged, top, bits)
    scores = [kernel.score(document) for document in documents]
    postings = kernel.postings()
    return Answers(tables, merged, scores, postings, [kernel.rank(packed) for _, packed in postings])


def documents_of(texts: Iterable[tuple[str, str]], rules: Rules = ENGLISH) -> list[Document]:
    """Documents, given by title and text, two of each URL, as plain text makes them."""
    pages = [Page(f"u{9 - i // 2}", "s", i, body, is_text=True, title=title) for i, (title, body) in enumerate(texts)]
    found = (read(page, rules=rules) for page in pages)
    return [with_site(document) for document in found if isinstance(document, Document)]


def document(body: str, title: str = "", language: str = "en") -> Document:
    """A document as it is given, whatever a page could have made of it."""
    return with_site(Document("u", "s", 0, title, language, f"{title}\n{body}".encode("utf-8", "ignore"), []))


def read(page: Page, scanner: text.Scanner | None = None, rules: Rules = ENGLISH) -> Document | tuple[Any, ...]:
    """What is read of a page, or why it cannot be."""
    try:
        return extract(page, scanner, rules)
    except Unreadable as error:
        return error.args


def keywords_of(packed: bytes) -> list[Keyword]:
    """A page's keywords."""
    return [Keyword(**fields) for fields in binary.unpack(packed, schemas.field("keywords", "keywords"))]


def check(documents: Sequence[Document], rules: Rules = NONE, top: int = 10, *, also_reference: bool = False) -> Answers:
    """Hold the kernels to each other, and the native one to the reference."""
    in_c, plainly = warm(rules)
    found = answers(in_c, documents, top)
    assert found == answers(plainly, documents, top)
    if also_reference:
        pages = [(its.url, its.language, its.text, its.site) for its in documents]
        expected = reference.keywords(pages, languages(rules.stopwords), top)
        keywords = list(map(keywords_of, found.scores))
        assert keywords == expected
        rows = [IndexRow(**binary.unpack(row, schemas.schema("index"))) for rows, _ in found.ranked for row in rows]
        assert sorted(rows) == reference.index(pages, expected)
    return found


# ---- words and phrases ------------------------------------------------------------------------------------------------------


@given(texts=st.lists(st.tuples(messy, messy), max_size=5), words=st.sampled_from(sorted(LISTS)), top=tops)
@MANY
def test_messy_text(texts: list[tuple[str, str]], words: str, top: int) -> None:
    """Text of many scripts, with every kind of break, and every kind of stopwords."""
    check(documents_of(texts, LISTS[words]), LISTS[words], top, also_reference=True)


@pytest.mark.parametrize("body", ["DEL DEL-N", "del, DEL-N", "del, DEL-N, del, DEL-N", "Torre del DEL-N, DEL DEL-N Torre"])
def test_a_connector_is_no_form_of_a_keyword(body: str) -> None:
    """Even if its stem is that of the keyword, as in Catalan."""
    check([document(body, language="ca")], Rules(), also_reference=True)


@given(texts=st.lists(st.tuples(messy, messy, messy), max_size=2), words=st.sampled_from(sorted(LISTS)), top=tops)
@FEW
def test_long_messy_text(texts: list[tuple[str, str, str]], words: str, top: int) -> None:
    """A title, and a long text with lines of it, in strong and weak blocks: text of many scripts, with every kind of break."""
    bodies = [
        (f"{title}\n\t{title}\n{line}\n{line} {title}\n\t{other} {other}\n{'fill ' * 290}", title) for title, line, other in texts
    ]
    documents = [document(body, title) for body, title in bodies] + [document(body, line) for body, line in bodies]
    check(documents, LISTS[words], top, also_reference=True)


@pytest.mark.parametrize("language", ["de", "en", "fr"])
def test_what_stands_in_weak_blocks_only(language: str) -> None:
    """It has the weight of one occurrence at most, and ranks below what stands once in a strong block."""
    page = document("\tApple Pie, Apple Pie, apple, zeta, zeta, Apple Pie and fill\nfill the gap", language=language)
    check([page], Rules(), 20, also_reference=True)


def own_words(language: str) -> list[str]:
    """Words that mean something in a language, each as it is, in capitals and in what may be around it; and what has such an ending."""
    lexicon = Rules().lexicon(language)
    rules = lexicon.language
    words = [
        *rules.connectors,
        *rules.elided,
        *sorted(lexicon.generic)[:20],
        *sorted(lexicon.stopwords.words)[:40],
        "wörter",
        "ΣΟΦΟΣ",
        "İl",
    ]
    words += ["kan" + ending for ending in (*rules.verb_endings, *lexicon.stopwords.endings)]
    words += [f"{before}{mark}wasser" for before in rules.elided for mark in "'’"] + [
        "L'’",
        "s's",
        "もの",
        "ものは",
        "ǅungla",
        "x" * 64,
        "x" * 96,
    ]
    return [form for word in words for form in (word, word.capitalize(), word.upper(), f"{word}'s", f"{word}-7")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_each_language(language: str) -> None:
    """Stopwords, connectors, elided words, dates, endings and stems are those of the language, in each case and place."""
    words = own_words(language)
    bodies = [" ".join(words), " x ".join(words), " ".join(f"Berg {word} tal" for word in words)]
    check([document(body, language=language) for body in bodies], Rules(), 1000, also_reference=True)


@given(texts=st.lists(st.tuples(plain, plain), max_size=6), top=tops)
@FEW
def test_plain_text(texts: list[tuple[str, str]], top: int) -> None:
    """English-like text of few words, so that phrases repeat and scores tie."""
    check(documents_of(texts), ENGLISH, top, also_reference=True)


@given(texts=st.lists(headlines(), max_size=2), words=st.sampled_from(["en", "none", "de"]), top=tops)
@FEW
def test_long_text_that_repeats_its_title(texts: list[tuple[str, str]], words: str, top: int) -> None:
    """A phrase that only the title has is no keyword of a long text."""
    check(documents_of(texts, LISTS[words]), LISTS[words], top, also_reference=True)


@given(texts=st.lists(st.tuples(messy | st.text(), messy | st.text()).map(lambda parts: document(*parts)), max_size=3), top=tops)
@FEW
def test_documents_that_no_page_makes(texts: list[Document], top: int) -> None:
    """Text that was never cleaned: control characters, soft hyphens, no normal form. (Lone surrogates are no text.)"""
    check(texts, ENGLISH, top)


@pytest.mark.parametrize("words", sorted(LISTS))
def test_each_piece_in_each_place(words: str) -> None:
    """Each piece at the ends of a text, between words, beside hyphens and apostrophes, and twice."""
    shapes = (
        "{0}",
        "x {0} y",
        "x{0}y",
        "x-{0}-y",
        "'{0}'",
        "x'{0}'y",
        "x’{0}’y",
        "{0} {0}",
        "{0}{0}",
        "漢{0}カ",
        "か{0}a-{0}か",
        "1{0}",
    )
    pieces = [piece for piece in PIECES if piece != "\ud800"]
    rules = LISTS[words]
    bodies = ["\n".join(shape.format(piece) for shape in shapes) for piece in pieces]
    check([document(body, piece, rules.language or "en") for body, piece in zip(bodies, pieces, strict=True)], rules, 1000)


@pytest.mark.parametrize(
    "body",
    [
        "ΟΔΟΣ οδός ΟΔΟΣ-ΟΔΟΣ ΟΔΟΣ’s Σ ΣΣ ΑΣ’Α ΑΣ-Α Σ1 1Σ Σ\u0301 ΑΣ\u0301Α aΣ Σ_ ΑΣ\u200dΑ",  # final sigma
        "\u212aelvin kelvin \u212a k \u212as",  # the Kelvin sign, in lower case a k
        "İstanbul istanbul i̇stanbul İİ I ı dotless ISTANBUL İ's " + "İ" * 32 + " " + "İ" * 33,
        "Straße STRASSE strasse ẞ ß",
        "ǅ ǆ Ǆ ǅungla ǲ ᾳ ᾼ ŉ ﬁ ﬀ ſ ſs",
        "٣ ２ ２０ २०१ 1st ٣rd ² a² Ⅷ ⅷ ½ 一 二〇 ౧ 𝟙 𝟙a",
        "a\u200cb a\u200db \u200c \u200d a\u200b-b a-\u200bb a\u200bb a\u2060b a\ufeffb a\xadb \u200ba\u200b",
        "don’t don't don‘t ’t t’ a’’b a’-b a-’b a--b -a- ’a’ a’s A’S s’s ’s x’s-s",
        "カ・ナ ・ ーー カー・ が か\u3099 ゛ ゠ ヿ ㇰ ｶﾅ ｱ か-か カ'カ a-か か-a a'カ 漢-a a-漢 1漢 漢1 漢_ _漢",
        "々〆〇 三〇 ⺀ ⼀ 㐀 豈 𠀀 \U0003ffff \U000323b0 漢\ufe00字 漢\U000e0100字 漢\u0301 か\u0301 a\u3099",
        "हिन्दी क्ष क्‍ष की \u0903 \u093f का' क-का तमिழ் தமிழ் ভাষা ที่นี่ สวัสดี ຂອບໃຈ မြန်မာ ខ្មែរ ꦲ ᬅ",
        "العربية مُحَمَّد می‌خواهم שָׁלוֹם צה״ל צה\u05f4ל ـ ܫܠܡܐ ߒߞߏ",
        "\U0001e944 \U0001e900\U0001e922 \U00010400\U00010428 \U00011103 \U0001d165 \U000e0100",
        "a\x0bb a\x0cb a\x1cb a\x1db a\x1eb a\x1fb a\x85b a\xa0b a\u1680b a\u2028b a\u2029b a\u202fb a\u205fb a\u3000b a\u180eb",
        "a\x00b \x00 a\x01b\x7f \x80 a\x9fb",
        "_ __ ___ _a a_ _1 1_ _'s '_s' -_- _-_ a_-_b 's s' 's's s's s-s es ies ied ing ed y",
        "1 2 a 3 4 b c d 5, e f. g h i j k l\nm n",
    ],
)
def test_odd_characters(body: str) -> None:
    """What has rules of its own somewhere in Unicode."""
    for rules in LISTS.values():
        language = rules.language or "en"
        bodies = [(body, ""), (body.swapcase(), ""), (body, body)]
        check([document(*parts, language) for parts in bodies], rules, 1000)
        check(documents_of([("", body), (body, "")], rules), rules, 1000, also_reference=True)


def test_every_character() -> None:
    """All of Unicode: each character between letters and beside scripts that write no spaces; most also alone, twice, and so on."""
    shapes = ("a{0}b", "\0 {0} \0", "{0}{0}", "漢{0}あ", "x'{0}-1", "カ{0}")
    in_c, plainly = kernels = NativeKernel(NONE), PlainKernel(NONE)
    codes = [code for code in range(LAST + 1) if not 0xD800 <= code < 0xE000]
    common = [code for code in codes if unicodedata.category(chr(code)) not in {"Cn", "Co"}]
    some = [code for code in common if unicodedata.category(chr(code)) != "Lo" or code % 32 == 0]  # Lo: mostly Han, Hangul
    table = counting.pack(np.array([0], np.uint64), np.array([9]))
    for start in range(0, len(some), 160):
        page = document("\0".join(shape.format(chr(code)) for shape in shapes for code in some[start : start + 160]))
        for kernel in kernels:
            kernel.start_scores(table, 1000, 0)
        assert in_c.score(page) == plainly.score(page), f"U+{some[start]:04X} and some after it"
    for start in range(0, len(codes), 8192):
        page = document("".join(f"{chr(code)}a{chr(code)}漢" for code in codes[start : start + 8192]))
        for kernel in kernels:
            kernel.start_counts()
            kernel.count(page)
        assert in_c.counted() == plainly.counted(), f"U+{codes[start]:04X} and some after it"


@pytest.mark.parametrize("tail", ["", "'s", "’s", "s", "'", "-a", "1", "_", "é", "İ"])
@pytest.mark.parametrize("letter", ["x", "1", "_", "é", "İ", "e", "y", "漢", "か", "カ", "𝒳", "\u0301", "'a", "-1", "-_"])
def test_long_words(letter: str, tail: str) -> None:
    """Words of about 64 characters, before and after they are put in lower case, and far longer ones."""
    lengths = (1, 2, 31, 32, 33, 61, 62, 63, 64, 65, 66, 67, 127, 128, 129, 5000)
    body = "\n".join(letter * length + tail for length in lengths)
    check(documents_of([("", body), (body.upper(), "data")]), ENGLISH, 1000, also_reference=True)


# ---- pages of all sizes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["", " ", "\n", ".", "...", "\u200b", "the", "the of", "42 7", "_", "x" * 65, "quickly", "\0", "'", "-"]
)
def test_page_without_a_candidate(body: str) -> None:
    """It counts as a page all the same."""
    for words in (ENGLISH, NONE):
        check([document(body)], words)
        check([document(body), document("data cluster"), document(body), document("", body)], words)


def test_no_pages() -> None:
    """A task may have none."""
    found = check([])
    assert found == ([], b"", [], [], [])
    for kernel in warm(NONE):
        kernel.start_counts()
        assert kernel.counted() == b""
        assert kernel.merge([]) == kernel.merge([b"", b""], least=2) == kernel.merge(iter([b""])) == b""
        assert kernel.rank(b"") == ([], 0)
        kernel.start_scores(b"", 3, 4)
        assert kernel.postings() == []


@pytest.mark.parametrize("top", [1, 10, 1000])
def test_scores_without_a_table(top: int) -> None:
    """Where a table has no phrase, all have a frequency of 1: so also where it is empty, the first as well as a later one."""
    for table in (b"", counting.pack(np.array([0], np.uint64), np.array([1]))):
        in_c, plainly = NativeKernel(NONE), PlainKernel(NONE)
        for used in (table, b"", table):
            for kernel in (in_c, plainly):
                kernel.start_scores(used, top, 0)
            for body in ("data cluster", "data", "", "cluster data of data"):
                assert in_c.score(document(body)) == plainly.score(document(body))


@pytest.mark.parametrize("top", [1, 1000])
def test_very_long_pages(top: int) -> None:
    """Hundreds of thousands of words; occurrences beyond those that count; equal scores, so that ties decide."""
    chance = random.Random(top)
    many = [f"w{n:x}" for n in range(60_000)]
    pages = [
        document(" ".join(many)),  # one run
        document("\n".join(many)),  # runs of one word
        document(", ".join(f"{a} {b}" for a, b in itertools.pairwise(many[:20_000]))),
        document("word " * 300_000),
        document("a b " * 1023 + ". a b" + ", c" * 1022 + ", d" * 1023 + ", e" * 1024 + ", f f f" * 1030),
        document(" ".join(chance.choices([*many[:500], "the", "of", "2", "."], k=200_000))),
        document("x, " * 5 + "y, " * 5 + "z. " * 5 + ", ".join(f"{a}{b}" for a in "pqrstuvw" for b in "bcdfgjkm") + " zz" * 3),
    ]
    check(pages, ENGLISH, top)


def test_long_page_as_the_reference_has_it() -> None:
    """Ten thousand words of few kinds, 1,023 occurrences and more, a thousand keywords."""
    chance = random.Random(10_000)
    some = [f"w{n:x}{end}" for n in range(300) for end in ("", "s", "ing")] + ["the", "3", "Data’s"]
    body = "".join(word + chance.choice([" ", " ", " ", ", ", "\n\n"]) for word in chance.choices(some, k=10_000))
    pages = documents_of([("of data", body), ("", body[5_000:]), ("", "data " * 1100 + body[:500])])
    for top in (1, 1000):
        check(pages, ENGLISH, top, also_reference=True)


@pytest.mark.parametrize("first", range(3))
def test_ties(first: int) -> None:
    """Candidates that differ in nothing that scores: the earlier, then the shorter, comes first."""
    bodies = [
        "b. a. d. c",
        "a b\nb a\na b\nb a",
        "aa bb cc. cc bb aa",
        "q. r. s. t. u. v q r s",
        "s es s es",
        "x x x x x",
        "a_b a-b a'b",
    ]
    pages = [document(body, title) for title in ("", "a", "b a") for body in bodies[first:] + bodies[:first]]
    for top in range(1, 8):
        check(pages, NONE, top)
    check(documents_of([("", body) for body in bodies]), NONE, 2, also_reference=True)


# ---- state ------------------------------------------------------------------------------------------------------------------


@given(texts=st.lists(st.tuples(plain, messy), min_size=1, max_size=6), limit=st.integers(0, 20))
@FEW
def test_vocabulary_that_starts_anew(texts: list[tuple[str, str]], limit: int) -> None:
    """When a kernel forgot its words makes no difference."""
    pages = documents_of(texts)
    expected = answers(warm(ENGLISH)[1], pages)
    kernel = NativeKernel(ENGLISH)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "LIMIT", limit)
        assert answers(kernel, pages) == expected
    assert answers(kernel, pages) == expected


@given(
    texts=st.lists(st.tuples(plain, messy), min_size=1, max_size=5),
    steps=st.lists(
        st.tuples(st.sampled_from(["count", "score", "restart", "merge", "rank", "table", "extract"]), st.integers(0, 9)),
        max_size=30,
    ),
)
@MANY
def test_tasks_one_after_another(texts: list[tuple[str, str]], steps: list[tuple[str, int]]) -> None:
    """No page, and no task, leaves anything behind for the next: whatever was done before, in whichever order."""
    pages = documents_of(texts) or [document("data")]
    kernels: tuple[Kernel, Kernel] = warm(ENGLISH)
    tables = [b"", *answers(kernels[1], pages).tables]
    markup = b"<nav>a</nav><p role=menu>b<p hidden>c"
    for kernel in kernels:
        kernel.start_scores(tables[-1], 3, 1)
    for step, number in steps:
        page, table = pages[number % len(pages)], tables[number % len(tables)]
        found: list[Any] = []
        for kernel in kernels:
            if step in ("count", "restart"):
                kernel.start_counts()
                for _ in range(number % 3):
                    kernel.count(page)
                found.append(kernel.counted())
            elif step == "score":
                found.append(kernel.score(page))
            elif step == "merge":
                found.append(kernel.merge(tables[: number + 1], number % 4))
            elif step == "rank":
                found.append([kernel.rank(packed) for _, packed in kernel.postings()])
            elif step == "table" and table:
                kernel.start_scores(table, number + 1, number % 4)
                found.append(kernel.postings())
            else:
                found.append(read(Page("u", "s", 0, markup), kernel.scanner))
        assert found[0] == found[1]


@given(texts=st.lists(st.tuples(plain, messy), min_size=2, max_size=6), chance=st.randoms(use_true_random=False))
@FEW
def test_order_of_pages(texts: list[tuple[str, str]], chance: random.Random) -> None:
    """A page's keywords do not depend on the pages before it."""
    pages = documents_of(texts)
    kernel = NativeKernel(ENGLISH)
    found = answers(kernel, pages, size=9)
    order = list(range(len(pages)))
    chance.shuffle(order)
    again = answers(kernel, [pages[i] for i in order], size=9)
    assert again.tables == found.tables
    assert again.scores == [found.scores[i] for i in order]


def test_kernels_of_two_lists() -> None:
    """Each has its own words."""
    page = document("the data of the clusters quickly")
    expected = {name: answers(PlainKernel(words), [page]) for name, words in LISTS.items()}
    kernels = {name: NativeKernel(words) for name, words in LISTS.items()}
    for _ in range(2):
        assert {name: answers(kernel, [page]) for name, kernel in kernels.items()} == expected
    assert len(set(map(str, expected.values()))) > 2


def test_two_threads() -> None:
    """A thread has its own kernel; they work at the same time, and C lets go of Python's lock."""
    chance = random.Random(2)
    pages = [document(" ".join(chance.choices([*PIECES[:60], "the", "."], k=3000))) for _ in range(6)]
    expected = {words: answers(PlainKernel(words), pages, 20) for words in (ENGLISH, NONE)}
    wrong: list[object] = []
    used: list[Kernel] = []

    def work(order: Sequence[Rules]) -> None:
        try:
            for words in order:
                kernel = of_this_thread(words)
                used.append(kernel)
                if answers(kernel, pages, 20) != expected[words]:
                    wrong.append(words)
        except BaseException as error:
            wrong.append(error)
            raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGDATA_DEMOS_KERNEL", "native")
        orders = ([ENGLISH, NONE, ENGLISH], [NONE, ENGLISH, NONE])
        threads = [threading.Thread(target=work, args=(order,)) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
    assert all(isinstance(kernel, NativeKernel) for kernel in used)


@given(texts=st.lists(st.tuples(plain, messy), min_size=1, max_size=5), table=st.booleans())
@FEW
def test_counts_amid_scores(texts: list[tuple[str, str]], table: bool) -> None:
    """A page is counted, then scored, then the next one: the two tasks do not see each other."""
    pages = documents_of(texts)
    expected = answers(warm(ENGLISH)[1], pages, size=9)
    kernel = warm(ENGLISH)[0]
    known = expected.merged if table else counting.pack(np.array([0], np.uint64), np.array([3]))
    found = []
    for each in (kernel, warm(ENGLISH)[1]):
        each.start_counts()
        each.start_scores(known, 5, 2)
        scores = []
        for page in pages:
            each.count(page)
            scores.append(each.score(page))
            ranked = [each.rank(packed) for _, packed in each.postings()]
            scores.append(b"".join(row for rows, _ in ranked for row in rows))
        found.append((each.counted(), scores, each.postings()))
    assert found[0] == found[1]
    assert [found[0][0]] == (expected.tables or [b""])


CALLS = {
    "merge amid counts": "start_counts() count(PAGE) merge([]) count(PAGE) counted()",
    "counted twice": "start_counts() count(PAGE) counted() counted()",
    "counts that go on": "start_counts() count(PAGE) counted() count(PAGE) counted()",
    "nothing started": "count(PAGE) counted() merge([]) score(PAGE) postings()",
}


@pytest.mark.parametrize("calls", CALLS)
def test_calls_in_other_orders(calls: str) -> None:
    """What the protocol has no answer for ends no process at least."""
    script = f"""
from bigdata_demos.keywords.analysis.kernels.native import NativeKernel
from bigdata_demos.keywords.model import Document
from bigdata_demos.keywords.analysis.languages import Rules
PAGE = Document("u", "s", 0, "", "en", b"\\ndata cluster", [])
kernel = NativeKernel(Rules())
for call in {CALLS[calls]!r}.split():
    eval("kernel." + call)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_stopwords_of_any_characters() -> None:
    """A list may be a file that was meant to be something else: here UTF-16 without its mark, read as UTF-8."""
    script = "from bigdata_demos.keywords.analysis import stopwords; from bigdata_demos.keywords.analysis.kernels.native import NativeKernel\n"
    script += "from bigdata_demos.keywords.analysis.languages import Rules\n"
    script += "NativeKernel(Rules('', stopwords.parse('the\\nof\\n'.encode('utf-16-le').decode())))\n"
    script += "NativeKernel(Rules('', stopwords.parse('a\\0b *\\0 c')))"
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


# ---- stems and hashes -------------------------------------------------------------------------------------------------------

STEMMER = Stemmer.Stemmer("porter")
SUFFIXES = (
    *ENDINGS, "e", "y", "i", "er", "ers", "at", "bl", "iz", "ate", "ates", "ated", "ating", "able", "ible", "ably", "ibly",
    "abli", "enci", "anci", "entli", "eli", "izer", "ation", "ator", "alli", "alism", "aliti", "ousli", "iveness", "biliti",
    "alize", "iciti", "ative", "ful", "al", "ence", "ic", "ant", "ment", "ent", "ou", "ism", "iti", "ous", "ive", "ize", "tional",
    "sion", "tion", "ss", "s's", "'s", "'", "-", "_", "ying", "yed", "ies'", "tt", "ll", "zz", "dd", "ff", "gg", "mm", "nn", "pp",
    "rr", "bb", "xx", "hop", "fil", "tan", "wy", "ay", "yy", "yay", "ey", "oed", "logi", "fulli", "lessli", "ier", "iest",
)  # fmt: skip


def expected_stem(word: str) -> str:
    """The stem of a word in ASCII, by PyStemmer."""
    word = word.lower().removesuffix("'s")
    return str(STEMMER.stemWord(word) or word)


def hashes_of(words: Iterable[str]) -> set[int]:
    """The hashes that the native kernel gives to words, each a block of its own."""
    kernel = warm(NONE)[0]
    kernel.start_counts()
    kernel.count(document("\n".join(words)))
    return set(counting.unpack(kernel.counted())[0].tolist()) - {frequencies.EMPTY}


def expected_hash(stem: str) -> int:
    """BLAKE2b's first 8 bytes."""
    return int.from_bytes(blake2b(stem.encode(), digest_size=8).digest(), "little")


def check_stems(words: Sequence[str]) -> None:
    """Hold the stems of words (of letters, digits, _; with single apostrophes and hyphens inside) to PyStemmer's."""
    assert (
        hashes_of(words) == {expected_hash(expected_stem(word)) for word in words}
        or [word for word in words if hashes_of([word]) != {expected_hash(expected_stem(word))}] == []
    )


def countable(word: str) -> bool:
    """Whether a word in ASCII is one word, neither too short nor too long, and no number."""
    parts = word.replace("'", "-").split("-")
    stem = word.lower().removesuffix("'s")
    return 2 <= len(stem) <= 64 and all(parts) and any(map(str.isalpha, stem))


spelled = st.builds(
    lambda start, ends, more: start + "".join(ends) + more,
    st.text("aeiouybcdfghjklmnpqrstvwxzYAES_2'-", max_size=7),
    st.lists(st.sampled_from(SUFFIXES), max_size=5),
    st.text("aeiouystld", max_size=2),
)
long_ones = st.builds(lambda unit, times, end: (unit * times + end)[-64:], spelled, st.integers(1, 40), st.sampled_from(SUFFIXES))
vowels_only = st.text("aeyYs", min_size=1, max_size=9) | st.text("ayb", min_size=1, max_size=12)


@given(words=st.lists((spelled | long_ones | vowels_only).filter(countable), min_size=1, max_size=60))
@example(words=["yyyy", "yayyy", "ayy", "syzygy", "yes", "enjoy", "ying", "eying", "flying", "saying", "dyed", "yed"])
@example(words=["hopping", "hoping", "falling", "hissing", "fizzing", "failing", "filing", "bbed", "tted", "abbed", "aatted"])
@example(words=["aa's", "ss's", "ss", "es", "ies", "sses", "ed", "ing", "eed", "agreed", "feed", "ion", "sion", "aation"])
@MANY
def test_stems(words: list[str]) -> None:
    """Porter's stemmer in C is PyStemmer's."""
    check_stems(words)


def test_stems_of_all_short_words() -> None:
    """Each word of up to six letters of a few, and each of these before each suffix."""
    short = ["".join(letters) for n in range(1, 7) for letters in itertools.product("aysetl", repeat=n)]
    stems = ["".join(letters) for n in range(4) for letters in itertools.product("aiylstwxb", repeat=n)]
    ended = [stem + ending for stem in stems for ending in SUFFIXES]
    for words in (short, ended):
        check_stems(list(filter(countable, words)))


def test_stems_of_chains() -> None:
    """Random roots with chains of suffixes."""
    chance = random.Random(42)
    roots = ["".join(chance.choices("aeiouybcdfghjklmnpqrstvwxz", k=chance.randint(0, 6))) for _ in range(20_000)]
    words = [root + "".join(chance.choices(SUFFIXES, k=chance.randint(1, 4))) for root in roots for _ in range(5)]
    check_stems(list(filter(countable, words)))


def test_stems_of_real_words() -> None:
    """All words of the crawl that the package has, as written and in capitals."""
    splits, _ = plan.plan([str(DATA / "site.warc.gz")])
    pages = [page for split in splits for page in reader.read(split) if isinstance(page, Page)]
    found = [its for page in pages if isinstance(its := read(page), Document)]
    assert len(found) > 50
    words = {word for its in found for word in its.text.replace("’", "'").split() if word.isascii()}
    clean = {
        word
        for raw in words
        if countable(word := raw.strip(".,;:!?()[]\"'-")) and word.replace("'", "-").replace("-", "a").replace("_", "a").isalnum()
    }
    assert len(clean) > 2000
    check_stems(sorted(clean))
    check_stems(sorted(map(str.upper, clean)))
    check(found, ENGLISH, 20)


@pytest.mark.parametrize("length", range(2, 65))
def test_hashes(length: int) -> None:
    """BLAKE2b of stems of every length is hashlib's. (Q ends no suffix: a word of these is its own stem.)"""
    chance = random.Random(length)
    words = ["".join(chance.choices("qQkK_2", k=length - 1)).lower() + "q" for _ in range(20)]
    assert hashes_of(words) == {int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little") for word in words}


def test_hashes_of_phrases() -> None:
    """Two words, three words."""
    kernel = NativeKernel(NONE)
    kernel.start_counts()
    kernel.count(document("qa qé 漢字 qa"))
    stems = ["qa", "qé", "漢字", "qa qé", "qé 漢字", "漢字 qa", "qa qé 漢字", "qé 漢字 qa"]
    expected = {0: 1, **dict.fromkeys(map(phrase_hash, stems), 1)}
    table = counting.unpack(kernel.counted())
    assert dict(zip(table[0].tolist(), table[1].tolist(), strict=True)) == expected


# ---- document frequencies ---------------------------------------------------------------------------------------------------

EDGES = (0, 1, 2, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**53, 2**62, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1)
near_edges = st.builds(lambda edge, by: min(max(edge + by, 0), 2**64 - 1), st.sampled_from(EDGES), st.integers(-50, 50))
in_clusters = st.builds(
    lambda base, by: base << 32 | by, st.sampled_from([0, 1, 0xABCDEF01, 0x7FFFFFFF, 0xFFFFFFFF]), st.integers(0, 40)
)
hashes = st.sampled_from(EDGES) | near_edges | in_clusters | st.integers(0, 2**64 - 1)
counted = st.dictionaries(hashes, st.integers(1, 5) | st.integers(1, 2**20), max_size=40)


def packed(counts: dict[int, int]) -> bytes:
    """A table."""
    ordered = sorted(counts)
    return counting.pack(np.array(ordered, np.uint64), np.array([counts[key] for key in ordered], np.int64))


@given(
    tables=st.lists(counted | st.dictionaries(in_clusters, st.integers(1, 9), max_size=40), max_size=5), least=st.integers(1, 6)
)
@MANY
def test_merge(tables: list[dict[int, int]], least: int) -> None:
    """Hashes at the edges of 64 bits, in clusters, with long prefixes in common; the hash 0 always stays."""
    some = list(map(packed, tables))
    sums: dict[int, int] = {}
    for key, value in (item for table in tables for item in table.items()):
        sums[key] = sums.get(key, 0) + value
    expected = packed({key: value for key, value in sums.items() if value >= least or not key})
    in_c, plainly = warm(NONE)
    assert in_c.merge(some, least) == plainly.merge(some, least) == expected
    assert in_c.merge(iter(some), least) == expected
    assert in_c.merge([expected], least) == expected


@given(
    prefix=st.integers(0, 2**12 - 1),
    bits=st.integers(0, 12),
    size=st.integers(1, 5000),
    parts=st.integers(1, 4),
    empty=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_merge_of_a_bucket(prefix: int, bits: int, size: int, parts: int, empty: bool) -> None:
    """As a job's buckets have them: a prefix of some bits in common, evenly spread behind it; and the hash 0, or not."""
    chance = np.random.default_rng(prefix * 13 + bits)
    tables = []
    for _ in range(parts):
        keys = chance.integers(0, 2**64 - 1, size, np.uint64, endpoint=True) >> np.uint64(bits)
        keys |= np.uint64((prefix >> (12 - bits) << (64 - bits)) % 2**64)
        keys = np.unique(np.append(keys, np.uint64(0)) if empty else keys)
        tables.append(counting.pack(keys, chance.integers(1, 4, len(keys))))
    tables.append(tables[0])
    in_c, plainly = warm(NONE)
    assert in_c.merge(tables, 2) == plainly.merge(tables, 2)


@pytest.mark.parametrize("last", [2**64 - 1, 2**63 + 2**32 - 1, 2**32 - 1, 2**40 - 1, 2**63 - 1, 10_000])
def test_merge_of_a_cluster(last: int) -> None:
    """Adjacent hashes: more of them than have places at the end of a table with open addressing. Memory has bounds here."""
    script = f"""
import resource, numpy as np
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from bigdata_demos.keywords.analysis import counting, frequencies
from bigdata_demos.keywords.analysis.kernels.native import NativeKernel
from bigdata_demos.keywords.analysis.languages import Rules
kernel = NativeKernel(Rules())
for size in 255, 256, 257, 258, 300, 5000:
    hashes = np.arange(size, dtype=np.uint64) + np.uint64({last} - size + 1)
    table = counting.pack(hashes, np.ones(size, np.int64))
    assert kernel.merge([table, table], 2) == counting.pack(hashes, np.full(size, 2)), size
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


WORDS = [f"q{a}{b}k" for a in "abcdefghijklmnop" for b in "qxvjkwz"]
PAGE = document(" ".join(WORDS))
KNOWN = sorted({phrase_hash(" ".join(WORDS[i : i + n])) for n in (1, 2, 3) for i in range(len(WORDS) - n + 1)})


def look_up(keys: Iterable[int]) -> None:
    """Hold the frequencies that pages get by a table of some hashes to the plain ones."""
    ordered = sorted({0, *keys})
    pages = 2**31
    counts = np.array([pages, *((key * 7 + 2) % 10_000 + 1 for key in ordered[1:])], np.int64)
    table = counting.pack(np.array(ordered, np.uint64), counts)
    expected = {key: int(value) for key, value in zip(ordered, counts, strict=True)}
    found = []
    for kernel in warm(NONE):
        kernel.start_scores(table, 1000, 0)
        found.append(kernel.score(PAGE))
    assert found[0] == found[1]
    for word in keywords_of(found[0]):
        assert word.df == expected.get(phrase_hash(word.stems), 1)


@given(known=st.sets(st.sampled_from(KNOWN)), others=st.sets(hashes, max_size=300))
@FEW
def test_look_up(known: set[int], others: set[int]) -> None:
    """Tables that have some of a page's phrases, and others."""
    look_up(known | others)


@pytest.mark.parametrize("size", [0, 1, 2, 62, 63, 64, 65, 66, 100, len(KNOWN)])
def test_look_up_in_tables_of_each_size(size: int) -> None:
    """At the size from which on the place is guessed, and below."""
    chance = random.Random(size)
    for _ in range(20):
        look_up(chance.sample(KNOWN, size))
    look_up(KNOWN[:size])
    look_up(KNOWN[-size:] if size else [])


@pytest.mark.parametrize("size", [7, 8, 9, 15, 16, 17, 100, 1000, 100_000])
def test_look_up_beside_clusters(size: int) -> None:
    """Hashes that are spread in no way evenly: the place that is guessed is far off."""
    chance = random.Random(size)
    for hashed in [KNOWN[0], KNOWN[-1], *chance.sample(KNOWN, 2 if size > 1000 else 8)]:
        look_up({hashed, *range(hashed + 1, min(hashed + size, 2**64))})
        look_up({hashed, *range(max(hashed - size, 1), hashed)})
        look_up({*range(max(hashed - size, 1), hashed), *range(hashed + 1, min(hashed + size, 2**64))})
    look_up({*KNOWN, *range(1, size)})
    look_up({*KNOWN, *range(2**64 - size, 2**64)})
    look_up({*KNOWN[::2], *range(2**63 - size, 2**63)})


def test_count_of_many_pages() -> None:
    """The table grows as it is filled; each phrase counts once a page."""
    chance = random.Random(7)
    words = [f"w{n:x}" for n in range(100_000)]
    pages = [document(" ".join(chance.choices(words, k=4000)) + " again again again again") for _ in range(25)]
    pages += [document("again"), document(""), document("again again")]
    tables = []
    for kernel in warm(NONE):
        kernel.start_counts()
        for page in pages:
            kernel.count(page)
        tables.append(kernel.counted())
    assert tables[0] == tables[1]
    assert frequencies.pages(tables[0]) == len(pages)


# ---- the index --------------------------------------------------------------------------------------------------------------

short = st.text("ab é漢\U0001f600\uffff\0", min_size=1, max_size=4)
postings = st.builds(Posting, short, short, st.integers(0, 3) | st.integers(0, 2**63 - 1), short | st.just(""))


@given(some=st.lists(postings, max_size=30))
@MANY
def test_rank(some: list[Posting]) -> None:
    """Equal stems, scores, URLs, in any combination; characters beyond U+FFFF, after those below it."""
    bucket = b"".join(binary.pack(posting._asdict(), schemas.schema("posting")) for posting in some)
    in_c, plainly = warm(NONE)
    found = in_c.rank(bucket)
    assert found == plainly.rank(bucket)
    assert found[1] == len({posting.stems for posting in some})
    assert in_c.rank(bucket) == found


def test_rank_of_many() -> None:
    """Long texts, many rows."""
    chance = random.Random(3)
    some = [
        Posting(
            chance.choice("abc") * chance.randint(1, 300),
            "p" * chance.randint(1, 200),
            chance.randint(0, 3),
            "u" * chance.randint(0, 2000),
        )
        for _ in range(3000)
    ]
    bucket = b"".join(binary.pack(posting._asdict(), schemas.schema("posting")) for posting in some)
    assert NativeKernel(NONE).rank(bucket) == PlainKernel(NONE).rank(bucket)


@given(texts=st.lists(st.tuples(messy, messy), max_size=4), bits=st.integers(0, 10))
@FEW
def test_buckets(texts: list[tuple[str, str]], bits: int) -> None:
    """Postings in as many buckets as are asked for."""
    pages = documents_of(texts)
    in_c, plainly = warm(NONE)
    assert answers(in_c, pages, bits=bits) == answers(plainly, pages, bits=bits)


# ---- markup -----------------------------------------------------------------------------------------------------------------

NAMES = (
    *text.INLINE.split(), *text.WATCHED, *(name.decode() for name in sorted(text.FLAT | text.SIBLINGS)), "title", "h1", "h2",
    "html", "head", "body", "main", "article", "p", "div", "table", "ul", "select", "option", "svg", "xmp", "pre", "plaintext",
    "frameset", "template", "noembed", "foreignObject", "mathematics", "scripts", "style1", "style_", "nav-x", "navi", "a1", "b\0",
    "x", "x" * 8, "x" * 9, "acronyms", "textareas", "é", "nav\xa0", "\0a", "\0\0b", "!", "?", "-", "1",
)  # fmt: skip
ATTRIBUTES = (
    "", "", "", " ", " class=x", " hidden", " HIDDEN=''", " aria-hidden=true", ' aria-hidden="TRUE"', " role=navigation", " role='menu'",
    " ROLE=search", " role=main", ' name="keywords" content="a, b,,<b>c</b>"', " NAME=KEYWORDS content='x,y'", ' a="<nav>"', " a='",
    ' b="', "\f", "\t", "\n", "\r", "\x0b", "/", " /", "\0", "=", '"', "'", "<", "\xa0", " a=b>c",
)  # fmt: skip
TEXTS = (
    "word", "data cluster", " ", "\n", "\f", "\0", "\x01", "\x1c", "\x85", "\xa0", "\xad", "&amp;", "&lt;nav&gt;", "&#12;", "&#0;",
    "&nbsp;", "&shy;", "&ZeroWidthSpace;", "&#xd800;", "<", "<<", "</", "</>", "<>", "<!", "<?", "<!-", "<!--", "-->", "--", "<!-->",
    "<!--->", "<!--a-->", "<![CDATA[", "]]>", "<!doctype html>", "<?php ?>", "<1", "< a>", "</ a>", "<a<b>", "<<nav>", "<1<nav>",
    "</\0a>", "</script>", "</SCRIPT >", "</style", "</title>", ">", "'", '"', "=", "/", "é", "漢字", "かな", "e\u0301", "\u0301" * 40,
    "\u2500" * 31, "\u3000", "\u2003", "\u1680", "\u2126", "\u212b", "\u2329", "\u2adc", "\u0958", "\uac00", "\u1100\u1161",
    "\ufeff", "\ufffd", "\U0001f600", "keywords", "role", "hidden", "KEYW", "\ud800", "\udc00", "\ud83d\ude00", "\xff", "\x80",
)  # fmt: skip


def any_case(name: str, how: int) -> str:
    """A name in lower, upper or mixed case."""
    return (name, name.upper(), name.title(), name)[how]


tags = st.builds(
    lambda closes, name, how, attributes, end: f"<{closes}{any_case(name, how)}{''.join(attributes)}{end}",
    st.sampled_from(["", "", "/"]),
    st.sampled_from(NAMES),
    st.integers(0, 3),
    st.lists(st.sampled_from(ATTRIBUTES), max_size=2),
    st.sampled_from([">", ">", ">", ">", "/>", "", " >"]),
)
markup = st.lists(tags | st.sampled_from(TEXTS) | st.text(max_size=4), max_size=25).map("".join)
whole = st.builds(
    lambda start, parts, cut, end: start + (parts[:-cut] if cut else parts) + end,
    st.sampled_from(
        [
            "",
            "",
            "<!doctype html><html><head>",
            "<title>A title</title><p>text",
            "\ufeff",
            "<svg><title>t</title>",
            "<form><form>",
        ]
    ),
    markup,
    st.integers(0, 3),
    st.sampled_from(["", " word", "<p>end of it</p>"]),
)
CHARSETS = ("utf-8", "windows-1252", "utf-16", "utf-16-le", "shift_jis", "koi8-r", "gb18030", "iso-2022-jp", "utf-7")


def same_document(page: Page) -> None:
    """Hold what is read of a page with the native scanner to what is read without."""
    assert read(page, warm(NONE)[0].scanner) == read(page)


@given(markup=whole, title=st.sampled_from(["", "record's"]), is_text=st.booleans())
@example(markup="<p>x<<nav>word</nav>", title="", is_text=False)
@example(markup="<p>" + "\u2500" * 31 + "\u3000 word", title="", is_text=False)
@MANY
def test_documents_of_strings(markup: str, title: str, is_text: bool) -> None:
    """Pages that are decoded already, with lone surrogates or not, HTML or text."""
    same_document(Page("u", "s", 0, markup, is_text, title))


@given(
    markup=whole,
    charset=st.sampled_from(CHARSETS),
    declared=st.sampled_from(["", "", "text/html; charset={}", "text/html; charset=utf-8"]),
)
@example(markup="<p>plenty of words here </\0a>x", charset="utf-8", declared="")
@MANY
def test_documents_of_bytes(markup: str, charset: str, declared: str) -> None:
    """Pages in several character sets, declared or not."""
    raw = markup.encode(charset, "ignore")
    same_document(Page("u", "s", 0, raw, title="t", content_type=declared.format(charset)))
    same_document(Page("u", "s", 0, b"<p>Enough letters, so that what follows is not taken for binary data." + raw))
    same_document(Page("u", "s", 0, raw, is_text=True))


@pytest.mark.parametrize("attribute", ["hidden", "aria-hidden=true", "role=dialog", "role=menu hidden"])
@pytest.mark.parametrize("start", ["<html {}>", "<p>a<html {}>", "<body {}>", "<html {0}><body {0}>", "<head {}>"])
def test_page_that_is_hidden_as_a_whole(start: str, attribute: str) -> None:
    """It is read somehow, or rejected: it ends no job."""
    same_document(Page("u", "s", 0, start.format(attribute) + "<title>t</title><p>word"))


@given(raw=st.binary(max_size=60) | st.text("<>/!-'\" \f\0aAbnvpNAV", max_size=40).map(str.encode))
@FEW
def test_documents_of_any_bytes(raw: bytes) -> None:
    """Bytes that are no text at all, and text of little but what markup is made of."""
    same_document(Page("u", "s", 0, raw))
    same_document(Page("u", "s", 0, b"<p>Enough letters, so that what follows is not taken for binary data." + raw))


bytes_of_markup = (
    whole.map(lambda its: its.encode("utf-8", "ignore"))
    | st.text("<>/!-'\" \t\n\r\f\x0b\0aAbBiIpPsS1nvNV", max_size=40).map(str.encode)
    | st.lists(
        st.sampled_from(["<", "</", "<!--", "-->", "<a", "<nav", "<form", " ", ">", "\f", "\0", "<script", "</script", "<meta"])
    ).map(lambda parts: "".join(parts).encode())
)


def same_mark(raw: bytes) -> None:
    """Hold what the native scanner sees to what the plain one does, and what becomes of the markup, of which it leaves some out."""
    assert warm(NONE)[0].scanner.mark(raw)[1:] == PLAIN.mark(raw)[1:], raw
    same_document(Page("u", "s", 0, raw))


@given(raw=bytes_of_markup)
@example(raw=b"<<nav>")
@example(raw=b"<1<nav>")
@example(raw=b"</\0a>")
@example(raw=b"<a\0>")
@MANY
def test_mark(raw: bytes) -> None:
    """The marks, and what was seen on the way."""
    same_mark(raw)


INLINE_RUNS = st.one_of(
    st.builds(
        "<{0}{1}>{2}</{0}>".format,
        st.sampled_from(text.INLINE.split()),
        st.sampled_from(["", " class=x", ' href="a>b"', " hidden", " role=menu", "/"]),
        st.sampled_from(["one ", " two", "", " ", "\0", "<i>three</i>", "<i>four", "amp;", "<!-- c -->", "<h2>five</h2>"]),
    ),
    st.sampled_from(
        ["six ", "&", "&am", "&#3", "<", "</b>", "<b>", "</span>", "<span>", "<font color=x>", "<a name=x>", "<nobr>"]
    ),
)
TAGS = (
    "h1 /h1 h2 p /p div /div table /table tr /tr td /td caption /caption li form /form button /button select /select option dialog "
    "/dialog svg /svg svg/ svg&x=y/ path/ title /title /svg nav /nav menu /menu pre script /script style /style textarea /textarea "
    "template noscript /noscript iframe /iframe ruby rt object /object marquee /body /html math mi"
)
STRUCTURE = st.sampled_from(TAGS.split()).map(lambda name: f"<{name.replace('&', ' ')}>")


@given(
    start=st.sampled_from(["<body>", "<body>", "<p>x<body>", "<title>t</title><body><h1>", "<body><table>", "<head>", ""]),
    parts=st.lists(INLINE_RUNS | STRUCTURE, max_size=30),
)
@example(start="<body>", parts=["<svg x=y/>", "<i>word</i>"])
@example(start="<body>", parts=["<six<ruby hidden>a</six<p>word"])
@example(start="<body>", parts=["<p hidden<b>word"])
@example(start="<body>", parts=["<table><span>a</span> <span>b</span></table>"])
@example(start="<body>", parts=["&am<b>p;</b> &no<b>t</b>in; a<<i>b>c</i>"])
@example(start="<body>", parts=["<form><span></form>a</span><p><b>c</p><h1><span></span><h2>d"])
@example(start="<body>", parts=["<script><!-- <script></script> --></script><b>a</b>"])
@MANY
def test_what_the_mark_leaves_out(start: str, parts: list[str]) -> None:
    """Inline elements among tables, drawings, forms, raw text, what the parser moves, and what must not come to stand together."""
    same_mark((start + "".join(parts)).encode())


@pytest.mark.parametrize(
    ("raw", "marked"),
    [
        (b"<body><p class=x>a <b id=y>c</b> d<br/>", b"\f<body>\f<p>a c d\f<br>"),
        (b"<body><a href='>'><i>a</i></a><a role=menu>b</a>", b"\f<body>\f\ta\f\t\t\f\t<a role=menu>b\f\t\t</a>"),
        (b"<body><script>1<2</script><!-- c --><p hidden x>a", b"\f<body>\f<script>\f</script><!---->\f<p hidden>a"),
        (b"<p><b>a</b>", b"\f<p><b>a</b>"),
        (b"<body><b>a<p>c</b>", b"\f<body><b>a\f<p>c</b>"),
        (b"<body><i></i><b>a</b><svg><path d=x /></svg><b>c</b>", b"\f<body><i></i>a\f<svg>\f<path d=x />\f</svg>c"),
    ],
)
def test_what_is_left(raw: bytes, marked: bytes) -> None:
    """What no parser needs to see is not there."""
    assert warm(NONE)[0].scanner.mark(raw).markup == marked


def test_mark_of_each_name_with_each_character_after_it() -> None:
    """A name ends at few characters, and at the markup's end."""
    in_c = warm(NONE)[0].scanner
    for name in NAMES:
        for spelled in {name, name.upper(), name.title()}:
            for start in ("<", "</", "x<", "<<", "</ ", "<!", "<!--<"):
                raw = (start + spelled).encode()
                same_mark(raw)
                for after in range(256):
                    if after < 128:
                        raw = (start + spelled).encode() + bytes([after]) + b"x>"
                        assert in_c.mark(raw)[1:] == PLAIN.mark(raw)[1:], raw


@pytest.mark.parametrize("word", ["keyw", "role", "hidd"])
def test_mark_sees_words_anywhere(word: str) -> None:
    """In any case, at any offset: also across the steps in which many places are looked at at once."""
    in_c = warm(NONE)[0].scanner
    for offset in (*range(70), *range(2035, 2060), *range(4085, 4110), 100_000):
        for spelled in (word, word.upper(), word.title(), word[:3], word[:2] + "_" + word[3:], word[:3] + "\x0c"):
            for end in ("", "x", "x" * 50):
                raw = ("-" * offset + spelled + end).encode()
                assert in_c.mark(raw)[1:] == PLAIN.mark(raw)[1:]


def levels(count: Callable[[bytes], int], raw: bytes) -> int:
    """Levels of elements; whoever finds too many need not count on."""
    return min(count(raw), MAX_DEPTH + 1)


@given(raw=bytes_of_markup | st.binary(max_size=60))
@example(raw=b"<a b='><c>'><d><e e=\"<f>\"<g><h <i>>")
@example(raw=b"<script><b></scripts></script_></SCRIPT><b><xmp><b></xmp ><title/><b></title")
@MANY
def test_count_levels(raw: bytes) -> None:
    """Comments, what holds no markup, attributes in quotes that may never close."""
    assert levels(warm(NONE)[0].scanner.count_levels, raw) == levels(PLAIN.count_levels, raw)


@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "<div>",
                    "<DIV>",
                    "</div>",
                    "<x1>",
                    "<x2 a=b>",
                    "</x1>",
                    "<p>",
                    "<dd>",
                    "<dt>",
                    "</dd>",
                    "<option>",
                    "<!--",
                    "-->",
                    "<é>",
                    "<xé>",
                ]
            ),
            st.integers(1, 900),
        ),
        max_size=8,
    )
)
@FEW
def test_count_levels_of_deep_pages(parts: list[tuple[str, int]]) -> None:
    """Thousands of elements, about as deep as a page may be."""
    raw = "".join(tag * times for tag, times in parts).encode()
    assert levels(warm(NONE)[0].scanner.count_levels, raw) == levels(PLAIN.count_levels, raw)
    same_document(Page("u", "s", 0, b"<p>word" + raw))


def test_count_levels_of_many_names() -> None:
    """More names of elements than a table that grows starts with, each in two cases."""
    raw = b"".join(b"<n%d><N%d></n%d>" % (n, n, n) for n in range(1990)) + b"</N3>" * 3 + b"<b>" * 5
    assert warm(NONE)[0].scanner.count_levels(raw) == PLAIN.count_levels(raw)


@given(
    raw=bytes_of_markup
    | st.lists(
        st.sampled_from(
            ["<b>", "<B\x0b", "</b>", "<i x='<b>'>", "</I/", "<strike ", "</strong>", "<a>", "<fontx>", "<tt", "<", ">", "é"]
        ),
        max_size=60,
    ).map(lambda parts: "".join(parts).encode())
)
@example(raw=b"<b <b <b>")
@example(raw=b"<u")
@MANY
def test_count_open(raw: bytes) -> None:
    """Formatting elements, in any case, with what looks like one among the attributes of another, and without an end."""
    assert warm(NONE)[0].scanner.count_open(raw) == PLAIN.count_open(raw)


@given(
    text=st.text(
        "今日はいい天気ですからカラダ人民共和国机器学习研究臺灣半導體วันนี้อากาศดี abc12。、\t\n\u200b\U000fffff\U00100000",
        max_size=80,
    ),
    language=st.sampled_from(["ja", "th", "zh", "en"]),
)
@example(text="", language="ja")
@example(text="\n\n", language="th")
@MANY
def test_words_of_scripts_without_spaces(text: str, language: str) -> None:
    """The kernel finds the words that BudouX finds."""
    in_c = warm(NONE)[0].scanner
    assert in_c.insert(text.encode(), language) == PLAIN.insert(text.encode(), language)


@pytest.mark.parametrize("dropped", ["", "\ufeff", "\u200e", "\xad", "\x08", "\x7f", "\u2060\x01", "\u2010", "\u200b"])
def test_what_is_taken_out_before_a_tab(dropped: str) -> None:
    """A character that is taken out does not come between the mark of a tag and a tab that the page has, in either."""
    for mark in ("\f", "\f\t", "\f\t\t"):
        body = f"{'words of a block ' * 9}{mark}{dropped}\tmore {'of them ' * 20}{mark}\t{dropped}and more"
        assert warm(NONE)[0].scanner.blocks(body) == PLAIN.blocks(body)


def test_classes_of_characters_are_asked_for_at_once() -> None:
    """A page with characters of each block of Unicode is scanned twice, and not once for each block, which would take minutes."""
    kernel, called = NativeKernel(NONE), list[str]()
    library = kernel.lib

    class Noted:
        def __getattr__(self, name: str) -> Any:
            called.append(name)
            return getattr(library, name)

    kernel.lib = Noted()
    blocks = {block for block in range(0x30F) if block not in range(0xD8, 0xE0)}
    kernel.scan("".join(f"word {chr(256 * block + 65)} " for block in sorted(blocks)).encode(), "en")
    assert called.count("kernel_scan") == 2
    assert kernel.classified == blocks


def test_utf8() -> None:
    """Every sequence of up to three bytes of each class, and of four at the limits, behind and before others."""
    in_c = warm(NONE)[0].scanner
    edges = [
        0x00,
        0x7F,
        0x80,
        0x8F,
        0x90,
        0x9F,
        0xA0,
        0xBF,
        0xC0,
        0xC1,
        0xC2,
        0xDF,
        0xE0,
        0xE1,
        0xEC,
        0xED,
        0xEE,
        0xEF,
        0xF0,
        0xF1,
    ]
    edges += [0xF3, 0xF4, 0xF5, 0xFF]
    for length in range(5):
        for some in itertools.product(edges if length < 4 else [*edges[2:8], *edges[12:]], repeat=length):
            raw = bytes(some)
            for content in (raw, b"eight or more " + raw + b" x"):
                assert in_c.is_utf8(content) == PLAIN.is_utf8(content), content


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1])
def test_depth_that_is_allowed(depth: int) -> None:
    """The same pages are too deep."""
    for raw in (b"<div>" * depth + b"word", b"<B>" * depth + b"word", b"word<n\xc3\xa9>" * depth):
        same_document(Page("u", "s", 0, raw))


block_texts = st.lists(
    st.sampled_from(TEXTS)
    | st.text(max_size=5)
    | st.sampled_from(["a", "b", "\f", " ", "\u2028", "\u200a", "\u2010" * 31, "\u0300", "\u0345"]),
    max_size=20,
).map("".join)


@given(body=block_texts | st.text("ab \f\n\t\xad\x85\xa0\x00\u2003\u3000\u0301é\u2126", max_size=30))
@example(body="\u2500" * 31 + "\u3000")
@example(body="\u2500" * 31 + "\u2003")
@MANY
def test_blocks(body: str) -> None:
    """Lines, clean and in Unicode's normal form."""
    assert warm(NONE)[0].scanner.blocks(body) == PLAIN.blocks(body)


def test_blocks_of_every_character() -> None:
    """Each character, lone surrogates among them, beside others."""
    in_c = warm(NONE)[0].scanner
    for start in range(0, LAST + 1, 256):
        one_by_one = start < 0x3400 or 0xD700 <= start < 0x10100
        for size in (1, 256) if one_by_one else (256,):
            for code in range(start, start + 256, size):
                body = "".join(f"a{chr(other)}b {chr(other)} \f{chr(other)}" for other in range(code, code + size))
                assert in_c.blocks(body) == PLAIN.blocks(body), f"U+{code:04X}"


@pytest.mark.parametrize(
    "space", [" ", "\x1c", "\x85", "\xa0", "\u1680", "\u2000", "\u2003", "\u200a", "\u2028", "\u202f", "\u205f", "\u3000"]
)
@pytest.mark.parametrize("mark", ["\u2500", "\u2010", "\u0301", "\u20d7", "\u2b50"])
def test_blocks_of_many_marks(mark: str, space: str) -> None:
    """Long rows of what is no letter, as people draw lines with, beside white space of any kind."""
    in_c = warm(NONE)[0].scanner
    for times in (29, 30, 31, 61, 62):
        for body in (mark * times + space, space + mark * times, f"a{space}{mark * times}b", mark * times):
            assert in_c.blocks(body) == PLAIN.blocks(body)


def test_markup_of_a_megabyte() -> None:
    """Large pages, and small ones after them."""
    chance = random.Random(1)
    parts = [*TEXTS[:-5], *(f"<{name}>" for name in NAMES[:60]), "word ", "phrase "]
    for size in (200_000, 10, 0, 40_000):
        raw = "".join(chance.choices(parts, k=size))
        in_c = warm(NONE)[0].scanner
        assert in_c.blocks(raw) == PLAIN.blocks(raw)
        utf8 = raw.encode("utf-8", "ignore").replace(b"\0", b"").replace(b"<<", b"< <").replace(b"<1<", b"<1 <")
        assert levels(in_c.count_levels, utf8) == levels(PLAIN.count_levels, utf8)
        found = in_c.mark(utf8)
        assert found[1:4] == PLAIN.mark(utf8)[1:4]
        same_document(Page("u", "s", 0, utf8))


def test_pages_of_the_site() -> None:
    """Real pages, and these cut off anywhere."""
    chance = random.Random(5)
    for path in sorted((DATA / "site").rglob("*.html"))[:40]:
        raw = path.read_bytes()
        same_document(Page("u", "s", 0, raw))
        for _ in range(2):
            same_document(Page("u", "s", 0, raw[: chance.randrange(len(raw) + 1)]))
