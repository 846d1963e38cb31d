"""A damaged journal: set aside, and built anew from what is left of it and from the outbox, nothing lost or doubled."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from structlog.testing import capture_logs

import delivery_rig
from delivery_rig import Killed, Killer, Rig, on_way, workplace
from digitd import fs, rebuild
from digitd.database import FILE_NAME, SUSPECT
from digitd.errors import FolderError
from digitd.journal import Journal
from ways import OUTPUTS, SOURCES, Json

PAGE = 4096
KILLS = range(1, 80)
STEPS_MOST = 40


@contextmanager
def stopped_after(number: int) -> Iterator[list[str]]:
    """Ends the process after the NUMBERth step that changes something; gives the steps that were taken."""
    taken: list[str] = []

    def counted(owner: object, name: str) -> Callable[..., object]:
        step: Callable[..., object] = getattr(owner, name)

        def run(*args: object) -> object:
            result = step(*args)
            taken.append(name)
            if len(taken) >= number:
                raise Killed
            return result

        return run

    with ExitStack() as stack:
        for owner, name in _STEPS:
            stack.enter_context(patch.object(owner, name, counted(owner, name)))
        with suppress(Killed):
            yield taken


_STEPS: list[tuple[object, str]] = [
    (os, "mkdir"),
    (os, "rename"),
    (fs, "sync_folder"),
    *((Journal, name) for name in ("record", "open_part", "published", "plan_filing", "assume_reboot")),
]


def scribbled(path: Path) -> None:
    """Every page but the first is overwritten."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(PAGE)
        file.write(os.urandom(max(0, size - PAGE)))


def beheaded(path: Path) -> None:
    """The first page is zeros, as a torn write leaves them."""
    with path.open("r+b") as file:
        file.write(bytes(PAGE))


def cut(path: Path) -> None:
    """The second half is gone."""
    os.truncate(path, path.stat().st_size // 2 // PAGE * PAGE)


def replaced(path: Path) -> None:
    """It is another file altogether."""
    path.write_bytes(b"this is no database\n" * 1000)


def forgetful(path: Path) -> None:
    """The root page of the names alone is overwritten."""
    overwritten(path, "names")


def overwritten(path: Path, what: str) -> None:
    """The root page of a table or an index is."""
    with sqlite3.connect(path) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (what,)).fetchone()
    db.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xff" * PAGE)


DAMAGES: list[Callable[[Path], None]] = [scribbled, beheaded, cut, replaced]


def rig_of(base: Path, other: Path, sources: str, json: Json, csv: bool) -> Rig:
    """A house with a good scan, a bad one, and one in a word of another language."""
    rig = on_way(base, other, sources, json, csv)
    for path in ("a.png", "sub/b.png", "c\u00fc.png"):
        rig.drop(path, path.encode())
    return rig


def restarted(rig: Rig) -> list[str]:
    """A start of digitd over a damaged journal, until all is read; gives the events that it logged."""
    with capture_logs() as logs:
        journal = rebuild.opened(rig.state, rig.inbox, rig.outbox, rig.files_into())
        journal.close()
    rig.live()
    rig.live()
    return [each["event"] for each in logs]


def check_every_kill(sources: str, json: Json, csv: bool, damage: Callable[[Path], None]) -> None:
    """Whenever digitd was killed: a start over the journal that is damaged then leaves exactly one result a scan."""
    for number in KILLS:
        with workplace() as base, workplace("other") as other:
            rig = rig_of(base, other, sources, json, csv)
            killer = Killer(number, "after")
            with killer.armed():
                rig.live()
            journal = rig.state / FILE_NAME
            if journal.exists() and journal.stat().st_size > PAGE:
                # What the -wal had is in the file then, so that the damage has something to hit.
                sqlite3.connect(journal).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
                damage(journal)
                assert "journal_damaged" in restarted(rig)
            else:
                rig.live()
            rig.check_exactly_once()
        if killer.struck is None:
            break
    else:
        pytest.fail("it takes more steps than expected")


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("sources", SOURCES)
def test_a_damaged_journal_loses_and_doubles_nothing(sources: str, damage: Callable[[Path], None]) -> None:
    """Wherever digitd was killed before: of what is still in the inbox, what has a result in the outbox is filed, and
    the rest is read. With a JSON file a scan the outbox has all that is needed."""
    check_every_kill(sources, "scan", False, damage)


@pytest.mark.parametrize(("json", "csv"), OUTPUTS)
@pytest.mark.parametrize("sources", SOURCES)
def test_what_can_be_read_of_it_is_saved(sources: str, json: Json, csv: bool) -> None:
    """Rows that wait to be rolled are in the journal alone: they are taken out of what is left of it."""
    check_every_kill(sources, json, csv, forgetful)


@pytest.mark.parametrize("damage", [forgetful, replaced], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("sources", SOURCES)
def test_a_kill_while_it_is_built_anew_costs_nothing(sources: str, damage: Callable[[Path], None]) -> None:
    """At each step of it, and wherever digitd was killed before: the next start builds it again from the same."""
    for killed in (6, 9, 12):
        for number in range(1, STEPS_MOST):
            with workplace() as base, workplace("other") as other:
                rig = rig_of(base, other, sources, "scan", csv=damage is forgetful)
                with Killer(killed, "after").armed():
                    rig.live()
                journal = rig.state / FILE_NAME
                sqlite3.connect(journal).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
                damage(journal)
                with stopped_after(number) as steps:
                    rebuild.opened(rig.state, rig.inbox, rig.outbox, rig.files_into()).close()
                restarted(rig)
                rig.check_exactly_once()
                assert sorted(file.name for file in rig.state.iterdir() if "damaged" not in file.name) == [FILE_NAME]
                assert [file.name for file in rig.state.glob("*.damaged-*[Z0-9]")]
            if len(steps) < number:
                break
        else:
            pytest.fail("it takes more steps than expected")


def test_a_name_that_was_used_is_not_used_again(tmp_path: Path) -> None:
    """Though nothing else was open, and a consumer has taken what had it."""
    rig = Rig(tmp_path, csv=False)
    rig.drop("a.png")
    rig.live()
    rig.take()
    overwritten(rig.state / FILE_NAME, "scans_kept")
    assert "journal_rebuilt" in restarted(rig)
    rig.drop("a.png", b"another")
    rig.live()
    assert list(rig.files()) == ["a.png~2.json"]


def test_what_lies_in_the_outbox_and_is_no_result_is_passed_over(tmp_path: Path) -> None:
    """A link that leads nowhere, as a file that a consumer takes at this moment; a pipe; a table that is none."""
    rig = Rig(tmp_path, sources="keep", csv=False)
    rig.drop("a.png")
    rig.live()
    (rig.outbox / "gone.json").symlink_to("nowhere")
    os.mkfifo(rig.outbox / "pipe.jsonl")
    (rig.outbox / "wide.csv").write_text("id\n" + "x" * 200_000)
    replaced(rig.state / FILE_NAME)
    assert "journal_rebuilt" in restarted(rig)
    assert [name for name in rig.files() if name.startswith("a.png")] == ["a.png.json"]


def test_where_there_is_no_room_for_a_new_one_the_damaged_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start is refused with a word, and the next one has all that this one had."""
    rig = Rig(tmp_path)
    replaced(rig.state / FILE_NAME)

    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as disk:
        disk.setattr(Journal, "record", refuse)
        with pytest.raises(FolderError, match="disk is full"):
            rebuild.opened(rig.state, rig.inbox, rig.outbox, rig.files_into())
    assert "journal_rebuilt" in restarted(rig)


@pytest.mark.parametrize("sources", SOURCES)
def test_rows_in_the_outbox_are_not_published_again(sources: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CSV alone and nothing left of the journal: whenever digitd was killed, what a CSV has is filed, not read."""
    monkeypatch.setattr(delivery_rig, "RECOGNISED", time.time() + 60)
    for number in KILLS:
        with workplace() as base, workplace("other") as other:
            rig = rig_of(base, other, sources, "off", True)
            killer = Killer(number, "after")
            with killer.armed():
                rig.live()
            before = sorted(row["id"] for row in rig.csv_rows())
            if (rig.state / FILE_NAME).exists():
                replaced(rig.state / FILE_NAME)
                restarted(rig)
            paths = [row["source_path"] for row in rig.csv_rows()]
            assert len(paths) == len(set(paths))
            assert set(before) <= {row["id"] for row in rig.csv_rows()}
            assert [file for file in rig.inbox.rglob("*") if file.is_file() and rig.sources != "keep"] == []
        if killer.struck is None:
            # Nothing was lost with the journal when all had come out: then the outbox has all.
            assert sorted(paths) == sorted(rig.contents) and len(before) == len(paths)
            break
    else:
        pytest.fail("it takes more steps than expected")


def test_a_scan_that_was_put_there_since_is_read(tmp_path: Path) -> None:
    """The same bytes under the same name, after the row was written: it is another scan, and has a row of its own."""
    rig = Rig(tmp_path, json="off", csv=True)
    rig.drop("a.png")
    rig.live()
    replaced(rig.state / FILE_NAME)
    rig.drop("a.png")
    restarted(rig)
    assert [row["source_path"] for row in rig.csv_rows()] == ["a.png", "a.png"]


@pytest.mark.parametrize("text", ["id\r\n\r\n", "id,status\r\nx\r\n", "\0", "id,source_path\r\nx,../../x\r\n"])
def test_a_csv_of_somebody_else_tells_nothing(tmp_path: Path, text: str) -> None:
    """It is passed over, and the inbox is read."""
    rig = Rig(tmp_path, json="off", csv=True)
    rig.live()
    replaced(rig.state / FILE_NAME)
    (rig.outbox / "theirs.csv").write_text(text)
    rig.drop("a.png")
    with capture_logs() as logs:
        rebuild.opened(rig.state, rig.inbox, rig.outbox, rig.files_into()).close()
    assert {"journal_damaged", "journal_rebuilt"} <= {each["event"] for each in logs}


def test_the_damaged_file_is_kept(tmp_path: Path) -> None:
    """Under a name that says when, and that the log has; a second one on the same day has another."""
    rig = Rig(tmp_path)
    rig.drop("a.png")
    rig.live()
    for times in (1, 2):
        replaced(rig.state / FILE_NAME)
        with capture_logs() as logs:
            rebuild.opened(rig.state, rig.inbox, rig.outbox, rig.files_into()).close()
        aside = next(each["set_aside"] for each in logs if each["event"] == "journal_damaged")
        assert Path(aside).read_bytes().startswith(b"this is no database")
        assert len(list(rig.state.glob(f"{FILE_NAME}.damaged-*[Z0-9]"))) == times


def test_a_journal_of_a_newer_digitd_is_not_set_aside(tmp_path: Path) -> None:
    """It is whole; it is refused, and stays."""
    with Journal(tmp_path) as journal:
        journal.db.execute("PRAGMA user_version = 99")
    with pytest.raises(FolderError, match="version 99"):
        rebuild.opened(tmp_path, tmp_path, tmp_path, Rig(tmp_path).files_into())
    assert (tmp_path / FILE_NAME).exists()


def test_damage_that_is_seen_only_later_is_mended_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a journal that is too large to be looked through at each start: it is not waited for, nor met again."""
    monkeypatch.setattr(rebuild, "CHECKED_BYTES", 0)
    rig = Rig(tmp_path, sources="keep")
    rig.drop("a.png")
    rig.live()
    overwritten(rig.state / FILE_NAME, "scans_kept")
    assert rebuild.damage(rig.state / FILE_NAME) is None
    with pytest.raises(sqlite3.DatabaseError, match="malformed") as seen:
        rig.live()
    with rig.open() as delivery, pytest.raises(sqlite3.DatabaseError, match="malformed"):
        delivery.deliver([rig.read("a.png")])
    assert "set" in rebuild.suspect(rig.state, seen.value).remedy
    assert "journal_rebuilt" in restarted(rig)
    assert not (rig.state / SUSPECT).exists()
    rig.check_exactly_once()


def test_a_large_journal_is_looked_at_where_it_is_read_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as a whole, which would take minutes at each start."""
    rig = Rig(tmp_path)
    rig.drop("a.png")
    rig.live()
    journal = rig.state / FILE_NAME
    monkeypatch.setattr(rebuild, "CHECKED_BYTES", 0)
    assert rebuild.damage(journal) is None
    scribbled(journal)
    assert rebuild.damage(journal) is not None
