"""An upgrade as an administrator sees it: over the state of an older digitd, and back over that of a newer one."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest

from digitd import __version__, migrate, results
from e2e import scans
from e2e.harness import ROOT, Daemon, House

OLD = ROOT / "tests" / "fixtures" / "journal-1.sqlite3"
"""Written by a digitd of version 1 of the journal; it was killed while two scans waited for their CSV."""


@pytest.fixture
def old_house(house: House) -> House:
    """What that digitd left: its journal, and the outbox with what it had published."""
    # Whenever this is run, nothing of it is old enough to be forgotten.
    house.configure({"state": {"keep": "36500d"}})
    house.state.mkdir()
    shutil.copy(OLD, house.state / "journal.sqlite3")
    with closing(sqlite3.connect(OLD)) as db:
        for published_as, line in db.execute("SELECT published_as, result FROM scans"):
            file = house.outbox / os.fsdecode(published_as)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(line)
        (part,) = db.execute("SELECT name FROM parts").fetchone()
        lines = [line for (line,) in db.execute("SELECT result FROM scans WHERE part = 1 ORDER BY seq")]
    (house.outbox / f"{part}.csv").write_bytes(results.to_csv(map(results.from_json, lines)))
    return house


def journals(house: House) -> set[str]:
    """The files of the state folder that are the journal's, but those that SQLite has while it is open."""
    return {name for name in house.files(house.state) if "journal" in name and not name.endswith(("-wal", "-shm"))}


def test_an_upgrade_over_the_state_of_an_older_digitd(old_house: House) -> None:
    """What only looks shows it and changes nothing; `run` keeps a copy, ends what was under way, and loses, doubles and
    overwrites nothing."""
    house = old_house
    before = (house.state / "journal.sqlite3").read_bytes()
    status = house.run("status", "--json")
    assert status.returncode == 0, status.stderr
    assert json.loads(status.stdout)["last_read"] == "2026-11-25T13:58:03.612Z"
    check = house.run("check")
    assert check.returncode == 0, check.stderr
    assert (
        f"version 1; `run` brings it up to {migrate.VERSION}, and keeps a copy (49,152 bytes)".encode() in check.stdout
    )
    assert (house.state / "journal.sqlite3").read_bytes() == before
    assert journals(house) == {"journal.sqlite3"}

    published = {name: (house.outbox / name).read_bytes() for name in house.files(house.outbox)}
    house.drop("seven.png", scans.scan(7))
    daemon = house.once()
    assert daemon.process.returncode == 0
    [event] = daemon.named("journal_brought_up")
    assert (event["before"], event["version"]) == (1, migrate.VERSION)
    assert event["copy"] == str(house.state / "journal.sqlite3.v1")
    daemon.assert_only_events()
    assert journals(house) == {"journal.sqlite3", "journal.sqlite3.v1"}
    assert {name: (house.outbox / name).read_bytes() for name in published} == published
    assert house.result("seven.png~3.json")["text"] == "7"
    rows = [row["id"] for row in house.rows()]
    assert len(rows) == len(set(rows)) == 7
    assert set(rows) == {result["id"] for result in house.results()}
    assert f"version {migrate.VERSION}".encode() in house.run("check").stdout
    assert house.once().named("journal_brought_up") == []


def test_the_way_back(old_house: House) -> None:
    """The commands of docs/operations.md put the copy in the journal's place; the older digitd has what it knew then.
    Here it is brought up once more: what was under way comes again with the ids that it had, and nothing else."""
    house = old_house
    house.once()
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    [commands] = re.findall(r"```sh\nsystemctl stop digitd\ncd /var/lib/digitd\n(.*?)```", page, re.DOTALL)
    subprocess.run(["/bin/sh", "-ec", commands], cwd=house.state, check=True)
    with closing(sqlite3.connect(house.state / "journal.sqlite3")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert (house.state / "newer" / "journal.sqlite3").exists()
    before = {result["id"] for result in house.results()}
    house.once()
    assert {result["id"] for result in house.results()} == before
    assert {row["id"] for row in house.rows()} == before
    assert len(house.results()) == len(before) == 6


def test_a_journal_of_a_newer_digitd_is_refused(house: House) -> None:
    """By `run`, `check` and `status` alike: with the exit code of folders, its version, who made it and what to do."""
    house.once()
    with closing(sqlite3.connect(house.state / "journal.sqlite3")) as db:
        db.execute("INSERT INTO versions VALUES (99, '7.1.0', 0)")
        db.commit()
        db.execute("PRAGMA user_version = 99")
    said = f"has version 99, made by digitd 7.1.0; this digitd {__version__} knows {migrate.VERSION}"
    house.drop("waits.png", scans.scan(7))
    with Daemon(house) as daemon:
        assert daemon.wait_end() == 4
    [event] = daemon.named("refused")
    assert (event["code"], event["exit_code"]) == ("folders", 4)
    assert said in event["cause"] and event["remedy"] == "Install digitd 7.1.0, or a newer one"
    for command in ("check", "status"):
        done = house.run(command)
        assert done.returncode == 4
        assert said.encode() in done.stderr
    assert house.files(house.inbox) == {"waits.png"}
