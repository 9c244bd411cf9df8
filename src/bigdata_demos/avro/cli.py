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

`bigdata-demos avro COMMAND --help` has the details. - is standard input or output. The names of avro-tools (getschema,
getmeta, recodec, concat) work, too. Exit status: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
"""
_EPILOGS: Final = {
    "tojson": """\
examples:
  bigdata-demos avro tojson events.avro > events.jsonl
  bigdata-demos avro tojson --plain events.avro | jq -r .when
  kcat -C -t events -D '' | bigdata-demos avro tojson - --schema event-1.avsc --schema event-2.avsc

With --schema, the input is not an Avro file, but a stream of messages in single-object encoding (C3 01, the fingerprint of a
schema, a datum); the fingerprint selects one of the schemas. A schema is a file, JSON, an Avro file, or one of this package's
own: bigdata-demos:page, bigdata-demos:page/1.
The output has one record per line, in the specification's JSON encoding, as in avro-tools: values of unions are tagged with
their type, {"string": "x"}, and bytes are Latin-1. --plain writes no tags, and readable dates, times and decimals.
""",
    "head": """\
examples:
  bigdata-demos avro head events.avro
  curl -s https://example.org/events.avro | bigdata-demos avro head -n 1 --plain -
""",
    "fromjson": """\
examples:
  bigdata-demos avro fromjson events.jsonl -o events.avro                       the schema is inferred, which implies --plain
  bigdata-demos avro fromjson events.jsonl --schema event.avsc -o events.avro
  bigdata-demos avro tojson a.avro | bigdata-demos avro fromjson - --schema a.avsc -o b.avro
  bigdata-demos avro fromjson event.json --schema event.avsc --single-object -o event.bin

--single-object writes a stream of messages (C3 01, the schema's fingerprint, the datum) instead of an Avro file. The input is
a stream of JSON values, each on one line or on several. With --schema, they are in the specification's JSON encoding, as tojson
and avro-tools write it, or plain JSON with --plain.
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

Adds up the counts of the blocks without decompressing them; validate counts the records themselves.
""",
    "cat": """\
examples:
  bigdata-demos avro cat monday.avro tuesday.avro -o both.avro
  bigdata-demos avro cat old.avro new.avro --schema new.avsc --codec zstandard -o all.avro

The default schema is the first file's. Blocks of files with the same schema and codec are copied unchanged; records of other
schemas are resolved (specification, "Schema Resolution").
""",
    "recode": """\
example:
  bigdata-demos avro recode events.avro --codec zstandard --level 9 -o small.avro

Blocks are recompressed without decoding records, and metadata are copied. snappy and zstandard need packages:
pip install 'bigdata-demos[avro]'.
""",
    "fingerprint": """\
examples:
  bigdata-demos avro fingerprint event.avsc
  bigdata-demos avro fingerprint --algorithm SHA-256 events.avro

Prints the fingerprint of the schema's canonical form in hexadecimal digits; CRC-64-AVRO is little-endian, as in avro-tools
and in single-object encoding.
""",
    "canonical": "example:\n  bigdata-demos avro canonical event.avsc\n",
    "diff": """\
examples:
  bigdata-demos avro diff old.avsc new.avsc
  bigdata-demos avro diff --need backward old.avro new.avsc

backward: NEW can read data of OLD; forward: OLD can read data of NEW; full: both. The exit status is 1 if the needed
compatibility (default: full) is missing.
""",
    "repair": """\
examples:
  bigdata-demos avro repair broken.avro -o whole.avro
  cat broken.avro | bigdata-demos avro repair - -o whole.avro
  bigdata-demos avro repair headless.avro --schema event.avsc -o whole.avro

Valid blocks are copied unchanged; damage and losses are reported on standard error. Records of a damaged block are kept if
they are certain to be valid: if the file ends inside the block, or only the block's frame is damaged. --doubtful keeps all
records that decode before the error, which may be wrong. With the codecs null, deflate and zstandard, a changed byte can result
in another valid record, which cannot be detected. If the header is damaged, the sync marker and the codec are found by decoding
blocks; the schema must be given if its JSON is damaged. Exit status: 0 if no record was lost, 1 if some were (the output is
written all the same).
""",
    "validate": """\
example:
  bigdata-demos avro validate *.avro

Decodes all records, and reports the first error of each file, with its offset and record. The exit status is then 1.
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
            made.add_argument("-o", "--output", metavar="PATH", default="-", help="output file (default: -)")
            made.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
        return made

    def codec(made: argparse.ArgumentParser, default: str | None, shown: str) -> None:
        made.add_argument("--codec", choices=CODECS, default=default, required=shown == "", help=shown or "of the blocks")
        made.add_argument(
            "--level", metavar="N", type=int, help="level of the codec: deflate, bzip2 1 to 9, xz 0 to 9, zstandard 1 to 22"
        )

    def messages(made: argparse.ArgumentParser) -> None:
        made.add_argument(
            "--schema",
            metavar="SCHEMA",
            action="append",
            default=[],
            help="the input is messages in single-object encoding, of this schema; repeatable",
        )

    made = add("tojson", "to_json", "Print records as JSON lines.")
    made.add_argument("input", metavar="FILE")
    messages(made)
    made.add_argument("--plain", action="store_true", help="no tags in unions, readable dates and decimals")
    made = add("head", "to_json", "Print the first records as JSON lines.")
    made.add_argument("input", metavar="FILE")
    made.add_argument(
        "-n", "--lines", metavar="N", type=command.number_from(0), default=10, help="number of records (default: 10)"
    )
    made.add_argument("--plain", action="store_true", help="as in tojson")
    messages(made)
    made = add("fromjson", "from_json", "Convert JSON values to an Avro file.")
    made.add_argument("input", metavar="FILE", help="JSON lines")
    made.add_argument(
        "--schema", metavar="SCHEMA", help="JSON, a file of it, or an Avro file that has one (default: inferred from all values)"
    )
    made.add_argument("--plain", action="store_true", help="values are plain JSON, without tags in unions")
    made.add_argument("--single-object", action="store_true", help="write messages in single-object encoding, of --schema")
    codec(made, None, "of the blocks (default: deflate)")
    made = add("schema", "show_schema", "Print the schema of a file as JSON.", "getschema")
    made.add_argument("input", metavar="FILE")
    made = add("meta", "show_meta", "Print the metadata of a file: a key, a tab and its value per line.", "getmeta")
    made.add_argument("input", metavar="FILE")
    made.add_argument("--key", metavar="KEY", help="print only the value of this key")
    made = add("count", "count", "Print the number of records in all files.", output=False)
    made.add_argument("inputs", metavar="FILE", nargs="+")
    made = add("cat", "concatenate", "Join several files.", "concat")
    made.add_argument("inputs", metavar="FILE", nargs="+")
    made.add_argument(
        "--schema", metavar="SCHEMA", help="JSON, a file of it, or an Avro file that has one (default: that of the first file)"
    )
    codec(made, None, "of the blocks (default: that of the first file)")
    made = add("recode", "recode", "Compress the blocks of a file by another codec.", "recodec")
    made.add_argument("input", metavar="FILE")
    codec(made, None, "")
    made = add("fingerprint", "show_fingerprint", "Print the fingerprint of a schema.")
    made.add_argument("input", metavar="SCHEMA", help="a schema, or an Avro file that has one")
    made.add_argument("--algorithm", choices=ALGORITHMS, default="CRC-64-AVRO", help="(default: CRC-64-AVRO)")
    made = add("canonical", "show_canonical", "Print the canonical form of a schema.")
    made.add_argument("input", metavar="SCHEMA", help="a schema, or an Avro file that has one")
    made = add("diff", "diff", "Report whether data of one schema can be read with another, and why not.")
    made.add_argument("old", metavar="OLD", help="a schema, or an Avro file that has one")
    made.add_argument("new", metavar="NEW", help="another one")
    made.add_argument("--need", choices=_NEEDS, default="full", help="compatibility for exit status 0 (default: full)")
    made = add("repair", "mend", "Recover the valid records of a damaged file.")
    made.add_argument("input", metavar="FILE")
    made.add_argument("--doubtful", action="store_true", help="keep records that decode, but may be wrong")
    made.add_argument("--schema", metavar="SCHEMA", help="a file, or JSON, if the header is damaged (default: the header's)")
    made.add_argument("--codec", choices=CODECS, help="of the blocks (default: the header's, or one that they decode with)")
    made = add("validate", "validate", "Decode all records, and report the first error.", output=False)
    made.add_argument("inputs", metavar="FILE", nargs="+")
    return top
