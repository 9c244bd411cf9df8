"""Generates any number of synthetic pages, a few thousand per second, reproducibly for a given seed.

The properties that matter to keyword extraction resemble the web:

- Words follow Zipf's law: English function words at their usual frequencies, then pseudo-words whose probability is
  proportional to 1 / (rank + 60), which continues the same line on a log-log plot.
- Topics are phrases of one to three pseudo-words and follow Zipf's law, too. Each page has three, in its title, its headings
  and, more often than by chance, its text. These are its keywords.
- Sizes are log-normal with sigma 1, and thus the mean is 1.65 times the median.

:attr:`World.table` maps 22 random bits to the next token: a word, a comma, the end of a sentence or paragraph, a heading or a
link. Drawing a page is one NumPy gather, and writing it is one ``join``. Only raw bits of PCG64 are used, because NumPy
guarantees their stability. Page n depends only on the seed and the median size, not on the number of pages.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from statistics import NormalDist
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..crawl.model import Page
from ..keywords.analysis.stopwords import load

Ids = npt.NDArray[np.int32]

_BATCH: Final = 256
TABLE_BITS: Final = 22
VOCABULARY: Final = 1 << 18  # pseudo-words; the rarest occurs about once in 4 million words
_ZIPF_OFFSET: Final = 60
TOPICS: Final = 1 << 14
_TOPICS_OF_PAGE: Final = 3
_SITES: Final = 97
_SIGMA: Final = 1.0
_SIZES: Final = 1 << 12  # quantiles of the size distribution
SMALL: Final = 1_500  # bytes below which a page has neither navigation nor related pages
_MIN_WORDS: Final = 12

_FREQUENCIES: Final = """
the 610 of 320 and 275 to 255 a 215 in 200 is 105 that 100 for 90 it 85 was 80 on 70 with 68 as 66 be 64 by 55 are 52 at 50
this 48 from 45 not 44 or 42 have 40 an 36 you 36 i 36 had 33 but 32 his 31 they 30 which 30 he 30 were 30 we 28 their 26 has 26
can 24 all 23 one 23 been 22 will 22 there 22 if 22 more 20 when 19 who 18 would 18 her 17 she 17 its 17 so 17 what 16 up 15
no 15 do 14 into 14 out 14 about 14 your 14 than 14 them 13 some 13 other 12 only 11 two 11 my 11 could 11 our 11 these 11 may 10
also 10 such 10 then 10 over 10 any 9 most 9 first 9 new 9 even 9 like 8 very 8 between 8 how 8 after 8 many 8 those 8 through 7
because 7 where 7 each 7 must 6 own 6 both 6 while 6 under 5 during 5 same 5 another 5 within 4 without 4 against 4 however 4
"""
FUNCTION_WORDS: Final = _FREQUENCIES.split()  # alternately a word and its frequency per 10,000 words of written English

# Frequencies of the other tokens, per 10,000
_NUMBER, _TOPIC, _COMMA, _SENTENCE, _PARAGRAPH, HEADING, _LINK, _STRONG = 90, 260, 480, 520, 95, 14, 60, 20

_ONSETS, _VOWELS, _STARTERS = map(
    str.split,
    (
        "b c d f g h k l m n p r s t v br cr dr gr pl pr st tr sh",
        "a e i o u ou",
        "The A In It This For If But When These We Most As There Each All",
    ),
)
_CODAS: Final = ("", "n", "r", "s", "t", "l", "m", "nd")
SHORT: Final = 4_096  # the most common pseudo-words have two syllables, the others three


def pages(number: int, seed: int, nbytes: int = 4096) -> Iterator[Page]:
    """Yield ``number`` pages in UTF-8, with a median size of ``nbytes`` bytes."""
    world = make_world()
    for batch in range(-(-number // _BATCH)):
        start = batch * _BATCH
        for page, (topics, words, small) in enumerate(draw(world, seed, batch, nbytes)[: number - start], start):
            content = frame(world, page, topics, words, small=small)
            yield Page(url_of(page), f"synthetic:{seed}", page, content, content_type="text/html; charset=utf-8")


class World(NamedTuple):
    """Lookup tables shared by all pages and seeds.

    ``strings`` maps token ids to text: words, then (from ``first_break``) tokens that must not follow one another, then topics
    and topic headings. ``table`` maps random bits to ids, ``fillers`` to ids of words only, and ``topics`` to topics. In
    ``table``, id ``marker + k`` stands for the page's topic k, and ``marker + _TOPICS_OF_PAGE + k`` for a heading with it.
    ``mean`` is the average number of bytes per token.
    """

    strings: npt.NDArray[Any]
    table: Ids
    fillers: Ids
    topics: Ids
    sizes: npt.NDArray[np.float64]
    first_break: int
    marker: int
    first_topic: int
    names: list[bytes]
    mean: float


@cache
def make_world() -> World:
    """Build the tables, which takes half a second and 50 MB."""
    vocabulary = [_pseudo_word(rank) for rank in range(VOCABULARY)]
    names = [_topic_name(vocabulary, number) for number in range(TOPICS)]
    strings: list[str] = []
    weights: list[float] = []

    def add(written: Sequence[str], share: float, given: Sequence[float] | None = None) -> None:
        """Add strings that together have this share, evenly or by the given weights."""
        given = given or [1.0] * len(written)
        unit = share / sum(given)
        strings.extend(written)
        weights.extend(unit * weight for weight in given)

    functions, counts = FUNCTION_WORDS[::2], list(map(float, FUNCTION_WORDS[1::2]))
    structure = _NUMBER + _TOPIC + _COMMA + _SENTENCE + _PARAGRAPH + HEADING + _LINK + _STRONG
    add([f" {word}" for word in functions], sum(counts), counts)
    words_share = 10_000 - structure - sum(counts)
    add([f" {word}" for word in vocabulary], words_share, [1 / (rank + _ZIPF_OFFSET) for rank in range(VOCABULARY)])
    n_words = len(strings)
    add([f" {year}" for year in range(1900, 2030)] + [f" {n}" for n in range(2, 200)] + [f" {n}.5" for n in range(30)], _NUMBER)
    add([f' <a href="/{n // 1000}/page-{n}.html">{names[n].decode()}</a>' for n in range(4096)], _LINK)
    add([f" <strong>{word}</strong>" for word in vocabulary[:1024]], _STRONG)
    marker = len(strings)
    add([" topic"] * _TOPICS_OF_PAGE, _TOPIC, [4, 2, 1])
    first_break = len(strings)  # heading markers are the first of the breaks
    add([" heading"] * _TOPICS_OF_PAGE, HEADING)
    add([","], _COMMA)
    add([f". {word}" for word in _STARTERS], _SENTENCE)
    add([f".</p>\n<p>{word}" for word in _STARTERS], _PARAGRAPH)
    table = _lookup(weights, TABLE_BITS)
    first_topic = len(strings)
    strings += [f" {name.decode()}" for name in names]
    strings += [f".</p>\n<h2>{name.decode().capitalize()}</h2>\n<p>The" for name in names]
    written = [string.encode() for string in strings]
    placeholders = {marker + k: first_topic for k in range(_TOPICS_OF_PAGE)}
    placeholders |= {marker + _TOPICS_OF_PAGE + k: first_topic + TOPICS for k in range(_TOPICS_OF_PAGE)}
    return World(
        strings=np.array(written, dtype=object),
        table=table,
        fillers=_lookup(weights[:n_words], 18),
        topics=_lookup([1 / (number + 20) for number in range(TOPICS)], 16),
        sizes=np.array([math.exp(_SIGMA * NormalDist().inv_cdf((i + 0.5) / _SIZES)) for i in range(_SIZES)]),
        first_break=first_break,
        marker=marker,
        first_topic=first_topic,
        names=names,
        mean=sum(len(written[placeholders.get(i, i)]) * weight for i, weight in enumerate(weights)) / sum(weights),
    )


def _lookup(weights: Sequence[float], bits: int) -> Ids:
    """Return an array of 2**bits ids, each repeated in proportion to its weight."""
    edges = np.array(list(accumulate(weights, initial=0.0)))
    counts = np.diff(np.rint(edges / edges[-1] * (1 << bits)).astype(np.int64))
    return np.repeat(np.arange(len(weights), dtype=np.int32), counts)


def _pseudo_word(rank: int) -> str:
    """Build a distinct word from syllables for each rank; one in 64 has an accent."""
    syllables = len(_ONSETS) * len(_VOWELS)
    if rank < SHORT:
        index, length = rank * 44_497 % (syllables**2 * len(_CODAS)), 2
    else:
        index, length = rank * 8_543_701 % (syllables**3 * len(_CODAS)), 3
    index, coda = divmod(index, len(_CODAS))
    word = ""
    for _ in range(length):
        index, onset = divmod(index, len(_ONSETS))
        index, vowel = divmod(index, len(_VOWELS))
        word += _ONSETS[onset] + _VOWELS[vowel]
    word += _CODAS[coda]
    if rank % 64 == 63:
        word = word.replace("e", "é", 1)
    return f"{word}x" if word in STOPWORDS else word


STOPWORDS: Final = load("en").words


def _topic_name(vocabulary: Sequence[str], number: int) -> bytes:
    """Build a phrase of one to three words of medium frequency."""
    length = (2, 2, 1, 2, 3, 2, 2, 3)[number % 8]
    ranks = [100 + (number * 7_919 + part * 104_729) * 31 % 60_000 for part in range(length)]
    return " ".join(vocabulary[rank] for rank in ranks).encode()


def draw(world: World, seed: int, batch: int, nbytes: int) -> list[tuple[list[int], list[bytes], bool]]:
    """Return the topics and words of each page in a batch, and whether the page is small."""
    bits = np.random.PCG64(np.random.SeedSequence([seed, batch]))
    topics = world.topics[bits.random_raw(_BATCH * _TOPICS_OF_PAGE) >> np.uint64(64 - 16)]
    sizes = world.sizes[bits.random_raw(_BATCH) & np.uint64(_SIZES - 1)] * nbytes
    overhead = np.where(sizes < SMALL, 260, 1_020)  # what frame() adds
    counts = np.maximum((sizes - overhead) / world.mean, _MIN_WORDS).astype(np.int64)
    ends = np.cumsum(counts)
    starts, total = ends - counts, int(ends[-1])
    random = bits.random_raw((total + 1) // 2).view(np.uint32)[:total]
    ids = world.table[random >> np.uint32(32 - TABLE_BITS)]
    breaks = ids >= world.first_break
    wrong = np.zeros(total, dtype=bool)  # breaks that follow a break, or are first or last
    wrong[1:] = breaks[1:] & breaks[:-1]
    wrong[starts], wrong[ends - 1] = breaks[starts], breaks[ends - 1]
    ids[wrong] = world.fillers[random[wrong] & np.uint32(world.fillers.size - 1)]
    places = np.flatnonzero((ids >= world.marker) & (ids < world.marker + 2 * _TOPICS_OF_PAGE))
    heading, which = np.divmod(ids[places] - world.marker, _TOPICS_OF_PAGE)
    page = np.searchsorted(ends, places, side="right")
    ids[places] = world.first_topic + heading * TOPICS + topics[page * _TOPICS_OF_PAGE + which]
    words: list[bytes] = world.strings[ids].tolist()
    own, small = topics.reshape(_BATCH, _TOPICS_OF_PAGE).tolist(), (sizes < SMALL).tolist()
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    return [(own[i], words[start:end], small[i]) for i, (start, end) in enumerate(spans)]


def url_of(page: int) -> str:
    """Return the URL of a page."""
    return f"https://site{page % _SITES}.example/{page // 1000}/page-{page}.html"


def frame(world: World, page: int, topics: Sequence[int], words: Sequence[bytes], *, small: bool) -> bytes:
    """Render a page: title, navigation, heading, text, related pages, footer."""
    first, second, third = (world.names[topic] for topic in topics)
    title = first.capitalize() if page % 3 else b"%b and %b" % (first.capitalize(), second)
    keywords = b'<meta name="keywords" content="%b, %b">\n' % (first, second) if page % 8 == 0 else b""
    head = b'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>%b</title>\n%b</head>\n<body>\n' % (
        title,
        keywords,
    )
    text = b"".join(words)
    if small:
        return b"%b<h1>%b</h1>\n<p>The%b.</p>\n<footer>Page %d</footer>\n</body>\n</html>\n" % (head, title, text, page)
    site = b"site%d.example" % (page % _SITES)
    related = b"".join(
        b'<li><a href="%b">%b %b</a></li>\n' % (url_of(other).encode(), b"More about" if other % 2 else b"Notes on", name)
        for other, name in ((page // 2, first), (page // 3, second), (page // 5, third))
    )
    return b"".join(
        (
            head,
            b'<header><a href="/">%b</a></header>\n<nav>\n<ul>\n<li><a href="/">Home</a></li>\n<li><a href="/%d/">Archive</a>'
            b'</li>\n<li><a href="/about.html">About</a></li>\n<li><a href="/contact.html">Contact</a></li>\n</ul>\n</nav>\n'
            b"<main>\n<h1>%b</h1>\n<p>The" % (site, page // 1000, title),
            text,
            b".</p>\n<h2>Related pages</h2>\n<ul>\n",
            related,
            b"</ul>\n</main>\n<footer>\n<p>\xc2\xa9 %b \xe2\x80\x93 "
            b'<a href="/terms.html">Terms of use</a></p>\n</footer>\n</body>\n</html>\n' % site,
        )
    )
