"""The extractors that are compared: functions from documents to the keywords of each, best first.

``ours``, ``ours-fast`` and ``ours-precise`` run the job with that ``--effort`` on the serial engine. The others come from PyPI,
and get the title and the text that this package extracts from a page, and its language. YAKE and TextRank bring lists of
stopwords, the other two get those of stopwords-iso.

============  ====================================================================================
``yake``      YAKE (Campos et al. 2020): statistics of one document
``rake``      RAKE (Rose et al. 2010), of rake-nltk: degrees of words in runs between stopwords
``tfidf``     scikit-learn's TF-IDF of one to three words, over the documents of the gold standard
``textrank``  TextRank (Mihalcea and Tarau 2004), of summa: PageRank on a graph of words
============  ====================================================================================
"""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..crawl.charset import decode_html
from ..crawl.model import Page, Unreadable
from ..errors import UsageError
from ..keywords.analysis.languages import Rules
from ..keywords.analysis.text import extract
from ..keywords.runner import run
from .gold import Example

TOP: Final = 20  # keywords of each document


class Text(NamedTuple):
    """A document as other extractors get it. ``language`` is an ISO 639-1 code."""

    title: str
    body: str
    language: str

    @property
    def whole(self) -> str:
        """The title and the text; a full stop ends each block that has no other punctuation at its end."""
        lines = (line.strip() for line in f"{self.title}\n{self.body}".split("\n"))
        return "\n".join(line if line[-1:] in tuple(".!?:;,") else f"{line}." for line in lines if line)


class Extractor(NamedTuple):
    """An extractor: the package that it needs beside this one, and a function of examples, or of their texts if ``of_texts``."""

    package: str
    of_texts: bool
    extract: Callable[[Sequence[Any]], list[list[str]]]


def texts_of(examples: Iterable[Example]) -> list[Text]:
    """Extract the text of each document, and detect its language."""
    return [_text_of(example) for example in examples]


def _text_of(example: Example) -> Text:
    content, is_text = (example.text, True) if example.html is None else (example.html, False)
    try:
        document = extract(Page(example.id, "-", 0, content, is_text, example.title), rules=_RULES)
    except Unreadable:
        return Text(example.title, "", "en")
    title, _, body = document.text.replace("\u200b", "").partition("\n")
    return Text(title, re.sub(r"(?m)^\t", "", body), document.language)


_RULES: Final = Rules()


def _stopwords(language: str) -> set[str]:
    import stopwordsiso

    return set(stopwordsiso.stopwords(language)) if stopwordsiso.has_lang(language) else set()


def _ours(effort: str) -> Callable[[Sequence[Example]], list[list[str]]]:
    def extract_keywords(examples: Sequence[Example]) -> list[list[str]]:
        with tempfile.TemporaryDirectory(prefix="bigdata-demos-") as directory:
            crawl = Path(directory, "examples.jsonl")
            with crawl.open("w", encoding="utf-8") as file:
                for number, example in enumerate(examples):
                    html = decode_html(example.html, "").decode() if isinstance(example.html, bytes) else example.html
                    content = {"text": example.text, "title": example.title} if html is None else {"html": html}
                    file.write(json.dumps({"url": str(number), **content}) + "\n")
            output = Path(directory, "output")
            result = run([crawl], engine="serial", effort=effort, top=TOP, output=output, max_rejected=100)
            found = {int(page["url"]): [keyword["phrase"] for keyword in page["keywords"]] for page in result.read_keywords()}
        return [found.get(number, []) for number in range(len(examples))]

    return extract_keywords


def _yake(texts: Sequence[Text]) -> list[list[str]]:
    from yake import KeywordExtractor

    def keywords(text: Text) -> list[str]:
        extractor = KeywordExtractor(lan=text.language, n=3, top=TOP)
        return [phrase for phrase, _ in extractor.extract_keywords(text.whole)]

    return [keywords(text) for text in texts]


def _rake(texts: Sequence[Text]) -> list[list[str]]:
    from rake_nltk import Rake

    def keywords(text: Text) -> list[str]:
        rake = Rake(
            stopwords=_stopwords(text.language),
            max_length=3,
            include_repeated_phrases=False,
            sentence_tokenizer=lambda text: re.split(r"(?<=[.!?])\s+|\n", text),
            word_tokenizer=lambda sentence: re.findall(r"\w+|[^\w\s]", sentence),
        )
        rake.extract_keywords_from_text(text.whole)
        return list(rake.get_ranked_phrases()[:TOP])

    return [keywords(text) for text in texts]


def _tfidf(texts: Sequence[Text]) -> list[list[str]]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    usual = Counter(text.language for text in texts).most_common(1)[0][0]
    words = r"\w[\w'-]+"
    stopwords = {part for word in _stopwords(usual) for part in re.findall(words, word)}
    vectorizer = TfidfVectorizer(ngram_range=(1, 3), stop_words=sorted(stopwords), token_pattern=words)
    rows = vectorizer.fit_transform([text.whole for text in texts])
    names = vectorizer.get_feature_names_out()
    best = []
    for i in range(rows.shape[0]):
        row = rows.getrow(i)
        order = sorted(zip(-row.data, row.indices, strict=True))[:TOP]
        best.append([str(names[column]) for _, column in order])
    return best


_TEXTRANK_LANGUAGES: Final = {
    "ar": "arabic", "da": "danish", "de": "german", "es": "spanish", "fi": "finnish", "fr": "french", "hu": "hungarian",
    "it": "italian", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sv": "swedish",
}  # fmt: skip
"""The languages that summa knows; it treats all others as English."""


def _textrank(texts: Sequence[Text]) -> list[list[str]]:
    from summa.keywords import keywords

    def ranked(text: Text) -> list[str]:
        language = _TEXTRANK_LANGUAGES.get(text.language, "english")
        try:
            return list(keywords(text.whole, language=language, split=True)[:TOP])
        except (IndexError, ValueError, ZeroDivisionError):  # a text of few words has no graph
            return []

    return [ranked(text) for text in texts]


EXTRACTORS: Final = {
    "ours": Extractor("", False, _ours("standard")),
    "ours-fast": Extractor("", False, _ours("fast")),
    "ours-precise": Extractor("wordllama", False, _ours("precise")),
    "yake": Extractor("yake", True, _yake),
    "rake": Extractor("rake_nltk", True, _rake),
    "tfidf": Extractor("sklearn", True, _tfidf),
    "textrank": Extractor("summa", True, _textrank),
}


def check(names: Sequence[str]) -> list[str]:
    """Return the names of extractors. Raises UsageError if one is unknown, is named twice, or is not installed."""
    for name in names:
        if name not in EXTRACTORS:
            raise UsageError(f"`extractors={name}`: must be some of {', '.join(EXTRACTORS)}, separated by commas")
        package = EXTRACTORS[name].package
        if package and find_spec(package) is None:
            raise UsageError(f"`extractors={name}` needs the package {package}: pip install 'bigdata-demos[quality]'")
    if len(set(names)) < len(names) or not names:
        raise UsageError("`extractors` must be different names, separated by commas")
    return list(names)
