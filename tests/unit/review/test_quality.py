"""What the verified sample says of the accepted, in `digitd status` and `digitd evaluate --verified`."""

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from delivery_rig import Rig, workplace
from desk_rig import fill, settings_of
from digitd.cli import run, shown
from digitd.interval import wilson
from digitd.report import report
from digitd.results import Status
from digitd.review.desk import Answer, Desk, Filter
from digitd.settings import Settings
from digitd.verifying import Verifier

ACCEPTED = Filter(statuses=frozenset({Status.ACCEPTED}))
WRONG_OF = 3
"""Every third that is verified is wrong."""


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Three hundred accepted scans, and two to review."""
    with workplace() as base:
        made = Rig(base, json="off")
        fill(made, *(f"{number}.png" for number in range(300)), status=Status.ACCEPTED)
        fill(made, "unsure1.png", "unsure2.png")
        yield made


def settings(rig: Rig) -> Settings:
    """A quarter of the accepted is drawn."""
    return settings_of(rig, undo=0, sample=0.25)


def deliver(rig: Rig) -> None:
    """As a daemon does."""
    with rig.open() as delivery:
        delivery.recover()
        Verifier(rig.journal, delivery).deliver_all()
        delivery.close()


def verify(rig: Rig, most: int) -> int:
    """Verify up to so many of the sample; gives how many are wrong."""
    wrong = 0
    with Desk(settings(rig)) as desk:
        for number, item in enumerate(desk.next("anna", count=2 + most)):
            is_wrong = item.result.status is Status.ACCEPTED and number % WRONG_OF == 0
            wrong += is_wrong
            desk.decide("anna", item.key, Answer(texts=("11" if is_wrong else item.result.text,)))
    deliver(rig)
    return wrong


def test_the_true_error_of_the_accepted_and_its_interval(rig: Rig) -> None:
    """By Wilson, of the accepted alone: what went to review does not count."""
    wrong = verify(rig, 30)
    told = report(settings(rig)).quality
    assert told is not None
    assert (told.verified, told.wrong, told.error) == (30, wrong, wrong / 30)
    assert (told.low, told.high) == wilson(wrong, 30)
    assert 30 + told.waiting == sum(row["id"] < "4" for row in rig.csv_rows() if row["status"] == "accepted")
    assert f"{wrong} wrong of 30 accepted that people verified" in shown.quality(told)


def test_the_last_word_on_a_scan_counts(rig: Rig) -> None:
    """A verdict that was taken back later is none."""
    verify(rig, 0)
    with Desk(settings(rig)) as desk:
        [item] = desk.next("anna")
        desk.decide("anna", item.key, Answer(texts=("11",)))
    deliver(rig)
    with Desk(settings(rig)) as desk:
        again = desk.undo("anna")
        assert again is not None
        desk.decide("anna", again.key, Answer(texts=(item.result.text,)))
    deliver(rig)
    told = report(settings(rig)).quality
    assert told is not None
    assert (told.verified, told.wrong) == (1, 0)


def test_one_that_was_not_drawn_does_not_count(rig: Rig) -> None:
    """Whoever picks scans to look at does not pick by chance."""
    with Desk(settings(rig)) as desk:
        picked = next(item for item in desk.search(ACCEPTED).items if item.id > "4")
        desk.take("anna", picked.key)
        desk.decide("anna", picked.key, Answer(texts=("11",)))
    deliver(rig)
    told = report(settings(rig)).quality
    assert told is not None
    assert (told.verified, told.error, told.low, told.high) == (0, None, 0.0, 1.0)
    assert "nobody has verified" in shown.quality(told)


def test_status_tells_what_waits_and_what_was_verified(rig: Rig) -> None:
    """By status, and in a line; what people made is not counted as read."""
    told = report(settings(rig))
    assert told.review is not None
    assert told.review.waiting["review"] == 2
    assert told.read_today == 0, "the scans of the rig were read in another year"
    verify(rig, 5)
    told = report(settings(rig))
    assert told.review is not None
    assert (told.review.waiting["review"], told.review.verified_today, told.review.unpublished) == (0, 7, 0)
    assert told.read_today == 0
    assert told.by_status["verified"] == 7
    assert any("7 verified today" in line for line in shown.sentences(told))
    with Desk(settings(rig)) as desk:
        [item] = desk.next("anna")
        desk.decide("anna", item.key, Answer(texts=("1",)))
    assert any("1 verdicts not yet published" in line for line in shown.sentences(report(settings(rig))))


def test_without_a_sample_there_is_no_figure(rig: Rig) -> None:
    """Rather than one that says nothing."""
    told = report(settings_of(rig))
    assert told.quality is None
    assert told.review is not None
    assert told.review.waiting == {"review": 2}


def test_an_older_journal_is_read_without_reviews(rig: Rig) -> None:
    """A daemon of an older digitd may still run."""
    with closing(sqlite3.connect(rig.state / "journal.sqlite3", isolation_level=None)) as db:
        for table in ("waiting", "leases", "verdicts", "reviews"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 2")
    told = report(settings(rig))
    assert (told.review, told.quality) == (None, None)


def configured(rig: Rig, sample: float) -> str:
    """A config.yaml of the rig."""
    file = rig.base / "config.yaml"
    file.write_text(f"review: {{sample: {sample}}}\noutbox: {{json: 'off'}}\n")
    return str(file)


def test_evaluate_tells_the_same(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """From the command line, in words and as JSON."""
    wrong = verify(rig, 30)
    capsys.readouterr()
    assert run(["evaluate", "--verified", "--json", "-c", configured(rig, 0.25)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verified"], told["wrong"]) == (30, wrong)
    assert run(["evaluate", "--verified", "-c", configured(rig, 0.25)]) == 0
    assert f"{wrong} wrong of 30" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--verified", "scans"], "--verified goes with"),
        ([], "a FOLDER is missing"),
        (["--verified"], "review.sample is 0"),
    ],
)
def test_evaluate_refuses_what_makes_no_sense(
    rig: Rig, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the remedy."""
    assert run(["evaluate", *arguments, "-c", configured(rig, 0)]) == 2
    assert said in capsys.readouterr().err


def test_no_journal_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another configuration, perhaps."""
    (tmp_path / "config.yaml").write_text("review: {sample: 0.1}\n")
    (tmp_path / "state").mkdir()
    assert run(["evaluate", "--verified", "-c", str(tmp_path / "config.yaml")]) == 2
    assert "no journal that knows of reviews" in capsys.readouterr().err


def test_the_interval_holds_what_is_true() -> None:
    """With samples drawn as digitd draws them, about 95 of 100 intervals have the true share in them."""
    chance, held = random.Random(8), 0
    for _ in range(300):
        wrong = sum(chance.random() < 0.02 for _ in range(400))
        low, high = wilson(wrong, 400)
        held += low <= 0.02 <= high
    assert 270 <= held <= 299
