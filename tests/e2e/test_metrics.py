"""The metrics of the real daemon: the file, the port, and that they tell what became of the scans."""

import socket
import urllib.request
from collections import Counter
from typing import Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from e2e import scans
from e2e.harness import Daemon, House, wait_for

OFTEN = {"metrics": {"every": "200ms"}}


def figures(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """The samples of each name, by the values of their labels."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def told(house: House) -> dict[str, dict[tuple[str, ...], float]]:
    """What the file tells now."""
    file = house.state / "metrics.prom"
    return figures(file.read_text(encoding="utf-8")) if file.exists() else {}


def by_status(house: House) -> dict[str, int]:
    """The results in the outbox."""
    return dict(Counter(result["status"] for result in house.results()))


def counted(house: House) -> dict[str, float]:
    """The scans that the file counts."""
    return {status: count for (status,), count in told(house).get("digitd_scans_total", {}).items() if count}


def test_the_file_adds_up_to_the_outbox(house: House) -> None:
    """Scans by status and reason, latencies and batches are counted; the last figures are written at the end."""
    house.configure(OFTEN, {"workers": {"count": 1}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        wait_for(lambda: told(house), "the first figures")
        assert set(told(house)["digitd_scans_total"].values()) == {0.0}
        for number in range(5):
            house.drop(f"{number}.png", scans.scan(number))
        house.drop("blank.png", scans.blank())
        house.drop("bad.png", b"no image")
        wait_for(lambda: sum(counted(house).values()) == 7, "seven scans to be counted")
        now = told(house)
        assert now["digitd_workers"] == {("wanted",): 1.0, ("ready",): 1.0, ("busy",): 0.0}
        assert now["digitd_watcher_mode"] == {("native",): 1.0, ("polling",): 0.0}
        assert now["digitd_resident_memory_bytes"][("main",)] > 10e6
        assert now["digitd_disk_free_bytes"].keys() == {("inbox",), ("outbox",), ("archive",), ("state",)}
        house.drop("last.png", b"no image either")
        daemon.wait_event("scan_published", scan="last.png")
        assert daemon.terminate() == 0
    assert counted(house) == by_status(house)
    end = told(house)
    assert end["digitd_scan_reasons_total"][("not_an_image",)] == 2
    assert end["digitd_scan_latency_seconds_count"] == {(): 8.0}
    assert end["digitd_batch_duration_seconds_count"] == {(): len(daemon.named("batch_read"))}
    assert end["digitd_scans_waiting"] == end["digitd_scans_in_hand"] == {(): 0.0}
    assert house.files(house.state) == {"journal.sqlite3", "lock", "metrics.prom", ".metrics.prom.tmp"}
    daemon.assert_only_events()


def test_counters_begin_anew_with_each_start(house: House) -> None:
    """As Prometheus expects it; `run --once` leaves its figures too."""
    for number in range(2):
        house.drop(f"{number}.png", scans.scan(number))
        house.once()
        assert sum(counted(house).values()) == 1
    assert len(house.results()) == 2


def test_a_lost_worker_and_a_blocked_outbox_are_told(house: House) -> None:
    """And that the outbox can be written again."""
    house.configure(OFTEN, {"workers": {"count": 1}})
    with Daemon(house) as daemon:
        [worker] = daemon.wait_ready().workers()
        psutil.Process(worker).kill()
        wait_for(lambda: told(house).get("digitd_workers_lost_total", {}).get(("died",)) == 1, "a lost worker")
        house.block_outbox()
        house.drop("a.png", scans.scan())
        wait_for(lambda: told(house)["digitd_delivery_paused"] == {(): 1.0}, "the pause")
        assert told(house)["digitd_scans_undelivered"] == {(): 1.0}
        house.unblock_outbox()
        wait_for(lambda: told(house)["digitd_delivery_paused"] == {(): 0.0}, "the end of the pause")
        assert told(house)["digitd_delivery_pauses_total"] == {(): 1.0}
        assert daemon.terminate() == 0


def test_figures_that_cannot_be_written_stop_nothing(house: House) -> None:
    """The file's folder is not there: one warning, and the scans are read."""
    house.configure({"metrics": {"every": "100ms", "textfile": "away/digitd.prom"}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        daemon.wait_event("metrics_not_written")
        house.drop("a.png", scans.scan(7))
        assert house.result("a.png.json")["text"] == "7"
        (house.root / "away").mkdir()
        wait_for((house.root / "away" / "digitd.prom").exists, "the file")
        assert len(daemon.named("metrics_not_written")) == 1
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_a_file_among_scans_or_results_is_refused(house: House) -> None:
    """With exit code 4 and the key's name."""
    for folder in ("inbox", "outbox"):
        house.configure({"metrics": {"textfile": f"{folder}/digitd.prom"}})
        daemon = house.once()
        assert daemon.process.returncode == 4
        assert "metrics.textfile" in daemon.wait_event("refused")["cause"]


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def fetched(port: int) -> dict[str, Any]:
    """What a scrape gets."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return figures(answer.read().decode())


def test_the_port_serves_this_machine_alone(house: House) -> None:
    """Its socket is bound to 127.0.0.1, what it serves is what the file has, and it is gone with the daemon."""
    port = free_port()
    house.configure({"metrics": {"every": "200ms", "port": port}})
    with Daemon(house) as daemon:
        assert daemon.wait_event("metrics_served")["address"] == f"127.0.0.1:{port}"
        # Of all its processes: none but the main one listens, and at nothing else.
        listening = {
            each.laddr
            for process in daemon.family()
            for each in process.net_connections("inet")
            if each.status == psutil.CONN_LISTEN
        }
        assert listening == {("127.0.0.1", port)}
        house.drop("a.png", scans.scan())
        house.result("a.png.json")
        wait_for(lambda: sum(fetched(port)["digitd_scans_total"].values()) == 1, "the scan to be counted")
        assert daemon.terminate() == 0
    with socket.socket() as asking, pytest.raises(ConnectionRefusedError):
        asking.connect(("127.0.0.1", port))
    daemon.assert_only_events()


def test_without_a_port_nothing_listens(house: House) -> None:
    """As it is by default."""
    with Daemon(house) as daemon:
        daemon.wait_ready()
        assert [each for process in daemon.family() for each in process.net_connections("inet")] == []
        assert daemon.terminate() == 0
