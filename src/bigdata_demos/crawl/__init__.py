"""From paths to pages: files are found, planned as splits, and read as pages."""
