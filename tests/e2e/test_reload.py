"""SIGHUP and `digitd reload`: a new configuration is used at once, a wrong one is not, and no scan is lost."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from e2e import scans
from e2e.harness import PATIENCE, ROOT, Daemon, House, Manager, environment, wait_for

MANY = 400
HANGUPS = 6


def reload(daemon: Daemon, *config: dict[str, Any]) -> subprocess.CompletedProcess[bytes]:
    """Write a new configuration, and ask for it by the command."""
    daemon.house.configure(*config)
    return daemon.house.run("reload")


def wait_reloads(daemon: Daemon, count: int) -> None:
    """Wait until it has reloaded so often."""
    wait_for(lambda: len(daemon.named("reloaded")) >= count, f"{count} reloads")


def test_the_next_scan_is_read_by_the_new_threshold(house: House, manager: Manager) -> None:
    """Same process, no restart: what was accepted goes to review; systemd hears of the beginning and of the end."""
    with Daemon(house, NOTIFY_SOCKET=f"@{manager.name}") as daemon:
        workers = daemon.wait_ready().workers()
        house.drop("a.png", scans.scan(4))
        assert house.result("a.png.json")["status"] == "accepted"
        done = reload(daemon, {"recognition": {"accept": 1.0}})
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        house.drop("b.png", scans.scan(4))
        assert house.result("b.png.json")["reason"]["code"] == "low_confidence"
        event = daemon.wait_event("reloaded")
        assert event["changed"] == {"recognition.accept": 1.0}
        # Nothing was changed of what the workers are started with, so they are the same.
        assert event["pids"] == workers
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    states = [each.splitlines()[0] for each in manager.listen() if each.startswith(("READY", "RELOADING", "STOPPING"))]
    assert states == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
    assert [each for each in manager.heard if "MONOTONIC_USEC=" in each]


def test_under_load_nothing_is_lost_and_nothing_doubled(house: House) -> None:
    """Hangups while hundreds are read, with other workers, watcher and rolled files each: one result and row a scan."""
    house.configure({"batch": {"max_scans": 8}, "outbox": {"every": "200ms"}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for turn in range(HANGUPS):
            for number in range(turn * MANY // HANGUPS, (turn + 1) * MANY // HANGUPS):
                (house.inbox / f"{number}.png").write_bytes(scans.numbered(number))
            new = {
                "batch": {"max_scans": 4 + turn},
                "workers": {"count": 1 + turn % 2},
                "inbox": {"rescan": 20 + turn},
                "outbox": {"rows": 50 + turn, "every": "200ms", "json": "scan"},
            }
            house.configure(new)
            daemon.process.send_signal(signal.SIGHUP)
            wait_reloads(daemon, turn + 1)
        wait_for(lambda: not house.files(house.inbox), "the inbox to be empty")
        assert daemon.terminate() == 0
        daemon.wait_nobody()
    assert not daemon.named("worker_lost")
    results = house.results()
    assert sorted(result["source"]["path"] for result in results) == sorted(f"{number}.png" for number in range(MANY))
    assert len(house.archived()) == MANY
    assert sorted(row["id"] for row in house.rows()) == sorted(result["id"] for result in results)
    daemon.assert_only_events()


def test_a_wrong_one_is_refused_and_the_old_one_stays(house: House) -> None:
    """A wrong key, a folder in the wrong place, a torn bundle: one error event, an exit code, and it reads on."""
    bundle = house.root / "bundle"
    shutil.copytree(ROOT / "daemon" / "digitd" / "models" / "default", bundle)
    os.truncate(bundle / "model.tflite", 1000)
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({"recognition": {"acept": 1.0}}, 3, "recognition.accept"),
        ({"sources": {"failed": "inbox/failed"}, "recognition": {"accept": 1.0}}, 4, "sources.failed"),
        ({"model": {"bundle": str(bundle)}, "recognition": {"accept": 1.0}}, 5, "model.tflite"),
    ]
    with Daemon(house) as daemon:
        workers = daemon.wait_ready().workers()
        for number, (config, code, words) in enumerate(wrong):
            done = reload(daemon, config)
            assert done.returncode == code
            assert words in done.stderr.decode()
            assert done.stderr.count(b"\n") == 1
            daemon.process.send_signal(signal.SIGHUP)
            # The command does not trouble the daemon with a file that it cannot read itself.
            event = daemon.wait_event("reload_refused", exit_code=code)
            assert words in event["cause"]
            assert event["remedy"]
            house.drop(f"{number}.png", scans.scan(4))
            assert house.result(f"{number}.png.json")["status"] == "accepted"
        assert "model.tflite" in json.loads(house.run("status", "--json").stdout)["reload_refused"]
        assert all(psutil.pid_exists(pid) for pid in workers)
        assert not daemon.named("reloaded")
        assert reload(daemon, {}).returncode == 0
        assert json.loads(house.run("status", "--json").stdout)["reload_refused"] is None
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_workers_that_cannot_load_are_refused_too(house: House) -> None:
    """An engine that is not installed is found out by new workers, while the old ones read on."""
    path = house.at_start("import sys\nsys.modules['tensorflow'] = None\n")
    with Daemon(house, PYTHONPATH=path) as daemon:
        daemon.wait_ready()
        done = reload(daemon, {"model": {"engine": "tensorflow"}})
        assert done.returncode == 5, done.stderr
        assert b"tensorflow" in done.stderr
        house.drop("a.png", scans.scan(4))
        assert house.result("a.png.json")["status"] == "accepted"
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_each_part_takes_its_new_settings(house: House) -> None:
    """Where sources go, what is published, what is ignored, who reads, and what is logged."""
    with Daemon(house) as daemon:
        before = daemon.wait_ready().workers()
        new: dict[str, Any] = {
            "inbox": {"ignore": ["draft*"]},
            "outbox": {"json": "lines", "every": "100ms"},
            "sources": {"accepted": "elsewhere", "blank": "keep"},
            "workers": {"count": 1},
            "limits": {"bytes": 2000},
            "profiles": {"forms": {"digits": 9}},
            "log": {"level": "warning"},
        }
        assert reload(daemon, new).returncode == 0
        # The new level leaves out the event that would name the one worker that there is now.
        assert not set(before) & {each.pid for each in daemon.survivors()}
        house.drop("draft.png", scans.scan(4))
        house.drop("forms/nine.png", scans.scan(4))
        house.drop("a.png", scans.scan(4))
        house.drop("blank.png", scans.blank())
        wait_for(lambda: sum(len(each.read_bytes().splitlines()) for each in lines_files(house)) == 3, "three results")
        assert house.files(house.root / "elsewhere") == {"a.png"}
        assert house.files(house.archive / "review") == {"forms/nine.png"}
        assert house.files(house.inbox) == {"blank.png", "draft.png"}
        house.drop("big.png", scans.scan(4) + bytes(5000))
        house.filed("big.png")
        assert (house.archive / "failed" / "big.png").exists()
        assert daemon.terminate() == 0
    assert not daemon.named("scan_published")
    assert not daemon.named("stopped")
    assert not list(house.outbox.rglob("*.png.json"))
    daemon.assert_only_events()


def lines_files(house: House) -> list[Path]:
    """The rolled JSON Lines files so far."""
    return sorted(house.outbox.glob("results-*.jsonl"))


def test_what_only_a_restart_can_change_is_said(house: House) -> None:
    """The rest is used; a warning names the key."""
    (house.root / "other").mkdir()
    with Daemon(house) as daemon:
        daemon.wait_ready()
        assert reload(daemon, {"outbox": {"path": "other"}, "recognition": {"accept": 1.0}}).returncode == 0
        event = daemon.wait_event("restart_needed")
        assert event["keys"] == ["outbox.path"]
        assert "restart digitd" in event["remedy"]
        house.drop("a.png", scans.scan(4))
        assert house.result("a.png.json")["status"] == "review"
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_a_bundle_that_was_trained_anew_is_used(house: House) -> None:
    """The same folder with another network in it: results name the new one, without a restart."""
    bundle = house.root / "bundle"
    shutil.copytree(ROOT / "daemon" / "digitd" / "models" / "default", bundle)
    house.configure({"model": {"bundle": str(bundle)}})
    with Daemon(house) as daemon:
        workers = daemon.wait_ready().workers()
        house.drop("a.png", scans.scan(4))
        assert house.result("a.png.json")["model"]["version"] != "of this test"
        description = bundle / "bundle.json"
        old = house.result("a.png.json")["model"]["version"]
        description.write_text(description.read_text().replace(f'"{old}"', '"of this test"', 1))
        done = house.run("reload")
        assert done.returncode == 0, done.stderr
        house.drop("b.png", scans.scan(4))
        assert house.result("b.png.json")["model"]["version"] == "of this test"
        # Its weights are the same, and its temperature need not be: the workers have read bundle.json, too.
        assert not set(workers) & set(daemon.wait_event("reloaded")["pids"])
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_nobody_to_reload(house: House) -> None:
    """The command says so where no digitd runs; a drain takes a hangup as the end."""
    done = house.run("reload")
    assert done.returncode == 2
    assert b"no digitd works with" in done.stderr
    for number in range(100):
        house.drop(f"{number}.png", scans.numbered(number))
    with Daemon(house, "--once") as daemon:
        daemon.wait_event("starting")
        assert daemon.terminate(signal.SIGHUP) == 0
    assert daemon.wait_event("stopped")["why"] == "SIGHUP"
    daemon.assert_only_events()


def test_what_a_hangup_would_end_is_not_asked(house: House) -> None:
    """On a terminal SIGHUP is the end: the command says that this one does not reload, and leaves it alone."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "digitd", "run", "-c", str(house.config)]
    process = subprocess.Popen(
        command, cwd=house.root, env=environment(house.root), stdin=theirs, stderr=theirs, start_new_session=True
    )
    try:
        os.close(theirs)
        wait_for(lambda: house.run("status", "--check").returncode == 0, "it to be healthy")
        done = house.run("reload")
        assert done.returncode == 2
        assert b"on a terminal" in done.stderr
        house.drop("a.png", scans.scan(4))
        assert house.result("a.png.json")["status"] == "accepted"
        process.send_signal(signal.SIGHUP)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_refusal_whose_words_are_no_text(tmp_path: Path) -> None:
    """The configuration lies in a folder whose name is no UTF-8; the daemon goes on, and the command has its words."""
    house = House(tmp_path / os.fsdecode(b"caf\xe9"))
    with Daemon(house) as daemon:
        daemon.wait_ready()
        done = reload(daemon, {"sources": {"failed": "inbox/failed"}})
        assert done.returncode == 4
        assert b"caf\\xe9" in done.stderr
        house.drop("a.png", scans.scan(4))
        assert house.result("a.png.json")["status"] == "accepted"
        assert daemon.terminate() == 0
    daemon.assert_only_events()
