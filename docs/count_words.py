"""``python docs/count_words.py PATH…`` counts English verbs and adverbs, and writes the package's word lists.

A PATH is a text file, an HTML file, or a directory of such files (also compressed by gzip). The lists of the package were counted
from Debian's packages anarchism, debian-faq, debian-handbook, debian-reference-en, developers-reference, fortunes, git-doc,
libreoffice-help-en-us, linux-doc-6.1, manpages, postgresql-doc-15 and python3.11-doc, unpacked with ``dpkg-deb -x``.

A word is taken for a **verb** if nearly all of its occurrences with a telling neighbour are those of a verb: after words such as
"to", "will" and "we", or before words such as "the" and "you", rather than after words such as "the" and "of". It is taken for an
**adverb** if it is an adjective and -ly, and if it does not stand where a noun does. The names of **months and weekdays** are
those of Unicode's CLDR, by Babel (``pip install babel``).
"""

import gzip
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from resiliparse.parse.lang import detect_fast
from selectolax.lexbor import LexborHTMLParser
from Stemmer import Stemmer

WORDS = Path(__file__).parents[1] / "src/bigdata_demos/keywords/analysis/words"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BEFORE_VERBS = _words(
    "to will would can could may might must should shall cannot don't didn't doesn't we they i you he she who it"
)
AFTER_VERBS = _words("the a an you us them him me it this these that your our their his its how whether")
BEFORE_NOUNS = _words("the a an of in for by with from and or his her its our your their this these no each any as on at")
LEAST = 12  # occurrences with a telling neighbour
LEAST_FILES = 5
MANY_FILES = 60  # of a word without a form in -ing or -ed
VERB_SHARE, NOUN_SHARE = 0.9, 0.1
_TOKEN = re.compile(r"[a-z]+(?:['’-][a-z]+)*|[^\w\s]")


def texts(paths: list[str]) -> Iterator[str]:
    """Yield the text of each file, in lower case."""
    for path in sorted(file for top in map(Path, paths) for file in (top.rglob("*") if top.is_dir() else [top])):
        names = path.name.removesuffix(".gz")
        if not path.is_file() or path.is_symlink() or not (names.endswith((".txt", ".html", ".rst")) or "fortunes" in path.parts):
            continue
        content = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode("utf-8", "replace")
        if "html" in names.rpartition(".")[2]:
            body = LexborHTMLParser(content).body
            content = body.text(separator=" ") if body else ""
        if detect_fast(content[:5000])[0] == "en":
            yield content.lower()


def dates() -> Iterator[str]:
    """Yield a line for each language: its code, and its names of months and weekdays, whole and abbreviated."""
    from babel import Locale

    for code in sorted(_words("ca cs da de el en es et fi fr hr hu id it lt lv nl no pl pt ro ru sk sl sr sv tr uk")):
        locale = Locale.parse("nb" if code == "no" else code)
        names = [
            name
            for table in (locale.months, locale.days)
            for context in ("format", "stand-alone")
            for width in ("wide", "abbreviated")
            for text in table[context][width].values()
            for name in re.findall(r"[^\W\d]+", text.lower())
            if len(name) > 2
        ]
        yield f"{code} {' '.join(sorted(set(names)))}\n"


def adjectives(adverb: str) -> Iterator[str]:
    """Yield the words that may be the adjective of an adverb in -ly."""
    yield adverb[:-2]  # quick
    for ending, cut, instead in (
        ("ily", 3, "y"),
        ("bly", 1, "e"),
        ("ply", 1, "e"),
        ("ically", 4, ""),
        ("uly", 2, "e"),
        ("ully", 1, ""),
    ):
        if adverb.endswith(ending):
            yield adverb[:-cut] + instead


def main(paths: list[str]) -> None:
    """Count, and write ``verbs_en.txt``, ``adverbs_en.txt`` and ``dates.txt``."""
    (WORDS / "dates.txt").write_text("".join(dates()), encoding="utf-8")
    after_verb, after_noun, before_noun, total, spread = (Counter[str]() for _ in range(5))
    files = 0
    for text in texts(paths):
        files += 1
        tokens = _TOKEN.findall(text)
        spread.update(set(tokens))
        for left, word, right in zip([".", *tokens], tokens, [*tokens[1:], "."], strict=False):
            if word[0].isalpha():
                total[word] += 1
                after_verb[word] += left in BEFORE_VERBS
                after_noun[word] += left in BEFORE_NOUNS
                before_noun[word] += right in AFTER_VERBS and left not in BEFORE_NOUNS | BEFORE_VERBS
    words = [word for word in total if spread[word] >= LEAST_FILES and len(word) > 2]
    stem = cache(Stemmer("porter").stemWord)
    inflected = {stem(word) for word in words if word.endswith(("ing", "ed"))}
    verbs = [
        word
        for word in words
        if (stem(word) in inflected or spread[word] >= MANY_FILES)
        and (verb := after_verb[word] + before_noun[word]) + after_noun[word] >= LEAST
        and verb >= VERB_SHARE * (verb + after_noun[word])
        and word.isalpha()
        and not word.endswith("ly")
    ]
    adverbs = [
        word
        for word in words
        if word.endswith("ly")
        and after_noun[word] < NOUN_SHARE * total[word]
        and any(10 * total[base] >= total[word] for base in adjectives(word))
    ]
    for name, words in (("verbs", verbs), ("adverbs", adverbs)):
        (WORDS / f"{name}_en.txt").write_text("\n".join(sorted(words)) + "\n", encoding="utf-8")
        print(f"{name}: {len(words)} from {sum(total.values()):,} words of {files:,} files")


if __name__ == "__main__":
    main(sys.argv[1:])
