"""``python docs/count_interface.py DIRECTORY…`` counts the words of user interfaces, and writes the package's list of them.

Each DIRECTORY is a program with its translations: catalogues of gettext (``.mo``), and JSON, PHP, YAML and JavaScript files
whose paths contain the code of a language. The package's list was counted from these of Debian's packages, each unpacked with
``dpkg-deb -x``: cacti, ckeditor, dokuwiki, epiphany-browser-data, evolution-common, falkon, gajim, gnome-software-common,
libjs-dropzone, libjs-jquery-timeago, libjs-select2.js, mediawiki, nextcloud-desktop, phpmyadmin, python3-django,
python3-django-allauth, python3-django-hyperkitty, redmine, roundcube-core, shaarli, sphinx-common, tt-rss,
webext-ublock-origin-firefox, wordpress, wordpress-l10n and zabbix-frontend-php.

A word is listed if it is a whole message ("Kommentare:", "Buscar") of at least ``LEAST`` of the programs, and the name of no
language, in CLDR by Babel (``pip install babel``). English is left out: what programs call "archive" or "table" is the subject of
many technical pages, and a list for it gains nothing on the gold standards.
"""

import gettext
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from bigdata_demos.keywords.analysis.languages import LANGUAGES, Rules, known
from bigdata_demos.keywords.analysis.tokens import CONNECTOR, STOPWORD, segment, word_of

LIST: Final = Path(__file__).parents[1] / "src/bigdata_demos/keywords/analysis/words/interface.txt"
LEAST: Final = 6  # programs
LARGEST: Final = 2_000_000  # bytes of a file with messages
_CODE: Final = re.compile(r"(?<![^/._-])([a-z]{2})(?:[_@-][A-Za-z]{2,8})?(?=[/.]|$)")
_VALUE: Final = r"""(?:"((?:[^"\\\n]|\\.){2,60})"|'((?:[^'\\\n]|\\.){2,60})')(?!\s*(?::|=>))"""  # a string that is no key
_YAML: Final = re.compile(r'^\s+[\w.-]+:\s*"?([^"\n]+?)"?\s*$', re.MULTILINE)


def messages(path: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield the messages of a file of translations, each with the code of its language. ``name``: its path in the program."""
    code = next(filter(None, map(known, reversed(_CODE.findall(name)))), "")
    if code in ("", "en") or path.is_symlink() or path.stat().st_size > LARGEST:
        return
    found: object
    if path.suffix == ".mo":
        with path.open("rb") as file:
            found = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # noqa: SLF001
    else:
        content = path.read_text(encoding="utf-8", errors="ignore")
        if path.suffix == ".json":
            found = json.loads(content)
        elif path.suffix == ".yml":
            found = dict(enumerate(_YAML.findall(content)))
        else:
            is_translation = re.search("lang|local|i18n", name)
            found = dict(enumerate(one or other for one, other in re.findall(_VALUE, content))) if is_translation else {}
    for message in found.values() if isinstance(found, dict) else ():
        text = message.get("message") if isinstance(message, dict) else message
        if isinstance(text, str):
            yield code, text


@cache
def word(code: str, message: str) -> str:
    """Return a message's word as the job has it, in lower case; ``""`` if the message is another than one word."""
    text, token = segment(message)
    tokens = token.findall(text)
    if len(tokens) != 1 or tokens[0] != text.strip("\u200b"):
        return ""
    its = word_of(tokens[0], Rules().lexicon(code))
    long_enough = len(its.text) > 2 or LANGUAGES[code].short or not LANGUAGES[code].spaces
    return its.text if its.number > STOPWORD and not its.flags & CONNECTOR and long_enough and its.text.isalpha() else ""


def words(program: Path) -> Iterator[tuple[str, str]]:
    """Yield the words that are whole messages of a program, each with the code of its language."""
    for path in program.rglob("*"):
        if path.suffix in {".mo", ".json", ".inc", ".php", ".yml", ".js"} and path.is_file():
            try:
                for code, message in messages(path, path.relative_to(program).as_posix()):
                    text = message.replace("&", "").replace("_", "").strip(" :.…!?*")
                    if text and " " not in text:
                        yield code, word(code, text)
            except (OSError, ValueError) as error:
                print(f"{path}: {error}", file=sys.stderr)


def names_of_languages(code: str) -> set[str]:
    """Return the names of languages in a language, in lower case."""
    from babel import Locale, UnknownLocaleError

    try:
        return {name.lower() for name in Locale.parse("nb" if code == "no" else code).languages.values()}
    except UnknownLocaleError:
        return set()


def main(programs: list[str]) -> None:
    """Count, and write ``interface.txt``: a line for each language, its code and the words."""
    if not programs:
        sys.exit(__doc__)
    found = defaultdict[tuple[str, str], set[str]](set)
    for program in programs:
        for one in words(Path(program)):
            found[one].add(program)
    listed = defaultdict[str, set[str]](set)
    for (code, text), where in found.items():
        if text and len(where) >= LEAST:
            listed[code].add(text)
    lines = [
        f"{code} {' '.join(sorted(those))}\n" for code in sorted(listed) if (those := listed[code] - names_of_languages(code))
    ]
    LIST.write_text("".join(lines), encoding="utf-8")
    print(f"{sum(len(line.split()) - 1 for line in lines)} words of {len(lines)} languages from {len(programs)} programs")


if __name__ == "__main__":
    main(sys.argv[1:])
