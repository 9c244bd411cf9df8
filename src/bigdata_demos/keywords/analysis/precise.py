"""The effort ``precise``: the best keywords of an English page are ranked again, by a static word embedding.

The embedding is WordLlama's (https://github.com/dleemiller/WordLlama), rounded to integers, so that the result is equal on every
machine.
"""

import math
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ...avro.binary import pack, unpack
from ...avro.schemas import field, schema
from ..model import Document, Keyword, Packed, Posting
from . import frequencies
from .candidates import phrase_hash
from .effort import Around, check
from .logarithms import log_steps
from .scores import POOL

_WORDS: Final = 400  # of the beginning of a page, with which keywords are compared
_UNIT: Final = 1024  # of the embedding, which becomes 16-bit integers
_STRENGTH: Final = 6  # a keyword's score is multiplied by 2 ** (_STRENGTH * (similarity - 1/2))
_ONE: Final = 16  # bits of the factor 1
_MOST: Final = (1 << 63) - 1  # the largest score that Avro's long holds


class Precise(Around):
    """Ranks the best keywords of each English page again."""

    def start_scores(self, table: frequencies.Table, top: int, bits: int) -> None:
        """Start scoring, with more keywords than are asked for."""
        self.kernel.start_scores(table, max(top, POOL), bits)
        self.top, self.bits = top, bits
        self.posted: dict[int, bytearray] = {}

    def score(self, document: Document) -> bytes:
        """Return the best keywords, as the kernel packs them, and post them."""
        scored = [Keyword(**keyword) for keyword in unpack(self.kernel.score(document), _KEYWORDS)]
        if document.language == "en":
            scored = rank_again(scored, document.text)
        keywords = scored[: self.top]
        for keyword in keywords:
            posting = Posting(keyword.stems, keyword.phrase, keyword.score, document.url)
            bucket = phrase_hash(keyword.stems) >> (64 - self.bits)
            self.posted.setdefault(bucket, bytearray()).extend(pack(posting._asdict(), schema("posting")))
        return pack([keyword._asdict() for keyword in keywords], _KEYWORDS)

    def postings(self) -> list[Packed]:
        """Return the postings of the best keywords."""
        return [(bucket, bytes(self.posted[bucket])) for bucket in sorted(self.posted)]


_KEYWORDS: Final = field("keywords", "keywords")


def rank_again(keywords: list[Keyword], text: str) -> list[Keyword]:
    """Return keywords in the order of their scores times a power of their similarity to the beginning of a text.

    Ties keep their order.
    """
    if not keywords:
        return []
    model = _model()
    page, *phrases = model.embed([" ".join(text.split()[:_WORDS]), *(keyword.phrase for keyword in keywords)])
    factors = log_steps(_ONE + _STRENGTH + 1)  # at v: 2 ** (v / 256), rounded up
    ranked = []
    for keyword, phrase in zip(keywords, phrases, strict=True):
        exponent = _ONE * 256 + _STRENGTH * (similarity(page, phrase) - 128)
        ranked.append(keyword._replace(score=min(keyword.score * int(factors[exponent]) >> _ONE, _MOST)))
    return sorted(ranked, key=lambda keyword: -keyword.score)


def similarity(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> int:
    """Return the cosine of two vectors in units of 1/256, rounded down; 0 if one of them is zero."""
    lengths = math.isqrt(int(a @ a) * int(b @ b))
    return 256 * int(a @ b) // lengths if lengths else 0


@dataclass(frozen=True)
class _Model:
    """A static word embedding: a tokenizer, and a vector of integers for each of its tokens."""

    tokenizer: Any
    vectors: npt.NDArray[np.int16]

    def embed(self, texts: list[str]) -> list[npt.NDArray[np.int64]]:
        """Return the sum of the vectors of each text's tokens."""
        encoded = (self.tokenizer.encode(text, add_special_tokens=False).ids for text in texts)
        return [self.vectors[ids].sum(axis=0, dtype=np.int64) for ids in encoded]


@cache
def _model() -> _Model:
    """Load the files that the package wordllama carries; nothing is downloaded."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    spec = find_spec("wordllama")
    if spec is None or spec.origin is None:
        check("precise")
        raise ModuleNotFoundError("wordllama")
    files = Path(spec.origin).parent
    vectors = load_file(files / "weights" / "l2_supercat_256.safetensors")["embedding.weight"].astype(np.float64)
    tokenizer = Tokenizer.from_file(str(files / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    return _Model(tokenizer, np.rint(vectors * _UNIT).astype(np.int16))
