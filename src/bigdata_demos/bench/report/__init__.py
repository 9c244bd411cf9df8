"""The figures of a benchmark, as text for a terminal and as one HTML page."""
