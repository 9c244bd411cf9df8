"""The benchmark of file formats: the same records as JSON lines, Avro and Parquet."""
