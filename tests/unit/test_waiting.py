"""What waits in the inbox, counted at a glance."""

import os
from pathlib import Path

import pytest

from digitd import waiting as room
from digitd.settings import Inbox, Outbox, Settings, Sources, State
from digitd.waiting import Waiting, unlisted, waiting


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An inbox with three scans in two folders, the oldest from 1996, and a file that is none."""
    for name in ("a.png", "b.png", "sub/c.png", "notes.txt"):
        path = tmp_path / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return Settings(
        inbox=Inbox(path=tmp_path / "inbox"),
        outbox=Outbox(path=tmp_path / "outbox"),
        state=State(path=tmp_path / "state"),
        sources=Sources(accepted="delete", review="delete", blank="delete", failed="delete"),
    )


def test_scans_are_counted_and_the_oldest_is_known(settings: Settings) -> None:
    """By when it came here, however old its file is."""
    os.utime(settings.inbox.path / "a.png", (1e9, 1e9))
    first = min((settings.inbox.path / name).stat().st_ctime_ns for name in ("a.png", "b.png", "sub/c.png"))
    assert waiting(settings, None) == Waiting(3, False, first / 1e9)


def test_no_more_are_counted_than_a_glance_allows(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many, or more."""
    monkeypatch.setattr(room, "COUNTED_MOST", 2)
    found = waiting(settings, None)
    assert (found.count, found.more) == (2, True)


def test_no_more_is_looked_at_either(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an inbox full of files that do not wait."""
    for number in range(20):
        (settings.inbox.path / f"{number}.txt").touch()
    monkeypatch.setattr(room, "LOOKED_AT_MOST", 10)
    assert waiting(settings, None).more


def test_a_slow_file_server_is_given_up_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many seconds, with what was counted until then."""
    monkeypatch.setattr(room, "LOOK_AT_CLOCK", 1)
    monkeypatch.setattr(room, "SECONDS_MOST", 0.0)
    found = waiting(settings, None)
    assert found.more
    assert found.count <= 1


def test_an_inbox_that_is_not_there_says_so(settings: Settings) -> None:
    """In the system's words."""
    away = settings.model_copy(update={"inbox": Inbox(path=settings.inbox.path / "away")})
    assert waiting(away, None) == Waiting(0, False, None, "No such file or directory")
    assert unlisted(away) == "No such file or directory"
    assert unlisted(settings) is None
