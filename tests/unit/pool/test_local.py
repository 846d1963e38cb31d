"""Worker processes: loaded before they are ready, replaced when they are lost, and the scan that did it found."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from digitd.errors import BundleError
from digitd.pool import local, process
from digitd.pool.halving import Loss
from digitd.pool.local import BundleReplacedError, LocalPool, WorkersFailError
from digitd.pool.messages import Finding, Job, Seen, Setup
from digitd.results import Status
from unit.pool import stubs

PATIENCE = 60.0
MUCH = 10**9

Made = Callable[..., "Watched"]


class Watched:
    """A pool of stub workers, with what it told."""

    def __init__(self, folder: Path, engine: str, count: int, timeout: float, memory: int, sha256: str | None) -> None:
        self.folder = folder
        self.said: list[tuple[int, str]] = []
        self.losses: list[tuple[Loss, int]] = []
        self.bundle = folder / "bundle"
        self.bundle.write_text("one", encoding="utf-8")
        setup = Setup(str(self.bundle), engine, 10**6, 10**6, 10, 5000)
        self.pool = LocalPool(
            setup,
            count,
            timeout,
            memory,
            on_output=lambda pid, line: self.said.append((pid, line)),
            on_loss=lambda _, loss, scans: self.losses.append((loss, scans)),
            sha256=sha256,
        )
        self.pool.start()

    def job(self, name: str) -> Job:
        """A job whose file has its own path as its content."""
        path = self.folder / name
        path.write_text(str(path), encoding="utf-8")
        return Job(os.fsencode(path), name, "auto", None, 0.9, 0.5)

    def submit(self, key: int, *names: str) -> None:
        """Jobs of these names."""
        self.pool.submit(key, [self.job(name) for name in names])

    def collect(self, keys: int) -> dict[int, tuple[Finding, ...]]:
        """The findings of so many submissions."""
        got: dict[int, tuple[Finding, ...]] = {}
        deadline = time.monotonic() + PATIENCE
        while len(got) < keys:
            assert time.monotonic() < deadline, f"only {sorted(got)} came; losses {self.losses}; said {self.said}"
            for done in self.pool.poll(1.0):
                assert done.key not in got
                got[done.key] = done.findings
        return got

    def read(self, *names: str) -> tuple[Finding, ...]:
        """The findings of one batch."""
        self.submit(1, *names)
        return self.collect(1)[1]

    def until(self, condition: Callable[[], bool]) -> None:
        """Poll until the condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline
            self.pool.poll(0.1)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """A maker of pools whose workers are stubs; they are stopped at the end, and none is left."""
    monkeypatch.setattr(process, "enter", stubs.enter)
    made: list[Watched] = []

    def new(
        engine: str = "", count: int = 1, timeout: float = PATIENCE, memory: int = MUCH, sha256: str | None = None
    ) -> Watched:
        watched = Watched(tmp_path, engine, count, timeout, memory, sha256)
        made.append(watched)
        return watched

    yield new
    for watched in made:
        pids = watched.pool.pids
        watched.pool.stop()
        assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids)


def texts(findings: tuple[Finding, ...]) -> list[str | None]:
    """The text of each that was read, the reason's code of each that failed."""
    out: list[str | None] = []
    for finding in findings:
        assert finding.outcome is not None
        out.append(finding.outcome.reason.code if finding.outcome.reason else finding.outcome.text)
    return out


def test_ready_once_every_worker_has_loaded(make: Made, tmp_path: Path) -> None:
    """A pool is ready when all of its workers have loaded, not when the first has."""
    watched = make(f"gate:{tmp_path / 'gate'}", count=2)
    assert not watched.pool.ready
    watched.until(lambda: watched.pool.idle == 1)
    assert not watched.pool.ready
    (tmp_path / "gate").touch()
    watched.until(lambda: watched.pool.ready)
    assert watched.pool.idle == 2
    assert len(set(watched.pool.pids)) == 2


def test_bundle_that_cannot_be_loaded_is_an_error_with_its_remedy(make: Made) -> None:
    """A worker that cannot load the bundle makes poll raise BundleError, with the worker's own words."""
    watched = make("refuse")
    with pytest.raises(BundleError, match="the weights are torn") as raised:
        watched.until(lambda: watched.pool.ready)
    assert raised.value.remedy == "Train it again"


def test_workers_that_die_while_loading_end_the_pool_after_three(make: Made) -> None:
    """Three workers in a row that end before they have loaded are an error, not an endless loop."""
    watched = make("die")
    with pytest.raises(WorkersFailError, match="3 workers in a row"):
        watched.until(lambda: watched.pool.ready)
    assert len(watched.losses) == 2


def test_one_worker_that_dies_while_loading_is_replaced(make: Made, tmp_path: Path) -> None:
    """A single worker that dies while loading costs nothing: another takes its place."""
    watched = make(f"one-dies:{tmp_path / 'first'}", count=2)
    watched.until(lambda: watched.pool.ready)
    assert watched.losses == [(Loss.DIED, 0)]
    assert texts(watched.read("a")) == ["a"]


def test_submissions_wait_for_a_worker_and_come_back_under_their_keys(make: Made) -> None:
    """Batches beyond the idle workers queue up, and each comes back whole and in its order."""
    watched = make()
    watched.submit(1, "early")
    assert (watched.pool.idle, watched.pool.queued) == (0, 1)
    assert watched.collect(1).keys() == {1}
    assert (watched.pool.idle, watched.pool.queued, watched.pool.busy) == (1, 0, False)
    for key in range(2, 5):
        watched.submit(key, f"slow-{key}", f"b-{key}")
    assert (watched.pool.idle, watched.pool.queued, watched.pool.busy) == (0, 2, True)
    got = watched.collect(3)
    assert {key: texts(findings) for key, findings in got.items()} == {
        key: [f"slow-{key}", f"b-{key}"] for key in range(2, 5)
    }
    assert (watched.pool.idle, watched.pool.queued, watched.pool.busy) == (1, 0, False)


def test_poll_waits_no_longer_than_asked_and_wakes_for_a_waker(make: Made) -> None:
    """Poll comes back without findings at its timeout, and at once when a waker is readable."""
    watched = make()
    watched.until(lambda: watched.pool.ready)
    assert watched.pool.poll(0.05) == []
    sleep_end, wake_end = os.pipe()
    try:
        threading.Timer(0.1, lambda: os.write(wake_end, b"x")).start()
        begun = time.monotonic()
        assert watched.pool.poll(PATIENCE, [sleep_end]) == []
        assert time.monotonic() - begun < PATIENCE / 2
    finally:
        os.close(sleep_end)
        os.close(wake_end)


def test_file_that_is_gone_is_said_to_be(make: Made) -> None:
    """A scan that was removed before it could be read is GONE, and its neighbours are read."""
    watched = make()
    jobs = [watched.job(name) for name in ("a", "b", "c")]
    (watched.folder / "b").unlink()
    watched.pool.submit(1, jobs)
    findings = watched.collect(1)[1]
    assert [finding.seen for finding in findings] == [Seen.READ, Seen.GONE, Seen.READ]


@pytest.mark.parametrize(
    ("culprit", "code", "loss"),
    [
        ("die-1", "worker_died", Loss.DIED),
        ("exit-1", "worker_died", Loss.DIED),
        ("raise-1", "worker_died", Loss.DIED),
        ("garble-1", "worker_died", Loss.DIED),
        ("short-1", "worker_died", Loss.DIED),
        ("swell-1", "worker_died", Loss.DIED),
        ("disown-1", "worker_died", Loss.DIED),
        ("hang-1", "worker_timeout", Loss.TIMEOUT),
        ("stop-1", "worker_timeout", Loss.TIMEOUT),
        ("eat-1", "worker_memory", Loss.MEMORY),
    ],
)
def test_halving_finds_the_scan_that_costs_its_worker(make: Made, culprit: str, code: str, loss: Loss) -> None:
    """A scan that kills, takes over, hangs, stops or bloats its worker fails alone, and its neighbours are read."""
    watched = make(count=2, timeout=1.5 if loss is Loss.TIMEOUT else PATIENCE, memory=400_000_000)
    names = [f"a-{number}" for number in range(5)]
    names.insert(3, culprit)
    findings = watched.read(*names)
    expected: list[str] = [name if name != culprit else code for name in names]
    assert texts(findings) == expected
    blamed = findings[3].outcome
    assert blamed is not None
    assert blamed.status is Status.FAILED
    assert blamed.reason is not None
    assert blamed.reason.message.startswith(f"{culprit}: ")
    # All 6, and then it alone, twice: the worker said at which scan it was.
    assert watched.losses == [(loss, 6), (loss, 1), (loss, 1)]
    watched.until(lambda: watched.pool.ready)


def test_two_culprits_in_one_batch_are_both_found(make: Made) -> None:
    """Several scans that kill their worker fail each for itself, and all others are read."""
    watched = make(count=2)
    names = [f"die-{number}" if number in (0, 7) else f"a-{number}" for number in range(8)]
    assert texts(watched.read(*names)) == ["worker_died", *names[1:7], "worker_died"]


def test_a_scan_alone_gets_a_second_try(make: Made) -> None:
    """A worker that is killed from outside costs its scan nothing: alone, it is tried once more."""
    watched = make()
    assert texts(watched.read("once-1")) == ["once-1"]
    assert watched.losses == [(Loss.DIED, 1)]


def test_a_killed_worker_gives_its_batch_to_another(make: Made) -> None:
    """kill -9 of a worker at work: its batch is read by others, and nothing fails."""
    watched = make(count=2)
    watched.until(lambda: watched.pool.ready)
    names = [f"slow-{number}" for number in range(6)]
    watched.submit(1, *names)
    os.kill(watched.pool.pids[0], signal.SIGKILL)
    assert texts(watched.collect(1)[1]) == names
    assert len(watched.losses) == 1


def test_an_idle_worker_that_dies_is_replaced(make: Made) -> None:
    """A worker that dies while it has nothing to do is replaced, and says so."""
    watched = make()
    watched.until(lambda: watched.pool.ready)
    before = watched.pool.pids
    os.kill(before[0], signal.SIGKILL)
    watched.until(lambda: watched.losses == [(Loss.DIED, 0)] and watched.pool.ready)
    assert watched.pool.pids != before
    assert texts(watched.read("a")) == ["a"]


def test_bundle_replaced_on_disk_is_not_mixed_with_the_old_one(make: Made) -> None:
    """A worker that would load another bundle than the others did is an error: results name one model."""
    watched = make()
    watched.until(lambda: watched.pool.ready)
    watched.bundle.write_text("another", encoding="utf-8")
    os.kill(watched.pool.pids[0], signal.SIGKILL)
    with pytest.raises(BundleReplacedError, match="no longer the one"):
        watched.until(lambda: len(watched.losses) == 1 and watched.pool.ready)


def test_first_worker_must_load_the_bundle_that_results_name(make: Made) -> None:
    """A bundle that was replaced between the daemon's look at it and the first worker's is noticed too."""
    assert texts(make(sha256="one").read("a")) == ["a"]
    with pytest.raises(BundleReplacedError, match="no longer the one"):
        make(sha256="another").read("a")


def test_a_culprit_in_the_network_is_found_by_halving(make: Made) -> None:
    """Where the worker is at no single scan, the batch is halved until the culprit stands alone."""
    watched = make()
    names = [*(f"a-{number}" for number in range(5)), "late-1"]
    assert texts(watched.read(*names)) == [*names[:5], "worker_died"]
    assert [scans for _, scans in watched.losses] == [6, 3, 2, 1, 1]


def test_slow_scans_are_no_hanging_worker(make: Made) -> None:
    """The timeout is for one scan: a batch that takes longer altogether is left alone."""
    watched = make(timeout=1.5)
    names = [f"slow-{number}" for number in range(12)]
    assert texts(watched.read(*names)) == names
    assert watched.losses == []


def test_what_libraries_print_is_told_line_by_line(make: Made, capfd: pytest.CaptureFixture[str]) -> None:
    """Native output of a worker comes through on_output, with bad bytes escaped, and nothing reaches ours."""
    watched = make()
    assert texts(watched.read("say-1")) == ["say-1"]
    pid = watched.pool.pids[0]
    watched.until(lambda: len(watched.said) >= 3)
    assert watched.said == [(pid, "on stdout"), (pid, "\\xff\\xfe"), (pid, "on stderr")]
    watched.pool.stop()
    assert watched.said[3:] == [(pid, "without an end")]
    assert capfd.readouterr() == ("", "")


def test_a_bug_in_a_worker_is_told_with_its_traceback(make: Made) -> None:
    """An exception in a worker comes through on_output before the worker is replaced."""
    watched = make()
    assert texts(watched.read("raise-1")) == ["worker_died"]
    assert any(line == "RuntimeError: a bug in the reader" for _, line in watched.said)


def test_a_stopped_worker_makes_the_pool_unresponsive_only_when_overdue(
    make: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool counts as responsive while every worker is within its time, and a loop replaces who is not."""
    watched = make()
    watched.until(lambda: watched.pool.ready)
    assert watched.pool.responsive
    watched.submit(1, "stop-1")
    assert watched.pool.responsive
    monkeypatch.setattr(local, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + PATIENCE + 1))
    assert watched.pool.responsive
    late = PATIENCE + local.OVERDUE_SECONDS + 1
    monkeypatch.setattr(local, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + late))
    assert not watched.pool.responsive


def test_a_lost_fork_server_costs_nothing(make: Made) -> None:
    """Should the process that forks the workers be killed, all of it is started anew and the batch is read."""
    watched = make(count=2)
    watched.until(lambda: watched.pool.ready)
    server = psutil.Process(watched.pool.pids[0]).ppid()
    assert server != os.getpid()
    watched.submit(1, "slow-1", "slow-2")
    os.kill(server, signal.SIGKILL)
    assert texts(watched.collect(1)[1]) == ["slow-1", "slow-2"]
    watched.until(lambda: watched.pool.ready)
    assert psutil.Process(watched.pool.pids[0]).ppid() != server


def test_signals_to_the_group_leave_workers_alone(make: Made) -> None:
    """SIGTERM and SIGINT, which a terminal or `timeout` sends to all, end no worker and not their server."""
    watched = make()
    watched.until(lambda: watched.pool.ready)
    [pid] = watched.pool.pids
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(pid, number)
        os.kill(psutil.Process(pid).ppid(), number)
    assert texts(watched.read("a")) == ["a"]
    assert watched.pool.pids == [pid]
    assert watched.losses == []


def test_stop_ends_a_worker_that_hangs(make: Made) -> None:
    """Stopping does not wait for a worker that never ends: after a moment it is killed."""
    watched = make()
    watched.submit(1, "hang-1")
    watched.until(lambda: watched.pool.queued == 0)
    [pid] = watched.pool.pids
    watched.pool.stop()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"
