"""The heartbeat: pings while all makes progress, and none from the moment that something does not."""

from types import SimpleNamespace
from typing import Any

import pytest

from digitd import heartbeat
from digitd.heartbeat import STATUS_SECONDS, WATCHER_LOST_SECONDS, Heartbeat

PING_SECONDS = 15.0


class House:
    """A heartbeat among stand-ins, with the time in the test's hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, watchdog_seconds: float | None) -> None:
        self.pings = 0
        self.said: list[str] = []
        self.now = 1000.0
        monkeypatch.setattr(heartbeat, "time", SimpleNamespace(monotonic=lambda: self.now))
        notifier: Any = SimpleNamespace(
            watchdog_seconds=watchdog_seconds, alive=self._count, status=lambda sentence: self.said.append(sentence)
        )
        self.pool: Any = SimpleNamespace(responsive=True, loaded=2, wanted=3, troubled=None)
        self.supply: Any = SimpleNamespace(lost_seconds=0.0, more=False, known=3, in_hand=2)
        self.delivery: Any = SimpleNamespace(troubled=None)
        self.told: list[str | None] = []
        self.counted: tuple[int, ...] = ()
        lock: Any = SimpleNamespace(tell=self._hear)
        parts: Any = (lock, self.pool, self.supply, self.delivery)
        self.beat = Heartbeat(notifier, *parts)

    def _count(self) -> None:
        self.pings += 1

    def _hear(self, trouble: str | None, *workers: int) -> None:
        self.told.append(trouble)
        self.counted = workers

    def turn(self, seconds: float) -> int:
        """The loop turns whenever the heartbeat is due, for so long; gives the pings of that time."""
        before, end = self.pings, self.now + seconds
        while (due := self.beat.next_due()) <= end:
            self.now = max(self.now, due)
            self.beat.tick({"accepted": 4, "failed": 1})
        self.now = end
        return self.pings - before


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    return House(monkeypatch, PING_SECONDS)


def test_it_pings_as_often_as_asked(house: House) -> None:
    """At once, and then once in each interval."""
    assert house.turn(0) == 1
    assert house.turn(10 * PING_SECONDS) == 10


def test_no_ping_while_a_worker_is_overdue(house: House) -> None:
    """A worker that should have been replaced and was not stops the pings; once it is, they come again."""
    house.turn(0)
    house.pool.responsive = False
    assert house.turn(4 * PING_SECONDS) == 0
    house.pool.responsive = True
    assert house.turn(4 * PING_SECONDS) == 4


def test_no_ping_once_the_watcher_is_lost_for_too_long(house: House) -> None:
    """For a while it may be lost; beyond that systemd should start the daemon again."""
    house.turn(0)
    house.supply.lost_seconds = WATCHER_LOST_SECONDS - 1
    assert house.turn(PING_SECONDS) == 1
    house.supply.lost_seconds = WATCHER_LOST_SECONDS
    assert house.turn(4 * PING_SECONDS) == 0


def test_a_cluster_that_is_away_is_told(house: House) -> None:
    """Why nothing is read; where results cannot be written either, that is what is told."""
    house.pool.troubled = "the cluster is off"
    house.turn(0)
    assert house.told == ["nothing is read: the cluster is off"]
    assert house.said[-1].endswith("; waits: nothing is read: the cluster is off")
    house.delivery.troubled = "No space left on device"
    house.turn(PING_SECONDS)
    assert house.told[-1] == "No space left on device"


def test_no_ping_while_the_loop_stands_still(house: House) -> None:
    """Nothing but the loop pings, and what was missed is not made up for."""
    house.turn(0)
    house.now += 10 * PING_SECONDS
    assert house.pings == 1
    house.beat.tick({})
    assert house.pings == 2


def test_without_a_watchdog_only_the_status_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every few seconds."""
    house = House(monkeypatch, None)
    assert house.turn(10 * STATUS_SECONDS) == 0
    assert len(house.said) == 11


def test_the_status_says_how_it_goes(house: House) -> None:
    """How many wait, at least, how many are in hand and were read, and what keeps results from being delivered."""
    house.turn(0)
    assert house.said == ["3 waiting, 2 in hand, 5 read since the start (4 accepted, 1 failed)"]
    house.supply.more, house.delivery.troubled = True, "No space left on device"
    house.turn(STATUS_SECONDS)
    assert house.said[-1] == (
        "3+ waiting, 2 in hand, 5 read since the start (4 accepted, 1 failed); waits: No space left on device"
    )


def test_trouble_is_told_at_once_and_its_end_too(house: House) -> None:
    """To systemd and to `digitd status`, without waiting for the next line's turn."""
    house.turn(0)
    assert house.told == [None]
    assert house.counted == (2, 3)
    house.delivery.troubled = "No space left on device"
    house.beat.tick({})
    assert house.said[-1].endswith("; waits: No space left on device")
    house.delivery.troubled, house.supply.lost_seconds = None, 3.0
    house.beat.tick({})
    house.supply.lost_seconds = 0.0
    house.beat.tick({})
    house.beat.tick({})
    assert house.told == [None, "No space left on device", "the inbox is not watched", None]
    assert "waits" not in house.said[-1]


def test_a_status_that_cannot_be_written_stops_nothing(house: House) -> None:
    """A disk that takes no byte leaves `digitd status` behind; the daemon goes on, and tells systemd."""

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    house.beat._lock = SimpleNamespace(tell=refuse)  # type: ignore[assignment]
    house.delivery.troubled = "Read-only file system"
    assert house.turn(0) == 1
    assert house.said[-1].endswith("; waits: Read-only file system")
