"""The desk: leases, so that no two people have the same scan; verdicts, and taking them back; search."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from delivery_rig import Rig, workplace
from desk_rig import ALL, desk_of, fill, settings_of
from digitd import reviews
from digitd.database import FILE_NAME
from digitd.results import Status
from digitd.review.desk import Answer, AnswerError, Desk, Filter, Item, Kind, LeaseLostError
from digitd.review.opening import Opened

RIGHT = Answer(texts=("7",))


class Clock:
    """A clock that is set by hand."""

    now = 2_000_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder in memory."""
    with workplace() as folder:
        yield folder


def paths(items: list[Item]) -> list[str]:
    """Whose items they are."""
    return [item.result.source.path for item in items]


def test_the_oldest_comes_first_and_nobody_gets_what_another_has(base: Path) -> None:
    """Two desks, as two processes have them, share one queue."""
    with desk_of(base, "1.png", "2.png", "3.png") as one, Desk(settings_of(Rig(base))) as other:
        assert paths(one.next("anna", count=2)) == ["1.png", "2.png"]
        assert paths(other.next("ben", count=2)) == ["3.png"]
        assert other.next("ben", after=tuple(item.key for item in other.next("ben"))) == []
        one.release("anna")
        assert paths(other.next("ben", count=3)) == ["1.png", "2.png", "3.png"]


def test_a_page_gets_again_what_it_has_but_for_what_it_names(base: Path) -> None:
    """Loaded anew it has its items; and what it prefetches is none of them."""
    with desk_of(base, "1.png", "2.png", "3.png") as desk:
        [first] = desk.next("anna")
        assert paths(desk.next("anna")) == ["1.png"]
        assert paths(desk.next("anna", after=(first.key,), count=2)) == ["2.png", "3.png"]


def test_no_two_of_many_reviewers_ever_have_the_same(base: Path) -> None:
    """Threads with desks of their own take and decide until nothing is left: each scan once."""
    names = [f"{number:03}.png" for number in range(60)]
    fill(Rig(base), *names)
    taken: list[str] = []

    def review(who: str) -> None:
        with Desk(settings_of(Rig(base))) as desk:
            while items := desk.next(who):
                taken.append(items[0].result.source.path)
                desk.decide(who, items[0].key, RIGHT)

    threads = [threading.Thread(target=review, args=(f"person {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == names


def test_a_lease_ends_by_itself_unless_it_is_renewed(base: Path) -> None:
    """Whoever closes the browser keeps nobody from anything."""
    clock = Clock()
    with desk_of(base, "1.png", clock=clock, lease=60) as desk:
        desk.next("anna")
        clock.now += 59
        assert desk.next("ben") == []
        desk.renew("anna")
        clock.now += 59
        assert desk.next("ben") == []
        clock.now += 2
        assert paths(desk.next("ben")) == ["1.png"]


def test_whose_lease_was_taken_over_cannot_decide(base: Path) -> None:
    """While nobody has taken it, they still can: minutes were lost, not the item."""
    clock = Clock()
    with desk_of(base, "1.png", "2.png", clock=clock, lease=60) as desk:
        one, two = desk.next("anna", count=2)
        clock.now += 61
        desk.take("ben", one.key)
        with pytest.raises(LeaseLostError, match="somebody else has"):
            desk.decide("anna", one.key, RIGHT)
        desk.decide("anna", two.key, RIGHT)
        desk.decide("ben", one.key, RIGHT)
        with pytest.raises(LeaseLostError, match="verified already"):
            desk.decide("anna", one.key, RIGHT)
        assert desk.next("carl") == []


def test_the_same_said_twice_is_one_verdict(base: Path) -> None:
    """A browser that got no answer sends it again; another answer in its place is refused."""
    with desk_of(base, "1.png") as desk:
        [item] = desk.next("anna")
        assert desk.decide("anna", item.key, RIGHT) == desk.decide("anna", item.key, RIGHT)
        with pytest.raises(LeaseLostError):
            desk.decide("anna", item.key, Answer(Kind.UNREADABLE))
        assert desk.counts().pending == 1


def test_a_verdict_can_be_taken_back_until_it_is_due(base: Path) -> None:
    """The last first; then the item is before the same person again."""
    clock = Clock()
    with desk_of(base, "1.png", "2.png", clock=clock, undo=5) as desk:
        for _ in range(2):
            [item] = desk.next("anna")
            desk.decide("anna", item.key, RIGHT)
            clock.now += 1
        assert desk.next("anna") == []
        assert (back := desk.undo("anna")) is not None
        assert back.result.source.path == "2.png"
        assert desk.next("ben") == []
        assert desk.undo("ben") is None
        clock.now += 5
        assert desk.undo("anna") is None, "the first is due, and is being published"
        assert desk.counts().pending == 1


def test_a_skipped_item_is_the_next_ones_and_comes_last_to_who_skipped_it(base: Path) -> None:
    """It is not lost."""
    with desk_of(base, "1.png", "2.png") as desk:
        [first] = desk.next("anna")
        desk.skip("anna", first.key)
        assert paths(desk.next("anna", count=2)) == ["2.png", "1.png"]
        desk.release("anna")
        [first] = desk.next("anna")
        desk.skip("anna", first.key)
        assert paths(desk.next("ben")) == ["1.png"]


def test_failed_scans_and_a_sample_of_the_accepted_come_on_request(base: Path) -> None:
    """Behind those to review; by default neither; a blank one never."""
    rig = Rig(base)
    for status in ALL:
        fill(rig, *(f"{status}-{number}.png" for number in range(40)), status=status)
    with Desk(settings_of(rig)) as desk:
        assert desk.counts().waiting == {"review": 40}
    with Desk(settings_of(rig, failed=True, sample=0.2)) as desk:
        shown = desk.next("anna", count=200)
        order = list(dict.fromkeys(str(item.result.status) for item in shown))
        assert order in (["review", "failed", "accepted"], ["review", "failed"])
        assert desk.counts().waiting["accepted"] == len(shown) - 80 < 30
        assert all(item.id < reviews.lots_of(0.2) for item in shown if item.result.status == Status.ACCEPTED)


def test_the_sample_is_a_share_of_all_lots() -> None:
    """Chance alone draws, and 0 and 1 are what they say."""
    assert (reviews.lots_of(0.25), reviews.lots_of(0.5)) == ("40000000", "80000000")
    assert reviews.lots_of(0) == "00000000"
    assert reviews.lots_of(1) == "ffffffff"


def test_what_is_gone_is_passed_over_until_it_is_back(base: Path) -> None:
    """A scan without its picture cannot be verified."""
    clock = Clock()
    with desk_of(base, "1.png", "2.png", clock=clock) as desk:
        file = base / "archive" / "review" / "1.png"
        file.rename(base / "away")
        assert paths(desk.next("anna")) == ["2.png"]
        assert desk.counts().lost == 1
        (base / "away").rename(file)
        clock.now += 61
        assert paths(desk.next("anna")) == ["1.png"]


def test_a_source_is_found_by_what_it_is(base: Path) -> None:
    """Whatever name it has in the archive; another file of its name is not it, nor one with other bytes."""
    rig = Rig(base)
    fill(rig, "sub/1.png")
    rig.drop("sub/1.png", b"another of this name")
    with rig.open() as delivery:
        delivery.deliver([rig.read("sub/1.png", Status.REVIEW)])
    with Desk(settings_of(rig)) as desk:
        one, two = desk.next("anna", count=2)
        folder = base / "archive" / "review" / "sub"
        assert (desk.source(one), desk.source(two)) == (folder / "1.png", folder / "1~2.png")
        before = (folder / "1.png").stat()
        (folder / "1.png").write_bytes(b"a scan forged 1.png.."[: before.st_size].ljust(before.st_size))
        os.utime(folder / "1.png", ns=(before.st_atime_ns, before.st_mtime_ns))
        assert desk.source(one) is None
        (folder / "1.png").unlink()
        (folder / "1.png").symlink_to(folder / "1~2.png")
        assert desk.source(one) is None


def test_a_source_that_stays_is_found_in_the_inbox(base: Path) -> None:
    """With `keep`."""
    rig = Rig(base, sources="keep")
    fill(rig, "1.png")
    with Desk(settings_of(rig)) as desk:
        [item] = desk.next("anna")
        assert desk.source(item) == rig.inbox / "1.png"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Answer(texts=("12a",)), "other signs"),
        (Answer(texts=("1" * 10_001,)), "other signs"),
        (Answer(texts=("1", "2")), "1 pages"),
        (Answer(texts=()), "1 pages"),
    ],
)
def test_what_can_be_no_result_is_refused(base: Path, answer: Answer, cause: str) -> None:
    """And the item is still before the same person."""
    with desk_of(base, "1.png") as desk:
        [item] = desk.next("anna")
        with pytest.raises(AnswerError, match=cause):
            desk.decide("anna", item.key, answer)
        assert desk.counts().pending == 0


@pytest.mark.parametrize(
    ("answer", "said", "texts"),
    [
        (Answer(texts=(" 7\r\n",)), "confirmed", ("7",)),
        (Answer(texts=("1 2\n\n3?",)), "corrected", ("12\n3?",)),
        (Answer(texts=("  ",)), "no_digits", ("",)),
        (Answer(Kind.NO_DIGITS), "no_digits", ("",)),
        (Answer(Kind.UNREADABLE), "unreadable", ("",)),
    ],
)
def test_an_answer_becomes_a_verdict(base: Path, answer: Answer, said: str, texts: tuple[str, ...]) -> None:
    """Blanks do not count, and what is as digitd read it is confirmed."""
    with desk_of(base, "1.png") as desk:
        [item] = desk.next("anna")
        key = desk.decide("anna", item.key, answer)
        with closing(sqlite3.connect(base / "state" / FILE_NAME)) as db:
            [verdict] = reviews.due(db, 1e12, 9)
        assert (verdict.id, verdict.answer, verdict.texts) == (key, said, texts)


@pytest.mark.parametrize("key", ["", "1", "1-", "-1", "../../etc/passwd", "1-x", "9" * 30 + "-x", "٣-x", "0-0"])
def test_a_key_that_is_none_names_nothing(base: Path, key: str) -> None:
    """However it is made up: a row's number alone is not enough."""
    with desk_of(base, "1.png") as desk:
        assert desk.item(key) is None
        with pytest.raises(LeaseLostError):
            desk.decide("anna", key, RIGHT)


def test_a_search_finds_by_status_folder_and_text(base: Path) -> None:
    """The newest first, a page at a time."""
    rig = Rig(base)
    for status in ALL:
        fill(rig, f"{status}.png", f"{status}/sub/one.png", f"{status}more/one.png", status=status)
    with Desk(settings_of(rig)) as desk:

        def found(**wanted: object) -> list[str]:
            return paths(list(desk.search(Filter(**wanted)).items))  # type: ignore[arg-type]

        assert len(found()) == 12
        assert found(statuses=frozenset({Status.BLANK}))[-1] == "blank.png"
        assert found(folder="review") == ["review/sub/one.png"]
        assert len(found(text="42")) == 3
        assert found(since=1e12) == []
        assert found(until=0.0) == []
        first = desk.search(Filter(), limit=5)
        second = desk.search(Filter(), first.before, limit=100)
        assert len(first.items) == 5
        assert len(second.items) == 7
        assert second.before is None


def test_a_journal_that_is_not_there_is_made(base: Path) -> None:
    """A desk may be the first to come."""
    Rig(base)
    with Desk(settings_of(Rig(base))) as desk:
        assert desk.next("anna") == []
        assert desk.counts().left == 0


def test_a_journal_that_was_built_anew_is_the_one_that_is_used(base: Path) -> None:
    """What is said goes into the file that is there, not into the one that was set aside."""
    with desk_of(base, "1.png") as desk:
        file = base / "state" / FILE_NAME
        desk.next("anna")
        with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(base / "new")) as new:
            old.backup(new)
        for ending in ("-wal", "-shm"):
            file.with_name(f"{FILE_NAME}{ending}").unlink(missing_ok=True)
        file.rename(base / "aside")
        (base / "new").rename(file)
        [item] = desk.next("anna")
        desk.decide("anna", item.key, RIGHT)
        opened = Opened(base / "state")
        assert len(reviews.due(opened.connection(), 1e12, 9)) == 1
        opened.close()
