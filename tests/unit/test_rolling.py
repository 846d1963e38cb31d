"""Rolled files: when one is published, what is in it, and what happens when it cannot be."""

import errno
import os
import re
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from delivery_rig import Killed, Rig
from digitd import fs, results
from digitd.delivery import Delivery
from digitd.journal import Journal
from digitd.rolling import PAUSE_MOST
from digitd.tables import Part

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
NAME = re.compile(r"results-\d{8}T\d{6}Z-\d{6}\.(csv|jsonl)")


def deliver(rig: Rig, delivery: Delivery, count: int, begin: int = 0) -> None:
    """Deliver so many scans in one batch."""
    paths = [f"{number:03}.png" for number in range(begin, begin + count)]
    for path in paths:
        rig.drop(path)
    delivery.deliver([rig.read(path) for path in paths])


def test_rows_gather_until_it_is_time(tmp_path: Path) -> None:
    """Nothing is published before `every` has passed since the first row, and everything then."""
    rig = Rig(tmp_path)
    with rig.open(every=3600) as delivery:
        delivery.recover()
        deliver(rig, delivery, 3)
        due = delivery._roller.next_due()
        delivery._roller.tick(due - 1)
        assert rig.files("*.csv") == {}
        delivery._roller.tick(due)
        (name,) = rig.files("*.csv")
        assert NAME.fullmatch(name)
        assert [row["source_name"] for row in rig.csv_rows()] == ["000.png", "001.png", "002.png"]
        assert delivery._roller.next_due() == float("inf")


def test_a_whole_part_does_not_wait(tmp_path: Path) -> None:
    """At `rows` scans a file is published, and the rest goes on gathering."""
    rig = Rig(tmp_path, rows=4)
    with rig.open(every=3600) as delivery:
        delivery.recover()
        deliver(rig, delivery, 10)
        delivery.tick(0.0)
        assert [len(data.splitlines()) - 1 for data in rig.files("*.csv").values()] == [4, 4]
        delivery.close()
    assert [len(data.splitlines()) - 1 for data in rig.files("*.csv").values()] == [4, 4, 2]
    rig.check_exactly_once()


def test_parts_are_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results too large to be in memory together go into several parts."""
    monkeypatch.setattr("digitd.journal.PART_BYTES", 1000)
    rig = Rig(tmp_path)
    with rig.open() as delivery:
        delivery.recover()
        deliver(rig, delivery, 5)
        delivery.close()
    assert len(rig.files("*.csv")) > 1
    rig.check_exactly_once()


def test_csv_and_lines_of_a_part_have_the_same_scans(tmp_path: Path) -> None:
    """With `json: lines` both files of a part have its number and its rows, and no scan has a file of its own."""
    rig = Rig(tmp_path, json="lines")
    with rig.open() as delivery:
        delivery.recover()
        deliver(rig, delivery, 2)
        delivery.close()
    csv_name, lines_name = sorted(rig.files())
    assert csv_name.removesuffix(".csv") == lines_name.removesuffix(".jsonl")
    rig.check_exactly_once()


def test_rows_that_a_crash_left_are_rolled_at_once(tmp_path: Path) -> None:
    """Rows from an earlier life are due at the next tick."""
    rig = Rig(tmp_path)
    with rig.open() as delivery:
        delivery.recover()
        deliver(rig, delivery, 2)
    with rig.open() as delivery:
        delivery.recover()
        delivery.tick(delivery.next_due())
        assert len(rig.csv_rows()) == 2


def test_rows_wait_for_a_configuration_that_rolls(tmp_path: Path) -> None:
    """Rows of a life with CSV are published by the next life with CSV, not lost in one without."""
    rig = Rig(tmp_path)
    with rig.open() as delivery:
        delivery.recover()
        deliver(rig, delivery, 2)
    rig.csv = False
    rig.live()
    rig.csv = True
    rig.live()
    rig.check_exactly_once()


def test_part_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    """No part's number is used twice, though all files were taken."""
    rig = Rig(tmp_path)
    for life in range(3):
        with rig.open() as delivery:
            delivery.recover()
            deliver(rig, delivery, 1, begin=life)
            delivery.close()
        rig.take()
    numbers = [name.split("-")[2] for name, _ in rig.taken if name.endswith(".csv")]
    assert numbers == ["000001.csv", "000002.csv", "000003.csv"]


def test_a_foreign_file_with_a_parts_name_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part whose name is taken gets another, whether that shows before it is staged or only at the rename."""
    monkeypatch.setattr("time.strftime", lambda *_: "20260101T000000Z")
    rig = Rig(tmp_path)
    foreign = rig.outbox / "results-20260101T000000Z-000001.csv"
    foreign.write_text("mine")
    late = rig.outbox / "results-20260101T000000Z-000002.csv"
    with rig.open() as delivery:
        delivery.recover()
        deliver(rig, delivery, 1)
        delivery._roller.roll_all()
        open_part = rig.journal.open_part

        def open_and_lose_the_name(*args: object) -> None:
            open_part(*args)  # type: ignore[arg-type]
            late.write_text("mine too")

        monkeypatch.setattr(rig.journal, "open_part", open_and_lose_the_name)
        deliver(rig, delivery, 1, begin=1)
        delivery._roller.roll_all()
    assert (foreign.read_text(), late.read_text()) == ("mine", "mine too")
    foreign.unlink()
    late.unlink()
    assert sorted(rig.files("*.csv")) == [
        "results-20260101T000000Z-000001~2.csv",
        "results-20260101T000000Z-000002~2.csv",
    ]
    rig.check_exactly_once()


def test_a_full_disk_is_said_once_and_rolling_goes_on_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While parts cannot be written the rows gather; the pauses grow, and each row ends in exactly one part."""
    rig = Rig(tmp_path, rows=2)
    write = fs.write_new

    def refuse(path: str, data: bytes) -> None:
        if "part-" in path:
            raise FULL
        write(path, data)

    with rig.open() as delivery, capture_logs() as logs:
        delivery.recover()
        monkeypatch.setattr(fs, "write_new", refuse)
        deliver(rig, delivery, 5)
        for _ in range(8):
            delivery.tick(delivery._roller.next_due())
        assert "No space left" in str(delivery.troubled)
        assert not delivery.held_up
        assert delivery._roller._pause == PAUSE_MOST
        delivery.tick(delivery._roller.next_due() - 1)
        monkeypatch.setattr(fs, "write_new", write)
        delivery.tick(delivery._roller.next_due())
        assert delivery.troubled is None
        delivery.close()
    events = [entry["event"] for entry in logs]
    assert events.count("rolling_paused") == 1
    assert events.count("rolling_resumed") == 1
    rig.check_exactly_once()


def test_a_part_that_cannot_be_recovered_yet_keeps_its_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails during recovery neither ends the daemon nor costs a row."""
    rig = Rig(tmp_path)
    rename = fs.rename_noreplace

    def refuse(old: str, new: str) -> None:
        if "results-" in new:
            raise FULL
        rename(old, new)

    monkeypatch.setattr(fs, "rename_noreplace", refuse)
    with rig.open() as delivery:
        delivery.recover()
        deliver(rig, delivery, 2)
        delivery._roller.roll_all()
    with rig.open() as delivery:
        delivery.recover()
        assert delivery.troubled
        monkeypatch.setattr(fs, "rename_noreplace", rename)
        delivery.tick(delivery._roller.next_due())
        delivery.close()
    rig.check_exactly_once()


def test_rows_of_a_reading_with_several_pages_stay_together(tmp_path: Path) -> None:
    """A scan of three pages has three rows in one part, though `rows` counts scans."""
    rig = Rig(tmp_path, rows=1)
    rig.drop("three.tif")
    with rig.open() as delivery:
        read = rig.read("three.tif")
        pages = tuple(results.Reading(number, 9, 9, str(number), 0.9) for number in (1, 2, 3))
        outcome = results.Outcome(results.Status.ACCEPTED, None, "1\f2\f3", 0.9, pages)
        delivery.deliver([type(read)(read.identity, read.sha256, outcome, read.received, read.recognised, read.model)])
        delivery.tick(0.0)
    assert len(rig.files("*.csv")) == 1
    assert [(row["page"], row["pages"], row["text"]) for row in rig.csv_rows()] == [
        ("1", "3", "1"),
        ("2", "3", "2"),
        ("3", "3", "3"),
    ]


def test_the_half_of_a_part_that_is_out_is_not_published_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer may have taken the CSV file while the JSON Lines file beside it could not be published yet."""
    rig = Rig(tmp_path, json="lines")
    rename = fs.rename_noreplace

    def refuse(old: str, new: str) -> None:
        if new.endswith(".jsonl"):
            raise FULL
        rename(old, new)

    with rig.open() as delivery:
        delivery.recover()
        deliver(rig, delivery, 2)
        monkeypatch.setattr(fs, "rename_noreplace", refuse)
        delivery._roller.roll_all()
        assert [name.rpartition(".")[2] for name in rig.files()] == ["csv"]
        rig.take()
        delivery._roller.roll_all()
        assert rig.files() == {}
        monkeypatch.setattr(fs, "rename_noreplace", rename)
        delivery.close()
    rig.check_exactly_once()


@pytest.mark.parametrize("taken", [".csv", ".jsonl"])
@pytest.mark.parametrize("killed", [False, True])
def test_after_a_power_cut_a_whole_file_of_a_part_is_not_published_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: str, killed: bool
) -> None:
    """Where somebody else has the name of its other file by then, that alone gets another one, also after a kill."""
    rig = Rig(tmp_path, json="lines")
    rig.drop("a.png")
    with rig.open() as delivery:
        delivery.deliver(rig.waiting())
        delivery._roller.roll_all()
    name, other = sorted(rig.files(), key=lambda name: not name.endswith(taken))
    (rig.outbox / name).write_bytes(b"mine\r\n")
    monkeypatch.setattr(fs, "boot_id", lambda: "another start")
    monkeypatch.setattr(fs, "booted_at", lambda: time.time() + 60)
    if killed:
        rename_part = Journal.rename_part

        def noted(journal: Journal, part: Part, new: str) -> Part:
            rename_part(journal, part, new)
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(Journal, "rename_part", noted)
            with pytest.raises(Killed):
                rig.live()
    rig.live()
    assert sorted(rig.files()) == sorted([name, other, name.replace(taken, f"~2{taken}")])
    assert rig.files()[name] == b"mine\r\n"
