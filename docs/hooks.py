"""Hooks of MkDocs (``mkdocs.yml``): they add to the site what the documentation links to and what is not in ``docs``.

The Markdown files stay as they are read in the repository, with links such as ``../src/bigdata_demos/errors.py``. During the
build, the files that they name become pages of the site, and the links lead there:

- ``README.md``, ``CONTRIBUTING.md`` and the like of the repository's root
- source files, one page each; a directory becomes a page that lists its files
- the articles of the bundled crawl (``data/site``), under ``concepts/``, and a page that lists them
- the notebook, with the outputs that are stored in it
"""

import json
import posixpath
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from selectolax.lexbor import LexborHTMLParser, LexborNode

ROOT = Path(__file__).parents[1]
CONCEPTS = ROOT / "data" / "site"
LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)")  # the path of a relative link in Markdown
SPECIAL = {"README.md": "overview.md", "docs/notebook.ipynb": "notebook.md", "data/site/index.html": "concepts.md"}
LANGUAGES = {".py": "python", ".c": "c", ".xml": "xml", ".avsc": "json", ".avpr": "json", ".yaml": "yaml"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the anchors of headings as GitHub does, so that links to them work in both places."""
    config.mdx_configs["toc"] = {**config.mdx_configs.get("toc", {}), "slugify": _slug}
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, the articles, and every file of the repository that a page links to."""

    def add(address: str, content: str, inclusion: InclusionLevel = InclusionLevel.UNDEFINED) -> None:
        files.append(File.generated(config, address, content=content, inclusion=inclusion))

    waiting = [(f"docs/{page.src_uri}", page.content_string) for page in files.documentation_pages()]
    waiting.append(("data/site/index.html", _concepts()))
    add("concepts.md", _with_addresses(*waiting[-1]))
    add("notebook.md", _notebook((ROOT / "docs" / "notebook.ipynb").read_text(encoding="utf-8")))
    for mode, style in (("light", "default"), ("dark", "github-dark")):  # docs/theme/main.html loads them
        add(f"highlight-{mode}.css", HtmlFormatter(style=style).get_style_defs(".codehilite"))
    for path in sorted(CONCEPTS.rglob("*")):
        if path.is_file():
            files.append(File.generated(config, f"concepts/{path.relative_to(CONCEPTS)}", abs_src_path=str(path)))
    while waiting:
        for target in _targets(*waiting.pop()):
            address = _address(target)
            if files.get_file_from_path(address) or not (ROOT / target).exists():
                continue
            if address.endswith(".md"):
                content = _page_of(target)
                inside = address.startswith("source/")
                add(address, _with_addresses(target, content), InclusionLevel.NOT_IN_NAV if inside else InclusionLevel.UNDEFINED)
                waiting.append((target, content))
            else:
                files.append(File.generated(config, address, abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 (MkDocs passes them by name)
    """Point the links of a file of ``docs`` at the pages that other files have become."""
    return markdown if page.file.generated_by else _with_addresses(f"docs/{page.file.src_uri}", markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Let the keyboard reach code that is wider than the page, to scroll it."""
    return html.replace("<pre>", '<pre tabindex="0">')


def _targets(path: str, text: str) -> Iterator[str]:
    """Find the files and directories that a Markdown file links to, as paths in the repository."""
    return (_resolve(path, found[2]) for found in LINK.finditer(text))


def _resolve(path: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link))


def _with_addresses(path: str, text: str) -> str:
    """Return the text of a file of the repository with links that lead to pages of the site."""
    directory = posixpath.dirname(_address(path)) or "."
    return LINK.sub(lambda found: found[1] + posixpath.relpath(_address(_resolve(path, found[2])), directory), text)


def _address(path: str) -> str:
    """Return where a file of the repository is in the site: the path that MkDocs would know it by in ``docs``."""
    if special := {"README.md": "overview.md", "docs/notebook.ipynb": "notebook.md", "data/site/index.html": "concepts.md"}.get(
        path
    ):
        return special
    if path.startswith("docs/"):
        address = path.removeprefix("docs/")
        return f"{address}/index.html" if (ROOT / path / "index.html").exists() else address
    if path.startswith("data/site/"):
        return path.replace("data/site/", "concepts/", 1)
    if path.endswith(".md"):
        return path.lower()
    return f"source/{path}" if path.endswith(".gz") else f"source/{path}.md"


def _page_of(path: str) -> str:
    """Make a page of a Markdown file, of a source file, or of a directory."""
    file = ROOT / path
    if path.endswith(".md"):
        return file.read_text(encoding="utf-8")
    if file.is_dir():
        hidden = {"__pycache__", ".pyc", ".so"}
        inside = sorted(entry.name for entry in file.iterdir() if not {entry.name, entry.suffix} & hidden)
        listed = "".join(f"- [{name}]({file.name}/{name})\n" for name in inside)
        return f"# {file.name}\n\nThe directory `{path}`:\n\n{listed}"
    text = file.read_text(encoding="utf-8").rstrip("\n")
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"# {file.name}\n\n`{path}`\n\n{fence}{LANGUAGES.get(file.suffix, 'text')}\n{text}\n{fence}\n"


def _concepts() -> str:
    """Make the page that lists the articles: by the topics of the crawl's own front page, with the titles of the articles."""
    front = LexborHTMLParser((CONCEPTS / "index.html").read_bytes())
    lines = [
        "# The concepts, in articles",
        "",
        "These articles explain the ideas behind the job, its engines and its formats. They are also the pages of the bundled",
        "crawl: `bigdata-demos keywords` without an input extracts their keywords.",
    ]
    for node in front.css("main h2, main li"):
        if node.tag == "h2":
            lines += ["", f"## {node.text().strip()}", ""]
        elif (anchor := node.css_first("a")) is not None:
            name = anchor.attributes["href"]
            summary = escape(node.text().replace("\n", " ").partition(" – ")[2])
            lines.append(f"- [{_title(CONCEPTS / str(name))}]({name}): {summary}")
    return "\n".join(lines) + "\n"


def _title(path: Path) -> str:
    node: LexborNode | None = LexborHTMLParser(path.read_bytes()).css_first("title")
    return escape(node.text().strip()) if node is not None else path.stem


def _notebook(text: str) -> str:
    """Make a page of a notebook: its text, its code and the stored outputs."""
    parts = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += map(_output, cell.get("outputs", []))
    return "\n\n".join(parts) + "\n\nThe same as a file for Jupyter: `docs/notebook.ipynb`.\n"


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "image/png" in data:
        alternative = escape("".join(data.get("text/plain", "a plot")))
        return f'<img alt="{alternative}" src="data:image/png;base64,{"".join(data["image/png"]).strip()}">'
    if "text/html" in data:
        return "<div>" + re.sub(r"<style.*?</style>|\n\s*", "", "".join(data["text/html"]), flags=re.DOTALL) + "</div>"
    return "```text\n" + "".join(output.get("text", data.get("text/plain", ""))).rstrip("\n") + "\n```"


def _slug(text: str, separator: str) -> str:
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", separator)
