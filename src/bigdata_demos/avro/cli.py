"""The arguments of the command ``bigdata-demos avro``; :mod:`.commands` executes it, and is only imported then."""

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from .. import command

CODECS: Final = ("null", "deflate", "bzip2", "snappy", "xz", "zstandard")
ALGORITHMS: Final = ("CRC-64-AVRO", "MD5", "SHA-256")
_NEEDS: Final = ("full", "backward", "forward", "none")

EPILOG: Final = """\
examples:
  bigdata-demos avro head -n 3 events.avro
  bigdata-demos avro tojson --plain events.avro | jq .user
  bigdata-demos avro fromjson events.jsonl --codec deflate -o events.avro
  bigdata-demos avro cat 2026-*.avro -o 2026.avro
  bigdata-demos avro repair broken.avro -o whole.avro
  bigdata-demos avro tojson messages.bin --schema event.avsc        single-object encoding
  curl -s https://example.org/events.avro | bigdata-demos avro count -

`bigdata-demos avro COMMAND --help` says more. - is standard input or output. What avro-tools calls getschema, getmeta,
recodec and concat goes by these names, too. Exit status: 0, 1 failure, 2 wrong usage, 130 interrupted.
"""
_EPILOGS: Final = {
    "tojson": """\
examples:
  bigdata-demos avro tojson events.avro > events.jsonl
  bigdata-demos avro tojson --plain events.avro | jq -r .when
  kcat -C -t events -D '' | bigdata-demos avro tojson - --schema event-1.avsc --schema event-2.avsc

With --schema the input is no Avro file, but messages in single-object encoding (C3 01, the fingerprint of a schema, a datum),
one after another: the fingerprint chooses among the schemas. A schema is a file, JSON, an Avro file that has one, or one of
this package's own: bigdata-demos:page, bigdata-demos:page/1.
A record a line, in the specification's JSON encoding, as avro-tools writes it: a union's value is tagged with its type,
{"string": "x"}, bytes are Latin-1. --plain has no tags, and dates, times and decimals as people write them.
""",
    "head": """\
examples:
  bigdata-demos avro head events.avro
  curl -s https://example.org/events.avro | bigdata-demos avro head -n 1 --plain -
""",
    "fromjson": """\
examples:
  bigdata-demos avro fromjson events.jsonl -o events.avro                       the schema is inferred, and so --plain
  bigdata-demos avro fromjson events.jsonl --schema event.avsc -o events.avro
  bigdata-demos avro tojson a.avro | bigdata-demos avro fromjson - --schema a.avsc -o b.avro
  bigdata-demos avro fromjson event.json --schema event.avsc --single-object -o event.bin

--single-object: no Avro file, but a message for each value (C3 01, the schema's fingerprint, the datum), one after another.
JSON values one after another, on one line or on several. With --schema they are in the specification's JSON encoding, as
tojson and avro-tools write it; with --plain, as people write JSON.
""",
    "schema": "example:\n  bigdata-demos avro schema events.avro > event.avsc\n",
    "meta": """\
examples:
  bigdata-demos avro meta events.avro
  bigdata-demos avro meta --key avro.codec events.avro
""",
    "count": """\
example:
  bigdata-demos avro count events.avro

The sum of what the blocks say of themselves: nothing is decompressed. validate counts the records themselves.
""",
    "cat": """\
examples:
  bigdata-demos avro cat monday.avro tuesday.avro -o both.avro
  bigdata-demos avro cat old.avro new.avro --schema new.avsc --codec zstandard -o all.avro

Without --schema, all becomes of the first file's. Blocks of files that have the same schema and codec are copied as they
are; records of another schema are resolved (specification, "Schema Resolution").
""",
    "recode": """\
example:
  bigdata-demos avro recode events.avro --codec zstandard --level 9 -o small.avro

Blocks are recompressed, records are not decoded. The metadata stay. snappy and zstandard need packages:
pip install 'bigdata-demos[avro]'.
""",
    "fingerprint": """\
examples:
  bigdata-demos avro fingerprint event.avsc
  bigdata-demos avro fingerprint --algorithm SHA-256 events.avro

Of the schema's canonical form, in hexadecimal digits; CRC-64-AVRO has the lowest byte first, as avro-tools
and single-object encoding have it.
""",
    "canonical": "example:\n  bigdata-demos avro canonical event.avsc\n",
    "diff": """\
examples:
  bigdata-demos avro diff old.avsc new.avsc
  bigdata-demos avro diff --need backward old.avro new.avsc

backward: who has NEW reads data of OLD; forward: who has OLD reads data of NEW; full: both. Exit status 1 if what is
needed (default: full) is not so.
""",
    "repair": """\
examples:
  bigdata-demos avro repair broken.avro -o whole.avro
  cat broken.avro | bigdata-demos avro repair - -o whole.avro
  bigdata-demos avro repair headless.avro --schema event.avsc -o whole.avro

Good blocks are copied as they are. What is damaged, and what was lost there, is told on standard error. Records of a
damaged block are kept if they are known to be good: if the file ends inside the block, or only the block's frame is
damaged. --doubtful keeps all that decode before the error: with a byte changed somewhere, they may be wrong. What cannot
be seen: with codec null, deflate or zstandard a changed byte may well make another good record. Of a damaged header, sync
marker and codec are found by what the blocks decode with; the schema, if its JSON is damaged, has to be given. Exit status: 0 if
no record was lost, 1 if some were (the output is written all the same).
""",
    "validate": """\
example:
  bigdata-demos avro validate *.avro

Reads and decodes everything. Exit status 1 with the first error of each file, its offset and its record.
""",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return command.run(parser(), _execute, argv)


def _execute(arguments: argparse.Namespace) -> int:
    return int(getattr(import_module(".commands", __package__), arguments.run)(arguments))


def parser() -> command.Parser:
    """Return the parser of the command line."""
    top = command.Parser(
        "bigdata-demos avro", description="Show, convert, join, recompress, compare and repair Avro files.", epilog=EPILOG
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: str, description: str, *aliases: str, output: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            aliases=aliases,
            help=(description if description[1].isupper() else description[0].lower() + description[1:]).rstrip("."),
            description=description,
            epilog=_EPILOGS[name],
        )
        made.set_defaults(run=run)
        if output:
            made.add_argument("-o", "--output", metavar="PATH", default="-", help="what to write (default: -)")
            made.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
        return made

    def codec(made: argparse.ArgumentParser, default: str | None, shown: str) -> None:
        made.add_argument("--codec", choices=CODECS, default=default, required=shown == "", help=shown or "of the blocks")
        made.add_argument(
            "--level", metavar="N", type=int, help="the codec's: deflate, bzip2 1 to 9, xz 0 to 9, zstandard 1 to 22"
        )

    def messages(made: argparse.ArgumentParser) -> None:
        made.add_argument(
            "--schema",
            metavar="SCHEMA",
            action="append",
            default=[],
            help="the input is messages in single-object encoding, of this schema; repeatable",
        )

    made = add("tojson", "to_json", "Records as JSON lines.")
    made.add_argument("input", metavar="FILE")
    messages(made)
    made.add_argument("--plain", action="store_true", help="no tags in unions, dates and decimals as people write them")
    made = add("head", "to_json", "The first records as JSON lines.")
    made.add_argument("input", metavar="FILE")
    made.add_argument("-n", "--lines", metavar="N", type=command.number_from(0), default=10, help="how many (default: 10)")
    made.add_argument("--plain", action="store_true", help="as in tojson")
    messages(made)
    made = add("fromjson", "from_json", "JSON values as an Avro file.")
    made.add_argument("input", metavar="FILE", help="JSON lines")
    made.add_argument(
        "--schema", metavar="SCHEMA", help="JSON, a file of it, or an Avro file that has one (default: inferred from all values)"
    )
    made.add_argument("--plain", action="store_true", help="values are plain JSON, without tags in unions")
    made.add_argument("--single-object", action="store_true", help="write messages in single-object encoding, of --schema")
    codec(made, None, "of the blocks (default: deflate)")
    made = add("schema", "show_schema", "The schema of a file, as JSON.", "getschema")
    made.add_argument("input", metavar="FILE")
    made = add("meta", "show_meta", "The metadata of a file: a key, a tab and its value a line.", "getmeta")
    made.add_argument("input", metavar="FILE")
    made.add_argument("--key", metavar="KEY", help="the value of this one only")
    made = add("count", "count", "How many records there are, in all files.", output=False)
    made.add_argument("inputs", metavar="FILE", nargs="+")
    made = add("cat", "concatenate", "Several files as one.", "concat")
    made.add_argument("inputs", metavar="FILE", nargs="+")
    made.add_argument(
        "--schema", metavar="SCHEMA", help="JSON, a file of it, or an Avro file that has one (default: that of the first file)"
    )
    codec(made, None, "of the blocks (default: that of the first file)")
    made = add("recode", "recode", "The same records, compressed by another codec.", "recodec")
    made.add_argument("input", metavar="FILE")
    codec(made, None, "")
    made = add("fingerprint", "show_fingerprint", "The fingerprint of a schema.")
    made.add_argument("input", metavar="SCHEMA", help="a schema, or an Avro file that has one")
    made.add_argument("--algorithm", choices=ALGORITHMS, default="CRC-64-AVRO", help="(default: CRC-64-AVRO)")
    made = add("canonical", "show_canonical", "A schema's canonical form.")
    made.add_argument("input", metavar="SCHEMA", help="a schema, or an Avro file that has one")
    made = add("diff", "diff", "Whether data of one schema can be read with another, and why not.")
    made.add_argument("old", metavar="OLD", help="a schema, or an Avro file that has one")
    made.add_argument("new", metavar="NEW", help="another")
    made.add_argument("--need", choices=_NEEDS, default="full", help="what makes the exit status 0 (default: full)")
    made = add("repair", "mend", "What is left of a damaged file, as a whole one.")
    made.add_argument("input", metavar="FILE")
    made.add_argument("--doubtful", action="store_true", help="keep records that decode, but may be wrong")
    made.add_argument("--schema", metavar="SCHEMA", help="a file, or JSON, if the header is damaged (default: the header's)")
    made.add_argument("--codec", choices=CODECS, help="of the blocks (default: the header's, or one that they decode with)")
    made = add("validate", "validate", "Reads everything; tells the first error.", output=False)
    made.add_argument("inputs", metavar="FILE", nargs="+")
    return top
