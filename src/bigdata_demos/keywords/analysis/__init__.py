"""From a page to its keywords."""
