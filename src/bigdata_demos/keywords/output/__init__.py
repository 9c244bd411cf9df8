"""The output of a run: parts, digest, commit; and spilled files between its tasks."""
