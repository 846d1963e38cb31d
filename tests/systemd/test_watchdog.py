"""What hangs is noticed and ended, and nothing is lost by it."""

import signal

import psutil

from e2e import scans
from systemd.conftest import at_start
from systemd.machine import Service, wait_for

WATCHDOG = "WatchdogSec=4s\nRestartSec=100ms"


def restarted_by_the_watchdog(service: Service, before: psutil.Process, since: str) -> None:
    """Wait until systemd has ended the main process, and started another one that is ready."""
    wait_for(lambda: service.entries("ready", since=since), "another start")
    assert service.main.pid != before.pid
    log = service.machine.run("journalctl", "-u", service.unit, f"--after-cursor={since}", check=True).stdout
    assert "Watchdog timeout" in log
    assert "Failed with result 'watchdog'" in log
    wait_for(lambda: not before.is_running(), "the end of the process that hung")


def test_a_main_process_that_stands_still(service: Service) -> None:
    """SIGSTOP: systemd misses its pings, ends it and its workers, and the next one reads what waits."""
    service.drop_in("watchdog", WATCHDOG)
    service.ctl("restart")
    main, workers, since = service.main, service.workers(), service.cursor()
    main.send_signal(signal.SIGSTOP)
    service.drop("stopped.png", scans.scan(4))
    restarted_by_the_watchdog(service, main, since)
    assert service.result("stopped.png")["text"] == "4"
    assert not any(worker.is_running() for worker in workers)
    assert service.show("NRestarts") == "1"


def test_a_worker_that_hangs(service: Service) -> None:
    """The daemon itself ends it after workers.timeout, and its scans are read by another: no restart is needed."""
    service.drop_in("watchdog", f"{WATCHDOG}\nEnvironment=DIGITD_WORKERS__TIMEOUT=2 DIGITD_WORKERS__COUNT=1")
    service.ctl("restart")
    (worker,), main, since = service.workers(), service.main, service.cursor()
    worker.send_signal(signal.SIGSTOP)
    service.drop("hung.png", scans.scan(4))
    lost = service.wait_entry("worker_lost", since=since)
    assert lost["DIGITD_CAUSE"] == "timeout"
    assert lost["PRIORITY"] == "4"
    assert service.result("hung.png")["text"] == "4"
    assert service.main.pid == main.pid
    assert service.show("NRestarts") == "0"


def test_a_watcher_that_is_dead(service: Service) -> None:
    """Where it cannot be started again, no ping tells that all is well: the whole daemon is started anew."""
    at_start(service, "dead_watcher.py")
    service.drop_in("watchdog", WATCHDOG)
    service.ctl("restart")
    main, since = service.main, service.cursor()
    flag = service.state / "no-watcher"
    flag.touch()
    service.wait_entry("watcher_lost", since=since)
    wait_for(lambda: "the inbox is not watched" in service.show("StatusText"), "the status line to say so")
    wait_for(lambda: not main.is_running(), "the end of the daemon")
    flag.unlink()
    restarted_by_the_watchdog(service, main, since)
    service.drop("watched.png", scans.scan(4))
    assert service.result("watched.png")["text"] == "4"
