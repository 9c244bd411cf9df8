"""From paths to pages."""
