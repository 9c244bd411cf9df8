"""A database of a run's pages that can be searched: its tables, and how it is loaded from an output."""
