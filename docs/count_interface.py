"""``python docs/count_interface.py DIRECTORY…`` counts the words of user interfaces, and writes the package's list of them.

Each DIRECTORY is a program with its translations: catalogues of gettext (``.mo``), and JSON, PHP, YAML and JavaScript files
whose paths contain the code of a language. The package's list was counted from these of Debian's packages, each unpacked with
``dpkg-deb -x``: cacti, ckeditor, dokuwiki, epiphany-browser-data, evolution-common, falkon, gajim, gnome-software-common,
libjs-dropzone, libjs-jquery-timeago, libjs-select2.js, mediawiki, nextcloud-desktop, phpmyadmin, python3-django,
python3-django-allauth, python3-django-hyperkitty, redmine, roundcube-core, shaarli, sphinx-common, tt-rss,
webext-ublock-origin-firefox, wordpress, wordpress-l10n and zabbix-frontend-php.

A word is listed if it is a whole message ("Kommentare:", "Buscar") of at least ``LEAST`` of the programs. English is left out:
what programs call "archive" or "table" is the subject of many technical pages, and its list gains nothing on gold standards.
"""

import gettext
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bigdata_demos.keywords.analysis.languages import LANGUAGES

LIST: Final = Path(__file__).parents[1] / "src/bigdata_demos/keywords/analysis/words/interface.txt"
LEAST: Final = 6  # programs
LARGEST: Final = 2_000_000  # bytes of a file with messages
_CODE: Final = re.compile(r"(?<![^/._-])([a-z]{2})(?:[_-][A-Za-z]{2})?(?=[/.]|$)")
_QUOTED: Final = re.compile(r'"((?:[^"\\\n]|\\.){2,60})"' + r"|'((?:[^'\\\n]|\\.){2,60})'")
_YAML: Final = re.compile(r'^\s+[\w.-]+:\s*"?([^"\n]+?)"?\s*$', re.MULTILINE)
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def messages(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the messages of a file of translations, each with the code of its language."""
    code = next((code for code in reversed(_CODE.findall(path.as_posix())) if code in LANGUAGES), "")
    if not code or path.is_symlink() or path.stat().st_size > LARGEST:
        return
    if path.suffix == ".mo":
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # noqa: SLF001
        yield from ((code, translated) for translated in catalogue.values())
        return
    content = path.read_text(encoding="utf-8", errors="ignore")
    if path.suffix == ".json":
        found = json.loads(content)
        for message in found.values() if isinstance(found, dict) else ():
            yield code, message if isinstance(message, str) else message.get("message", "") if isinstance(message, dict) else ""
    elif path.suffix == ".yml":
        yield from ((code, message) for message in _YAML.findall(content))
    elif re.search("lang|local|i18n", path.as_posix()):
        yield from ((code, one or other) for one, other in _QUOTED.findall(content))


def words(program: Path) -> Iterator[tuple[str, str]]:
    """Yield the words that are whole messages of a program, in lower case, each with the code of its language."""
    for path in program.rglob("*"):
        if path.suffix in {".mo", ".json", ".inc", ".php", ".yml", ".js"} and path.is_file():
            try:
                for code, message in messages(path):
                    word = message.replace("&", "").replace("_", "").strip(" :.…!?*")
                    if len(word) > 2 and _WORD.fullmatch(word):
                        yield code, word.lower()
            except (OSError, ValueError) as error:
                print(f"{path}: {error}", file=sys.stderr)


def main(programs: list[str]) -> None:
    """Count, and write ``interface.txt``: a line for each language, its code and the words."""
    found = defaultdict[tuple[str, str], set[str]](set)
    for program in programs:
        for word in words(Path(program)):
            found[word].add(program)
    listed = defaultdict[str, list[str]](list)
    for (code, word), where in sorted(found.items()):
        if len(where) >= LEAST and code != "en":
            listed[code].append(word)
    LIST.write_text("".join(f"{code} {' '.join(those)}\n" for code, those in listed.items()), encoding="utf-8")
    print(f"{sum(map(len, listed.values()))} words of {len(listed)} languages from {len(programs)} programs")


if __name__ == "__main__":
    main(sys.argv[1:])
