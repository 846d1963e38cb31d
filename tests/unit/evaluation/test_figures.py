"""Labelled readings become figures: at any threshold as if they had been read with it."""

import json
from dataclasses import replace

import pytest

from digitd.evaluation import words
from digitd.evaluation.figures import Case, figures
from digitd.interval import wilson

BUNDLE = ("test 1", "0" * 64)


def case(label: str, text: str, confidence: float | None, status: str = "accepted", reason: str | None = None) -> Case:
    """A case as it is read with accept 0."""
    return Case(f"{label}-{text}.png", label, text, status, reason, confidence, status == "accepted", "")


CASES = [
    case("1", "1", 0.99),
    case("2", "2", 0.95),
    case("7", "1", 0.92),
    case("4", "4", 0.97, "review", "low_margin"),
    case("5", "6", 0.6),
    case("", "", None, "blank"),
    case("8", "", None, "failed", "damaged"),
    case("12", "1", 0.98, "review", "digits_expected"),
]


def test_a_threshold_decides_afterwards() -> None:
    """What is below it goes to review for low_confidence, unless a graver reason is there; a failure stays one."""
    assert case("1", "1", 0.9).judged(0.9).status == "accepted"
    assert (case("1", "1", 0.89).judged(0.9).status, case("1", "1", 0.89).judged(0.9).reason) == (
        "review",
        "low_confidence",
    )
    assert case("1", "1", 0.5, "review", "low_margin").judged(0.9).reason == "low_confidence"
    assert case("1", "1", 0.5, "review", "digits_expected").judged(0.9).reason == "digits_expected"
    assert case("", "", None, "blank").judged(0.9).status == "blank"


def test_a_label_without_page_breaks_leaves_them_open() -> None:
    """Lines of a label may be on several pages; a label that names the pages means them."""
    assert case("1\n2", "1\f2", 0.9).right
    assert not case("1\f2", "1\n2", 0.9).right
    assert case("1\f2", "1\f2", 0.9).right


def test_the_figures_are_counted() -> None:
    """Right, statuses, accepted and wrong, errors with the surest accepted one first."""
    found = figures(BUNDLE, "scans", CASES, accept=0.9, margin=0.5)
    assert (found.total, found.right, found.accepted, found.accepted_wrong) == (8, 4, 3, 1)
    assert found.statuses == {"accepted": 3, "review": 3, "blank": 1, "failed": 1}
    assert [each.name for each in found.errors] == ["7-1.png", "12-1.png", "5-6.png", "8-.png"]
    assert found.confident == 6
    assert [(point.threshold, point.accepted, point.wrong) for point in found.curve] == [
        (0.99, 1, 0),
        (0.95, 2, 0),
        (0.92, 3, 1),
        (0.6, 4, 2),
    ]
    assert found.curve[-1].coverage == 0.5
    assert found.confusion.unaligned == 1
    assert found.choice is None


def test_the_figures_are_plain_json() -> None:
    """One object with every figure, and the intervals beside the shares."""
    plain = figures(BUNDLE, "scans", CASES, accept=0.9, margin=0.5, error=0.4).plain()
    again = json.loads(json.dumps(plain))
    assert (again["scans"], again["accuracy"], again["read_rate"]) == (8, 0.5, 0.375)
    assert again["interval_95"] == list(wilson(4, 8))
    assert again["wrong_of_accepted"] == pytest.approx(1 / 3)
    assert again["wrong_of_accepted_interval_95"] == list(wilson(1, 3))
    assert len(again["reliability"]) == 10
    assert again["confusion"]["counts"][7][1] == 1
    assert again["threshold"] == {
        "error": 0.4,
        "margin": 0.5,
        "needed_without_error": 6,
        "accept": 0.92,
        "enough": False,
        "accepted": 3,
        "accepted_and_wrong": 1,
        "wrong_of_accepted": 1 / 3,
        "wrong_of_accepted_interval_95": list(wilson(1, 3)),
        "read_rate": 0.375,
    }


def test_a_threshold_that_does_not_exist_is_said() -> None:
    """Where even the surest is wrong there is none, in JSON null, and in words."""
    found = figures(BUNDLE, "scans", [case("1", "7", 0.99)], accept=0.9, margin=0.5, error=0.01)
    assert found.plain()["threshold"]["accept"] is None
    assert found.choice is not None
    assert "No threshold" in "\n".join(words.threshold(found.choice, found))


def test_nothing_accepted_divides_by_nothing() -> None:
    """Blank pages alone: no share of the accepted, no calibration error, no curve."""
    found = figures(BUNDLE, "scans", [case("", "", None, "blank")], accept=0.9, margin=0.5)
    plain = found.plain()
    assert (plain["wrong_of_accepted"], plain["expected_calibration_error"], plain["risk_coverage"]) == (None, None, [])
    assert words.risks(found) == []
    assert ("read rate", "0 (0.00 %)") in [row[:2] for row in words.rows(found)]


def test_few_scans_prove_little_and_that_is_said() -> None:
    """Without a wrong one, the upper bound that so few give, how many it takes, and no lines to set."""
    cases = [case("1", "1", 0.95), *(case("2", "2", 0.99) for _ in range(34))]
    found = figures(BUNDLE, "scans", cases, accept=0.9, margin=0.4, error=0.003)
    assert found.choice is not None
    said = "\n".join(words.threshold(found.choice, found))
    assert "0 wrong of 35 accepted (0.00 %); read rate 100.00 % of 35 scans" in said
    assert f"below {words.percent(wilson(0, 35)[1])}" in said
    assert "It takes 1,277 accepted without a wrong one: 1,277 scans" in said
    assert "None of them was less sure" in said
    assert said.endswith("keep the accept that is set now, 0.9.")


def test_a_threshold_that_is_shown_goes_before_a_lower_one_that_is_not() -> None:
    """Down to 0.5 a tenth is wrong by chance; down to 0.9 so many are right that it is shown."""
    cases = [case("1", "1", 0.9)] * 100 + [case("1", "7", 0.5)] * 11
    found = figures(BUNDLE, "scans", cases, accept=0.9, margin=0.3, error=0.1)
    assert found.choice is not None and found.choice.point is not None
    assert (found.choice.enough, found.choice.lowest, found.choice.point.threshold) == (True, False, 0.9)
    assert list(words.threshold(found.choice, found))[-2:] == ["  accept: 0.9000", "  margin: 0.3"]


@pytest.mark.parametrize(("part", "whole"), [(0, 517), (1, 1), (2, 2), (1, 20001), (20000, 20001), (0, 1)])
def test_an_interval_holds_its_share_as_it_is_written(part: int, whole: int) -> None:
    """At the ends it begins with 0.00 % and ends with 100.00 %."""
    low, high = (float(words.percent(each).rstrip(" %")) for each in wilson(part, whole))
    assert low <= float(words.percent(part / whole).rstrip(" %")) <= high


def test_errors_that_are_no_confusions_are_not_called_none() -> None:
    """Of a text with another number of digits it is said how many there are."""
    found = figures(BUNDLE, "scans", [case("12", "1", 0.9)], accept=0.9, margin=0.5, unlabelled=3)
    assert ("confusions", "no digit for another", "1 with another number of digits or lines") in words.rows(found)
    assert ("left out", "3", "images without a label") in words.rows(found)


def test_enough_scans_are_not_belittled() -> None:
    """Two thousand without an error show that at most 0.3 % are wrong."""
    cases = [replace(case("1", "1", 0.95), key=str(number)) for number in range(2000)]
    found = figures(BUNDLE, "scans", cases, accept=0.9, margin=0.5, error=0.003)
    assert found.choice is not None
    assert "not enough" not in "\n".join(words.threshold(found.choice, found))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.0, "100.00 %"), (0.99999, "99.99 %"), (0.0, "0.00 %"), (1e-6, "0.01 %"), (0.12346, "12.35 %")],
)
def test_a_share_is_not_rounded_to_all_or_nothing(value: float, shown: str) -> None:
    """99.999 % is not all, and one in a million is not none."""
    assert words.percent(value) == shown
