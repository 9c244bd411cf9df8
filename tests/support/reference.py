"""The job once more, plainly: strings, dicts and exact integers. The engines' results are held against this one's.

It shares no code with :mod:`bigdata_demos` and little of its method: it walks over characters where the job has regular
expressions, keeps phrases as tuples of stems where the job has hashes, and takes its English stemmer from NLTK. What it knows of a
language is handed to it (``tests/support/languages.py``).
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby

from nltk.stem.porter import PorterStemmer

Page = tuple[str, str, str, str]  # URL, language, text (title, then a line for each block), the site's name
Keyword = tuple[str, str, int, int, int]  # phrase, stems, score, tf, df
Row = tuple[str, str, int, int, str]  # stems, phrase, rank, score, URL

HAN = "2E80-2FDF 3005-3007 3400-4DBF 4E00-9FFF F900-FAFF 20000-3FFFF"
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LONGEST, MOST, SHORT = 64, 4092, 3  # characters of a word, weight that counts, characters of short stems
PARTICLE = 3  # characters of the stem of a word that names have inside
POOL, FORMS, INDEX_FORMS = 64, 256, 64  # candidates, occurrences and forms that are looked at
TITLE, LONG = 64, 300  # words of a title that lines are compared with, and of a long text


class Stemmer(PorterStemmer):  # type: ignore[misc]  # NLTK has no types
    """Porter's original algorithm as Snowball has it: it undoubles only these consonants (``trekked`` → ``trekk``)."""

    def _ends_double_consonant(self, word: str) -> bool:
        return super()._ends_double_consonant(word) and word[-1] in "bdfglmnprstz"


STEMMER = Stemmer(PorterStemmer.ORIGINAL_ALGORITHM)


@dataclass(frozen=True)
class Language:
    """What is known of a language: its stopwords and their endings, the other words of its table, its stemmer and rules."""

    stopwords: Collection[str]
    endings: tuple[str, ...]
    generic: Collection[str] = ()
    connectors: Collection[str] = ()
    elided: Collection[str] = ()
    verb_endings: tuple[str, ...] = ()
    stem: Callable[[str], str] = STEMMER.stem
    english: bool = False
    nouns: bool = False
    short: bool = False
    japanese: bool = False


@dataclass(frozen=True)
class Token:
    """A token: what it is, its stem, the words before it, how it is written, and whether its block is strong."""

    kind: str  # "word", "connector", "stopword", "break"
    stem: str = ""
    offset: int = 0
    text: str = ""
    shown: str = ""
    start: int = 0  # where what is shown of it is in its line
    end: int = 0
    strong: bool = True
    generic: bool = False
    in_title: bool = False  # or in a line that repeats a part of it


@dataclass
class Candidate:
    """A phrase of a page: where it is first, how it is written there and elsewhere, its occurrences."""

    first: int
    connected: bool
    barred: bool  # no keyword
    tf: int = 0
    weight: int = 0
    whole: bool = False
    forms: Counter[tuple[str, ...]] = field(default_factory=Counter)
    shown: dict[tuple[str, ...], tuple[bool, str]] = field(default_factory=dict)  # not in capitals only, as it is shown


def is_letter(char: str) -> bool:
    """Whether a word can have this character."""
    mark = unicodedata.category(char) in {"Mn", "Mc"} and char <= "\U0001ffff"
    return char.isalnum() or mark or char in "_\u200c\u200d"


@cache
def script(char: str) -> str:
    """Which of the scripts without spaces a character is of; "" if of another."""
    bounds = (pair.split("-") for pair in HAN.split())
    if any(int(low, 16) <= ord(char) <= int(high, 16) for low, high in bounds):
        return "Han"
    return "Hiragana" if "\u3041" <= char <= "\u309f" else "Katakana" if "\u30a0" <= char <= "\u30ff" else ""


def touching(text: str, left: int) -> bool:
    """Whether there are a character at ``left`` and one after it, and nothing sets them apart."""
    return 0 <= left < len(text) - 1 and script(text[left]) == script(text[left + 1])


def continues(text: str, at: int) -> bool:
    """Whether the word that the character before ``at`` belongs to goes on there."""
    if touching(text, at - 1) and text[at] in "-'\u2019\xb7":
        return touching(text, at) and is_letter(text[at - 1]) and is_letter(text[at + 1])
    if text[at : at + 1] == "&":
        return text[at - 1] in CAPITALS and text[at + 1 : at + 2] != "" and text[at + 1] in CAPITALS
    return touching(text, at - 1) and is_letter(text[at])


def ends(text: str, at: int) -> bool:
    """Whether no letter of the same word can be at a place."""
    return at >= len(text) or not is_letter(text[at]) or script(text[at]) != ""


def end_of_token(text: str, start: int) -> int:
    """Where the token that starts at a place ends."""
    at = start
    while text[at] in CAPITALS and text[at + 1 : at + 2] == ".":
        at += 2
        if at == len(text):
            break
    if at - start >= 4:
        return at
    for suffix in ("#", "++"):
        if text[start] in CAPITALS and text.startswith(suffix, start + 1):
            return start + 1 + len(suffix)
    if text.startswith(".NET", start) and ends(text, start + 4):
        return start + 4
    if text.startswith("St. ", start) and text[start + 4 :][:1] in set(CAPITALS):
        return start + 3
    at = start + 1
    if not is_letter(text[start]):
        return at
    while at < len(text) and continues(text, at):
        at += 1
    if script(text[start]):
        return at
    if text.startswith(("://", "@"), at) or (text.startswith(".", at) and text[start:at].endswith("www")):
        while at < len(text) and text[at] not in " \n\t":
            at += 1
        return at
    return next((at + len(end) for end in (".js", ".NET") if text.startswith(end, at) and ends(text, at + len(end))), at)


def token(text: str, start: int, language: Language) -> Token:
    """What a token is."""
    lowered = text.lower().replace("\u2019", "'")
    if not any(map(str.isalnum, text)) or any(part in text for part in ("@", "://", "www.")):
        return Token("break")
    before, apostrophe, rest = lowered.partition("'")
    skipped = len(before) + 1 if apostrophe and rest and before in language.elided else 0
    cut = 2 if lowered.endswith("'s") else 1 if lowered == "st." else 0
    word, shown = lowered[skipped : len(lowered) - cut], text[skipped : len(text) - cut]
    if not 2 <= len(word) <= LONGEST or not any(map(str.isalpha, word)):
        return Token("stopword")
    if word in language.connectors and (text.isalpha() or not is_stopword(lowered, text, language)):
        return Token("connector", language.stem(word) or word, 0, text, text, start, start + len(text))
    if is_stopword(lowered, text, language) or is_stopword(word, shown, language):
        return Token("stopword")
    stem = language.stem(word) or word
    return Token("word", stem, 0, text, shown, start + skipped, start + len(text) - cut, generic=word in language.generic)


def is_stopword(word: str, written: str, language: Language) -> bool:
    """Whether a word, in lower case and as it is written, ends a run."""
    listed = word in language.stopwords or any(map(word.endswith, language.endings))
    verb = len(word) > 4 and written[:1].islower() and any(map(word.endswith, language.verb_endings))
    return listed or verb or (language.japanese and {script(char) for char in word} == {"Hiragana"})


def tokens(page: Page, language: Language) -> Iterator[tuple[str, Token]]:
    """The tokens of a page, each with its line; a break after each line."""
    offset, title = 0, ""
    for number, line in enumerate(page[2].split("\n")):
        its_tokens = []
        at = 0
        while at < len(line):
            start, at = at, end_of_token(line, at)
            if is_letter(line[start]) or not (line[start].isspace() or line[start] == "\u200b"):
                its_tokens.append(token(line[start:at], start, language))
        words = [its.stem for its in its_tokens if its.kind != "break"]
        if number == 0:
            title = "|".join(["", *words[:TITLE], ""])
        in_title = number == 0 or (len(words) > 1 and "|".join(["", *words, ""]) in title)
        for its in its_tokens:
            yield line, replace(its, offset=offset, strong=not line.startswith("\t"), in_title=in_title)
            offset += its.kind != "break"
        yield line, Token("break")


def weight(phrase: Sequence[Token], starts_run: bool, capitals: bool, language: Language) -> int:
    """The weight of an occurrence of a phrase, in quarters."""
    quarters = 4 if phrase[0].strong else 1
    first, last = phrase[0].shown, phrase[-1].shown
    nouns = [any(char.isupper() or char.isdigit() for char in its.shown) for its in phrase]
    if language.nouns:
        cut = len(phrase) > 1 and (not nouns[-1] or (nouns[0] and not nouns[1] and len(phrase[1].stem) > PARTICLE))
        return quarters if not capitals else 0 if cut else quarters if nouns[-1] else 1
    if language.english and len(phrase) > 1 and not nouns[0] and len(phrase[0].stem) > PARTICLE:
        quarters = 1 if last[:1].isupper() and not last.isupper() else quarters
    name = first[:1].isupper() and last[:1].isupper()
    return 2 * quarters if name and (language.english or len(phrase) > 1 or not starts_run) else quarters


def candidates(page: Page, language: Language) -> dict[tuple[str, ...], Candidate]:
    """The candidates of a page, by their stems."""
    found: dict[tuple[str, ...], Candidate] = {}
    lines, all_tokens = zip(*tokens(page, language), strict=True)
    is_word = [its.kind == "word" for its in all_tokens] + [False] * 3
    words = [its for its in all_tokens if its.kind == "word"]
    capitals = 6 * sum(its.shown[:1].isupper() for its in words) > len(words)
    long_text = sum(its.kind != "break" and not its.in_title for its in all_tokens) >= LONG
    elsewhere, strong = set(), set()  # candidates that not only the title has, and not only weak blocks
    for i in range(len(all_tokens)):
        for size in (1, 2, 3):
            phrase = all_tokens[i : i + size]
            connected = size == 3 and is_word[i] and is_word[i + 2] and phrase[1].kind == "connector"
            if not (all(is_word[i : i + size]) or connected):
                continue
            starts_run = i == 0 or not is_word[i - 1]
            stems = tuple(its.stem for its in phrase)
            candidate = found.setdefault(stems, Candidate(phrase[0].offset, connected, all(its.generic for its in phrase)))
            elsewhere |= set() if phrase[0].in_title else {stems}
            strong |= {stems} if phrase[0].strong else set()
            candidate.tf += 1
            candidate.weight += weight(phrase, starts_run, capitals, language)
            candidate.whole |= starts_run and not connected and not is_word[i + size]
            form = tuple(its.text for its in phrase)
            if candidate.tf <= FORMS:
                candidate.forms[form] += 1
                shouted = all(its.kind == "connector" or its.shown.isupper() for its in phrase)
                shown = lines[i][phrase[0].start : phrase[-1].end].replace("\u200b", "")
                candidate.shown.setdefault(form, (not shouted, shown))
    for stems, its in found.items():
        its.weight = its.weight if stems in strong else min(its.weight, 1)
        its.barred |= its.weight == 0 or (long_text and len(stems) > 1 and stems not in elsewhere)
    return found


def name_of(page: Page, language: Language) -> tuple[str, ...]:
    """The stems of the site's name, without stopwords and punctuation at its ends, if it is a candidate; else none."""
    its = [token for _, token in tokens(("", "", page[3], ""), language)]
    inner = [i for i, token in enumerate(its) if token.kind in {"word", "connector"}]
    name = its[inner[0] : inner[-1] + 1] if inner else []
    kinds = [token.kind for token in name]
    is_phrase = kinds in (["word"], ["word"] * 2, ["word"] * 3, ["word", "connector", "word"])
    return tuple(token.stem for token in name) if is_phrase else ()


@cache
def log(n: int) -> int:
    """256 times the binary logarithm of n, rounded down: the bits of its 256th power after the first."""
    return (n**256).bit_length() - 1


def keywords(pages: Sequence[Page], languages: Mapping[str, Language], top: int) -> list[list[Keyword]]:
    """The ``top`` best keywords of each page, best first (``docs/keywords.md``)."""
    corpus = [candidates(page, languages[page[1]]) for page in pages]
    df = Counter(stems for page in corpus for stems in page)
    most = log(len(pages) + 1)

    def ranked(
        page: dict[tuple[str, ...], Candidate], language: Language
    ) -> Iterator[tuple[int, int, tuple[str, ...], Candidate]]:
        for stems, its in page.items():
            counted = (stems[0], stems[2]) if its.connected else stems
            words = sum(min(page[word,].weight, MOST) * (most - log(df[word,] + 1) + 369) for word in counted)
            value = min(its.weight, MOST) * words * (most - log(df[stems]) + 185) * (64 if its.whole else 1) * 16
            best_length = len(stems) == 2 or (len(stems) == 1 and not language.english)
            short = len(" ".join(stems)) <= SHORT and not language.short
            score = value // ((10 + its.first) * (1 if best_length else 2) * (4 if short else 1))
            if not its.barred:
                yield -score, its.first, stems, its

    def chosen(page: dict[tuple[str, ...], Candidate], language: Language, site: tuple[str, ...]) -> list[Keyword]:
        entries = sorted(ranked(page, language), key=lambda entry: entry[:3])[: top + POOL]
        pool, others = entries[:POOL], entries[POOL:]
        shown: dict[tuple[str, ...], tuple[int, int, tuple[str, ...], Candidate]] = {}
        for entry in pool:
            minus, _, stems, its = entry
            longer = [other for other in pool if its.tf > 1 and other[3].tf == its.tf and inside(stems, other[2])]
            first, phrase, longest = max([entry, *longer], key=lambda other: len(other[2]))[1:]
            shown.setdefault(phrase, (minus, first, phrase, longest))
        better: list[tuple[str, ...]] = []
        best: list[tuple[int, int, tuple[str, ...], Candidate]] = []
        for minus, first, stems, its in sorted([*shown.values(), *others], key=lambda entry: entry[:3]):
            around = [other for other in better if len(stems) == 1 and inside(stems, other)]
            outside = [(its.tf - page[other].tf, page[other].tf) for other in around]
            if not any(number <= max(1, tf // (2 if language.english else 3)) for number, tf in outside):
                less = around or any(len(other) == 2 and len(stems) == 3 and inside(other, stems) for other in better)
                better += [] if less else [stems][: POOL - len(better)]
                best.append((-(-minus // 4) if less or stems == site else minus, first, stems, its))
        best.sort(key=lambda entry: entry[:3])
        return [(most_often(its), " ".join(stems), -minus, its.tf, df[stems]) for minus, _, stems, its in best[:top]]

    spoken = [languages[page[1]] for page in pages]
    return [chosen(found, its, name_of(page, its)) for found, page, its in zip(corpus, pages, spoken, strict=True)]


def most_often(its: Candidate) -> str:
    """The form in which a phrase is written most often, in capitals only if it always is."""
    return its.shown[max(its.forms, key=lambda form: (its.shown[form][0], its.forms[form]))][1]


def inside(stems: tuple[str, ...], longer: tuple[str, ...]) -> bool:
    """Whether a phrase is a part of a longer one."""
    return len(stems) < len(longer) and any(longer[i : i + len(stems)] == stems for i in range(len(longer)))


def index(pages: Sequence[Page], found: Sequence[Sequence[Keyword]]) -> list[Row]:
    """The index: each keyword's pages, best first, under the form that most of them have."""
    entries = sorted((k[1], -k[2], page[0], k[0]) for page, some in zip(pages, found, strict=True) for k in some)
    rows: list[Row] = []
    for stems, group in groupby(entries, key=lambda entry: entry[0]):
        its = list(group)
        known = set(list(dict.fromkeys(form for *_, form in its))[:INDEX_FORMS])
        shown = Counter(form for *_, form in its if form in known).most_common(1)[0][0]
        rows += [(stems, shown, rank, -minus, url) for rank, (_, minus, url, _) in enumerate(its, 1)]
    return rows
