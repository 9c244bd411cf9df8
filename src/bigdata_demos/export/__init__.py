"""Tables of an output for other tools: Parquet, DuckDB, CSV and JSON lines."""
