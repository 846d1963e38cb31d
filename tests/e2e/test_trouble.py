"""What breaks around a running daemon: it says so, waits, and goes on by itself."""

from e2e import scans
from e2e.harness import Daemon, House, wait_for


def test_inbox_taken_away_and_brought_back(house: House) -> None:
    """An inbox that goes (unmounted) and comes back is watched again, and what lies in it is read."""
    away = house.root / "away"
    with Daemon(house) as daemon:
        daemon.wait_ready()
        house.inbox.rename(away)
        daemon.wait_event("watcher_lost")
        (away / "meanwhile.png").write_bytes(scans.scan(4))
        away.rename(house.inbox)
        assert house.result("meanwhile.png.json")["text"] == "4"
        daemon.wait_event("watcher_restarted")
        house.drop("later.png", scans.scan(7))
        assert house.result("later.png.json")["text"] == "7"
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_outbox_that_cannot_be_written(house: House) -> None:
    """While results cannot be written it says so once and reads no more; once they can be, all of them appear."""
    with Daemon(house) as daemon:
        daemon.wait_ready()
        house.block_outbox()
        for number in range(20):
            house.drop(f"{number}.png", scans.numbered(number))
        daemon.wait_event("delivery_paused")
        assert len(house.files(house.inbox)) == 20
        house.unblock_outbox()
        wait_for(lambda: len(house.results()) == 20, "every result")
        daemon.wait_event("delivery_resumed")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert len(daemon.named("delivery_paused")) == 1
    assert house.files(house.inbox) == set()
    assert len(house.archived()) == 20


def test_stopped_while_results_cannot_be_written(house: House) -> None:
    """A daemon that is stopped meanwhile ends in time, and the next one delivers everything, once."""
    with Daemon(house) as daemon:
        daemon.wait_ready()
        house.block_outbox()
        house.drop("a.png", scans.scan(4))
        daemon.wait_event("delivery_paused")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    house.unblock_outbox()
    assert house.once().process.returncode == 0
    assert [result["text"] for result in house.results()] == ["4"]
    assert [row["text"] for row in house.rows()] == ["4"]
    assert house.files(house.inbox) == set()
