"""The benchmark of indexes: loading, queries, sizes."""
