"""Spark's side of tests/avro/test_interop.py, in a process of its own: pyspark takes jars only when its Java starts.

Arguments: the jar of spark-avro, a directory with CODEC.avro for each codec and ``schema.avsc``, and one for the answers: of
each, CODEC.pickle, the rows as Spark has them, and CODEC, the directory of what Spark writes, by the same schema and codec;
``own`` is what it writes by a schema of its own. Of the job's output in ``result``,
KIND.avro.pickle and KIND.parquet.pickle are the rows of each kind.
"""

import pickle
import sys
from pathlib import Path

from pyspark.sql import SparkSession

SPARKS_NAMES = {"null": "uncompressed"}


def main(jar: str, source: Path, target: Path) -> None:
    """Read and write everything."""
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.jars", jar)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "512m")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    schema = (source / "schema.avsc").read_text(encoding="utf-8")
    for file in sorted(source.glob("*.avro")):
        codec = file.stem
        rows = session.read.format("avro").load(str(file))
        with (target / f"{codec}.pickle").open("wb") as kept:
            pickle.dump([row.asDict(recursive=True) for row in rows.collect()], kept)
        written = rows.coalesce(1).write.format("avro").option("avroSchema", schema)
        written.option("compression", SPARKS_NAMES.get(codec, codec)).save(str(target / codec))
        if codec == "null":
            rows.coalesce(1).write.format("avro").save(str(target / "own"))
    for kind in ("keywords", "index", "rejected"):
        avro = session.read.format("avro").load(str(source / "result" / kind / "part-*.avro"))
        parquet = session.read.parquet(str(source / "result" / "parquet" / kind))
        for form, rows in (("avro", avro), ("parquet", parquet)):
            with (target / f"{kind}.{form}.pickle").open("wb") as file_of_rows:
                pickle.dump([row.asDict(recursive=True) for row in rows.collect()], file_of_rows)
    session.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
