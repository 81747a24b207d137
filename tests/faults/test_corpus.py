"""The corpus of what must be refused is large, and no case is in it twice."""

from tests.faults import test_corpus_arguments, test_corpus_data, test_corpus_models

MODULES = (test_corpus_models, test_corpus_data, test_corpus_arguments)


def test_the_corpus_holds_at_least_two_hundred_cases():
    counts = {module.__name__: sum(map(len, module.CASES.values())) for module in MODULES}
    assert sum(counts.values()) >= 200, counts
    assert all(count >= 50 for count in counts.values()), counts
