"""The watcher's vigil, with a watcher that dies on request."""

from types import SimpleNamespace
from typing import cast

import pytest

from digitd import vigil
from digitd.intake.watcher import Watcher
from digitd.vigil import CHECK_SECONDS, Vigil


class FakeWatcher:
    """Lives, and can be started, as the test says."""

    mode, reason = "native", "a local file system"

    def __init__(self) -> None:
        self.living = True
        self.refusal: OSError | None = None
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")
        if self.refusal is not None:
            raise self.refusal
        self.living = True

    def stop(self) -> None:
        self.calls.append("stop")

    def alive(self) -> bool:
        return self.living


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time is what `now` is set to."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(vigil, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def watcher() -> FakeWatcher:
    return FakeWatcher()


@pytest.fixture
def watching(watcher: FakeWatcher) -> Vigil:
    """A vigil over a watcher that was started."""
    it = Vigil(cast(Watcher, watcher), "/inbox")
    it.start()
    watcher.calls.clear()
    return it


def tick(it: Vigil, clock: SimpleNamespace) -> bool:
    """Look when it is next time to."""
    clock.now = max(clock.now, it.next_due())
    return it.tick(clock.now)


def test_a_living_watcher_is_left_alone(watching: Vigil, watcher: FakeWatcher, clock: SimpleNamespace) -> None:
    """It is looked at once a second, no oftener, and nothing else."""
    assert not tick(watching, clock)
    assert watching.next_due() == clock.now + CHECK_SECONDS
    watcher.living = False
    assert not watching.tick(clock.now + CHECK_SECONDS / 2)
    assert watcher.calls == [] and watching.lost_seconds == 0.0


def test_a_dead_watcher_is_started_again(watching: Vigil, watcher: FakeWatcher, clock: SimpleNamespace) -> None:
    """It is stopped first, and that what it missed must be looked for is said once."""
    watcher.living = False
    assert tick(watching, clock)
    assert watcher.calls == ["stop", "start"]
    assert not tick(watching, clock)
    assert watching.lost_seconds == 0.0


def test_one_that_cannot_be_started_is_lost_since_the_first_try(
    watching: Vigil, watcher: FakeWatcher, clock: SimpleNamespace
) -> None:
    """The time without a watcher grows, is tried to end each second, and ends with it."""
    watcher.living, watcher.refusal = False, OSError(28, "No space left on device")
    assert not tick(watching, clock)
    lost_at = clock.now
    for _ in range(3):
        assert not tick(watching, clock)
    assert watching.lost_seconds == clock.now - lost_at == 3 * CHECK_SECONDS
    assert watcher.calls == ["stop", *["start"] * 4]
    watcher.refusal = None
    assert tick(watching, clock)
    assert watching.lost_seconds == 0.0


def test_an_inbox_that_is_away_is_waited_for(watching: Vigil, watcher: FakeWatcher, clock: SimpleNamespace) -> None:
    """No restart of the daemon would bring an unmounted inbox back, so that its watcher counts as no loss."""
    watcher.living, watcher.refusal = False, FileNotFoundError(2, "No such file or directory")
    assert not tick(watching, clock)
    clock.now += 1000
    assert not tick(watching, clock)
    assert watching.lost_seconds == 0.0
    watcher.refusal = None
    assert tick(watching, clock)
