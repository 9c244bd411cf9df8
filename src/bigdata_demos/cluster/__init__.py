"""Starts, probes and explains clusters: what would clutter the engines."""
