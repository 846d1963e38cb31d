"""A number of digits that is expected, and wrong, never changes what is read."""

from pathlib import Path

import pytest

from digitd.imaging.decode import Limits
from digitd.recognition.bundle import Bundle, shipped
from digitd.recognition.reader import Options, ScanInput, open_reader
from digitd.results import Status

SAMPLES = Path(__file__).parents[3] / "samples"


@pytest.mark.parametrize(("sample", "text"), [("line-postcode.png", "10115"), ("single-5.png", "5")])
@pytest.mark.parametrize("more", [1, 3, 4])
def test_no_digit_is_made_up_to_please(sample: str, text: str, more: int) -> None:
    """The reading is the one without the expectation, and a person is asked."""
    reader = open_reader(Bundle.load(shipped()), "litert", Limits(10**7, 10**7, 10))
    data = (SAMPLES / sample).read_bytes()
    (outcome,) = reader.read([ScanInput(sample, data, Options(digits=len(text) + more))])
    assert (outcome.status, outcome.text) == (Status.REVIEW, text)
    assert outcome.reason is not None
    assert outcome.reason.code == "digits_expected"
