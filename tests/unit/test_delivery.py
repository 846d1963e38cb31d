"""Delivery on real folders: what is published, under which names, and what happens while a disk is full."""

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from delivery_rig import Rig
from digitd import fs, results
from digitd.archive import Filed
from digitd.delivery import Delivery
from digitd.results import READ_STATUSES, Status
from digitd.rolling import PAUSE_MOST

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """Folders, and nothing in them."""
    return Rig(tmp_path)


@pytest.fixture
def delivery(rig: Rig) -> Iterator[Delivery]:
    """A delivery that has recovered."""
    with rig.open() as made:
        made.recover()
        yield made


def deliver(rig: Rig, delivery: Delivery, path: str, status: Status = Status.ACCEPTED) -> None:
    """Drop a file and deliver what was read of it."""
    rig.drop(path)
    delivery.deliver([rig.read(path, status)])


def waits(delivery: Delivery) -> bool:
    """Whether it is held up now: a type checker takes a property for what it was before."""
    return delivery.held_up


def failing(real: Callable[..., Any], error: Exception, when: Callable[[str], bool]) -> Callable[..., Any]:
    """REAL, failing with ERROR where its first argument is such a path."""

    def call(path: str, *args: object, **kwargs: object) -> object:
        if when(path):
            raise error
        return real(path, *args, **kwargs)

    return call


def test_a_scan_becomes_a_json_beside_nothing_else(rig: Rig, delivery: Delivery) -> None:
    """A delivered scan has its JSON under its own name in its own subfolder, and its source is in the archive."""
    deliver(rig, delivery, "sub/x.png")
    assert list(rig.files()) == ["sub/x.png.json"]
    (result,) = rig.json_results()
    assert (result.source.path, result.source.name, result.text) == ("sub/x.png", "x.png", "42")
    assert (rig.archive / "accepted/sub/x.png").read_bytes() == b"scan"
    assert rig.filed == [("sub/x.png", Filed.MOVED)]


def test_a_name_used_again_gets_a_number(rig: Rig, delivery: Delivery) -> None:
    """The second scan of a name is x.png~2.json, and its source x~2.png."""
    for _ in range(3):
        deliver(rig, delivery, "x.png")
    assert sorted(rig.files()) == ["x.png.json", "x.png~2.json", "x.png~3.json"]
    assert sorted(os.listdir(rig.archive / "accepted")) == ["x.png", "x~2.png", "x~3.png"]


def test_a_name_is_not_used_again_after_the_consumer_took_it(rig: Rig, delivery: Delivery) -> None:
    """That a consumer took x.png.json does not make its name free."""
    deliver(rig, delivery, "x.png")
    rig.take()
    deliver(rig, delivery, "x.png")
    assert list(rig.files()) == ["x.png~2.json"]


def test_a_foreign_file_is_never_overwritten(rig: Rig, delivery: Delivery) -> None:
    """A file that somebody put where the result belongs stays, and the result takes the next name."""
    (rig.outbox / "x.png.json").write_text("mine")
    deliver(rig, delivery, "x.png")
    assert (rig.outbox / "x.png.json").read_text() == "mine"
    assert results.from_json(rig.files()["x.png~2.json"]).text == "42"


def test_a_name_that_is_taken_at_the_last_moment_is_left_and_never_used_again(
    rig: Rig, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that appears between the choice of the name and the publishing is kept; the number given counts."""
    record = rig.journal.record

    def record_and_lose_the_name(*args: Any) -> None:
        record(*args)
        (rig.outbox / "x.png.json").write_text("mine")

    with monkeypatch.context() as patch:
        patch.setattr(rig.journal, "record", record_and_lose_the_name)
        deliver(rig, delivery, "x.png")
    assert (rig.outbox / "x.png.json").read_text() == "mine"
    assert sorted(rig.files()) == ["x.png.json", "x.png~2.json"]
    rig.take()
    deliver(rig, delivery, "x.png")
    assert list(rig.files()) == ["x.png~3.json"]


def test_a_stage_that_somebody_removed_is_written_again(
    rig: Rig, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A consumer that clears the outbox between staging and publishing, hidden files too, loses nothing."""
    record = rig.journal.record

    def record_and_lose_the_stage(*args: Any) -> None:
        record(*args)
        for file in rig.outbox.rglob(".*"):
            file.unlink()

    monkeypatch.setattr(rig.journal, "record", record_and_lose_the_stage)
    deliver(rig, delivery, "x.png")
    assert list(rig.files()) == ["x.png.json"]


def test_a_folder_named_like_a_published_file_gets_a_number(rig: Rig, delivery: Delivery) -> None:
    """Scans of a folder that has the name of a file in the outbox or the archive do not hold anything up."""
    deliver(rig, delivery, "x.png")
    deliver(rig, delivery, "x.png.json/y.png", Status.FAILED)
    deliver(rig, delivery, "x.png/z.png")
    assert not delivery.held_up
    assert sorted(rig.files()) == ["x.png.json", "x.png/z.png.json", "x.png~2.json/y.png.json"]
    assert (rig.archive / "accepted/x~2.png/z.png").exists()


def test_a_folder_named_like_a_ticket_holds_nothing_up(rig: Rig, delivery: Delivery) -> None:
    """A failed scan whose ticket's name is a folder's is filed under the next name, with its ticket."""
    deliver(rig, delivery, "x.png.json/y.png", Status.FAILED)
    deliver(rig, delivery, "x.png", Status.FAILED)
    assert not delivery.held_up
    assert (rig.archive / "failed/x~2.png").exists()
    assert results.from_json((rig.archive / "failed/x~2.png.json").read_bytes()).source.path == "x.png"


def test_a_failed_scan_has_its_ticket_beside_it(rig: Rig, delivery: Delivery) -> None:
    """The JSON beside a failed source is the result itself, with its reason."""
    deliver(rig, delivery, "sub/bad.png", Status.FAILED)
    ticket = (rig.archive / "failed/sub/bad.png.json").read_bytes()
    assert results.from_json(ticket).reason == results.Reason("not_an_image", "b.png: it is no image. Convert it.")
    assert rig.files() == {"sub/bad.png.json": ticket}


@pytest.mark.parametrize("status", READ_STATUSES)
def test_each_status_has_its_folder(rig: Rig, delivery: Delivery, status: Status) -> None:
    """A source goes where its status sends it, and only failed ones get a ticket."""
    deliver(rig, delivery, "x.png", status)
    wanted = ["x.png", "x.png.json"] if status is Status.FAILED else ["x.png"]
    assert sorted(os.listdir(rig.archive / status)) == wanted


@pytest.mark.parametrize("sources", ["move", "delete", "keep"])
def test_a_source_that_was_replaced_is_left_alone(tmp_path: Path, sources: str) -> None:
    """A file put there between reading and filing is a new scan; the old one has its result all the same."""
    rig = Rig(tmp_path, sources=sources)
    with rig.open() as delivery:
        rig.drop("x.png", b"old")
        read = rig.read("x.png")
        (rig.inbox / "x.png").unlink()
        rig.drop("x.png", b"the new one")
        delivery.deliver([read])
    assert (rig.inbox / "x.png").read_bytes() == b"the new one"
    assert rig.filed == [("x.png", Filed.REPLACED)]
    assert list(rig.files()) == ["x.png.json"]


def test_a_source_that_is_gone_is_no_trouble(rig: Rig, delivery: Delivery) -> None:
    """A file deleted after it was read has its result, and nothing is held up."""
    rig.drop("x.png")
    read = rig.read("x.png")
    (rig.inbox / "x.png").unlink()
    delivery.deliver([read])
    assert rig.filed == [("x.png", Filed.GONE)]
    assert not delivery.held_up


def test_a_file_from_the_far_future_is_delivered(rig: Rig, delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Times and inodes beyond what SQLite and calendars hold break nothing."""
    rig.drop("x.png")
    found = (rig.inbox / "x.png").lstat()
    far = os.stat_result((*found[:1], 2**63 + 5, *found[2:]), {"st_mtime_ns": 10**9 * 15_000_000_000})
    monkeypatch.setattr(os, "lstat", failing_free_lstat(os.lstat, rig.inbox / "x.png", far))
    read = rig.read("x.png")
    far_read = type(read)(
        type(read.identity)("x.png", far.st_ino, found.st_size, far.st_mtime_ns),
        read.sha256,
        read.outcome,
        read.received,
        read.recognised,
        read.model,
    )
    delivery.deliver([far_read])
    (result,) = rig.json_results()
    assert result.source.modified.startswith("2445-")
    assert not delivery.held_up


def failing_free_lstat(real: Callable[..., Any], path: Path, answer: os.stat_result) -> Callable[..., Any]:
    """An lstat that gives ANSWER for PATH."""

    def lstat(asked: Any, **kwargs: Any) -> Any:
        return answer if os.fspath(asked) == os.fspath(path) else real(asked, **kwargs)

    return lstat


def test_a_kept_scan_is_known_by_its_identity(tmp_path: Path) -> None:
    """With `keep` the source stays, is known again, and is a new scan once it was changed."""
    rig = Rig(tmp_path, sources="keep")
    with rig.open() as delivery:
        rig.drop("x.png")
        delivery.deliver([rig.read("x.png")])
        assert rig.waiting() == []
        (rig.inbox / "x.png").write_bytes(b"more than before")
        assert [read.identity.path for read in rig.waiting()] == ["x.png"]


def test_a_full_disk_holds_up_and_loses_nothing(rig: Rig, delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing can be written, results wait; it is said once, the pauses grow, and it goes on by itself."""
    write = fs.write_new
    with capture_logs() as logs:
        monkeypatch.setattr(fs, "write_new", failing(write, FULL, lambda path: True))
        deliver(rig, delivery, "a.png")
        deliver(rig, delivery, "b.png", Status.FAILED)
        assert delivery.held_up
        assert "No space left" in str(delivery.troubled)
        pauses = []
        for _ in range(8):
            before = delivery._next_try
            delivery.tick(before)
            pauses.append(delivery._pause)
        assert pauses == sorted(pauses)
        assert pauses[-1] == PAUSE_MOST
        assert rig.files() == {}
        monkeypatch.setattr(fs, "write_new", write)
        delivery.tick(delivery.next_due())
    assert not waits(delivery)
    assert delivery.troubled is None
    assert sorted(rig.files()) == ["a.png.json", "b.png.json"]
    events = [entry["event"] for entry in logs]
    assert events.count("delivery_paused") == 1
    assert events.count("delivery_resumed") == 1


def test_a_full_archive_holds_up_filing_alone(rig: Rig, delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that cannot be filed yet has its result already; after a restart it is filed, and published once."""
    rename = fs.rename_noreplace
    monkeypatch.setattr(fs, "rename_noreplace", failing(rename, FULL, lambda path: "/inbox/" in path))
    deliver(rig, delivery, "a.png")
    assert list(rig.files()) == ["a.png.json"]
    assert delivery.troubled
    rig.take()
    delivery.tick(delivery.next_due())
    assert delivery.troubled
    with rig.open() as again:
        assert again.recover() == ["a.png"]
        monkeypatch.setattr(fs, "rename_noreplace", rename)
        again.tick(again._next_try)
        assert again.troubled is None
        again.close()
    rig.check_exactly_once()


@pytest.mark.parametrize("how", ["a reload", "a restart"])
def test_what_is_to_stay_since_it_was_recorded_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A scan that could not be filed, and whose configuration says `keep` by now, is known as one that was kept."""
    rig = Rig(tmp_path)
    rename = fs.rename_noreplace
    with rig.open() as delivery:
        monkeypatch.setattr(fs, "rename_noreplace", failing(rename, FULL, lambda path: "/inbox/" in path))
        deliver(rig, delivery, "a.png")
        assert delivery.troubled
        rig.sources = "keep"
        if how == "a reload":
            delivery.change(rig.targets(), json="scan", csv=True, every=3600.0, rows=1000)
            delivery.tick(delivery._next_try)
            assert rig.waiting() == []
            delivery.close()
    rig.live()
    rig.check_exactly_once()


def test_a_folder_that_nothing_can_be_moved_out_of_does_not_stop_the_others(
    rig: Rig, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading goes on until many scans wait, and again when they no longer do."""
    monkeypatch.setattr("digitd.delivery.UNFINISHED_MOST", 3)
    rename = fs.rename_noreplace
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    monkeypatch.setattr(fs, "rename_noreplace", failing(rename, denied, lambda path: "/inbox/locked/" in path))
    for name in ("locked/a.png", "g.png", "locked/c.png", "h.png"):
        deliver(rig, delivery, name)
        assert not delivery.held_up
    assert len(rig.files()) == 4
    assert sorted(file.name for file in (rig.archive / "accepted").glob("*.png")) == ["g.png", "h.png"]
    deliver(rig, delivery, "locked/e.png")
    assert delivery.held_up
    monkeypatch.setattr(fs, "rename_noreplace", rename)
    delivery.tick(delivery._next_try)
    assert not waits(delivery)
    delivery.close()
    rig.check_exactly_once()


def test_a_journal_that_cannot_be_written_shows_nothing_in_the_outbox(
    rig: Rig, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not recorded is not published; and it is recorded later."""

    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(rig.journal, "record", refuse)
        deliver(rig, delivery, "a.png")
    assert rig.files() == {}
    assert (rig.inbox / "a.png").exists()
    delivery.tick(delivery.next_due())
    delivery.close()
    rig.check_exactly_once()


def test_batches_are_recorded_in_the_order_in_which_they_came(
    rig: Rig, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that comes while an earlier one waits is recorded after it."""
    write = fs.write_new
    monkeypatch.setattr(fs, "write_new", failing(write, FULL, lambda path: True))
    deliver(rig, delivery, "a.png")
    monkeypatch.setattr(fs, "write_new", write)
    deliver(rig, delivery, "b.png")
    assert rig.files() == {}
    delivery.tick(delivery.next_due())
    assert [row.identity.path for row in rig.journal.unrolled(10)] == ["a.png", "b.png"]


def reboot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is started anew, after all that was written until now."""
    monkeypatch.setattr(fs, "boot_id", lambda: "another start")
    monkeypatch.setattr(fs, "booted_at", lambda: time.time() + 60)


@pytest.mark.parametrize("lost", [b"", b"half", b"nul", None], ids=["empty", "half", "zeros", "missing"])
def test_after_a_power_cut_a_torn_result_is_written_again(
    rig: Rig, lost: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a reboot a file that did not last has the same name and the same bytes again."""
    with rig.open() as delivery:
        deliver(rig, delivery, "a.png")
        delivery._roller.roll_all()
    whole = rig.files()
    assert len(whole) == 2
    for name, data in whole.items():
        file = rig.outbox / name
        if lost is None:
            file.unlink()
        else:
            file.write_bytes(
                {b"": b"", b"half": data[: len(data) // 2], b"nul": data[:20] + bytes(len(data) - 20)}[lost]
            )
    reboot(monkeypatch)
    with rig.open() as delivery:
        delivery.recover()
        assert rig.files() == whole
        delivery.close()
    rig.check_exactly_once()


def test_after_a_power_cut_a_foreign_file_is_not_overwritten(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with the result's name that is not the result stays, and the result gets the next name."""
    with rig.open() as delivery:
        deliver(rig, delivery, "a.png")
    data = rig.files()["a.png.json"]
    (rig.outbox / "a.png.json").write_text("mine")
    reboot(monkeypatch)
    with rig.open() as delivery:
        delivery.recover()
    assert rig.files() == {"a.png.json": b"mine", "a.png~2.json": data}


def test_without_a_reboot_a_result_that_was_taken_is_not_given_again(rig: Rig) -> None:
    """After a crash of digitd alone, what a consumer took stays taken."""
    with rig.open() as delivery:
        deliver(rig, delivery, "a.png")
    rig.take()
    with rig.open() as delivery:
        delivery.recover()
    assert rig.files() == {}


def test_what_reached_the_disk_is_not_given_again_after_a_reboot(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a publishing round was synced, a missing result was taken, whatever happens to the machine."""
    with rig.open() as delivery:
        deliver(rig, delivery, "a.png")
        delivery.close()
    rig.take()
    reboot(monkeypatch)
    rig.live()
    assert rig.files() == {}


def test_a_crash_before_the_sync_is_made_good_by_the_next_start(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier life published becomes durable in the next one, though nothing new is read."""
    with rig.open() as delivery:
        deliver(rig, delivery, "a.png")
        delivery._roller.roll_all()
    with rig.open() as delivery:
        delivery.recover()
        sync(delivery)
        assert not rig.journal.unsynced()
    rig.take()
    reboot(monkeypatch)
    rig.live()
    assert rig.files() == {}


def sync(delivery: Delivery) -> None:
    """Do the round of syncing that is due, whole."""
    delivery.tick(delivery._syncer.next_due())
    assert delivery._syncer._round is not None
    delivery._syncer._round.result()
    delivery.tick(0.0)


def test_a_rolled_file_is_synced_though_no_scan_follows(tmp_path: Path) -> None:
    """A part published in quiet times becomes durable too."""
    rig = Rig(tmp_path)
    with rig.open(every=1e-9) as delivery:
        delivery.recover()
        deliver(rig, delivery, "a.png")
        sync(delivery)
        assert [name.endswith(".csv") for name in rig.files("*.csv")] == [True]
        if rig.journal.unsynced():
            sync(delivery)
        assert not rig.journal.unsynced()


def test_what_is_published_during_a_sync_waits_for_the_next(rig: Rig, delivery: Delivery) -> None:
    """A sync covers what was published when it began, and nothing after it."""
    deliver(rig, delivery, "a.png")
    rig.journal.begin_sync()
    deliver(rig, delivery, "b.png")
    rig.journal.settle()
    assert rig.journal.unsynced()


def stuck(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """This source cannot be moved out of the inbox."""
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    real = fs.rename_noreplace
    monkeypatch.setattr(fs, "rename_noreplace", failing(real, denied, lambda path: path.endswith(f"/inbox/{name}")))


def test_a_stuck_scan_makes_no_other_uncertain(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a reboot only it is written again, and that once: what was settled is not doubted, start after start."""
    stuck(monkeypatch, "stuck.png")
    with rig.open() as delivery:
        for name in ("before.png", "stuck.png", "after.png"):
            deliver(rig, delivery, name)
        delivery.close()
        assert len(rig.files()) == 4
    rig.take()
    reboot(monkeypatch)
    with rig.open() as delivery:
        assert delivery.recover() == ["stuck.png"]
        assert list(rig.files()) == ["stuck.png.json"]
        rig.take()
        for _ in range(2):
            delivery.tick(delivery._next_try)
        assert rig.files() == {}
        delivery.close()
    for _ in range(2):
        rig.live()
        assert rig.files() == {}


def test_an_empty_file_that_somebody_made_since_the_reboot_stays(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no torn result; the result that did not last has the next name."""
    with rig.open() as delivery:
        deliver(rig, delivery, "a.png")
    (rig.outbox / "a.png.json").write_bytes(b"")
    monkeypatch.setattr(fs, "boot_id", lambda: "another start")
    with rig.open() as delivery:
        delivery.recover()
    assert {name: bool(data) for name, data in rig.files().items()} == {"a.png.json": False, "a.png~2.json": True}


READ_ONLY = OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.parametrize("recovered", [False, True], ids=["this life's", "an earlier life's"])
def test_a_stage_that_vanished_before_it_was_published_is_written_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, recovered: bool
) -> None:
    """An outbox that cannot be written, and is replaced by a good one, gets everything that was read meanwhile."""
    real = fs.rename_noreplace
    refuse = failing(real, READ_ONLY, lambda path: "/outbox/" in path)
    monkeypatch.setattr(fs, "rename_noreplace", refuse)
    with rig.open() as delivery:
        delivery.recover()
        deliver(rig, delivery, "a.png")
        delivery._roller.roll_all()
        if not recovered:
            replace_outbox_and_go_on(rig, delivery, monkeypatch, real)
    if recovered:
        with rig.open() as delivery:
            delivery.recover()
            replace_outbox_and_go_on(rig, delivery, monkeypatch, real)
    rig.check_exactly_once()


def replace_outbox_and_go_on(rig: Rig, delivery: Delivery, monkeypatch: pytest.MonkeyPatch, rename: Any) -> None:
    """The operator puts a good folder there."""
    assert delivery.troubled
    shutil.rmtree(rig.outbox)
    rig.outbox.mkdir()
    monkeypatch.setattr(fs, "rename_noreplace", rename)
    delivery.tick(max(delivery._next_try, delivery._roller.next_due()))
    assert not delivery.troubled
    delivery.close()


def test_an_outbox_that_cannot_be_looked_into_has_published_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error on looking for a stage is no proof; once it is over, the result is published."""
    refuse = failing(fs.rename_noreplace, READ_ONLY, lambda path: "/outbox/" in path)
    with monkeypatch.context() as patch, rig.open() as delivery:
        patch.setattr(fs, "rename_noreplace", refuse)
        deliver(rig, delivery, "a.png")
    unreachable = OSError(errno.ESTALE, os.strerror(errno.ESTALE))
    with rig.open() as delivery:
        with monkeypatch.context() as patch:
            patch.setattr(os, "lstat", failing(os.lstat, unreachable, lambda path: "/outbox/" in os.fspath(path)))
            assert delivery.recover() == ["a.png"]
        delivery.tick(delivery._next_try)
        delivery.close()
    rig.check_exactly_once()


def test_a_hidden_source_that_a_crash_left_is_seen_to_at_the_start(tmp_path: Path) -> None:
    """That of a scan that is done is removed, anything else is given back, and said."""
    rig = Rig(tmp_path, sources="delete")
    with rig.open() as delivery:
        deliver(rig, delivery, "a.png")
        found = rig.json_results()[0]
        (mtime,) = rig.journal.db.execute("SELECT mtime_ns FROM scans").fetchone()
        delivery.close()
    hidden = rig.inbox / f".digitd-filing-{found.id}.png"
    hidden.write_bytes(b"scan")
    os.utime(hidden, ns=(mtime, mtime))
    (rig.inbox / ".digitd-filing-0.png").write_bytes(b"whose?")
    with rig.open() as delivery, capture_logs() as logs:
        delivery.recover()
    assert os.listdir(rig.inbox) == ["recovered-0.png"]
    assert [entry["scan"] for entry in logs if entry["event"] == "source_given_back"] == ["recovered-0.png"]


def test_a_reboot_that_cannot_be_noted_stops_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full at the start: results are restored all the same, and it is noted before the next sync."""
    with rig.open() as delivery:
        deliver(rig, delivery, "a.png")
    whole = rig.files()
    (rig.outbox / "a.png.json").unlink()
    reboot(monkeypatch)

    def refuse() -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with rig.open() as delivery:
        with monkeypatch.context() as patch:
            patch.setattr(rig.journal, "note_boot", refuse)
            delivery.recover()
            delivery.tick(delivery._syncer.next_due())
            assert rig.journal.rebooted
        assert rig.files("*.json") == whole
        delivery.close()
        assert not rig.journal.rebooted


def test_a_sync_covers_every_file_system_that_filing_changes(
    rig: Rig, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outbox, archive and inbox are made durable; a source that reappears would be read again."""
    synced: list[str] = []
    monkeypatch.setattr(fs, "syncfs", synced.append)
    devices = {os.fspath(folder): number for number, folder in enumerate((rig.outbox, rig.inbox))}
    real = os.stat

    def stat(path: Any, **kwargs: Any) -> Any:
        found = real(path, **kwargs)
        number = devices.get(os.fspath(path)) if isinstance(path, str) else None
        return found if number is None else os.stat_result((*found[:2], number, *found[3:]))

    deliver(rig, delivery, "a.png")
    monkeypatch.setattr(os, "stat", stat)
    delivery._syncer._sync()
    assert {os.fspath(rig.outbox), os.fspath(rig.inbox)} <= set(synced)


def test_an_interrupted_stage_is_swept_and_a_foreign_dot_file_is_not(rig: Rig) -> None:
    """At the start digitd removes its own leftovers in the outbox, and touches nothing else there."""
    (rig.outbox / "sub").mkdir()
    (rig.outbox / "sub/.digitd-0000.tmp").write_bytes(b"ha")
    (rig.outbox / ".keep").write_bytes(b"")
    (rig.outbox / "old.json").write_bytes(b"{}")
    with rig.open() as delivery:
        delivery.recover()
    assert sorted(os.listdir(rig.outbox)) == [".keep", "old.json", "sub"]
    assert os.listdir(rig.outbox / "sub") == []
