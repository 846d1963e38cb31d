"""The versions of the journal: what an older digitd wrote goes on, and what a newer one wrote is left alone."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from delivery_rig import Killer, two_scans_on_way, workplace
from digitd import __version__, fs, migrate
from digitd.database import FILE_NAME, reading
from digitd.errors import ExitCode, FolderError
from digitd.journal import Journal
from digitd.maintenance import Pruner
from digitd.tables import TABLES_1
from killed_upgrade import content
from ways import OUTPUTS, SOURCES, Json

TESTS = Path(__file__).parents[1]
KILLS = range(1, 80, 3)
DAY = 86400.0
Usage = namedtuple("Usage", "total used free")


def fixture_of(version: int) -> Path:
    """A journal that a digitd of its time wrote, killed while two scans waited for their CSV."""
    return TESTS / "fixtures" / f"journal-{version}.sqlite3"


@pytest.fixture(params=migrate.STEPS)
def version(request: pytest.FixtureRequest) -> int:
    """Each older one."""
    number: int = request.param
    return number


@pytest.fixture
def state(tmp_path: Path, version: int) -> Path:
    """A state folder with a journal of an older digitd."""
    folder = tmp_path / "state"
    folder.mkdir()
    shutil.copy(fixture_of(version), folder / FILE_NAME)
    return folder


def schema(path: Path) -> set[tuple[str, str]]:
    """Every table and index, as it was made; comments and spaces do not count."""
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {(name, " ".join(" ".join(line.split("--")[0] for line in sql.splitlines()).split())) for name, sql in found}


def test_each_version_has_a_step_and_a_journal_to_try_it_on() -> None:
    """None is left out."""
    assert list(migrate.STEPS) == list(range(1, migrate.VERSION))
    assert [number for number in migrate.STEPS if not fixture_of(number).exists()] == []


def test_the_first_tables_stay_as_they_were(tmp_path: Path) -> None:
    """What version 1 was is what a digitd of that time made."""
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.executescript(TABLES_1)
    assert schema(tmp_path / FILE_NAME) == schema(fixture_of(1))


def test_an_older_journal_is_brought_up_with_all_that_is_in_it(state: Path, version: int) -> None:
    """Every row is there as it was, a copy of the old one is kept, the log says where, and the journal who did it."""
    old = content(state / FILE_NAME)
    assert old[0] == version
    with capture_logs() as logs:
        Journal(state).close()
    assert content(state / FILE_NAME) == (migrate.VERSION, old[1])
    copy = state / f"{FILE_NAME}.v{version}"
    assert content(copy) == old
    [event] = logs
    assert (event["event"], event["before"], event["version"]) == ("journal_brought_up", version, migrate.VERSION)
    assert event["copy"] == str(copy)
    with closing(sqlite3.connect(state / FILE_NAME)) as db:
        made = db.execute("SELECT version, digitd FROM versions ORDER BY version").fetchall()
        assert made[-1] == (migrate.VERSION, __version__)
        assert [number for number, _ in made] == [*range(2, version + 1), migrate.VERSION]
    with capture_logs() as logs:
        Journal(state).close()
    assert logs == []


def test_a_new_journal_is_like_one_that_was_brought_up(state: Path, tmp_path: Path) -> None:
    """The same tables and the same indexes; and there is no copy where nothing was."""
    Journal(state).close()
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    Journal(fresh).close()
    assert schema(fresh / FILE_NAME) == schema(state / FILE_NAME)
    assert [file.name for file in fresh.iterdir()] == [FILE_NAME]


def test_what_was_under_way_goes_on(state: Path) -> None:
    """The scans that waited for their CSV still do, names stay used, and numbers go on."""
    with Journal(state) as journal:
        assert [row.identity.path for row in journal.unrolled(10)] == ["late.png", "seven.png"]
        assert journal.last_number("seven.png") == 2
        assert journal.next_seq() == 7
        assert journal.next_part() == 2


def test_killed_at_any_line_it_is_the_old_one_or_the_new_one(version: int, tmp_path: Path) -> None:
    """SIGKILL at each line that runs: the journal that is left is whole, and the next start goes on from it."""
    done = subprocess.run(
        [sys.executable, str(TESTS / "killed_upgrade.py"), str(fixture_of(version)), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    left = json.loads(done.stdout.splitlines()[-1])
    assert left["old"] > 20 and left["new"] > 2


def as_before(state: Path) -> None:
    """Make a journal what version 1 was."""
    with closing(sqlite3.connect(state / FILE_NAME, isolation_level=None)) as db:
        if db.execute("PRAGMA user_version").fetchone() != (0,):
            for table in ("versions", "waiting", "leases", "verdicts", "reviews"):
                db.execute(f"DROP TABLE {table}")
            db.execute("PRAGMA user_version = 1")


@pytest.mark.parametrize(("json", "csv"), OUTPUTS)
@pytest.mark.parametrize("sources", SOURCES)
def test_an_upgrade_in_the_midst_loses_and_doubles_nothing(sources: str, json: Json, csv: bool) -> None:
    """An older digitd is killed anywhere on a scan's way; the new one goes on, and each scan has one result."""
    for number in KILLS:
        with workplace() as base, workplace("other") as other:
            rig = two_scans_on_way(base, other, sources, json, csv)
            killer = Killer(number, "after")
            with killer.armed():
                rig.live()
            as_before(rig.state)
            rig.live()
            assert (rig.state / f"{FILE_NAME}.v1").exists()
            rig.check_exactly_once()
        if killer.struck is None:
            break
    else:
        pytest.fail("it takes more steps than expected")


def test_a_step_that_fails_undoes_those_before_it(state: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps are one transaction: the old journal is there, and the next start tries again."""
    old = content(state / FILE_NAME)

    def breaks(db: sqlite3.Connection) -> None:
        db.execute("DROP TABLE names")
        db.execute("SELECT 1 FROM nowhere")

    monkeypatch.setattr(migrate, "VERSION", migrate.VERSION + 1)
    monkeypatch.setitem(migrate.STEPS, migrate.VERSION - 1, breaks)
    with pytest.raises(FolderError, match="nowhere"):
        Journal(state)
    assert content(state / FILE_NAME) == old
    monkeypatch.setitem(migrate.STEPS, migrate.VERSION - 1, lambda db: None)
    Journal(state).close()
    assert content(state / FILE_NAME) == (migrate.VERSION, old[1])
    assert content(state / f"{FILE_NAME}.v{version}") == old


def test_without_room_for_the_copy_it_is_refused(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is changed, with what it takes and what to do; `check` says the same."""
    old = content(state / FILE_NAME)
    size = (state / FILE_NAME).stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, size + migrate.SPARE_BYTES - 1))
    with pytest.raises(FolderError, match="no room beside it for the copy") as caught:
        Journal(state)
    assert caught.value.exit_code is ExitCode.FOLDERS
    assert f"{size + migrate.SPARE_BYTES:,} bytes" in caught.value.cause
    assert "Make room" in caught.value.remedy
    with reading(state) as db:
        assert db is not None
        with pytest.raises(FolderError, match="no room"):
            migrate.outlook(db, state / FILE_NAME)
    assert content(state / FILE_NAME) == old
    assert [file.name for file in state.iterdir() if ".v" in file.name] == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, size + migrate.SPARE_BYTES))
    Journal(state).close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a hundred kilobytes."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "none", str(place)], check=False).returncode != 0:
        pytest.skip("mounting a file system takes root")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_meanwhile(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the room goes while the copy is made, it is refused in the same words, and half a copy does not stay."""
    shutil.copy(fixture_of(1), small_disk / FILE_NAME)
    old = content(small_disk / FILE_NAME)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, 10**9))
    with pytest.raises(FolderError, match="no room beside it for the copy"):
        Journal(small_disk)
    assert content(small_disk / FILE_NAME) == old
    assert {file.name for file in small_disk.iterdir()} == {FILE_NAME}


def test_the_copy_is_on_the_disk_before_the_first_step(
    state: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its content, then its name, then the folder that has the name: a power cut after the upgrade takes none of it."""
    done: list[str] = []

    def noted(owner: object, name: str) -> None:
        step = getattr(owner, name)

        def run(*args: object) -> object:
            done.append(name)
            return step(*args)

        monkeypatch.setattr(owner, name, run)

    noted(os, "fsync")
    noted(os, "replace")
    noted(fs, "sync_folder")
    first = migrate.STEPS[version]

    def step(db: sqlite3.Connection) -> None:
        done.append("step")
        first(db)

    monkeypatch.setitem(migrate.STEPS, version, step)
    Journal(state).close()
    assert done == ["fsync", "replace", "sync_folder", "fsync", "step"]


def test_a_long_copy_shows_that_it_is_alive(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each few pages, so that systemd does not take it for hung."""
    monkeypatch.setattr(migrate, "COPY_PAGES", 1)
    signs: list[None] = []
    Journal(state, alive=lambda: signs.append(None)).close()
    assert len(signs) >= (state / FILE_NAME).stat().st_size // 4096 // 2


def test_a_copy_of_an_earlier_upgrade_is_replaced(state: Path, version: int) -> None:
    """After a way back, what is kept is the journal that was last in use."""
    (state / f"{FILE_NAME}.v{version}").write_bytes(b"of an earlier time")
    (state / f".{FILE_NAME}.v{version}.part").write_bytes(b"half a copy")
    old = content(state / FILE_NAME)
    Journal(state).close()
    assert content(state / f"{FILE_NAME}.v{version}") == old
    assert not (state / f".{FILE_NAME}.v{version}.part").exists()


def test_reading_an_older_journal_changes_nothing(state: Path, version: int) -> None:
    """What only looks uses it as it is, and says what `run` would do."""
    before = (state / FILE_NAME).read_bytes()
    with reading(state) as db:
        assert db is not None
        said = migrate.outlook(db, state / FILE_NAME)
    assert said.startswith(f"version {version}; `run` brings it up to {migrate.VERSION}")
    assert (state / FILE_NAME).read_bytes() == before
    assert not (state / f"{FILE_NAME}.v{version}").exists()


def test_a_newer_journal_names_who_made_it_and_the_way_back(state: Path) -> None:
    """It is refused as it is found, by readers too."""
    Journal(state).close()
    with closing(sqlite3.connect(state / FILE_NAME)) as db:
        db.execute("INSERT INTO versions VALUES (99, '7.1.0', 0)")
        db.commit()
        db.execute("PRAGMA user_version = 99")
    shutil.copy(state / FILE_NAME, state / f"{FILE_NAME}.v{migrate.VERSION}")
    before = (state / FILE_NAME).read_bytes()
    for opens in (Journal, lambda folder: reading(folder).__enter__()):
        with pytest.raises(FolderError) as caught:
            opens(state)
        assert (
            f"has version 99, made by digitd 7.1.0; this digitd {__version__} knows {migrate.VERSION}"
            in caught.value.cause
        )
        assert caught.value.remedy.startswith(
            f"Install digitd 7.1.0, or a newer one; or go back to journal.sqlite3.v{migrate.VERSION}"
        )
    assert (state / FILE_NAME).read_bytes() == before


def test_the_copy_goes_once_all_that_is_in_it_would_be_forgotten(state: Path, version: int) -> None:
    """After `state.keep`; not before."""
    with Journal(state) as journal:
        copy = state / f"{FILE_NAME}.v{version}"
        pruner = Pruner(journal, state, keep=DAY)

        def forget() -> None:
            pruner.tick(pruner.next_due())
            while not pruner.resting:
                pruner.tick(pruner.next_due())

        forget()
        assert copy.exists()
        made = copy.stat().st_mtime
        os.utime(copy, (made - DAY - 1, made - DAY - 1))
        with capture_logs() as logs:
            forget()
        assert not copy.exists()
        assert [each["copy"] for each in logs if each["event"] == "journal_copy_removed"] == [str(copy)]


def test_what_an_older_digitd_read_waits_for_people_too(state: Path) -> None:
    """Failed scans, and the accepted whose lot is drawn, as if they were read now."""
    with Journal(state) as journal:
        assert journal.db.execute("SELECT kind, lot, seq FROM waiting").fetchall() == [
            ("accepted", "1e441a64", 4),
            ("accepted", "2248bcec", 5),
            ("failed", "", 1),
        ]
