"""Runs in a container of the compose cluster: all inputs of the conformance suite through one session, a JSON line of each result."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from bigdata_demos.cluster.container import MASTER
from bigdata_demos.errors import BigDataDemosError
from bigdata_demos.keywords import open_session, run


def main() -> None:
    """Arguments: the inputs as JSON, a directory for outputs, the number of workers."""
    work, outputs = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    with open_session("spark", workers=int(sys.argv[3]), cluster=MASTER) as session:
        for name, given in work.items():
            output = outputs / name / "result"
            output.parent.mkdir(parents=True)
            lines = Path(given["stdin"]).read_bytes().splitlines(keepends=True)
            options = {"max_rejected": 90, **given["options"]}
            try:
                result = run(given["paths"], engine=session, output=output, stdin=lines, **options)
                answer: object = {**asdict(result), "output": str(output)}
            except BigDataDemosError as error:
                answer = str(error)
            print(json.dumps({name: answer}))


if __name__ == "__main__":
    main()
