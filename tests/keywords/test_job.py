"""The job on texts so small that all can be counted by hand. The literal numbers follow from the comments beside them.

The score is ((w · W · I · bonus) << 8) // ((10 + first) · D), where w counts an occurrence 1, or 2 if it is written like a name,
L(n) = ⌊256 · log₂ n⌋, I = L(N + 1) − L(df) + 185, I_w = L(N + 1) − L(df + 1) + 369, W = the sum of the words' w · I_w.
(The job counts quarters; two factors of 4 are four of the eight bits.)

On a corpus of one page, N = 1 and each df = 1: so I = 256 − 0 + 185 = **441** and I_w = 256 − 256 + 369 = **369**.
"""

from typing import NamedTuple

import numpy as np
import pytest

from bigdata_demos.crawl.model import Page, Rejected
from bigdata_demos.keywords.analysis import counting, stopwords
from bigdata_demos.keywords.analysis.candidates import mix, word_hash
from bigdata_demos.keywords.analysis.kernels.plain import PlainKernel
from bigdata_demos.keywords.analysis.languages import Rules
from bigdata_demos.keywords.analysis.scores import log2_256, rank_pages, score_page
from bigdata_demos.keywords.model import IndexRow, Keyword, PageKeywords, Posting
from tests.support.mapping import map_plainly

RULES = Rules("en", stopwords.parse("the of them don’t *ly"))


class Facts(NamedTuple):
    """What is counted of a candidate before any score."""

    tf: int
    first: int
    whole: bool


def phrase_hash(stems: str) -> int:
    """The identity of a phrase, in Python's integers."""
    first, *more = map(word_hash, stems.split())
    for word in more:
        z = (first * 0x9E3779B97F4A7C15 + word) % 2**64
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) % 2**64
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) % 2**64
        first = z ^ z >> 31
    return first


def facts(text: str, title: str = "", *, stems: str) -> dict[str, Facts]:
    """The facts of all candidates of a page; ``stems`` names all there should be, separated by commas."""
    mapped = map_plainly(Page("u", "s", 0, text, is_text=True, title=title), PlainKernel(RULES))
    assert not isinstance(mapped, Rejected)
    candidates = mapped[1]
    names = {phrase_hash(phrase): phrase for phrase in stems.split(", ")}
    assert set(candidates.hashes.tolist()) == set(names), "not the candidates that there should be"
    rows = zip(
        *(column.tolist() for column in (candidates.hashes, candidates.tf, candidates.first, candidates.whole)), strict=True
    )
    return {names[phrase]: Facts(*its) for phrase, *its in rows}


def extracted(*pages: tuple[str, str], top: int = 1000, site: str = "") -> list[PageKeywords]:
    """The job's results for some pages, given by title and text; their URLs are u0, u1 and so on."""
    kernel = PlainKernel(RULES)
    documents, tables = [], []
    for number, (title, text) in enumerate(pages):
        mapped = map_plainly(Page(f"u{number}", "s", number, text, is_text=True, title=title), kernel)
        assert not isinstance(mapped, Rejected)
        documents.append(mapped[0]._replace(site=site))
        tables.append(counting.count([mapped[1].hashes]))
    table = counting.at_least(2, counting.merge(tables))
    return [score_page(document, table, top, kernel.vocabulary("en")) for document in documents]


def keywords(text: str, title: str = "", top: int = 1000, site: str = "") -> list[Keyword]:
    """The keywords of a corpus of one page: phrase, stems, score, tf, df."""
    return extracted((title, text), top=top, site=site)[0].keywords


def index(*pages: tuple[str, str]) -> list[IndexRow]:
    """The index of some pages, given by title and text."""
    results = extracted(*pages)
    return list(rank_pages(Posting(k.stems, k.phrase, k.score, page.url) for page in results for k in page.keywords))


def test_score() -> None:
    """Every number of one small page."""
    # data 0, cluster 1 | data 2: runs [data cluster] and [data].
    assert facts("Data cluster, data.", stems="data, cluster, data cluster") == {
        "data": Facts(tf=2, first=0, whole=True),
        "cluster": Facts(tf=1, first=1, whole=False),
        "data cluster": Facts(tf=1, first=0, whole=True),
    }
    assert keywords("Data cluster, data.") == [
        # w = 2 + 1, W = 3·369 = 1107; 3 · 1107 · 441 · 64 · 256 = 23,995,367,424; // (10 · 2)
        ("Data", "data", 1_199_768_371, 2, 1),
        # w = 1, W = 1107 + 369 = 1476; 1476 · 441 · 64 · 256 = 10,664,607,744; two words: // (10 · 1)
        ("Data cluster", "data cluster", 1_066_460_774, 1, 1),
    ]


def test_top_keeps_the_best() -> None:
    """Fewer keywords than candidates: the first of the same list."""
    everything = keywords("Data cluster, data.")
    assert [keywords("Data cluster, data.", top=top) for top in (1, 2, 3)] == [everything[:1], everything, everything]


def test_hyphen_joins_words() -> None:
    """Words with a hyphen inside are one word; a hyphen with a space beside it is a break."""
    # real-time 0, data 1 | fast 2
    text = "Real-time data - fast"
    stems = "real-tim, data, real-tim data, fast"
    assert facts(text, stems=stems) == {
        "real-tim": Facts(1, 0, whole=False),
        "data": Facts(1, 1, whole=False),
        "real-tim data": Facts(1, 0, whole=True),
        "fast": Facts(1, 2, whole=True),
    }
    # W = 738 + 369; 1107 · 441 · 64 · 256 = 7,998,455,808 // (10 · 1); 369 · 441 · 64 · 256 = 2,666,151,936 // (12 · 2)
    assert keywords(text, top=2) == [
        ("Real-time data", "real-tim data", 799_845_580, 1, 1),
        ("fast", "fast", 111_089_664, 1, 1),
    ]


@pytest.mark.parametrize("between", [" - ", "- ", " -", "--", " – ", "—", ".", ", ", " / ", " & ", "\n\n", " … ", " 😀 "])
def test_break_that_is_no_word(between: str) -> None:
    """Punctuation ends a run, and moves no offset."""
    assert facts(f"data{between}cluster", stems="data, cluster") == {
        "data": Facts(1, 0, whole=True),
        "cluster": Facts(1, 1, whole=True),
    }


@pytest.mark.parametrize("between", [" the ", " of ", " don’t ", " Quickly ", " 42 ", " ٣ ", " ½ ", f" {'x' * 65} ", " 3_0 "])
def test_break_that_is_a_word(between: str) -> None:
    """A stopword, a number, a word in -ly or of more than 64 characters ends a run, and counts in offsets."""
    assert facts(f"data{between}cluster", stems="data, cluster") == {
        "data": Facts(1, 0, whole=True),
        "cluster": Facts(1, 2, whole=True),
    }


@pytest.mark.parametrize("between", [" ", "\n", "\t ", "\u200b", "\u3000", "\xa0"])
def test_no_break(between: str) -> None:
    """White space, a zero-width space."""
    assert facts(f"data{between}cluster", stems="data, cluster, data cluster") == {
        "data": Facts(1, 0, whole=False),
        "cluster": Facts(1, 1, whole=False),
        "data cluster": Facts(1, 0, whole=True),
    }


def test_possessive() -> None:
    """A final 's is not part of the word; an apostrophe at the end is a break."""
    # the 0 | user's 1, data 2 | users 3 | (’) data 4
    text = "The User's data. Users’ data"
    assert facts(text, stems="user, data, user data") == {
        "user": Facts(tf=2, first=1, whole=True),
        "data": Facts(tf=2, first=2, whole=True),
        "user data": Facts(tf=1, first=1, whole=True),
    }
    assert keywords(text) == [
        # w = 2 + 2, W = 4·369 = 1476; 4 · 1476 · 441 · 64 · 256 = 42,658,430,976 // (11 · 2)
        ("User", "user", 1_939_019_589, 2, 1),
        # W = 1476 + 738; 2214 · 441 · 64 · 256 = 15,996,911,616 // (11 · 1)
        ("User's data", "user data", 1_454_264_692, 1, 1),
    ]


def test_block_boundary() -> None:
    """An empty line ends a block of text, and a tag that is not inline one of HTML; a line's end does not."""
    text = facts("data\ncluster\n\npage", stems="data, cluster, data cluster, page")
    assert text == {
        "data": Facts(1, 0, whole=False),
        "cluster": Facts(1, 1, whole=False),
        "data cluster": Facts(1, 0, whole=True),
        "page": Facts(1, 2, whole=True),
    }
    html = map_plainly(Page("u", "s", 0, "<p>data <b>cluster</b><p>page"), PlainKernel(RULES))
    assert not isinstance(html, Rejected)
    assert sorted(html[1].hashes.tolist()) == sorted(map(phrase_hash, text))


def test_title_comes_first() -> None:
    """The title is the page's first words, and a block of its own."""
    # data 0, cluster 1 | cluster 2, page 3
    stems = "data, cluster, page, data cluster, cluster page"
    assert facts("cluster page", "Data Clusters", stems=stems) == {
        "data": Facts(1, 0, whole=False),
        "cluster": Facts(2, 1, whole=False),
        "page": Facts(1, 3, whole=False),
        "data cluster": Facts(1, 0, whole=True),
        "cluster page": Facts(1, 2, whole=True),
    }
    assert keywords("cluster page", "Data Clusters") == [
        # w = 2, W = 2·369 + 3·369 = 1845; 2 · 1845 · 441 · 64 · 256 = 26,661,519,360 // 10
        ("Data Clusters", "data cluster", 2_666_151_936, 1, 1),
        # W = 1107 + 369 = 1476; 10,664,607,744 // 12
        ("cluster page", "cluster page", 888_717_312, 1, 1),
    ]


def test_whole_run_bonus_and_short_stems() -> None:
    """Once a whole run is enough for 64-fold; stems of 3 characters divide by four; what is only part of a phrase is not shown."""
    # red 0, green 1, blue 2 | red 3, green 4
    stems = "red, green, blue, red green, green blue, red green blue"
    assert facts("red green blue, red green", stems=stems) == {
        "red": Facts(2, 0, whole=False),
        "green": Facts(2, 1, whole=False),
        "blue": Facts(1, 2, whole=False),
        "red green": Facts(2, 0, whole=True),
        "green blue": Facts(1, 1, whole=False),
        "red green blue": Facts(1, 0, whole=True),
    }
    assert keywords("red green blue, red green") == [
        # W = 738 + 738; 2 · 1476 · 441 · 64 · 256 = 21,329,215,488 // (10 · 1)
        ("red green", "red green", 2_132_921_548, 2, 1),
        # W = 1476 + 369; 1845 · 441 · 64 · 256 = 13,330,759,680 // (10 · 2) // 4, since red green is better
        ("red green blue", "red green blue", 166_634_496, 1, 1),
        # W = 738 + 369; 1107 · 441 · 256 = 124,975,872 // (11 · 1)
        ("green blue", "green blue", 11_361_442, 1, 1),
        # red and green occur twice, as red green does, and blue is part of a better phrase
    ]
    # 369 · 441 · 64 · 256 = 2,666,151,936; // (11 · 2), and // (10 · 2 · 4) for the short one
    assert keywords("red, green") == [("green", "green", 121_188_724, 1, 1), ("red", "red", 33_326_899, 1, 1)]


def test_overlapping_occurrences() -> None:
    """All of them count."""
    assert facts("data data data data", stems="data, data data, data data data") == {
        "data": Facts(4, 0, whole=False),
        "data data": Facts(3, 0, whole=False),
        "data data data": Facts(2, 0, whole=False),
    }


def test_tie_is_broken_by_first_occurrence() -> None:
    """Twice as many occurrences, four times as far: the same score, and the earlier one wins."""
    # zebra 0, walrus 1, lion 2 | 27 stopwords | apple 30, melon 31, pear 32, apple 33, melon 34, plum 35
    text = "zebra walrus lion" + " the" * 27 + " apple melon pear apple melon plum"
    tied = [keyword for keyword in keywords(text) if keyword[1] in {"zebra walru", "appl melon"}]
    assert tied == [
        # 738 · 441 · 256 = 83,317,248 // (10 · 1)
        ("zebra walrus", "zebra walru", 8_331_724, 1, 1),
        # 2 · 1476 · 441 · 256 = 333,268,992 // (40 · 1)
        ("apple melon", "appl melon", 8_331_724, 2, 1),
    ]
    # … and where only one of the two can be kept, it is the same one.
    rank = keywords(text).index(tied[0]) + 1
    assert keywords(text, top=rank)[-1] == tied[0]


def test_tie_is_broken_by_stems() -> None:
    """Phrases with the same score that start at the same word: the shorter one, whose stems sort first."""
    text = "data cluster, data, data, data, cluster, cluster, cluster"
    tied = [keyword for keyword in keywords(text) if keyword[1] in {"data", "data cluster"}]
    assert tied == [
        # W = 4 · 369 = 1476; 4 · 1476 · 441 · 64 · 256 = 42,658,430,976 // (10 · 2)
        ("data", "data", 2_132_921_548, 4, 1),
        # W = 1476 + 1476 = 2952; 2952 · 441 · 64 · 256 = 21,329,215,488 // (10 · 1)
        ("data cluster", "data cluster", 2_132_921_548, 1, 1),
    ]
    assert keywords(text, top=keywords(text).index(tied[0]) + 1)[-1] == tied[0]


def test_scripts_without_spaces() -> None:
    """A run of Han characters is a word; so is a run of Katakana. Together they are one run of two words."""
    # 漢字 0, データ 1
    assert keywords("漢字データ") == [
        # W = 738; 738 · 441 · 64 · 256 = 5,332,303,872 // 10
        ("漢字データ", "漢字 データ", 533_230_387, 1, 1),
    ]


def test_marks_and_joiners_are_letters() -> None:
    """Words of scripts that write vowels as marks, and with joiners inside, stay whole."""
    assert [keyword[0] for keyword in keywords("हिन्दी भाषा", top=1)] == ["हिन्दी भाषा"]
    assert [keyword[0] for keyword in keywords("می‌خواهم", top=2)] == ["می‌خواهم"]


@pytest.mark.parametrize("occurrences", [1023, 1024, 2000])
def test_tf_is_capped_in_the_score(occurrences: int) -> None:
    """Beyond 1,023 occurrences nothing is added, for a phrase or for its words; the count shown is the true one."""
    assert keywords("data, " * occurrences) == [
        # W = 1023 · 369; 1023 · W · 441 · 64 · 256 = 2,790,205,319,430,144 // (10 · 2)
        ("data", "data", 139_510_265_971_507, occurrences, 1),
    ]
    assert keywords("data cluster, " * occurrences, top=1) == [
        # W = 2 · 1023 · 369; 1023 · W · 441 · 64 · 256 = 5,580,410,638,860,288 // (10 · 1)
        ("data cluster", "data cluster", 558_041_063_886_028, occurrences, 1),
    ]


def test_document_frequencies() -> None:
    """Three pages, N = 3: L(4) = 512; a df of 3 gives I = 292 and I_w = 369, a df of 1 gives I = 697 and I_w = 625."""
    # I: 512 − L(3) + 185 = 512 − 405 + 185, 512 − L(1) + 185; I_w: 512 − L(4) + 369, 512 − L(2) + 369 = 512 − 256 + 369
    pages = [("", "Data cluster"), ("", "data page"), ("", "data")]
    assert [page.keywords for page in extracted(*pages)] == [
        [
            # W = 2·369 + 625 = 1363; 1363 · 697 · 64 · 256 = 15,564,980,224 // 10
            ("Data cluster", "data cluster", 1_556_498_022, 1, 1),
        ],
        [
            # W = 369 + 625 = 994; 994 · 697 · 64 · 256 = 11,351,130,112 // 10; 369 · 292 · 256 = 27,583,488 // (10 · 2)
            ("data page", "data page", 1_135_113_011, 1, 1),
        ],
        # 369 · 292 · 64 · 256 = 1,765,343,232 // (10 · 2)
        [("data", "data", 88_267_161, 1, 3)],
    ]
    assert index(*pages) == [
        IndexRow("data", "data", 1, 88_267_161, "u2"),
        IndexRow("data cluster", "Data cluster", 1, 1_556_498_022, "u0"),
        IndexRow("data page", "data page", 1, 1_135_113_011, "u1"),
    ]


def test_index_of_a_page_read_twice() -> None:
    """Nothing is deduplicated; what ties in score and URL is ordered by the form shown, whoever comes first."""
    postings = [Posting("page", form, 7, url) for url, form in [("b", "page"), ("b", "Pages"), ("a", "pages")]]
    expected = [
        IndexRow("page", "pages", 1, 7, "a"),
        IndexRow("page", "pages", 2, 7, "b"),
        IndexRow("page", "pages", 3, 7, "b"),
    ]
    assert list(rank_pages(postings)) == list(rank_pages(postings[::-1])) == expected
    # "Pages" sorts before "page": without the page a, it is the form shown, unless another one is on more pages
    assert [row.phrase for row in rank_pages(postings[:2])] == ["Pages", "Pages"]
    assert [row.phrase for row in rank_pages([*postings, Posting("page", "Pages", 1, "c")])] == ["Pages"] * 4
    assert list(rank_pages([])) == []


def test_page_without_candidates() -> None:
    """Only stopwords and numbers: a page, with no keywords."""
    assert keywords("the 42 of them") == []


WRITTEN = "S&P AT&T R&D C++ C# F# .NET ASP.NET Node.js U.S. O'Reilly O’Reilly T-Mobile COVID-19 col·lecció snake_case 5G"


@pytest.mark.parametrize("word", WRITTEN.split())
def test_word_as_people_write_it(word: str) -> None:
    """It is one word, between others and at the ends of a text, and shown like that."""
    assert words_of(f"the {word} of", "en", 1) == [word]
    assert words_of(f"{word} and them, {word}", "en", 1) == [word]


@pytest.mark.parametrize(
    "text",
    [
        "of https://example.com/data/cluster?page=1#top of",
        "mail someone@example.com!",
        "www.example.com/data",
        "ftp://x of x@y",
        "a b c, C & D",
        "7 + 8 # 9",
    ],
)
def test_addresses_and_single_letters_are_no_keywords(text: str) -> None:
    """All of an address up to the next space is a break; so is what has one letter."""
    assert {keyword[0] for keyword in keywords(text)} <= {"mail"}


def words_of(text: str, language: str, top: int = 10) -> list[str]:
    """The keywords of a text in a language, by the package's own tables."""
    kernel = PlainKernel(Rules(language))
    mapped = map_plainly(Page("u", "s", 0, text, is_text=True), kernel)
    assert not isinstance(mapped, Rejected)
    table = counting.count([mapped[1].hashes])
    return [keyword.phrase for keyword in score_page(mapped[0], table, top, kernel.vocabulary(language)).keywords]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("fr", "L'eau de l'océan, d'Artagnan", ["eau", "océan", "eau de l'océan", "Artagnan"]),
        ("fr", "les mines de charbon", ["mines de charbon", "mines", "charbon"]),
        ("pt", "na Torre de Belém", ["Torre de Belém", "Belém", "Torre"]),
        ("it", "dell'università", ["università"]),
        ("en", "On Monday, Black Friday", ["Black Friday"]),
        ("de", "Anzeige, Millionen Euro und Euro-Zone", ["Euro-Zone"]),
        ("de", "Passwort Suche und Suche im Archiv", ["Archiv"]),
        ("cs", "Přihlásit, Hledat v Praze", ["Praze"]),
        ("en", "the supply of Italy, suddenly a family", ["supply", "Italy", "family"]),
        ("en", "NASA seems to need the Rocket", ["NASA", "Rocket"]),
        ("en", "in St. Louis and on Main St. in", ["St. Louis", "Main St"]),
        ("en", "the St. Louis Park, St. 7", ["St. Louis Park", "St. Louis", "Louis Park"]),
        ("en", "the St. louis, St.", ["St", "louis"]),
        ("en", "the ST. Louis", ["ST", "Louis"]),
        ("de", "und der Bundestag über die Wahl", ["Bundestag", "Wahl"]),
        ("de", "Der Hund vertreibt Einbrecher", ["Hund", "vertreibt Einbrecher"]),
        ("de", "Das ehrenamtliche Engagement wächst", ["ehrenamtliche Engagement", "wächst"]),
        ("la", "Lorem ipsum dolor sit amet with Foo", ["Foo"]),
        ("ja", "東京は日本の首都です", ["東京", "日本", "首都"]),
    ],
)
def test_language(language: str, text: str, expected: list[str]) -> None:
    """Elision, connectors, generic words, adverbs, Saint, verbs between German nouns, placeholder text and scripts."""
    assert sorted(words_of(text, language)) == sorted(expected)


@pytest.mark.parametrize(
    ("language", "together", "alone", "shown"),
    [("en", 1, 1, False), ("en", 3, 2, True), ("en", 6, 3, False), ("en", 6, 4, True), ("de", 6, 2, False), ("de", 6, 3, True)],
)
def test_a_word_of_a_better_phrase(language: str, together: int, alone: int, shown: bool) -> None:
    """It is shown if it also occurs alone: twice at least, and more than half as often as the phrase (a third in German)."""
    found = words_of("Zebra Walrus. " * together + "Walrus. " * alone, language)
    assert found[0] == "Zebra Walrus"
    assert ("Walrus" in found) is shown
    assert "Zebra" not in found


def test_phrases_that_add_little() -> None:
    """A word of a better phrase, and one that adds a word to a better phrase of two, have a quarter of their score."""
    found = {
        keyword.stems: keyword.score
        for keyword in keywords("zebra walrus, the walrus, walrus, melon zebra walrus, zebra walrus fig")
    }
    # zebra walrus 0, the 2, walrus 3 and 4, melon 5, zebra walrus 6, zebra walrus fig 8: W = 3 + 5 = 8 times 369 for zebra walrus
    assert found["zebra walru"] == (3 * 8 * 369 * 441 * 64 * 256) // 10
    assert found["walru"] == (5 * 5 * 369 * 441 * 64 * 256) // (11 * 2) // 4
    assert found["melon zebra walru"] == (9 * 369 * 441 * 64 * 256) // (15 * 2) // 4
    assert found["zebra walru fig"] == (9 * 369 * 441 * 64 * 256) // (18 * 2) // 4
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert "zebra" not in found  # it occurs only in the phrase


@pytest.mark.parametrize(
    ("site", "found"),
    [
        ("", ["zebra walrus", "melon", "walrus"]),
        ("ZEBRA Walrus", ["melon", "zebra walrus", "walrus"]),
        ("The Zebra Walrus!", ["melon", "zebra walrus", "walrus"]),
        ("Melon", ["zebra walrus", "walrus", "melon"]),
        ("Zebra Walrus News", ["zebra walrus", "melon", "walrus"]),
        ("Zebra & Walrus", ["zebra walrus", "melon", "walrus"]),
        ("the", ["zebra walrus", "melon", "walrus"]),
    ],
)
def test_the_name_of_the_site(site: str, found: list[str]) -> None:
    """It has a quarter of its score, and the words of it are left out and divided as they are without."""
    text = "zebra walrus, zebra walrus, walrus, walrus, melon, melon, melon, melon"
    # zebra walrus 2 * (2 + 4) / 10, melon 4 * 4 / (16 * 2), walrus 4 * 4 / (11 * 2) / 4, in the same units
    assert [keyword.phrase for keyword in keywords(text, site=site)] == found


def test_what_adds_little_takes_nothing_away() -> None:
    """A phrase whose score was divided removes and divides no other one."""
    found = keywords("zebra walrus, zebra walrus melon, melon, fig, kiwi", top=2)
    assert [keyword.phrase for keyword in found] == ["zebra walrus", "melon"]


@pytest.mark.parametrize(
    ("language", "phrase", "quarters"),
    [
        ("en", "Investigating WeWork", 8),
        ("en", "investigating WeWork", 1),
        ("en", "investigating reports", 4),
        ("en", "linear RBF", 4),  # an abbreviation is not taken for a name
        ("en", "iPhone Akku", 4),
        ("en", "van Gogh", 4),  # a particle
        ("en", "enjoy the", None),
        ("de", "Hund vertreibt Einbrecher", 0),
        ("de", "Apple arbeitet", 0),
        ("de", "Rio de Janeiro", 4),
        ("de", "rote schnelle Autos", 4),
        ("de", "rote Autos", 4),
        ("de", "Wagen 3er Autos", 4),
        ("de", "arbeitet", 1),
        ("fr", "arbeitet Apple", 4),
    ],
)
def test_weight_by_capitals(language: str, phrase: str, quarters: int | None) -> None:
    """Names count more, and phrases that are cut by a verb less, or nothing; None: no candidate."""
    kernel = PlainKernel(Rules(language))
    mapped = map_plainly(Page("u", "s", 0, f"Ein Anfang, {phrase}", is_text=True), kernel)
    assert not isinstance(mapped, Rejected)
    stem = kernel.vocabulary(language).lexicon.stem
    at = mapped[1].hashes.tolist()
    name = phrase_hash(" ".join(stem(phrase.lower().split())))
    assert (int(mapped[1].weight[at.index(name)]) if name in at else None) == quarters


def test_page_without_capitals() -> None:
    """German verbs cannot be told there."""
    assert words_of("hund vertreibt einbrecher", "de")[0] == "hund vertreibt einbrecher"


@pytest.mark.parametrize(
    ("line", "others", "shown"),
    [
        ("", 300, False),
        ("", 299, True),
        ("Walrus eats", 300, False),  # a line that repeats a part of the title, as the main heading may
        ("WALRUS EATS MELON", 300, False),
        ("the Walrus eats", 300, True),  # the title has no stopword there
        ("Walrus eats Melon, Walrus", 300, True),
        ("Walrus", 299, False),  # one word is no repetition of a title, but makes no phrase either
    ],
)
def test_a_phrase_that_only_the_title_has(line: str, others: int, shown: bool) -> None:
    """It is no keyword of a text with 300 words elsewhere; its single words are."""
    phrases = [keyword.phrase for keyword in keywords(f"{line}\n\n{'them ' * others}", "Walrus eats Melon")]
    assert any(" " in phrase for phrase in phrases) is shown
    assert shown or "Melon" in phrases


def test_form_written_most_often() -> None:
    """It is shown, but in capitals only if there is no other; of equal ones, the first."""
    assert keywords("DATA, data, Data, data of Data, DATA, DATA", top=1)[0].phrase == "data"
    assert keywords("DATA of DATA of Data", top=1)[0].phrase == "Data"
    assert keywords("DATA of DATA", top=1)[0].phrase == "DATA"


def test_weak_blocks_count_a_quarter() -> None:
    """Links far from the page's own text count a quarter each, or a quarter in all for a phrase that occurs nowhere else."""
    paragraph = f"<p>{'the ' * 60}melon"
    links = "<p>and</p>" * 3 + "<p><a href=x>apple</a>" * 3 + "<p><a href=x>melon</a>" * 2
    mapped = map_plainly(Page("u", "s", 0, f"<body><h1>pear</h1><p>of<p>of<p>of{paragraph}{links}"), PlainKernel(RULES))
    assert not isinstance(mapped, Rejected)
    weights = dict(zip(mapped[1].hashes.tolist(), mapped[1].weight.tolist(), strict=True))
    # the heading is the title, too, as there is no other: 4 + 4
    assert {name: weights[phrase_hash(name)] for name in ("pear", "melon", "appl")} == {"pear": 8, "melon": 6, "appl": 1}


def test_logarithm() -> None:
    """L(n) = ⌊256 · log₂ n⌋, also next to powers of two, where floating point is in doubt."""
    n = [1, 2, 3, 4, 5, 10, 1000, 1023, 1024, 2**20 - 1, 2**20, 2**32 - 1, 2**32]
    # log₂: 3 → 1.58496, 5 → 2.32193, 10 → 3.32193, 1000 → 9.96578, 1023 → 9.99859; 2**k − 1 is just below k
    expected = [0, 256, 405, 512, 594, 850, 2551, 2559, 2560, 5119, 5120, 8191, 8192]
    assert log2_256(np.array(n)).tolist() == expected


def test_hash() -> None:
    """The hash is part of the output's format: buckets depend on it. Version 2 hashes other words with the same functions."""
    data, han = 0xA86F48AEB7496C2E, 0xADB36433C229E33F
    # `printf data | b2sum -l 64` prints 2e6c49b7ae486fa8, whose first byte is the lowest
    assert (word_hash("data"), word_hash("漢")) == (data, han)
    left, right = (np.array([word_hash(stem)], np.uint64) for stem in ("data", "cluster"))
    assert mix(left, right).tolist() == [phrase_hash("data cluster")]
