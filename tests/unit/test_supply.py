"""The supply over a real folder: what comes first, what a long walk holds up, and what is left behind."""

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from digitd import supply
from digitd.intake.order import order_key
from digitd.intake.rescan import Entry, steps
from digitd.intake.settle import HintKind
from digitd.settings import Inbox
from digitd.supply import Supply

OLD = 10**9
PATIENCE = 30.0

Make = Callable[..., Supply]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def make(inbox: Path) -> Iterator[Make]:
    """A maker of supplies over the inbox, stopped at the end."""
    made: list[Supply] = []

    def new(*, once: bool = True, **keys: Any) -> Supply:
        settings = Inbox(path=inbox, **{"settle": 0.001, "reopen": 0.001} | keys)
        it = Supply(settings, once=once, wake=lambda: None, knows_kept=lambda _: False)
        made.append(it)
        it.start()
        return it

    yield new
    for each in made:
        each.stop()


def until(it: Supply, condition: Callable[[], bool]) -> int:
    """Turn the loop until the condition holds; gives how often."""
    deadline = time.monotonic() + PATIENCE
    turns = 0
    while not condition():
        assert time.monotonic() < deadline
        it.advance()
        turns += 1
        time.sleep(max(0.0, min(0.01, it.next_due() - time.monotonic())))
    return turns


def fill(inbox: Path, count: int, seed: int = 1) -> list[str]:
    """So many scans with times and names in disorder; gives them in the order in which they are due."""
    shuffle = random.Random(seed)
    stamps = {}
    for number in shuffle.sample(range(count), count):
        name = f"scan_{number}.png"
        (inbox / name).touch()
        second = OLD + shuffle.randrange(count // 10 + 1)
        os.utime(inbox / name, (second, second))
        stamps[name] = second * 10**9
    return sorted(stamps, key=lambda name: order_key(name, stamps[name]))


def drain(it: Supply) -> list[str]:
    """What a drain hands out, one by one, each removed from the inbox and released."""
    out: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while not it.drained():
        assert time.monotonic() < deadline
        it.advance()
        for ready, _ in it.take(1):
            out.append(ready.path)
            os.unlink(Path(it._root) / ready.path)
            it.release(ready.path)
        it.look()
        time.sleep(max(0.0, min(0.01, it.next_due() - time.monotonic())))
    return out


@pytest.mark.parametrize("slice_seconds", [0.0, supply.SLICE])
def test_a_backlog_is_handed_out_oldest_first(
    inbox: Path, make: Make, monkeypatch: pytest.MonkeyPatch, slice_seconds: float
) -> None:
    """By the second of its mtime and then by name, however many pieces the walk and the looks are cut into."""
    monkeypatch.setattr(supply, "SLICE", slice_seconds)
    expected = fill(inbox, 500)
    assert drain(make()) == expected
    assert os.listdir(inbox) == []


def test_a_backlog_larger_than_the_window_is_handed_out_oldest_first(
    inbox: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not known yet is younger than all that is."""
    monkeypatch.setattr(supply, "WINDOW", 100)
    monkeypatch.setattr(supply, "LOW", 10)
    monkeypatch.setattr(supply, "BACKLOG", 150)
    expected = fill(inbox, 450)
    it = make()
    until(it, lambda: it.waiting == 100)
    assert it.more and it.known < 450
    assert drain(it) == expected
    assert not it.more


class SlowSteps:
    """A listing that takes its time with each entry."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.walks = self.looked = 0

    def __call__(self, *arguments: Any, **keys: Any) -> Iterator[Entry | None]:
        self.walks += 1
        for entry in steps(*arguments, **keys):
            time.sleep(self.seconds)
            self.looked += 1
            yield entry


def test_the_loop_goes_on_during_a_long_walk(inbox: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """No piece of it takes long, and what comes by an event meanwhile is handed out before the walk has ended."""
    expected = fill(inbox, 300)
    slow = SlowSteps(0.005)
    monkeypatch.setattr(supply, "steps", slow)
    it = make(once=False)
    longest = 0.0
    came: list[str] = []
    (inbox.parent / "new").touch()
    while it.waiting < len(expected):
        begun = time.monotonic()
        it.advance()
        longest = max(longest, time.monotonic() - begun)
        if slow.looked < len(expected):
            assert it.next_due() == 0.0
            if slow.looked >= 30 and (inbox.parent / "new").exists():
                os.rename(inbox.parent / "new", inbox / "by-event.png")
            came += [ready.path for ready, _ in it.take(10)]
    assert slow.walks == 1
    assert came == ["by-event.png"]
    # A whole walk takes 1.5 s.
    assert longest < 0.5
    assert [ready.path for ready, _ in it.take(1000)] == expected


def test_a_very_long_walk_hands_out_what_it_has_so_far(
    inbox: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits idle for its end; nothing is lost or handed out twice by it."""
    expected = fill(inbox, 300)
    monkeypatch.setattr(supply, "EARLY_SECONDS", 0.1)
    slow = SlowSteps(0.002)
    monkeypatch.setattr(supply, "steps", slow)
    it = make()
    until(it, lambda: it.waiting > 0)
    assert slow.looked < len(expected)
    assert sorted(drain(it)) == sorted(expected)


def test_a_backlog_is_walked_once(inbox: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is time for a rescan meanwhile: what is known comes first."""
    expected = fill(inbox, 450)
    monkeypatch.setattr(supply, "WINDOW", 40)
    monkeypatch.setattr(supply, "LOW", 4)
    monkeypatch.setattr(supply, "RESCAN_REST", 0.0)
    slow = SlowSteps(0.0)
    monkeypatch.setattr(supply, "steps", slow)
    it = make(rescan=0.001)
    until(it, lambda: it.waiting == 40)
    while it.known > 40:
        it._on_folder()
        it.advance()
        for ready, _ in it.take(10):
            assert ready.path == expected.pop(0)
            os.unlink(inbox / ready.path)
            it.release(ready.path)
    assert slow.walks == 1
    assert drain(it) == expected


def test_ignored_files_are_walked_in_pieces_too(inbox: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """An inbox full of what is no scan holds the loop up no more than one full of scans."""
    for number in range(100):
        (inbox / f"{number}.txt").touch()
    monkeypatch.setattr(supply, "steps", SlowSteps(0.005))
    it = make()
    assert until(it, it.drained) >= 100 * 0.005 / supply.SLICE / 2


def test_a_drain_sees_what_came_while_it_looked(inbox: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drained before a walk that began after the last scan was put away has found nothing."""
    (inbox / "a.png").touch()
    monkeypatch.setattr(supply, "SLICE", 0.0)
    it = make()
    until(it, lambda: it.waiting == 1)
    ((ready, _),) = it.take(1)
    assert not it.drained()
    os.unlink(inbox / "a.png")
    (inbox / "b.png").touch()
    it.release(ready.path)
    it.look()
    assert not it.drained()
    until(it, lambda: it.waiting == 1)
    assert [each.path for each, _ in it.take(1)] == ["b.png"]


def test_what_is_stuck_keeps_no_drain_from_its_end(inbox: Path, make: Make) -> None:
    """In hand for good is left out of the question; in hand for now is not."""
    (inbox / "stuck.png").touch()
    it = make()
    it.hold("stuck.png")
    until(it, lambda: it.drained({"stuck.png"}))
    assert not it.drained()


def test_tries_of_a_scan_that_was_deleted_are_forgotten(inbox: Path, make: Make) -> None:
    """A scan that is tried again and then deleted leaves nothing behind."""
    (inbox / "a.png").touch()
    it = make()
    until(it, lambda: it.waiting == 1)
    it.take(1)
    it.retry("a.png")
    assert it._tries
    os.unlink(inbox / "a.png")
    until(it, lambda: not len(it._settler))
    it.look()
    until(it, it.drained)
    assert not it._tries


def test_each_retry_waits_longer(inbox: Path, make: Make) -> None:
    """Doubled each time, and no more than the most; a scan that was put away begins anew."""
    (inbox / "a.png").touch()
    it = make()
    pauses = []
    for _ in range(7):
        it.hold("a.png")
        it.retry("a.png")
        pauses.append(it._tries["a.png"])
        it._settler.forget("a.png")
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    it.release("a.png")
    assert not it._tries


def test_a_hint_for_what_is_in_hand_is_taken_up_afterwards(inbox: Path, make: Make) -> None:
    """A name used again while its scan is being read is looked at once that is done."""
    (inbox / "a.png").touch()
    it = make()
    until(it, lambda: it.waiting == 1)
    it.take(1)
    it._on_hint("a.png", HintKind.MOVED)
    it.advance()
    assert it.waiting == 0
    it.release("a.png")
    until(it, lambda: it.waiting == 1)


def test_a_name_in_a_word_of_the_watcher_breaks_no_line(make: Make) -> None:
    """As all names it is shown with what cannot be printed escaped."""
    with capture_logs() as logs:
        make()._on_trouble("unreadable", "sub\x1b[31m\n\u202e\udcff cannot be looked into: Permission denied")
    (message,) = (each["message"] for each in logs if each["event"] == "watcher_trouble")
    assert message == "sub\\x1b[31m\\n\\u202e\\xff cannot be looked into: Permission denied"


def test_noise_is_not_remembered_where_it_is_not_told(inbox: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hidden names are debug: with the log at info they are neither told nor kept in mind."""
    monkeypatch.setattr("digitd.log._least", 20)
    (inbox / ".hidden.png").touch()
    (inbox / "notes.txt").touch()
    it = make()
    until(it, it.drained)
    assert set(it._told._seen) == {"no_include_matches"}
