"""kill -9 and other deaths: no scan lost, none read into two results, nobody left behind."""

import hashlib
import json
import os
import shutil
import signal
import uuid
from collections import Counter
from functools import partial

import psutil
import pytest

from e2e import scans
from e2e.harness import ROOT, Daemon, House, wait_for

MANY = 1000


def backlog(house: House, count: int) -> set[str]:
    """So many scans, no two alike, moved in at once."""
    outside = house.root / "outside"
    outside.mkdir()
    for number in range(count):
        folder = outside / str(number % 3)
        folder.mkdir(exist_ok=True)
        (folder / f"scan_{number}.png").write_bytes(scans.numbered(number))
    names = house.files(outside)
    for folder in outside.iterdir():
        folder.rename(house.inbox / folder.name)
    return names


def assert_each_once(house: House, names: set[str]) -> None:
    """Each scan has one whole JSON result, one row of one CSV file, and one archived source; the inbox is empty."""
    assert house.files(house.inbox) == set()
    assert house.files(house.outbox) == {f"{name}.json" for name in names} | {
        path.name for path in house.outbox.glob("results-*.csv")
    }
    results = house.results()
    assert Counter(result["source"]["path"] for result in results) == Counter(names)
    assert {result["status"] for result in results} <= {"accepted", "review"}
    assert Counter(row["id"] for row in house.rows()) == Counter(result["id"] for result in results)
    assert len({uuid.UUID(result["id"]) for result in results}) == len(names)
    status_of = {result["source"]["path"]: result["status"] for result in results}
    assert house.files(house.archive) == {f"{status}/{name}" for name, status in status_of.items()}


def more_than(house: House, count: int) -> bool:
    """Whether so much is in the outbox."""
    return len(house.files(house.outbox)) >= count


@pytest.mark.timeout(300)
def test_killed_again_and_again(house: House) -> None:
    """kill -9 of the main process with hundreds of scans in flight, thrice: each has one result and one source
    in the end, and no process is left after any of them."""
    house.configure({"batch": {"max_scans": 8}, "outbox": {"every": "100ms"}})
    names = backlog(house, MANY)
    published = 0
    for _ in range(3):
        with Daemon(house) as daemon:
            goal = published + 50
            wait_for(partial(more_than, house, goal), "results")
            daemon.kill()
            daemon.wait_nobody()
            published = len(house.files(house.outbox))
        # The last line may be torn: the process died while it wrote it.
        assert daemon.garbage[:-1] == []
        assert daemon.stdout == b""
    assert house.files(house.inbox)
    last = house.once()
    assert last.process.returncode == 0
    last.assert_only_events()
    assert_each_once(house, names)


def test_workers_end_with_the_main_process_even_stopped_ones(house: House) -> None:
    """kill -9 of the main process ends its workers, one that hangs (SIGSTOP) no less than one at work."""
    backlog(house, MANY // 2)
    house.configure({"batch": {"max_scans": 4}})
    with Daemon(house) as daemon:
        workers = daemon.wait_ready().workers()
        os.kill(workers[0], signal.SIGSTOP)
        daemon.wait_event("batch_read")
        daemon.kill()
        daemon.wait_nobody()
        assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in workers)


def test_killed_worker_costs_nothing(house: House) -> None:
    """kill -9 of workers at work: others read their batches, and nothing fails."""
    house.configure({"batch": {"max_scans": 8}})
    names = backlog(house, MANY // 5)
    with Daemon(house) as daemon:
        workers = daemon.wait_ready().workers()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        wait_for(lambda: len(daemon.named("scan_published")) == len(names), "every result")
        assert len(daemon.named("worker_lost", cause="died")) == 2
        assert daemon.terminate() == 0
        daemon.wait_nobody()
    daemon.assert_only_events()
    assert_each_once(house, names)


def test_stopped_worker_is_replaced(house: House) -> None:
    """A worker that stands still runs into workers.timeout; another reads its batch, and nothing fails."""
    house.configure({"workers": {"timeout": 2}})
    with Daemon(house) as daemon:
        workers = daemon.wait_ready().workers()
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        names = backlog(house, 20)
        wait_for(lambda: len(daemon.named("scan_published")) == len(names), "every result")
        assert daemon.named("worker_lost", cause="timeout")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert_each_once(house, names)


def test_bundle_replaced_while_it_runs(house: House) -> None:
    """A worker that takes a lost one's place never reads with another bundle than the results name: digitd ends, for
    its next start is with the new one."""
    bundle = house.root / "bundle"
    shutil.copytree(ROOT / "daemon" / "digitd" / "models" / "default", bundle)
    house.configure({"model": {"bundle": str(bundle)}, "workers": {"count": 1}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        manifest = json.loads((bundle / "bundle.json").read_bytes())
        # The weights that LiteRT does not use stand for those of another network.
        weights = (bundle / "model.keras").read_bytes() + b"\0"
        (bundle / "model.keras").write_bytes(weights)
        manifest["files"]["model.keras"]["sha256"] = hashlib.sha256(weights).hexdigest()
        manifest["files"]["model.keras"]["bytes"] = len(weights)
        (bundle / "bundle.json").write_text(json.dumps(manifest), encoding="utf-8")
        os.kill(daemon.workers()[0], signal.SIGKILL)
        assert daemon.wait_end() == 1
        daemon.wait_nobody()
    daemon.assert_only_events()
    assert daemon.wait_event("refused")["code"] == "bundle_replaced"


def test_lost_state_reads_again_and_overwrites_nothing(house: House) -> None:
    """Without its journal digitd begins anew: names taken in the outbox and the archive stay as they are."""
    house.drop("scan.png", scans.scan(4))
    house.once()
    before = (house.outbox / "scan.png.json").read_bytes()
    shutil.rmtree(house.state)
    house.drop("scan.png", scans.scan(7))
    assert house.once().process.returncode == 0
    assert (house.outbox / "scan.png.json").read_bytes() == before
    assert json.loads((house.outbox / "scan.png~2.json").read_bytes())["text"] == "7"
    assert house.filed("scan.png").read_bytes() == scans.scan(4)
    assert house.filed("scan~2.png").read_bytes() == scans.scan(7)


def test_results_taken_by_a_consumer_do_not_come_back(house: House) -> None:
    """A consumer that moves results out of the outbox finds none of them there again after a restart, and a name
    that comes again is still counted on."""
    house.drop("scan.png", scans.scan(4))
    house.once()
    for path in house.outbox.iterdir():
        path.unlink()
    assert house.once().process.returncode == 0
    assert house.files(house.outbox) == set()
    house.drop("scan.png", scans.scan(7))
    house.once()
    assert (house.outbox / "scan.png~2.json").exists()


def test_a_damaged_journal_is_set_aside_and_built_anew(house: House) -> None:
    """The log has its new name; every scan has one result and one row, those from before and those that come after."""
    house.configure({"outbox": {"every": "100ms"}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for number in range(10):
            house.drop(f"{number}.png", scans.numbered(number))
        wait_for(lambda: len(house.archived()) == len(house.rows()) == 10, "ten scans filed, and in CSV files")
        assert daemon.terminate() == 0
    journal = house.state / "journal.sqlite3"
    with journal.open("r+b") as file:
        file.write(b"\0" * 4096)
    house.drop("10.png", scans.numbered(10))
    with Daemon(house) as daemon:
        aside = daemon.wait_event("journal_damaged")["set_aside"]
        daemon.wait_event("journal_rebuilt")
        house.result("10.png.json")
        house.filed("10.png")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert aside.startswith(str(journal)) and journal.parent.joinpath(aside).exists()
    assert sorted(result["source"]["name"] for result in house.results()) == sorted(f"{n}.png" for n in range(11))
    assert sorted(row["source_name"] for row in house.rows()) == sorted(f"{n}.png" for n in range(11))
