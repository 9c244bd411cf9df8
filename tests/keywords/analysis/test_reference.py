"""The job equals the plain reference (:mod:`reference`), which shares no code with it."""

import random
from collections.abc import Sequence

import pytest
import Stemmer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bigdata_demos.crawl.model import Page, Rejected
from bigdata_demos.keywords.analysis import counting, stopwords
from bigdata_demos.keywords.analysis.candidates import Vocabulary
from bigdata_demos.keywords.analysis.kernels.plain import PlainKernel
from bigdata_demos.keywords.analysis.languages import Rules
from bigdata_demos.keywords.analysis.scores import rank_pages, score_page
from bigdata_demos.keywords.model import Document, IndexRow, Keyword, Posting
from tests.support import reference
from tests.support.languages import languages
from tests.support.mapping import map_plainly, with_site
from tests.support.texts import ENDINGS, PIECES, headlines, messy, plain, tops

ENGLISH = Rules("en")
NONE = Rules("en", stopwords.load("none"))
EACH = Rules()
WARM = {rules: PlainKernel(rules) for rules in (ENGLISH, NONE, EACH)}  # as in a worker: kept from one page to the next


def by_job(pages: Sequence[Page], rules: Rules, top: int) -> tuple[list[Document], list[list[Keyword]], list[IndexRow]]:
    """What the job makes of some pages: documents, keywords of each, index."""
    kernel = WARM[rules]
    some = [mapping for page in pages if not isinstance(mapping := map_plainly(page, kernel), Rejected)]
    mapped = [(with_site(document), candidates) for document, candidates in some]
    tables = [counting.count([candidates.hashes]) for _, candidates in mapped]
    table = counting.at_least(2, counting.merge(tables))
    scored = [score_page(document, table, top, kernel.vocabulary(document.language)) for document, _ in mapped]
    postings = [Posting(word.stems, word.phrase, word.score, page.url) for page in scored for word in page.keywords]
    return [document for document, _ in mapped], [page.keywords for page in scored], list(rank_pages(postings))


def check(texts: Sequence[tuple[str, str]], rules: Rules, top: int) -> None:
    """Hold the job against the reference, on pages given by title and text, two of each URL."""
    pages = [
        Page(f"u{9 - number // 2}", "s", number, text, is_text=True, title=title) for number, (title, text) in enumerate(texts)
    ]
    documents, keywords, index = by_job(pages, rules, top)
    plainly = [(document.url, document.language, document.text, document.site) for document in documents]
    expected = reference.keywords(plainly, languages(rules.stopwords), top)
    assert keywords == expected
    assert index == reference.index(plainly, expected)


@given(texts=st.lists(st.tuples(messy, messy), max_size=4), rules=st.sampled_from([ENGLISH, NONE, EACH]), top=tops)
@example(texts=[("", "a\u200bb foo\u200bbar")], rules=NONE, top=5)
@example(texts=[("漢-字 a-b", "漢'字 カ-ナ かな・カナ")], rules=NONE, top=50)
@settings(max_examples=400, deadline=None)
def test_messy_text(texts: list[tuple[str, str]], rules: Rules, top: int) -> None:
    """Text of many scripts, with every kind of break."""
    check(texts, rules, top)


@given(texts=st.lists(st.tuples(plain, plain), max_size=6), top=tops)
@settings(max_examples=200, deadline=None)
def test_plain_text(texts: list[tuple[str, str]], top: int) -> None:
    """English-like text of few words, so that phrases repeat and scores tie."""
    check(texts, ENGLISH, top)


@given(texts=st.lists(headlines(), max_size=2), top=tops)
@settings(max_examples=100, deadline=None)
def test_long_text_that_repeats_its_title(texts: list[tuple[str, str]], top: int) -> None:
    """A phrase that only the title has is no keyword of a long text."""
    check(texts, ENGLISH, top)


@pytest.mark.parametrize("piece", PIECES)
def test_each_piece_alone_and_between_words(piece: str) -> None:
    """Each of the pieces, at the ends of a text, between words, beside hyphens and apostrophes, and twice."""
    shapes = ("{0}", "x {0} y", "x{0}y", "x-{0}-y", "'{0}'", "x'{0}'y", "{0} {0}", "{0}{0}", "漢{0}カ")
    check([(shape.format(piece), "data") for shape in shapes], NONE, 1000)


@pytest.mark.parametrize("text", ["the", "42", "the of 1 2", "quickly", "x" * 65])
@pytest.mark.parametrize("top", [1, 10])
def test_page_without_a_candidate(text: str, top: int) -> None:
    """A page may have words and no candidate: it has no keywords, and counts as a page all the same."""
    check([("", text)], ENGLISH, top)
    check([("", text), ("", "data cluster")], ENGLISH, top)


def test_long_page() -> None:
    """A page of 20,000 words beside a short one, its words distributed as Zipf has it."""
    chance = random.Random(20_000)
    words = [f"w{'aeiou'[n % 5]}{n:x}" + chance.choice(["", "s", "ing", "'s"]) for n in range(3_000)] + [
        "the",
        "of",
        "42",
    ]
    weights = [1 / (n + 1) for n in range(len(words) - 3)] + [0.5, 0.5, 0.2]
    ends = chance.choices([" ", ", ", "-", "\n\n"], [90, 5, 3, 2], k=20_000)
    text = "".join(word + end for word, end in zip(chance.choices(words, weights, k=20_000), ends, strict=True))
    for top in (10, 100_000):
        check([("Of the long page", text), ("Another", text[:2_000])], ENGLISH, top)


@given(texts=st.lists(st.tuples(plain, messy), min_size=1, max_size=4), limit=st.integers(0, 20))
@settings(max_examples=50, deadline=None)
def test_vocabulary_that_starts_anew(texts: list[tuple[str, str]], limit: int) -> None:
    """What the vocabulary has met before, and when it forgot it, makes no difference."""
    pages = [Page(f"u{number}", "s", number, text, is_text=True, title=title) for number, (title, text) in enumerate(texts)]
    expected = by_job(pages, ENGLISH, 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Vocabulary, "LIMIT", limit)
        patch.setitem(WARM, ENGLISH, PlainKernel(ENGLISH))
        assert by_job(pages, ENGLISH, 10) == expected


@given(
    start=st.text("-aeiouybcdfghjklmnpqrstvwxz'é_я2", max_size=6),
    endings=st.lists(st.sampled_from(ENDINGS), max_size=3),
)
@settings(max_examples=1_000, deadline=None)
def test_stemmers_agree(start: str, endings: list[str]) -> None:
    """PyStemmer's Porter and NLTK's, as :class:`reference.Stemmer` has it, are the same function."""
    word = start + "".join(endings)
    assert Stemmer.Stemmer("porter").stemWord(word) == reference.STEMMER.stem(word)


@given(st.integers(1, 1 << 32))
@settings(max_examples=300, deadline=None)
def test_logarithm_is_the_greatest_power_not_above(n: int) -> None:
    """L(n) = v says that 2**v ≤ n**256 < 2**(v + 1)."""
    assert 1 << reference.log(n) <= n**256 < 2 << reference.log(n)
