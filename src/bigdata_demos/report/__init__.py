"""A crawl's overview, and a search over its titles and keywords, as one HTML file that needs neither server nor network."""
