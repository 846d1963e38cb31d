"""`run --once` drains the inbox on the daemon's own way, and ends."""

import os
import time

import pytest

from e2e import scans
from e2e.harness import Daemon, House

# Root, whom tests may run as, has every right: this takes one away.
NO_RIGHT = """
import os
real = os.mkdir
def mkdir(name, *arguments, **keys):
    if os.fspath(name).endswith("accepted/sub"):
        raise PermissionError(13, "Permission denied", name)
    return real(name, *arguments, **keys)
os.mkdir = mkdir
"""


def test_drains_and_exits(house: House) -> None:
    """Everything that waits is read, subfolders too, the CSV is published, and the exit code is 0."""
    for number in range(30):
        house.drop(f"{'a/b/' if number % 3 else ''}{number}.png", scans.scan(number % 10))
    daemon = house.once()
    assert daemon.process.returncode == 0
    assert house.files(house.inbox) == set()
    assert len(house.results()) == len(house.archived()) == 30
    assert len(list(house.outbox.glob("results-*.csv"))) == 1
    assert {row["id"] for row in house.rows()} == {result["id"] for result in house.results()}
    daemon.assert_only_events()


def test_empty_inbox(house: House) -> None:
    """With nothing to do it does nothing, and exits with 0."""
    daemon = house.once()
    assert daemon.process.returncode == 0
    assert house.files(house.outbox) == set()
    assert daemon.wait_event("stopped")["why"] == "nothing left"
    daemon.assert_only_events()


def test_inbox_of_other_things(house: House) -> None:
    """What is ignored keeps no drain from its end."""
    (house.inbox / "notes.txt").write_text("no scan", encoding="utf-8")
    os.mkfifo(house.inbox / "fifo.png")
    daemon = house.once()
    assert daemon.process.returncode == 0
    assert house.files(house.inbox) == {"notes.txt", "fifo.png"}
    daemon.assert_only_events()


def test_ends_though_a_source_cannot_be_filed(house: House) -> None:
    """A source that cannot be moved away keeps no drain from its end: all others are read and filed, a warning names
    it, the exit code is that of folders, and the next run files it without reading it again."""
    house.drop("sub/stuck.png", scans.scan(4))
    house.drop("free.png", scans.scan(7))
    with Daemon(house, "--once", PYTHONPATH=house.at_start(NO_RIGHT)) as daemon:
        daemon.wait_end()
    assert daemon.process.returncode == 4
    warning = daemon.wait_event("scans_unfiled")
    assert (warning["level"], warning["count"], warning["scans"]) == ("warning", 1, ["sub/stuck.png"])
    refused = daemon.wait_event("refused", code="folders", exit_code=4)
    assert "sub/stuck.png" in refused["cause"] and "start it again" in refused["remedy"]
    assert house.files(house.inbox) == {"sub/stuck.png"}
    assert {result["text"] for result in house.results()} == {"4", "7"}
    assert len(house.rows()) == 2
    daemon.assert_only_events()
    assert house.once().process.returncode == 0
    assert house.files(house.inbox) == set()
    assert len(house.results()) == len(house.rows()) == 2


@pytest.mark.timeout(180)
def test_cut_short_fails_once_it_is_no_longer_young(house: House) -> None:
    """A file cut short, and an empty one, may still grow: they fail after 30 s without a change, by ctime too,
    and nothing else waits for them."""
    dropped = time.time()
    for name, data in (("torn.png", scans.scan()[:-60]), ("empty.png", b""), ("good.png", scans.scan(4))):
        path = house.drop(name, data)
        # An old mtime is no sign of age: a copy may have set it.
        os.utime(path, (10**9, 10**9))
    daemon = house.once()
    assert daemon.process.returncode == 0
    results = {result["source"]["name"]: result for result in house.results()}
    assert {name: result["status"] for name, result in results.items()} == {
        "torn.png": "failed",
        "empty.png": "failed",
        "good.png": "accepted",
    }
    assert results["torn.png"]["reason"]["code"] == "truncated"
    assert results["empty.png"]["reason"]["code"] == "empty"
    assert (house.outbox / "torn.png.json").stat().st_mtime - dropped >= 30
    assert (house.outbox / "good.png.json").stat().st_mtime - dropped < 25
    assert house.files(house.archive / "failed") == {"torn.png", "torn.png.json", "empty.png", "empty.png.json"}
    daemon.assert_only_events()
