"""What is no scan is left alone, and the log says so once, at the level that it deserves."""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import scans
from e2e.harness import Daemon, House, wait_for


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that looked at an inbox full of other things at its start, by events, and in several rescans."""
    house = House(tmp_path_factory.mktemp("ignored") / "house", {"inbox": {"rescan": "200ms", "ignore": ["draft*"]}})
    lay_out(house, "early")
    with Daemon(house) as running:
        running.wait_ready()
        lay_out(house, "late")
        house.drop("seen.png", scans.scan())
        house.result("seen.png.json")
        for stage in ("early", "late"):
            for name in ("notes.txt", "link.png", "fifo.png", "socket.png"):
                running.wait_event("scan_ignored", scan=f"{stage}/{name}")
        before = len(running.named("rescanned"))
        wait_for(lambda: len(running.named("rescanned")) > before + 3, "three more rescans")
        yield running
        assert running.terminate() == 0
    running.assert_only_events()


def lay_out(house: House, stage: str) -> None:
    """One thing of every kind."""
    outside = house.root / f"outside-{stage}.png"
    outside.write_bytes(scans.scan())
    folder = house.inbox / stage
    folder.mkdir()
    for name in (".hidden.png", "notes.txt", "scan.png.part", "Thumbs.db", "._scan.png", "draft1.png"):
        (folder / name).write_bytes(scans.scan())
    (folder / ".git").mkdir()
    (folder / ".git" / "inside.png").write_bytes(scans.scan())
    (folder / "link.png").symlink_to(outside)
    (folder / "linked").symlink_to(house.root)
    os.mkfifo(folder / "fifo.png")
    # A path through a descriptor: a socket's own path may have 108 bytes at most.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{descriptor}/socket.png")
    os.close(descriptor)


@pytest.mark.parametrize("stage", ["early", "late"])
@pytest.mark.parametrize(
    ("name", "reason", "level"),
    [
        (".hidden.png", "hidden", "debug"),
        ("scan.png.part", "temporary", "debug"),
        ("Thumbs.db", "system", "debug"),
        ("._scan.png", "system", "debug"),
        (".git", "hidden", "debug"),
        ("notes.txt", "no_include_matches", "info"),
        ("draft1.png", "ignored_by_pattern", "info"),
        ("link.png", "link", "warning"),
        ("linked", "link", "warning"),
        ("fifo.png", "fifo", "warning"),
        ("socket.png", "socket", "warning"),
    ],
)
def test_said_once(daemon: Daemon, stage: str, name: str, reason: str, level: str) -> None:
    """Each thing that is left alone is logged once, with the reason, at its level, however often it is seen."""
    [event] = daemon.named("scan_ignored", scan=f"{stage}/{name}")
    assert (event["reason"], event["level"]) == (reason, level)


def test_left_where_they_are(daemon: Daemon) -> None:
    """None of it moves, and none of it has a result."""
    for stage in ("early", "late"):
        assert len(os.listdir(daemon.house.inbox / stage)) == 11
    assert [result["source"]["path"] for result in daemon.house.results()] == ["seen.png"]
    assert not daemon.named("scan_ignored", scan="early/.git/inside.png")


def test_never_opened(daemon: Daemon) -> None:
    """A FIFO has no reader: digitd does not open what is no regular file."""
    fifo = Path(daemon.house.inbox / "early" / "fifo.png")
    with pytest.raises(OSError, match="No such device or address") as raised:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    assert raised.value.errno == errno.ENXIO
