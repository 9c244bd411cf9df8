"""The map of one page by the readable kernel."""

from bigdata_demos.crawl.model import Page, Rejected
from bigdata_demos.keywords.analysis.candidates import Candidates, Vocabulary, find_candidates
from bigdata_demos.keywords.analysis.kernels.plain import PlainKernel
from bigdata_demos.keywords.analysis.scores import tokens
from bigdata_demos.keywords.job import map_page
from bigdata_demos.keywords.model import Document


def map_plainly(page: Page, vocabulary: Vocabulary) -> tuple[Document, Candidates] | Rejected:
    """Map a page as the job does, with the readable kernel; returns its candidates as well."""
    kernel = PlainKernel(vocabulary.stopwords)
    kernel.vocabulary = vocabulary
    document = map_page(page, kernel)
    if isinstance(document, Rejected):
        return document
    candidates = find_candidates(vocabulary.numbers(tokens(document)), vocabulary)
    assert [hashes.tolist() for hashes in kernel.pages] == [candidates.hashes.tolist()]
    return document, candidates
