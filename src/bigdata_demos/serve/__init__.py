"""A crawl's index as web pages, and as an API of JSON."""
