"""``bigdata-demos COMMAND …``: hands over to the command's own ``__main__``, which is imported only then."""

import importlib
import sys

COMMANDS = {
    "keywords": "keywords of a crawl, on any engine",
    "corpus": "make or convert a corpus",
    "avro": "Avro files: as JSON and back, looked into, joined, recompressed, compared, repaired",
    "bench": "the engines side by side: time, CPU, memory, COST",
    "rpc": "the keyword index as a service: Avro RPC over HTTP",
    "interview": "what to say of it in an interview: engines compared, their code, your figures",
    "cluster": "a Spark or Dask cluster on this machine, of containers or of processes",
}


def main() -> int:
    """Run the command named first on the command line; returns its exit status."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in COMMANDS:
        command = importlib.import_module(f"bigdata_demos.{name}.__main__")
        return int(command.main(sys.argv[2:]))
    if name == "--version":
        from bigdata_demos import __version__

        print(f"bigdata-demos {__version__}")
        return 0
    usage = "usage: bigdata-demos COMMAND [ARGUMENT …]\n\n" + "".join(
        f"  {command:10}{what}\n" for command, what in COMMANDS.items()
    )
    usage += "\n`bigdata-demos COMMAND --help` says more."
    if name in ("-h", "--help"):
        print(usage)
        return 0
    print(f"bigdata-demos: no such command: {name!r}\n\n{usage}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
