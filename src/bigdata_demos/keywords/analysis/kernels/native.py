"""The kernel in C, called by ctypes; it gives the same results as :mod:`.plain`. Python finds the stems that are not Porter's.

The library is compiled when the package is installed, and named after the hash of its source. A library of another source
is not loaded.
"""

import ctypes as c
import os
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import accumulate, compress
from pathlib import Path
from struct import Struct
from typing import Any, Final

from ...model import Document, Packed
from .. import frequencies, segments
from ..languages import LANGUAGES, Lexicon, Rules
from ..logarithms import log_steps
from ..text import FLAT, INLINE, MAX_DEPTH, SIBLINGS, WATCHED, Marked, Scanner, clean
from ..tokens import SCRIPTS, STOPWORD, is_word_character, lower, word_of

HERE: Final = Path(__file__).parent
_SOURCE: Final = HERE / "kernel.c"
_NO_MEMORY, _NEEDS_PYTHON = -1, -2
# Flags of a character, as kernel.c has them. Bits 4 and 5 are its script; above the flags is the character in lower case.
_LETTER, _SPACE, _ALPHA, _ALNUM, _DIGIT, _CLASSIFIED, _UPPER, _LOWER, _ODD = 1, 2, 4, 8, 0x40, 0x80, 0x100, 0x200, 0x400
_LOWERED: Final = 11  # bits of flags
_TESTS: Final[dict[int, Callable[[str], bool]]] = {
    _LETTER: is_word_character,
    _SPACE: lambda char: char.isspace() or char == segments.BETWEEN,
    _ALPHA: str.isalpha,
    _ALNUM: str.isalnum,
    _DIGIT: str.isdigit,
    _UPPER: str.isupper,
    _LOWER: str.islower,
    # lower case with rules of its own: of İ it is two characters, that of Σ depends on its neighbours, and titlecase has both
    _ODD: lambda char: char in "İΣ" or (char.istitle() and not char.isupper()),
}
_KINDS: Final = [f"{kind}W{number}" for kind, most in (("U", 6), ("B", 3), ("T", 4)) for number in range(1, most + 1)]  # BudouX's
_STOPS, _CONNECTS, _GENERIC, _ELIDED = 1, 2, 4, 8  # what a word is in its language
_NO_STEMMER, _PORTER, _OTHER_STEMMER = range(3)
LIMIT: Final = 500_000  # words, about 60 MB; then all are forgotten
_TOKEN: Final = Struct("=IIiI")  # start, end, number, flags
LEARNED: Final = Struct("=IBBBB")
"""What a new word means to the kernel: where its stem ends, its kind, its flags, and the bytes at its start and end to skip."""
_ENGLISH, _NOUNS, _SHORT = 1, 2, 4  # rules of a language, as kernel.c has them
_NUMBERS: Final = {code: number for number, code in enumerate(LANGUAGES)}


class _Frequencies(c.Structure):
    """A table of document frequencies, and the settings for scoring with it."""

    _fields_ = (
        ("table", c.c_void_p),
        ("phrases", c.c_int64),
        ("pages", c.c_int64),
        ("steps", c.c_void_p),
        ("step_count", c.c_int64),
        ("top", c.c_int64),
        ("bits", c.c_int64),
    )


class _Buffer(c.Structure):
    """CPython's ``Py_buffer`` (https://docs.python.org/3/c-api/buffer.html)."""

    _fields_ = (
        ("at", c.c_void_p),
        ("object", c.c_void_p),
        ("size", c.c_ssize_t),
        ("item_size", c.c_ssize_t),
        ("read_only", c.c_int),
        ("dimensions", c.c_int),
        *((name, c.c_void_p) for name in ("format", "shape", "strides", "sub_offsets", "internal")),
    )


def _address(table: frequencies.Table) -> int:
    """Return the address of the bytes of a table, which is valid as long as the table is there, and a mapped one is open."""
    buffer = _Buffer()
    c.pythonapi.PyObject_GetBuffer(c.py_object(table), c.byref(buffer), 0)
    at: int = buffer.at
    c.pythonapi.PyBuffer_Release(c.byref(buffer))
    return at


def _source_hash() -> str:
    return blake2b(_SOURCE.read_bytes(), digest_size=8).hexdigest()


@cache
def library() -> c.CDLL | str:
    """Return the compiled kernel, or the reason why there is none."""
    try:
        path = HERE / f"kernel-{_source_hash()}.so"
        if not path.exists():
            return "it was not compiled when the package was installed: install it again where there is a C compiler, or PyPI"
        loaded = c.CDLL(str(path))
    except OSError as error:
        return f"it cannot be loaded: {error}"
    pointer, size = c.c_void_p, c.c_int64
    for name, result, *arguments in (
        ("new", pointer, c.c_uint64),
        ("free", None, pointer),
        ("forget", c.c_int, pointer),
        ("classes", pointer, pointer),
        ("words", size, pointer),
        ("out", pointer, pointer),
        ("out2", pointer, pointer),
        ("keep_memory", None),
        ("names", None, c.c_char_p, c.c_char_p),
        ("mark", size, pointer, c.c_char_p, size, pointer),
        ("blocks", size, pointer, c.c_char_p, size, c.c_int),
        ("scan", size, pointer, c.c_char_p, size, c.c_uint32, c.c_int, c.c_int),
        ("unknown", pointer, pointer),
        ("learn", c.c_int, pointer, c.c_char_p, c.c_char_p),
        ("model", c.c_int, pointer, c.c_int, pointer, pointer, size),
        ("segment", size, pointer, c.c_int, c.c_char_p, size),
        ("lexicon", c.c_int, pointer, c.c_int, c.c_char_p, size, c.c_char_p, c.c_char_p, c.c_int, c.c_int),
        ("unstemmed", size, pointer, pointer),
        ("stem", c.c_int, pointer, c.c_char_p),
        ("start_counts", c.c_int, pointer, size, c.c_int),
        ("depth", size, c.c_char_p, size, size, c.c_char_p, c.c_char_p),
        ("open", size, c.c_char_p, size),
        ("is_utf8", c.c_int, c.c_char_p, size),
        ("count", c.c_int, pointer),
        ("add", c.c_int, pointer, c.c_char_p, size),
        ("counted", size, pointer, c.c_uint32),
        ("new_table", None, pointer),
        ("start_postings", c.c_int, pointer, c.c_int),
        ("postings", size, pointer, size, pointer),
        ("phrase", c.c_uint64, pointer),
        ("score", size, pointer, pointer, c.c_char_p, size, c.c_uint64),
        ("rank", size, pointer, c.c_char_p, size, pointer),
        ("index", size, pointer, pointer, pointer, c.c_char_p, pointer, pointer, size, pointer),
        ("index_counts", pointer, pointer),
    ):
        function = getattr(loaded, f"kernel_{name}")
        function.restype, function.argtypes = result, arguments
    loaded.kernel_keep_memory()
    loaded.kernel_names(INLINE.encode(), " ".join(WATCHED).encode())
    return loaded


def available() -> bool:
    """Whether there is a compiled kernel."""
    return not isinstance(library(), str)


def why_not() -> str:
    """Return why there is no compiled kernel, ``""`` if there is one."""
    loaded = library()
    return loaded if isinstance(loaded, str) else ""


def _checked(result: int, error: type[MemoryError] = MemoryError) -> int:
    if result == _NO_MEMORY:
        raise error("the kernel is out of memory")
    return result


@lru_cache(maxsize=5000)
def classes(block: int) -> bytes:
    """Return the classes of 256 characters, from ``256 * block`` on.

    Their scripts are those of the regular expressions of :mod:`..tokens`, found without compiling these in each process.
    """
    first = 256 * block
    text = "".join(map(chr, range(first, first + 256)))
    alike = text.isalpha() and text.lower() == text.upper()  # as in most blocks of Chinese and Korean
    tests = zip(*(map(test, text[:1] if alike else text) for test in _TESTS.values()), strict=True)
    flags = [_CLASSIFIED + sum(compress(_TESTS, passed)) for passed in tests] * (256 if alike else 1)
    for number, ranges in enumerate(SCRIPTS, 1):
        for start, end in ((ord(some[0]), ord(some[-1])) for some in ranges):
            for i in range(max(start - first, 0), min(end + 1 - first, 256)):
                flags[i] |= number << 4
    lowered = text if alike else (lower(char)[0] for char in text)
    return array("I", (flag | ord(char) << _LOWERED for flag, char in zip(flags, lowered, strict=True))).tobytes()


@cache
def _words(lexicon: Lexicon) -> bytes:
    """Return the words of a language as the kernel takes them: for each its bits, its UTF-8, and a line's end."""
    bits: dict[str, int] = {}
    language = lexicon.language
    for bit, words in (
        (_STOPS, lexicon.stopwords.words),
        (_CONNECTS, language.connectors),
        (_GENERIC, lexicon.generic),
        (_ELIDED, language.elided),
    ):
        for word in words:
            bits[word] = bits.get(word, 0) | bit
    return b"".join(bytes([number]) + line for word, number in bits.items() if (line := _line(word)))


def _line(word: str) -> bytes:
    """Return the UTF-8 of a word and a line's end, or nothing if no token can be the word."""
    return b"" if not word or "\n" in word or "\0" in word else word.encode("utf-8", "surrogatepass") + b"\n"


def _feature(kind: str, text: str) -> int:
    """Return the number that stands in the kernel for a feature of BudouX's models."""
    number = 0
    for char in text:
        number = number << 20 | ord(char)
    return number | (_KINDS.index(kind) + 1) << 60


class NativeScanner:
    """Splits texts into tokens, and numbers the words among them; subclasses say what a new word means."""

    def __init__(self) -> None:
        """Start with no words."""
        lib: Any = library()
        self.lib = lib
        self.kernel = lib.kernel_new(int.from_bytes(os.urandom(8)))
        if not self.kernel:
            raise MemoryError("the kernel is out of memory")
        self.classes = lib.kernel_classes(self.kernel)
        self.classified: set[int] = set()  # blocks whose classes the kernel has
        self.text = b""

    def __del__(self) -> None:
        """Free the kernel's memory."""
        if getattr(self, "kernel", None):
            self.lib.kernel_free(self.kernel)

    def split(self, text: bytes, language: str, rules: int) -> None:
        """Split a text into tokens, and learn its new words; the kernel then works on this text."""
        self.text = text  # the kernel keeps a pointer to it
        if self.lib.kernel_words(self.kernel) > LIMIT:
            self.forget()
        arguments = (self.kernel, text, len(text), _NUMBERS[language], rules)
        if (unknown := self.lib.kernel_scan(*arguments, False)) <= _NEEDS_PYTHON:
            for block in {ord(char) >> 8 for char in set(text.decode("utf-8", "surrogatepass"))} - self.classified:
                c.memmove(self.classes + 4 * 256 * block, classes(block), 4 * 256)
                self.classified.add(block)
            unknown = self.lib.kernel_scan(*arguments, True)
        if _checked(unknown):
            spans = _TOKEN.iter_unpack(c.string_at(self.lib.kernel_unknown(self.kernel), unknown * _TOKEN.size))
            self.learn([text[start:end].decode() for start, end, *_ in spans], language)

    def forget(self) -> None:
        """Forget all words."""
        _checked(self.lib.kernel_forget(self.kernel))

    def learn(self, words: list[str], language: str) -> None:
        """Learn new words, by one call of :meth:`learned`."""
        raise NotImplementedError

    def learned(self, records: bytes, stems: bytes = b"") -> None:
        """Tell the kernel what new words mean: for each a record of :data:`LEARNED`, and the stems that these refer to."""
        _checked(self.lib.kernel_learn(self.kernel, records, stems))

    def indexed(
        self, ids: "array[int]", ends: "array[int]", between: str, weights: Sequence[int], more: Sequence[int]
    ) -> tuple[str, bytes]:
        """Return the tokens of an index that the text has, whose words were learned with their tokens as stems.

        Args:
            ids: the numbers of the tokens of all words, one word after another.
            ends: where those of a word end, by the number of the word; they start where those of the word before it end.
            between: what is between the tokens of two lines.
            weights: how much a token counts in the first line, in a strong block, in a weak one, and in ``more``.
            more: numbers of tokens that are counted, but are not in the text.

        Returns:
            The tokens in their order, with spaces between them; and for each different one its number and the sum of its weights,
            as 32-bit integers.
        """
        count = c.c_int64()
        numbers = array("i", weights), array("i", more)
        size = self.lib.kernel_index(
            self.kernel,
            *(column.buffer_info()[0] for column in (ids, ends)),
            between.encode(),
            *(column.buffer_info()[0] for column in numbers),
            len(more),
            c.byref(count),
        )
        text = c.string_at(self.lib.kernel_out(self.kernel), _checked(size)).decode()
        return text, c.string_at(self.lib.kernel_index_counts(self.kernel), 8 * count.value)


class NativeKernel(NativeScanner):
    """Implements :class:`~.Kernel`, which has the docstrings of its methods."""

    def __init__(self, rules: Rules) -> None:
        """Start with no words."""
        super().__init__()
        self.rules = rules
        self.lexicons: set[str] = set()  # languages whose words the kernel knows
        self.models: set[str] = set()  # models of languages without spaces that it knows
        self.table: frequencies.Table = b""
        self.scanner = Scanner(self.mark, self.count_levels, self.count_open, self.blocks, self.insert, self.is_utf8)
        self.frequencies = _Frequencies()
        self.steps = log_steps(0)
        self.pages = 0

    def out(self, size: int) -> bytes:
        """Return the output of the last function."""
        return c.string_at(self.lib.kernel_out(self.kernel), _checked(size))

    def mark(self, markup: bytes) -> Marked:
        """As :func:`~..text.mark`."""
        facts = (c.c_uint64 * 4)()
        marked = self.out(self.lib.kernel_mark(self.kernel, markup, len(markup), facts))
        return Marked(marked, *facts)

    def count_levels(self, markup: bytes) -> int:
        """As :func:`~..text.count_levels`."""
        flat, siblings = b" ".join(sorted(FLAT)), b" ".join(sorted(SIBLINGS))
        return _checked(self.lib.kernel_depth(markup, len(markup), MAX_DEPTH, flat, siblings))

    def count_open(self, markup: bytes) -> int:
        """As :func:`~..text.count_open`."""
        return self.lib.kernel_open(markup, len(markup))  # type: ignore[no-any-return]

    def blocks(self, text: str) -> bytes:
        """As :func:`~..text.blocks`."""
        try:
            utf8 = text.encode()
        except UnicodeEncodeError:
            size = _NEEDS_PYTHON
        else:
            size = self.lib.kernel_blocks(self.kernel, utf8, len(utf8), 0)
        if size == _NEEDS_PYTHON:
            utf8 = clean(text).encode()
            size = self.lib.kernel_blocks(self.kernel, utf8, len(utf8), 1)
        return self.out(size)

    def is_utf8(self, raw: bytes) -> bool:
        """As :func:`bigdata_demos.crawl.charset.is_utf8`."""
        return bool(self.lib.kernel_is_utf8(raw, len(raw)))

    def insert(self, utf8: bytes, language: str) -> bytes:
        """As :func:`~..segments.insert`."""
        model = segments.model_of(utf8, language)
        if not model:
            return utf8
        number = list(segments.MODELS).index(model)
        if model not in self.models:
            kinds: dict[str, dict[str, int]] = segments.parser(model).model
            features = array("Q", (_feature(kind, text) for kind, texts in kinds.items() for text in texts))
            weights = array("q", (weight for texts in kinds.values() for weight in texts.values()))
            addresses = (column.buffer_info()[0] for column in (features, weights))
            _checked(self.lib.kernel_model(self.kernel, number, *addresses, len(weights)))
            self.models.add(model)
        return self.out(self.lib.kernel_segment(self.kernel, number, utf8, len(utf8)))

    def scan(self, text: bytes, code: str) -> None:
        """Split a text in a language into tokens."""
        language = LANGUAGES[code]
        if code not in self.lexicons:
            self.tell_words(code)
        rules = _ENGLISH * (code == "en") | _NOUNS * language.nouns | _SHORT * language.short
        self.split(text, code, rules)
        at = c.c_void_p()
        if size := self.lib.kernel_unstemmed(self.kernel, c.byref(at)):
            words = c.string_at(at, size).decode().split("\n")
            stems = self.rules.lexicon(code).stem(words[:-1])
            _checked(self.lib.kernel_stem(self.kernel, "\n".join([*stems, ""]).encode()))

    def tell_words(self, language: str) -> None:
        """Tell the kernel the words of a language."""
        lexicon = self.rules.lexicon(language)
        words = _words(lexicon)
        endings, verb_endings = (b"".join(map(_line, some)) for some in (lexicon.stopwords.endings, lexicon.verb_endings))
        stemmer = {"": _NO_STEMMER, "porter": _PORTER}.get(lexicon.language.stemmer, _OTHER_STEMMER)
        arguments = (_NUMBERS[language], words, len(words), endings, verb_endings, stemmer, language == "ja")
        _checked(self.lib.kernel_lexicon(self.kernel, *arguments))
        self.lexicons.add(language)

    def learn(self, words: list[str], language: str) -> None:
        """Learn new words whose lower case has rules of its own."""
        lexicon = self.rules.lexicon(language)
        meanings = [word_of(word, lexicon) for word in words]
        stemmed = iter(lexicon.stem([word.text for word in meanings if word.number > STOPWORD]))
        stems = [next(stemmed).encode() if word.number > STOPWORD else b"" for word in meanings]
        skipped = (len(token[: word.skipped].encode()) for word, token in zip(meanings, words, strict=True))
        cut = (len(token[len(token) - word.cut :].encode()) for word, token in zip(meanings, words, strict=True))
        columns = accumulate(map(len, stems)), (word.number for word in meanings), (word.flags for word in meanings), skipped, cut
        self.learned(b"".join(map(LEARNED.pack, *columns)), b"".join(stems))

    def start_counts(self) -> None:
        _checked(self.lib.kernel_start_counts(self.kernel, 1 << 16, 0))
        self.pages = 0

    def count(self, document: Document) -> None:
        self.scan(document.utf8, document.language)
        _checked(self.lib.kernel_count(self.kernel), frequencies.TableFull)
        self.pages += 1

    def counted(self) -> bytes:
        if self.pages:
            self.add(frequencies.of_pages(self.pages))
        return self.out(self.lib.kernel_counted(self.kernel, 1))

    def add(self, table: bytes) -> None:
        """Add a table to the current one."""
        _checked(self.lib.kernel_add(self.kernel, table, len(table) // frequencies.ENTRY))

    def merge(self, tables: Iterable[bytes], least: int = 1) -> bytes:
        tables = [table for table in tables if table]
        edges = [frequencies.hash_at(table, end) for table in tables for end in (0, -1)]
        in_common = 64 - (min(edges) ^ max(edges)).bit_length() if edges else 0
        expected = max(map(len, tables), default=0) // frequencies.ENTRY * 2
        _checked(self.lib.kernel_start_counts(self.kernel, expected, min(in_common, 32)))
        for table in tables:
            self.add(table)
        return self.out(self.lib.kernel_counted(self.kernel, least))

    def start_scores(self, table: frequencies.Table, top: int, bits: int) -> None:
        if table is not self.table:
            self.lib.kernel_new_table(self.kernel)
            self.table = table
        _checked(self.lib.kernel_start_postings(self.kernel, bits))
        pages = frequencies.pages(table)
        self.steps = log_steps((pages + 1).bit_length())  # like the table, it stays as long as the kernel has its address
        phrases = len(table) // frequencies.ENTRY
        steps, count = self.steps.buffer_info()
        self.frequencies = _Frequencies(_address(table), phrases, pages, steps, count, top, bits)

    def score(self, document: Document) -> bytes:
        site = 0
        if document.site:
            self.scan(document.site.encode(), document.language)
            site = self.lib.kernel_phrase(self.kernel)
        self.scan(document.utf8, document.language)
        url = document.url.encode()
        return self.out(self.lib.kernel_score(self.kernel, c.byref(self.frequencies), url, len(url), site))

    def postings(self) -> list[Packed]:
        at = c.c_void_p()
        sizes = (
            (bucket, self.lib.kernel_postings(self.kernel, bucket, c.byref(at))) for bucket in range(1 << self.frequencies.bits)
        )
        return [(bucket, c.string_at(at, size)) for bucket, size in sizes if size]

    def rank(self, postings: bytes) -> tuple[list[bytes], int]:
        keywords = c.c_int64()
        count = _checked(self.lib.kernel_rank(self.kernel, postings, len(postings), c.byref(keywords)))
        ends = array("Q", c.string_at(self.lib.kernel_out2(self.kernel), 8 * count))
        rows = self.out(ends[-1] if ends else 0)
        return [rows[start:end] for start, end in zip([0, *ends], ends, strict=False)], keywords.value
