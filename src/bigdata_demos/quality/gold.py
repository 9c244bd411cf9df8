"""Gold standards: files of JSON lines, one document with its gold keywords on each line.

=================  ============================================================================================
key                value
=================  ============================================================================================
``id``             a string or a number
``title``          the title of a document that is text (optional)
``text``           the document, if it is text
``html``           the document, if it is HTML
``html_file``      or else the path of a file with it, relative to the gold file; ``.gz`` is decompressed
``gold``           the gold keywords, a list of strings
``gold_variants``  or else a list of lists of strings: equal keywords, of which one counts
``gold_stemmed``   true if the gold keywords are Porter stems already (optional)
=================  ============================================================================================
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError
from .measure import normalized

GOLD_FILE = "gold.jsonl"
"""The gold file of a directory that is given as a gold standard."""


class Example(NamedTuple):
    """A document with its gold keywords, each as the set of its accepted forms, normalized (:func:`~.measure.normalized`)."""

    id: str
    title: str
    text: str
    html: str | bytes | None
    gold: list[frozenset[str]]


def name_of(path: str) -> str:
    """Return the name of a gold standard: that of its file or directory, without suffixes."""
    return Path(path).resolve().name.removesuffix(".gz").removesuffix(".jsonl")


def read(path: str) -> list[Example]:
    """Read a gold standard. Documents without gold keywords are left out.

    Raises:
        InputError: the file is missing or unreadable, a line is no document, or there is no document.
    """
    file = Path(path, GOLD_FILE) if Path(path).is_dir() else Path(path)
    examples = []
    try:
        for number, line in enumerate(_lines(file), 1):
            if line.strip():
                try:
                    example = _example(json.loads(line), file.parent)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    said = f"no {error}" if isinstance(error, KeyError) else str(error)
                    raise InputError(f"{file}: line {number} is no document with gold keywords: {said}") from None
                if example.gold:
                    examples.append(example)
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: a gold standard is JSON lines in UTF-8: {error}") from None
    except (OSError, EOFError) as error:
        raise InputError(f"{getattr(error, 'filename', None) or file}: {getattr(error, 'strerror', None) or error}") from None
    if not examples:
        raise InputError(f"{file}: no document has gold keywords")
    return examples


def _lines(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        yield from lines


def _example(row: dict[str, Any], directory: Path) -> Example:
    html: str | bytes | None = row.get("html")
    if html is None and "html_file" in row:
        stored = (directory / row["html_file"]).read_bytes()
        html = gzip.decompress(stored) if row["html_file"].endswith(".gz") else stored
    variants = row["gold_variants"] if row.get("gold_variants") else [[phrase] for phrase in row["gold"]]
    gold: list[frozenset[str]] = []
    for forms in variants:
        accepted = frozenset(normalized(form, stemmed=row.get("gold_stemmed", False)) for form in forms) - {""}
        if accepted and not any(accepted & other for other in gold):
            gold.append(accepted)
    text = row["text"] if html is None else ""
    return Example(str(row["id"]), row.get("title") or "", text, html, gold)
