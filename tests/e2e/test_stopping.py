"""SIGTERM and SIGINT: what is in hand is finished, and nothing is lost or left behind."""

import os
import signal
import time

import pytest

from e2e import scans
from e2e.harness import Daemon, House, Manager, wait_for

MANY = 300


def full(house: House) -> House:
    """The house with a backlog."""
    house.configure({"batch": {"max_scans": 8}, "outbox": {"every": "1h"}})
    for number in range(MANY):
        (house.inbox / f"{number}.png").write_bytes(scans.numbered(number))
    return house


def assert_nothing_lost(house: House) -> None:
    """Each scan is either untouched in the inbox or filed with a JSON result and a CSV row."""
    results = house.results()
    done = {result["source"]["path"] for result in results}
    assert {path.name for path in house.archived()} == done
    assert house.files(house.inbox) == {f"{number}.png" for number in range(MANY)} - done
    assert sorted(row["id"] for row in house.rows()) == sorted(result["id"] for result in results)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_drains_and_exits_with_0(house: House, number: signal.Signals) -> None:
    """The first signal finishes what is in hand, publishes the CSV and exits with 0."""
    with Daemon(full(house)) as daemon:
        wait_for(lambda: daemon.named("scan_published"), "the first result")
        assert daemon.terminate(number) == 0
        daemon.wait_nobody()
    assert daemon.wait_event("stopped")["why"] == number.name
    assert_nothing_lost(house)
    assert daemon.named("part_published")
    daemon.assert_only_events()


def test_signal_to_the_whole_group(house: House) -> None:
    """A signal that every process of the group gets (Ctrl-C, `timeout`) drains as well: no worker is lost of it."""
    with Daemon(full(house)) as daemon:
        wait_for(lambda: daemon.named("scan_published"), "the first result")
        os.killpg(daemon.process.pid, signal.SIGTERM)
        assert daemon.wait_end() == 0
        daemon.wait_nobody()
    assert not daemon.named("worker_lost")
    assert_nothing_lost(house)
    daemon.assert_only_events()


def test_second_signal_insists(house: House, manager: Manager) -> None:
    """While it waits for workers that hang, a second signal ends it at once, and its workers with it."""
    with Daemon(house, NOTIFY_SOCKET=f"@{manager.name}") as daemon:
        for worker in daemon.wait_ready().workers():
            os.kill(worker, signal.SIGSTOP)
        full(house)
        wait_for(
            lambda: any(each.startswith("STATUS=") and " 0 in hand" not in each for each in manager.listen()),
            "scans in hand",
        )
        daemon.process.send_signal(signal.SIGINT)
        assert daemon.wait_event("stopping")["in_hand"] > 0
        begun = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.wait_end() == 128 + signal.SIGTERM
        assert time.monotonic() - begun < 30
        daemon.wait_nobody()
    daemon.assert_only_events()
    assert house.once().process.returncode == 0
    assert house.files(house.inbox) == set()
    assert_nothing_lost(house)


def test_while_loading(house: House) -> None:
    """A signal that comes before the workers have loaded is heard: exit 0, never `ready`, and no process left."""
    with Daemon(full(house)) as daemon:
        daemon.wait_event("starting")
        assert daemon.terminate() == 0
        daemon.wait_nobody()
    daemon.assert_only_events()
    assert_nothing_lost(house)


def test_once_stops_too(house: House) -> None:
    """`run --once` heeds SIGTERM: it finishes what is in hand, and leaves the rest."""
    with Daemon(full(house), "--once") as daemon:
        wait_for(lambda: daemon.named("scan_published"), "the first result")
        assert daemon.terminate() == 0
    assert_nothing_lost(house)
    daemon.assert_only_events()


def test_nothing_is_left_in_the_temporary_folder(house: House) -> None:
    """A daemon that ends leaves no temporary files."""
    house.drop("a.png", scans.scan())
    house.once()
    assert house.files(house.root / "tmp") == set()
    assert list((house.root / "tmp").iterdir()) == []
