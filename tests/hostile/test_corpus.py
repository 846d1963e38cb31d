"""Every file of the corpus through the product's own reader: each fails with a reason that it may have, or is read."""

import pytest

from digitd import config
from digitd.evaluation.limits import limits_of
from digitd.pool.listener import Listener
from digitd.recognition.bundle import Bundle, shipped
from digitd.recognition.reader import Options, Reader, ScanInput, open_reader
from hostile import corpus
from hostile.corpus import READ, TEXT, Case

CASES = list(corpus.cases())


@pytest.fixture(scope="module")
def reader() -> Reader:
    """As a worker has it, with the limits of the default configuration."""
    return open_reader(Bundle.load(shipped()), "litert", limits_of(config.load(None)), Listener().listen)


def outcome(reader: Reader, case: Case) -> tuple[str, str, str]:
    """The status, the reason's code, and the text."""
    how = config.load(None).recognition
    [found] = reader.read([ScanInput(case.name, case.data, Options(how.layout, how.digits, how.accept, how.margin))])
    return str(found.status), found.reason.code if found.reason else "", found.text


def test_there_are_enough() -> None:
    """With names that differ."""
    assert len({case.name for case in CASES}) == len(CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_has_a_reason(reader: Reader, case: Case) -> None:
    """Nothing that is no scan is read as digits, and nothing but a documented failure comes of it."""
    status, code, text = outcome(reader, case)
    if status == "failed":
        assert code in case.may
    else:
        assert READ in case.may
        assert status != "accepted" or text == TEXT


@pytest.mark.parametrize("ending", sorted(corpus.whole()))
def test_cut_short_at_every_hundredth(reader: Reader, ending: str) -> None:
    """It is never half read: it fails, or, where only what follows the picture is missing, is read as it is whole."""
    for case in corpus.cut(ending):
        status, code, text = outcome(reader, case)
        if status == "failed":
            assert code in case.may, case.name
        else:
            assert text == TEXT, case.name


@pytest.mark.parametrize("ending", sorted(corpus.whole()))
def test_flipped_bits(reader: Reader, ending: str) -> None:
    """Nothing but a documented failure, or a reading. PNG has checksums, so there it is right; what changed in the
    others may be another picture altogether, and nothing tells."""
    for case in corpus.flipped(ending):
        status, code, text = outcome(reader, case)
        if status == "failed":
            assert code in case.may, (case.name, code)
        else:
            assert status != "accepted" or ending != "png" or text == TEXT, case.name
