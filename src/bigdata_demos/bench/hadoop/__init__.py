"""The benchmark of what only Hadoop offers."""
