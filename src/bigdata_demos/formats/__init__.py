"""File formats: what the libraries leave to their users."""
