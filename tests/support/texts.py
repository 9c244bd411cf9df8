"""Texts to hold kernels against each other, and the text of a document."""

from hypothesis import strategies as st

from bigdata_demos.keywords.model import Document


def text_of(document: Document) -> str:
    """The text of a document's blocks, weak or not, without the boundaries of words that were found."""
    _, *lines = document.text.split("\n")
    return "\n".join(line.removeprefix("\t") for line in lines).replace("\u200b", "")


# A few words of many scripts, and what may stand between them.
PIECES = (
    "data", "Data", "cluster", "clusters", "CLUSTERING",
    "naïve", "Straße", "İstanbul", "e\u0301te\u0301", "ﬁne",
    "the", "of", "It's", "don’t", "quickly", "Ly", "ly", "s",
    "S", "es", "as", "ied", "y", "trekked", "specced",
    "cat's", "cats'", "cat’s", "CAT’S", "'tis", "rock'n'roll",
    "rock''n", "_'s", "x's's", "'", "’",
    "state-of-the-art", "e-mail", "a-1", "1-a", "x-", "-x", "--",
    "-", "–", "—", "a--b", "_-_", "-\u0301a",
    "__init__", "snake_case", "_", "42", "3.14", "1st", "½",
    "Ⅷ", "٣", "२०", "C3PO", "²", "a²",
    "हिन्दी", "भाषा", "की", "क्षेत्र", "क्‍ष", "العربية", "مُحَمَّد",
    "می‌خواهم", "שָׁלוֹם", "צה״ל", "ภาษาไทย", "ที่นี่", "ভাষা", "தமிழ்",
    "漢", "漢字", "漢字かな", "かな", "カナ", "データ", "データベース", "・", "ー",
    "゠", "々", "〇", "三〇", "㐀", "𠀀𠀁", "⼀", "豈", "が",
    "か\u3099", "a\u3099", "ヺ", "한국어", "漢'字", "かな'かな",
    "カ-ナ", "漢-字", "a漢b", "aかなb", "漢\ufe00字", "漢\U000e0100字",
    "😀", "👩‍💻", "🏳️‍🌈", "\u200b", "\u200c", "\u200d", "\ufeff",
    "\u2060", "\u0301", "\u20dd", "\u0903", "\U0001e944", "\xad",
    "x" * 64, "x" * 65, "x" * 64 + "'s", "İ" * 33, "𝒳" * 40, "é" * 64,
    "AT&T", "R&D", "a&b", "C++", "c++", "C#", "U.S.", "J.R.R.", "A.b", "Node.js", "ASP.NET", ".NET", ".NETs", ".js", "www.x.y",
    "St. Louis", "St. ", "St.", "St", "st. Louis", "iPhone", "vertreibt", "deutsche",
    "https://x.y/z?漢", "a@b.c", "x://", "@", "col·lecció", "l'eau", "L’Océan", "de", "Belém", "May", "Monday", "januar", "Haus",
    ".", ",", "\n", "\n\n", "\t", "\x0b", "\x1c", "\x85", "\u2028",
    "\u3000", "\xa0", "\x00", "\x7f", "。", "、", "«", "¿", "\ud800",
)  # fmt: skip
SEPARATORS = (" ", " ", " ", "", "", "-", "'", "’", "\u200b", "\n\n", ", ", "  ")
CHARACTERS = "aAbs yY-_'’ \n.,1٣éß\u0301\u200b\u200c\u200d漢字かかナナー・゠々〇\u3099क्ि\U000e0100\U0001e944\ufe00"

spelled = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(SEPARATORS)), max_size=25).map(
    lambda parts: "".join(piece + separator for piece, separator in parts)
)
messy = spelled | st.text(CHARACTERS, max_size=40) | st.text(max_size=20)

NOUNS = (
    "data", "cluster", "clusters", "page", "pages", "index", "job", "jobs", "map", "maps",
    "reduce", "shuffle", "spark", "worker", "Worker's", "key", "phrase",
)  # fmt: skip
OTHERS = ("the", "of", "a", "quickly", "and", "is", "in", "10", "2024", "re-run", "key-phrase", ",", ".", "(", "\n\n")
PLAIN = (*NOUNS, *NOUNS, *OTHERS)
plain = st.lists(st.sampled_from(PLAIN), max_size=60).map(" ".join)


@st.composite
def headlines(draw: st.DrawFn) -> tuple[str, str]:
    """A title, and a text of about 300 other words whose lines repeat parts of the title, or more than a part, or none."""
    words = draw(st.lists(st.sampled_from((*NOUNS, *OTHERS[:-1])), max_size=8)) * draw(st.sampled_from([1, 1, 1, 12]))

    def line() -> str:
        start, end = sorted((draw(st.integers(0, len(words))), draw(st.integers(0, len(words)))))
        part = " ".join(words[start:end])
        return draw(st.sampled_from([part, part.upper(), f"{part}, {part}", f"{part} page", draw(plain)]))

    lines = [line() for _ in range(draw(st.integers(0, 5)))]
    fill = " ".join(["fill"] * draw(st.integers(280, 302)))
    return " ".join(words), "\n\n".join(draw(st.permutations([*lines, fill])))


tops = st.integers(1, 12) | st.just(1000)

ENDINGS = (
    "s", "es", "ies", "sses", "ed", "eed", "ing", "y", "ational", "ization", "alism",
    "fulness", "ousness", "iviti", "icate", "ical", "ness", "ance", "ement", "ion", "ll", "e",
)  # fmt: skip
