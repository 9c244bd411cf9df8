"""The command ``bigdata-demos quality``.

Slow imports are inside the functions that need them.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from .. import command

if TYPE_CHECKING:
    from .gold import Example
    from .measure import Figures

EPILOG: Final = """\
A gold standard is a file of JSON lines, or a directory with gold.jsonl: `id`, `text` (and `title`) or `html`, and `gold`, the
list of keywords that people chose. Keywords match if they are equal after lower-casing and Porter stemming.

examples:
  bigdata-demos quality make-gold crawl.warc.gz -o gold.jsonl     of your own pages that declare keywords
  bigdata-demos quality gold.jsonl                                this package's keywords
  bigdata-demos quality gold.jsonl --extractors ours,ours-fast,ours-precise,yake,rake,tfidf,textrank --plot plot.svg
  bigdata-demos quality gold.jsonl --extractors ours,yake --format jsonl | jq -c '[.extractor, .f1_at_10]'
"""
_MAKE_EPILOG: Final = """\
examples:
  bigdata-demos quality make-gold crawl.warc.gz -o gold.jsonl
  bigdata-demos quality make-gold site/ | gzip > gold.jsonl.gz
"""
_CUTS: Final = (5, 10)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["make-gold"]:
        return command.run(_make_parser(), _make, arguments[1:])
    return command.run(parser(), _compare, arguments)


def parser() -> command.Parser:
    """Return the parser of the command line (``make-gold`` has its own)."""
    made = command.Parser(
        "bigdata-demos quality",
        description="Measure extractors of keywords by gold standards: precision, recall, F1 and CPU time. "
        "`bigdata-demos quality make-gold` makes a gold standard of your own pages.",
        epilog=EPILOG,
    )
    made.add_argument(
        "gold", nargs="+", metavar="GOLD", help="gold standards: JSON lines, also .gz, or directories with gold.jsonl"
    )
    made.add_argument(
        "--extractors",
        default="ours",
        metavar="NAMES",
        help="ours, ours-fast, ours-precise, yake, rake, tfidf, textrank, separated by commas; the others are compared with the "
        "first (default: ours)",
    )
    made.add_argument(
        "--differences",
        type=command.number_from(0, 1000),
        default=3,
        metavar="N",
        help="show the N documents on which the first two extractors differ most (default: 3)",
    )
    made.add_argument("--format", choices=("table", "jsonl"), default="table", help="format of standard output (default: table)")
    made.add_argument("--plot", metavar="FILE", help="draw F1 against speed as SVG")
    return made


def _make_parser() -> command.Parser:
    made = command.Parser(
        "bigdata-demos quality make-gold",
        description="Make a gold standard of the pages of a crawl that declare keywords (<meta name=keywords> and the like).",
        epilog=_MAKE_EPILOG,
    )
    made.add_argument(
        "inputs", nargs="*", metavar="INPUT", help="as `bigdata-demos keywords` takes them (default: the bundled crawl)"
    )
    made.add_argument("--output", "-o", metavar="FILE", help="file to write (default: standard output)")
    made.add_argument(
        "--least", type=command.number_from(1, 1000), default=3, metavar="N", help="fewest declared keywords (default: 3)"
    )
    made.add_argument(
        "--most", type=command.number_from(1, 1000), default=25, metavar="N", help="most declared keywords (default: 25)"
    )
    return made


def _make(arguments: argparse.Namespace) -> None:
    from ..errors import InputError
    from ..storage.atomic import atomic, writing
    from .make_gold import make_gold

    rows, counts = make_gold(arguments.inputs, least=arguments.least, most=arguments.most)
    if not rows:
        raise InputError(f"none of the {counts.pages} pages declares {arguments.least} to {arguments.most} keywords of its own")
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if arguments.output:
        with writing(arguments.output), atomic(arguments.output) as file:
            file.write(lines)
    else:
        sys.stdout.buffer.write(lines)
    command.say(f"pages={counts.pages} examples={counts.examples} shared={counts.shared}")


class Measured(NamedTuple):
    """The result of an extractor on a gold standard: keywords and figures (at 5 and at 10) of each document, and CPU seconds."""

    gold: str
    extractor: str
    keywords: list[list[str]]
    figures: dict[int, "list[Figures]"]
    cpu: float

    def mean(self, cut: int, name: str) -> float:
        """Return the mean of a figure over the documents, in percent."""
        total: float = sum(getattr(one, name) for one in self.figures[cut])
        return 100 * total / len(self.keywords)

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU time for each document."""
        return 1000 * self.cpu / len(self.keywords)


def _compare(arguments: argparse.Namespace) -> None:
    from . import gold
    from .extractors import check

    names = check([name.strip() for name in arguments.extractors.split(",")])
    sets = [(gold.name_of(path), gold.read(path)) for path in arguments.gold]
    everything = []
    with command.Progress("extractor", quiet=arguments.quiet) as progress:
        for name, examples in sets:
            measured = []
            for done, extractor in enumerate(names):
                progress(name, done, len(names))
                measured.append(measure(name, examples, extractor))
            everything.append(measured)
    if arguments.format == "jsonl":
        sys.stdout.writelines(json.dumps(row, ensure_ascii=False) + "\n" for measured in everything for row in _rows(measured))
    else:
        _print_tables(everything)
        for (name, examples), measured in zip(sets, everything, strict=True):
            if len(measured) > 1 and arguments.differences:
                _print_differences(name, examples, measured[0], measured[1], arguments.differences)
    if arguments.plot:
        _draw(arguments.plot, everything)


def measure(name: str, examples: "list[Example]", extractor: str) -> Measured:
    """Run an extractor on the documents of a gold standard. It runs on the first one before, so that start-up does not count."""
    from .extractors import EXTRACTORS, texts_of
    from .measure import figures

    one = EXTRACTORS[extractor]
    documents = texts_of(examples) if one.of_texts else examples
    one.extract(documents[:1])
    started = time.process_time()
    keywords = one.extract(documents)
    cpu = time.process_time() - started
    scored = {cut: [figures(some, example.gold, cut) for some, example in zip(keywords, examples, strict=True)] for cut in _CUTS}
    return Measured(name, extractor, keywords, scored, cpu)


def _rows(measured: list[Measured]) -> Iterator[dict[str, object]]:
    for one in measured:
        row: dict[str, object] = {"gold": one.gold, "extractor": one.extractor, "documents": len(one.keywords)}
        for cut in _CUTS:
            row |= {f"{name}_at_{cut}": round(one.mean(cut, name), 3) for name in ("precision", "recall", "f1")}
        if one is not measured[0]:
            middle, low, high = _difference(measured[0], one)
            row["difference"] = {"f1_at_10": middle, "low": low, "high": high}
        yield row | {"cpu_ms": round(one.cpu_ms, 3)}


def _difference(first: Measured, other: Measured) -> tuple[float, float, float]:
    """Return the mean difference of F1@10 to the first extractor, with its 95 % bootstrap interval over the documents."""
    from ..bench.statistics import bootstrap

    pairs = zip(other.figures[10], first.figures[10], strict=True)
    differences = [100 * (b.f1 - a.f1) for b, a in pairs]
    interval = bootstrap([differences], lambda sample: sum(sample) / len(sample))
    low, high = (interval.middle if end is None else end for end in (interval.low, interval.high))
    return round(interval.middle, 3), round(low, 3), round(high, 3)


def _print_tables(everything: list[list[Measured]]) -> None:
    several = len(everything[0]) > 1
    head = [
        "gold",
        "extractor",
        "documents",
        "F1@5",
        "F1@10",
        "P@10",
        "R@10",
        "CPU ms",
        *(["F1@10 - first [95 %]"] if several else []),
    ]
    rows = []
    for measured in everything:
        for one in measured:
            shown = [one.mean(5, "f1"), one.mean(10, "f1"), one.mean(10, "precision"), one.mean(10, "recall")]
            row = [one.gold, one.extractor, str(len(one.keywords)), *(f"{value:.1f}" for value in shown), f"{one.cpu_ms:.2f}"]
            if several:
                row.append("" if one is measured[0] else "{:+.1f} [{:.1f}, {:.1f}]".format(*_difference(measured[0], one)))
            rows.append(row)
    if len(everything) > 1:
        for extractor in range(len(everything[0])):
            ones = [measured[extractor] for measured in everything]
            means = [sum(one.mean(cut, name) for one in ones) / len(ones) for cut, name in _SHOWN]
            row = ["mean", ones[0].extractor, str(sum(len(one.keywords) for one in ones)), *(f"{mean:.2f}" for mean in means), ""]
            rows.append([*row, *([""] if several else [])])
    command.print_table(head, rows)


_SHOWN: Final = ((5, "f1"), (10, "f1"), (10, "precision"), (10, "recall"))


def _print_differences(name: str, examples: "list[Example]", first: Measured, second: Measured, number: int) -> None:
    """Print the documents on which two extractors differ most, with the keywords of both."""

    def difference(i: int) -> float:
        return second.figures[10][i].f1 - first.figures[10][i].f1

    print(f"\n{name}: where {first.extractor} and {second.extractor} differ most (F1@10)")
    for i in sorted(range(len(examples)), key=lambda i: -abs(difference(i)))[:number]:
        print(f"  {examples[i].id}")
        for one in (first, second):
            print(f"    {one.extractor} {100 * one.figures[10][i].f1:.0f}: {' · '.join(one.keywords[i][:10])}")
        print(f"    gold (stems): {' · '.join(min(forms) for forms in examples[i].gold)}")


def _draw(path: str, everything: list[list[Measured]]) -> None:
    from ..storage.atomic import atomic, writing
    from .plot import Point, plot

    points = {}
    for extractor in range(len(everything[0])):
        ones = [measured[extractor] for measured in everything]
        seconds, documents = sum(one.cpu for one in ones), sum(len(one.keywords) for one in ones)
        f1 = sum(one.mean(10, "f1") for one in ones) / len(ones)
        points[ones[0].extractor] = Point(f1, documents / max(seconds, 1e-9))
    names = ", ".join(measured[0].gold for measured in everything)
    with writing(path), atomic(path) as file:
        file.write(plot(points, f"F1@10 and speed of keyword extractors: {names}").encode())
    command.say(f"drawn: {Path(path)}")
