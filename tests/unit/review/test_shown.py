"""What the review page makes of items and of a day: words, shares, bars. And its token's file."""

import os
import stat
from datetime import datetime
from pathlib import Path

import pytest

from delivery_rig import Rig, workplace
from desk_rig import settings_of
from digitd.database import reading
from digitd.errors import FolderError
from digitd.results import Model, Reason, Result, Source, Status
from digitd.review import views
from digitd.review.day import CLASSES, day_of, seen_on
from digitd.review.desk import Answer, Desk
from digitd.review.plots import HEIGHT, WIDTH, plots_of
from digitd.review.tokens import FILE_NAME, kept
from reviewing import one, stock

MIDNIGHT = datetime(2026, 3, 4)


def at(hour: int, minute: int = 0) -> float:
    """A moment of the day, by this machine's clock."""
    return MIDNIGHT.replace(hour=hour, minute=minute).timestamp()


def result(reason: Reason | None = None) -> Result:
    """A result of a scan called a.png in sub."""
    source = Source("a.png", "sub/a.png", None, 1, "2026-03-04T10:00:00Z")
    when = "2026-03-04T10:00:00.000Z"
    return Result("1.1", "x", source, when, when, Status.REVIEW, reason, "1", 0.5, (), Model("m", "1", "0"))


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (None, "–"),
        (0.0, "0.0 %"),
        (0.6134, "61.3 %"),
        (0.9899, "99.0 %"),
        (0.99, "99.00 %"),
        (0.99999, "99.99 %"),
        (1.0, "100.00 %"),
    ],
)
def test_what_is_not_sure_is_never_shown_as_sure(share: float | None, words: str) -> None:
    """Only what is certain has 100 %."""
    assert views.percent(share) == words


def test_a_text_in_a_list_is_one_short_line() -> None:
    """Lines and pages are told apart, and what is long is cut."""
    assert views.short("1\n2\f3") == "1 / 2 | 3"
    assert views.short("1" * 50) == "1" * views.SHORT_MOST + "…"


def test_a_reason_is_told_in_few_words_beside_the_scan() -> None:
    """Without the name, the remedy, and what the desk shows anyway; whole on the result's own page."""
    low = Reason("low_confidence", "a.png: the confidence 0.9 is below 0.98; least sure is a 6. Compare the reading.")
    assert views.cause_of(result(low)) == "the confidence 0.9 is below 0.98"
    assert views.reason_of(result(low)) == "the confidence 0.9 is below 0.98; least sure is a 6. Compare the reading."
    other = Reason("digits_expected", "a.png: 2 digits; 3 expected. Compare.")
    assert views.cause_of(result(other)) == "2 digits; 3 expected"
    assert views.cause_of(result()) is None
    assert views.folder_of(result()) == "sub"


def test_a_day_is_told_by_hours_and_classes() -> None:
    """Each scan once, in its hour and its class; one without a confidence in none."""
    seen = [(at(9), "accepted", 0.99), (at(9, 59), "review", 0.5), (at(23, 59), "failed", None), (at(0), "review", 1.0)]
    day = day_of(seen)
    assert day.by_hour == [1, *[0] * 8, 2, *[0] * 13, 1]
    assert day.shares[9] == 0.5 and day.shares[0] == 1.0 and day.shares[23] == 0.0 and day.shares[1] is None
    assert sum(day.confidences) == 3 and len(day.confidences) == len(CLASSES) - 1
    assert day.confidences[1] == 1 and day.confidences[-1] == 2


def test_a_day_is_read_from_the_journal_without_verified_results(tmp_path: Path) -> None:
    """What digitd read counts, once, on its own day alone; what people said of it later does not count again."""
    with workplace() as folder:
        stock(folder, [one("a.png", "1"), one("b.png", "2", status=Status.ACCEPTED)])
        with Desk(settings_of(Rig(folder))) as desk:
            item = desk.next("w")[0]
            desk.decide("w", item.key, Answer(texts=("1",)))
        that_day = datetime.fromtimestamp(1_790_000_000).replace(hour=0, minute=0, second=0, microsecond=0)
        with reading(folder / "state") as journal:
            assert journal is not None
            seen, whole = seen_on(journal, that_day)
            assert [(status, sure) for _, status, sure in seen] == [("accepted", 0.9987), ("review", 0.6134)]
            assert whole
            assert seen_on(journal, MIDNIGHT) == ([], True)


def test_bars_stand_within_their_field_and_say_what_they_are() -> None:
    """The highest is as high as the field; the same is in words and in a table."""
    seen = [(at(9), "review", 0.97), (at(9), "accepted", 0.999), (at(10), "accepted", 1.0)]
    rate, share, confidence = plots_of(day_of(seen))
    assert [bar.says for bar in rate.bars] == ["09:00: 2", "10:00: 1"]
    assert [bar.height for bar in rate.bars] == [HEIGHT, HEIGHT / 2]
    assert [bar.says for bar in share.bars] == ["09:00: 50%"] and share.rows == (("09:00", "50%"), ("10:00", "0%"))
    assert len(confidence.ticks) == len(CLASSES)
    for plot in (rate, share, confidence):
        assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH and 0 <= bar.y <= HEIGHT for bar in plot.bars)
        assert all(f"{label}: {word}" in plot.says for label, word in plot.rows)


def test_a_day_without_scans_has_no_bars() -> None:
    """And says so."""
    for plot in plots_of(day_of(())):
        assert (plot.bars, plot.rows) == ((), ()) and "nothing yet" in plot.says


def test_a_token_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    """The same after a restart; another when it is to be made anew."""
    first = kept(tmp_path)
    file = tmp_path / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept(tmp_path) == first
    assert kept(tmp_path, anew=True) != first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("spoil", ["readable", "empty", "long", "link"])
def test_a_token_that_others_may_know_is_not_trusted(tmp_path: Path, spoil: str) -> None:
    """A file that others can read, or that was cut short, is replaced; a link is refused."""
    first = kept(tmp_path)
    file = tmp_path / FILE_NAME
    if spoil == "readable":
        file.chmod(0o644)
    elif spoil == "link":
        file.rename(tmp_path / "other")
        file.symlink_to(tmp_path / "other")
    else:
        file.write_text("" if spoil == "empty" else "x" * 100, encoding="ascii")
    if spoil == "link":
        with pytest.raises(FolderError, match="review-token"):
            kept(tmp_path)
        return
    assert kept(tmp_path) != first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With the file's name and a remedy."""
    folder = tmp_path / "state"
    with pytest.raises(FolderError, match="review-token"):
        kept(folder)
    assert not os.path.lexists(folder)
