"""Fuzzes what reads Avro, by atheris: ``PYTHONPATH=src:. python -m tests.fuzz.fuzz_avro CORPUS [libFuzzer's options]``.

See README.md beside this file.
"""

import importlib
import os
import sys
from typing import Any


def main() -> None:
    """Write the seeds to the corpus, and fuzz until something is found, or the time is over."""
    atheris: Any = importlib.import_module("atheris")  # not a dependency of the tests
    with atheris.instrument_imports(include=["bigdata_demos"]):
        targets: Any = importlib.import_module("tests.fuzz.targets")
        limits: Any = importlib.import_module("bigdata_demos.avro.limits")
    limits.MAX_BLOCK = targets.MAX_BLOCK
    folders = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    for folder in folders[:1]:
        os.makedirs(folder, exist_ok=True)
        for number, seed in enumerate(targets.seeds()):
            with open(os.path.join(folder, f"seed-{number}"), "wb") as file:
                file.write(seed)
    atheris.Setup(sys.argv, targets.fuzz)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
