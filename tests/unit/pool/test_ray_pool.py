"""A pool on a cluster, as the daemon sees it: nothing that the other side does makes it wait, or a scan pay."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from digitd.pool import ray, ray_speaker
from digitd.pool.halving import Loss
from digitd.pool.interface import Done
from digitd.pool.messages import Finding, Job, Setup
from digitd.pool.ray import TRIES_ON_NODES, RayPool
from digitd.results import Status
from unit.pool import speakers

PATIENCE = 60.0
ORDERS = 40
WIDE = "x" * 100_000

Make = Callable[[str], "Watched"]


class Watched:
    """A pool whose other side behaves as ADDRESS says, with what it told."""

    def __init__(self, folder: Path, address: str) -> None:
        self.losses: list[Loss] = []
        self.away: list[str | None] = []
        self.pool = RayPool(
            Setup(str(folder / "mark"), "", 10**6, 10**6, 10, 5000),
            address,
            None,
            PATIENCE,
            10**9,
            on_output=lambda *_: None,
            on_loss=lambda _, loss, __, ___: self.losses.append(loss),
            on_refused=lambda *_: None,
            on_away=self.away.append,
        )
        self.pool.start()
        self.done: dict[int, tuple[Finding, ...]] = {}
        self.until(lambda: self.pool.ready)

    def submit(self, orders: int) -> None:
        """So many, each larger than a channel takes."""
        for key in range(orders):
            self.pool.submit(key, [Job(b"/nowhere", f"{key}-{part}-{WIDE}", "auto", None, 0.9, 0.5) for part in (1, 2)])

    def until(self, condition: Callable[[], bool]) -> None:
        """Poll until the condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"only {sorted(self.done)} came; losses {self.losses}"
            self.note(self.pool.poll(0.1))

    def note(self, done: list[Done]) -> None:
        """Each comes once."""
        for each in done:
            assert each.key not in self.done
            self.done[each.key] = each.findings

    def texts(self) -> list[list[str]]:
        """How the findings begin, of each submission in order."""
        found = [[each.outcome for each in self.done[key]] for key in sorted(self.done)]
        return [[outcome.text[:8].split("x")[0] for outcome in each if outcome is not None] for each in found]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """A maker of pools; they are stopped at the end, and no process and no thread of theirs is left."""
    monkeypatch.setattr(ray_speaker, "enter_cluster", speakers.enter_cluster)
    made: list[Watched] = []

    def new(address: str) -> Watched:
        made.append(Watched(tmp_path, address))
        return made[-1]

    yield new
    for watched in made:
        pids = watched.pool.pids
        watched.pool.stop()
        assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids)
    assert not [thread for thread in threading.enumerate() if thread.name == "digitd-orders"]


def all_of(orders: int) -> list[list[str]]:
    return [[f"{key}-1-", f"{key}-2-"] for key in range(orders)]


@pytest.mark.timeout(120)
def test_orders_and_answers_that_fill_their_channel_do_not_wait_for_each_other(make: Make) -> None:
    """A whole cluster's worth is submitted at once, while the answers to the first of it are already on their way."""
    watched = make("ready")
    watched.submit(ORDERS)
    watched.until(lambda: len(watched.done) == ORDERS)
    assert watched.texts() == all_of(ORDERS)
    assert not watched.losses


@pytest.mark.timeout(120)
def test_one_that_takes_no_orders_is_replaced(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that hangs with its channel full: it is said that the cluster is away, and all is read by the next."""
    monkeypatch.setattr(ray_speaker, "JOIN_SECONDS", 2.0)
    monkeypatch.setattr(ray, "AGAIN_SECONDS", 0.0)
    watched = make("deaf")
    first = watched.pool.pids
    watched.submit(ORDERS)
    watched.until(lambda: len(watched.done) == ORDERS)
    assert watched.pool.pids != first
    assert watched.texts() == all_of(ORDERS)
    assert [why is None for why in watched.away] == [False, True]


@pytest.mark.timeout(120)
def test_one_that_takes_no_orders_does_not_keep_digitd_from_its_end(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for as any other, and then ended."""
    monkeypatch.setattr(ray, "STOP_SECONDS", 0.2)
    watched = make("deaf")
    watched.submit(ORDERS)
    (pid,) = watched.pool.pids
    watched.pool.stop()
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("losses", [TRIES_ON_NODES - 1, TRIES_ON_NODES])
def test_a_scan_alone_is_not_blamed_for_a_cluster_that_is_shut_down(make: Make, losses: int) -> None:
    """Nodes that go one after another, each with the same scan in hand, cost it nothing; for ever it does not go."""
    watched = make(str(losses))
    watched.pool.submit(0, [Job(b"/nowhere", "0-1-x", "auto", None, 0.9, 0.5)])
    watched.until(lambda: bool(watched.done))
    (finding,) = watched.done[0]
    assert finding.outcome is not None
    read = losses < TRIES_ON_NODES
    assert finding.outcome.status is (Status.ACCEPTED if read else Status.FAILED)
    assert watched.losses == [Loss.DIED] * losses
