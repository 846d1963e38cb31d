"""Installed, started, stopped, started by the machine itself: as an administrator sees it."""

import stat
from subprocess import CompletedProcess

from e2e import scans
from systemd.machine import Machine, Service, wait_for

MANY = 300


def test_it_runs_once_it_is_installed(installed: "CompletedProcess[str]", service: Service) -> None:
    """The installer starts it, and it is enabled; its status line says how it goes."""
    assert "digitd.service is enabled and started" in installed.stdout
    assert (service.show("ActiveState"), service.show("UnitFileState")) == ("active", "enabled")
    assert service.show("StatusText").startswith("0 waiting, 0 in hand")


def test_results_appear(service: Service) -> None:
    """A scan dropped by somebody has its result, its row and its place in the archive, all for the group to take."""
    service.ctl("restart")
    service.drop("four.png", scans.scan(4))
    assert service.result("four.png")["text"] == "4"
    assert service.result("four.png")["status"] == "accepted"
    filed = service.archive / "accepted" / "four.png"
    wait_for(filed.exists, "the source in the archive")
    wait_for(lambda: list(service.outbox.glob("results-*.csv")), "a CSV file")
    there = (service.outbox / "four.png.json").stat()
    assert stat.S_IMODE(there.st_mode) == 0o660
    assert there.st_gid == service.outbox.stat().st_gid
    wait_for(lambda: "1 read since the start (1 accepted)" in service.show("StatusText"), "the status line to say so")
    assert "1 read since the start (1 accepted)" in service.status()


def test_start_returns_once_it_is_ready(service: Service) -> None:
    """Not before: when it returns, the journal has that the workers are loaded; one that cannot start fails to."""
    service.ctl("stop")
    before = service.cursor()
    service.ctl("start")
    (ready,) = service.entries("ready", since=before)
    started = int(service.show("ActiveEnterTimestampMonotonic"))
    # systemd hears of it a moment before the journal does, and both before `start` returns.
    assert abs(started - int(ready["__MONOTONIC_TIMESTAMP"])) < 10_000_000
    assert len(service.workers()) == int(ready["DIGITD_WORKERS"])
    service.drop_in("engine", "Environment=DIGITD_MODEL__ENGINE=tensorflow")
    assert service.machine.run("systemctl", "restart", service.unit).returncode != 0
    assert service.show("ActiveState") == "failed"


def test_stop_drains(service: Service) -> None:
    """What is in hand is finished, the rest waits for the next start, and each scan has one result and one row."""
    for number in range(MANY):
        service.drop(f"drain-{number}.png", scans.numbered(number))
    wait_for(lambda: list(service.outbox.glob("drain-*.json")), "the first result")
    before = service.cursor()
    service.ctl("stop")
    assert (service.show("Result"), service.show("ExecMainStatus")) == ("success", "0")
    (stopped,) = service.entries("stopped", since=before)
    assert stopped["DIGITD_WHY"] == "SIGTERM"
    waiting = {path.name for path in service.inbox.iterdir()}
    read = {path.name.removesuffix(".json") for path in service.outbox.glob("drain-*.json")}
    filed = {path.name for path in service.archive.rglob("drain-*.png")}
    assert read == filed
    assert waiting | read == {f"drain-{number}.png" for number in range(MANY)}
    assert not waiting & read
    service.ctl("start")
    wait_for(lambda: len(list(service.outbox.glob("drain-*.json"))) == MANY, "the other results")
    service.ctl("stop")
    rows = "".join(path.read_text(encoding="utf-8") for path in service.outbox.glob("results-*.csv"))
    assert rows.count(",drain-") == 2 * MANY
    for path in [*service.outbox.glob("drain-*"), *service.archive.rglob("drain-*")]:
        path.unlink()


def test_it_comes_back_with_the_machine(machine: Machine, service: Service) -> None:
    """Switched off and on again, the machine starts it, and what was dropped meanwhile is read."""
    machine.power_off()
    service.drop("while-off.png", scans.scan(7))
    machine.boot()
    wait_for(lambda: service.show("ActiveState") == "active", "the service")
    assert service.result("while-off.png")["text"] == "7"


def test_a_second_instance_is_its_own(machine: Machine, service: Service, offline: list[str]) -> None:
    """digitd@lab has folders and a configuration of its own; the two run side by side, and one stops alone."""
    machine.run("/usr/src/digitd/systemd/install", "--instance", "lab", *offline, check=True)
    lab = Service(machine, "lab")
    assert lab.show("ActiveState") == service.show("ActiveState") == "active"
    assert lab.config.read_text(encoding="utf-8") != service.config.read_text(encoding="utf-8")
    lab.drop("same.png", scans.scan(4))
    service.drop("same.png", scans.scan(7))
    assert lab.result("same.png")["text"] == "4"
    assert service.result("same.png")["text"] == "7"
    lab.ctl("stop")
    assert (lab.show("ActiveState"), service.show("ActiveState")) == ("inactive", "active")
