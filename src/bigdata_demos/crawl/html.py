"""Pages from HTML files, one for each file."""

from typing import BinaryIO

from .model import MAX_BYTES, Page, Range


def read_html(file: BinaryIO, piece: Range) -> Page:
    """Return the page of an HTML file."""
    return Page(piece.name, piece.path, 0, file.read(MAX_BYTES + 1))
