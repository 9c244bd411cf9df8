"""What the pages for browsers have in common: templates, the stylesheet, and how addresses and numbers are shown."""
