"""What people said becomes results, exactly once each, whatever dies when; sources go where verified ones go."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery_rig import Killer, Rig, on_way, workplace
from desk_rig import fill, settings_of
from digitd import fs, results
from digitd.results import Result, Status
from digitd.review.desk import Answer, Desk, Filter, Kind, LeaseLostError
from digitd.verifying import AT_ONCE, Verifier
from ways import OUTPUTS, SOURCES, Json

RIGHT = Answer(texts=("12",), by="Anna")
STEPS_MOST = 120
_EVERYTHING = Filter()


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder in memory."""
    with workplace() as folder:
        yield folder


def verify(rig: Rig, answer: Answer = RIGHT) -> int:
    """Have all that waits verified; gives how many that were."""
    with Desk(settings_of(rig, undo=0, failed=True)) as desk:
        items = desk.next("anna", count=1000)
        for item in items:
            desk.decide("anna", item.key, answer)
    return len(items)


def live(rig: Rig) -> None:
    """One life of a daemon: recover, deliver what people said, close."""
    with rig.open() as delivery:
        delivery.recover()
        Verifier(rig.journal, delivery).deliver_all()
        delivery.close()


def verified_of(rig: Rig) -> list[Result]:
    """The verified results in the outbox."""
    return [result for result in rig.json_results() if result.status is Status.VERIFIED]


def test_a_verdict_becomes_a_result_that_supersedes_the_first(base: Path) -> None:
    """Whole, beside the first, which stays as it was; the source moves on."""
    rig = Rig(base)
    fill(rig, "sub/1.png")
    [(name, before)] = rig.files("*.json").items()
    verify(rig)
    live(rig)
    [first] = [result for result in rig.json_results() if result.status is Status.REVIEW]
    [second] = verified_of(rig)
    assert rig.files("*.json")[name] == before
    assert sorted(rig.files("*.json")) == [name, "sub/1.png~2.json"]
    assert second.supersedes == first.id != second.id
    assert isinstance(second.verified, results.Verified)
    assert (second.verified.by, second.verified.answer) == ("Anna", "corrected")
    assert (second.text, second.confidence, second.reason) == ("12", None, None)
    assert [page.text for page in second.pages] == ["12"]
    assert [page.glyphs for page in second.pages] == [page.glyphs for page in first.pages]
    assert (second.source, second.received, second.recognised) == (first.source, first.received, first.recognised)
    rows = rig.csv_rows()
    assert [(row["status"], row["text"], row["supersedes"], row["verified_by"]) for row in rows] == [
        ("review", "7", "", ""),
        ("verified", "12", first.id, "Anna"),
    ]
    assert rows[1]["verified_answer"] == "corrected"
    assert rows[1]["verified_at"] == second.verified.at
    assert [os.fspath(path.relative_to(rig.archive)) for path in rig.archive.rglob("*.png")] == ["verified/sub/1.png"]


def test_an_answer_sent_again_after_it_was_published_is_the_same(base: Path) -> None:
    """A connection broke down for longer than an answer waits; another's word, or another answer, is too late."""
    rig = Rig(base)
    fill(rig, "1.png")
    with Desk(settings_of(rig, undo=0)) as desk:
        [item] = desk.next("anna")
        verdict = desk.decide("anna", item.key, RIGHT)
        live(rig)
        assert desk.decide("anna", item.key, RIGHT) == verdict
        for who, answer in (("ben", RIGHT), ("anna", Answer(Kind.UNREADABLE))):
            with pytest.raises(LeaseLostError):
                desk.decide(who, item.key, answer)
        assert desk.counts().pending == 0
    live(rig)
    assert [result.id for result in verified_of(rig)] == [verdict]


def test_nothing_else_has_the_new_fields(base: Path) -> None:
    """A result that nobody verified is what it was before there were reviews."""
    rig = Rig(base)
    fill(rig, "1.png")
    [data] = rig.files("*.json").values()
    assert b"supersedes" not in data
    assert b"verified" not in data


@pytest.mark.parametrize(
    ("answer", "said", "text"),
    [
        (Answer(texts=("7",)), "confirmed", "7"),
        (Answer(Kind.NO_DIGITS), "no_digits", ""),
        (Answer(Kind.UNREADABLE), "unreadable", ""),
    ],
)
def test_every_answer_is_a_result(base: Path, answer: Answer, said: str, text: str) -> None:
    """That there are no digits, or none can be read, is worth as much as a number."""
    rig = Rig(base)
    fill(rig, "1.png")
    verify(rig, answer)
    live(rig)
    [result] = verified_of(rig)
    assert isinstance(result.verified, results.Verified)
    assert (result.verified.answer, result.text, result.verified.by) == (said, text, None)


def test_a_failed_scan_that_a_person_read(base: Path) -> None:
    """It has a text and no pages; the JSON beside the source, which said that it failed, is gone."""
    rig = Rig(base)
    fill(rig, "b.png", status=Status.FAILED)
    assert (rig.archive / "failed" / "b.png.json").exists()
    verify(rig)
    live(rig)
    [result] = verified_of(rig)
    assert (result.text, result.pages, result.reason) == ("12", (), None)
    assert [row["text"] for row in rig.csv_rows()] == ["", "12"]
    assert [path.name for path in rig.archive.rglob("*") if path.is_file()] == ["b.png"]


def test_a_verified_result_can_be_superseded_in_its_turn(base: Path) -> None:
    """Taken back after it was published: a chain, whose last link stands; the source stays where it is."""
    rig = Rig(base)
    fill(rig, "1.png")
    verify(rig)
    live(rig)
    with Desk(settings_of(rig, undo=0)) as desk:
        again = desk.undo("anna")
        assert again is not None
        assert again.result.text == "12"
        assert desk.undo("anna") is None, "there is nothing before it"
        desk.decide("anna", again.key, Answer(texts=("7",)))
        live(rig)
        assert desk.counts().done_today == 2
        now = desk.item(again.key)
        assert now is not None
        assert now.superseded_by is not None
    first, second, third = rig.json_results()
    assert (first.status, second.supersedes, third.supersedes) == (Status.REVIEW, first.id, second.id)
    assert isinstance(third.verified, results.Verified)
    assert third.verified.answer == "confirmed", "as digitd read it, whatever was said in between"
    assert [os.fspath(path.relative_to(rig.archive)) for path in rig.archive.rglob("*.png")] == ["verified/1.png"]
    with Desk(settings_of(rig)) as desk:
        assert desk.next("anna") == []


def test_what_can_still_be_taken_back_is_not_delivered(base: Path) -> None:
    """Until it is due."""
    rig = Rig(base)
    fill(rig, "1.png")
    now = time.time()
    with Desk(settings_of(rig, undo=60)) as desk:
        [item] = desk.next("anna")
        desk.decide("anna", item.key, RIGHT)
        with rig.open() as delivery:
            Verifier(rig.journal, delivery).deliver_all()
            assert verified_of(rig) == []
            Verifier(rig.journal, delivery, clock=lambda: now + 61).deliver_all()
    assert len(verified_of(rig)) == 1


def test_verdicts_that_come_while_it_looks_are_delivered_at_the_next_look(base: Path) -> None:
    """From another process, beside a delivery that goes on."""
    rig = Rig(base)
    fill(rig, "1.png", "2.png")
    with rig.open() as delivery, Desk(settings_of(rig, undo=0)) as desk:
        verifier = Verifier(rig.journal, delivery)
        for number in (1, 2):
            [item] = desk.next("anna")
            desk.decide("anna", item.key, RIGHT)
            verifier.tick(verifier.next_due())
            assert len(verified_of(rig)) == number
        verifier.tick(verifier.next_due())
        assert len(verified_of(rig)) == 2


def test_more_verdicts_than_one_transaction_takes(base: Path) -> None:
    """All are delivered."""
    rig = Rig(base)
    names = [f"{number}.png" for number in range(AT_ONCE + 5)]
    fill(rig, *names)
    verify(rig)
    live(rig)
    assert sorted(result.source.path for result in verified_of(rig)) == sorted(names)


def test_a_source_that_is_gone_is_no_reason_not_to_publish(base: Path) -> None:
    """Whoever took it away has seen it."""
    rig = Rig(base)
    fill(rig, "1.png")
    with Desk(settings_of(rig, undo=0)) as desk:
        [item] = desk.next("anna")
        (rig.archive / "review" / "1.png").unlink()
        desk.decide("anna", item.key, RIGHT)
    live(rig)
    assert len(verified_of(rig)) == 1


def test_another_file_of_its_name_is_left_alone(base: Path) -> None:
    """In the archive: what lies there in its place, and what lies where it is to go."""
    rig = Rig(base)
    fill(rig, "1.png")
    verify(rig)
    (rig.archive / "verified").mkdir()
    (rig.archive / "verified" / "1.png").write_bytes(b"somebody's")
    live(rig)
    assert (rig.archive / "verified" / "1.png").read_bytes() == b"somebody's"
    assert (rig.archive / "verified" / "1~2.png").read_bytes() == rig.contents["1.png"]


def test_a_new_scan_of_its_name_in_the_inbox_is_not_touched(base: Path) -> None:
    """Nor is it told that it was filed."""
    rig = Rig(base)
    fill(rig, "1.png")
    verify(rig)
    rig.drop("1.png", b"another")
    rig.filed.clear()
    live(rig)
    assert (rig.inbox / "1.png").read_bytes() == b"another"
    assert rig.filed == []


@pytest.mark.parametrize("when", ["before", "within", "after"])
@pytest.mark.parametrize(("json", "csv"), OUTPUTS)
@pytest.mark.parametrize("sources", SOURCES)
def test_a_kill_at_any_step_loses_and_doubles_no_verdict(sources: str, json: Json, csv: bool, when: str) -> None:
    """Whatever step a delivery of verdicts dies at, the next start leaves one verified result each, filed once."""
    for number in range(1, STEPS_MOST):
        with workplace() as base, workplace("other") as other:
            rig = on_way(base, other, sources, json, csv)
            _fill_two(rig)
            killer = Killer(number, when)  # type: ignore[arg-type]
            with killer.armed():
                live(rig)
            if number % 2:
                rig.take()
            live(rig)
            _check(rig)
        if killer.struck is None:
            return
    pytest.fail("it takes more steps than expected")


def _fill_two(rig: Rig) -> None:
    fill(rig, "a.png")
    fill(rig, "sub/b.png", status=Status.FAILED)
    with Desk(settings_of(rig, undo=0)) as desk:
        for item in desk.search(_EVERYTHING).items:
            desk.take("anna", item.key)
            desk.decide("anna", item.key, RIGHT)


def _check(rig: Rig) -> None:
    names = ["a.png", "sub/b.png"]
    if rig.json != "off":
        assert sorted(result.source.path for result in verified_of(rig)) == names
        assert len(rig.json_results()) == 4
    if rig.csv:
        rows = rig.csv_rows()
        assert sorted(row["source_path"] for row in rows if row["status"] == "verified") == names
        assert len(rows) == 4
        if rig.json != "off":
            ids = {row["id"]: row["supersedes"] for row in rows}
            assert ids == {each.id: each.supersedes or "" for each in rig.json_results()}
    archived = {os.fspath(path.relative_to(rig.archive)) for path in rig.archive.rglob("*") if path.is_file()}
    assert archived == ({f"verified/{name}" for name in names} if rig.sources == "move" else set())
    kept = {os.fspath(path.relative_to(rig.inbox)) for path in rig.inbox.rglob("*") if path.is_file()}
    assert kept == (set(names) if rig.sources == "keep" else set())
    assert rig.leftovers() == []


def test_a_power_cut_takes_no_verdict(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What had not reached the disk, the result and the move of the source, is done again, with the same id."""
    rig = Rig(base)
    fill(rig, "1.png")
    verify(rig)
    with rig.open() as delivery:
        delivery.recover()
        Verifier(rig.journal, delivery).deliver_all()
        [result] = verified_of(rig)
        (rig.outbox / "1.png~2.json").unlink()
        (rig.archive / "verified" / "1.png").rename(rig.archive / "review" / "1.png")
    monkeypatch.setattr(fs, "boot_id", lambda: "another start of the machine")
    live(rig)
    assert verified_of(rig) == [result]
    assert (rig.archive / "verified" / "1.png").exists()
    assert [row["id"] for row in rig.csv_rows()].count(result.id) == 1
    assert rig.leftovers() == []
