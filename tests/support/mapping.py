"""The map of one page by the readable kernel, and documents for it."""

from bigdata_demos.crawl.model import Page, Rejected
from bigdata_demos.keywords.analysis.candidates import Candidates, find_candidates, find_tokens
from bigdata_demos.keywords.analysis.kernels.plain import PlainKernel
from bigdata_demos.keywords.job import map_page
from bigdata_demos.keywords.model import Document


def map_plainly(page: Page, kernel: PlainKernel) -> tuple[Document, Candidates] | Rejected:
    """Map a page as the job does, with the readable kernel; returns its candidates as well."""
    kernel.start_counts()
    document = map_page(page, kernel, kernel.rules)
    if isinstance(document, Rejected):
        return document
    vocabulary = kernel.vocabulary(document.language)
    candidates = find_candidates(find_tokens(document, vocabulary), vocabulary)
    assert [hashes.tolist() for hashes in kernel.pages] == [candidates.hashes.tolist()]
    return document, candidates


def with_site(document: Document) -> Document:
    """Give a document a site that is named by up to five words of it, how many and which depends on its text."""
    words = document.text.replace("\u200b", "").split()
    start = len(document.utf8) % (len(words) // 2 + 1)
    return document._replace(site=" ".join(words[start : start + len(document.utf8) % 6]))
