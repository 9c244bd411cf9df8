"""Searching an index: queries, ranking, snippets."""
