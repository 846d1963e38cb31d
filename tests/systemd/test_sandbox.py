"""The sandbox, tried from inside of the main process and of a worker; and what systemd itself thinks of it."""

import json

from e2e import scans
from systemd.attempts import MARK, TRIES
from systemd.conftest import at_start
from systemd.machine import Service, wait_for

OWN = {f"write in {folder}" for folder in ("/srv/digitd/inbox", "/srv/digitd/outbox", "/srv/digitd/archive")} | {
    f"write in {folder}" for folder in ("/var/lib/digitd", "/tmp", "/var/tmp", "/dev/shm")
}
"""What the main process is there for; the last three are its own, and are gone with it."""
MAIN_MAY = OWN | {"a program", "stop its parent"}


def attempts(service: Service, who: str, since: str) -> dict[str, str]:
    """What the process said that came of its tries."""

    def said() -> dict[str, str] | None:
        for entry in service.entries(since=since):
            text = entry.get("DIGITD_MESSAGE") or entry["MESSAGE"]
            if text.startswith('{"burglar": "' + who):
                found: dict[str, str] = json.loads(text)
                return found
        return None

    told: dict[str, str] = wait_for(said, f"what the {who} process tried")
    del told["burglar"]
    assert told.keys() == TRIES.keys()
    return told


def test_nothing_but_its_own_folders(service: Service) -> None:
    """No network, no home, no writing elsewhere, no privilege; a worker, which sees strangers' bytes, does nothing."""
    at_start(service, "attempts.py")
    since = service.cursor()
    service.ctl("restart")
    main = attempts(service, "main", since)
    assert {name for name, outcome in main.items() if outcome == "done"} <= MAIN_MAY, main
    assert all(main[name] == "done" for name in OWN), main
    service.drop("burglar.png", scans.scan(4) + MARK)
    worker = attempts(service, "worker", since)
    assert {name for name, outcome in worker.items() if outcome == "done"} == set(), worker
    assert service.result("burglar.png")["text"] == "4"
    assert not list(service.machine.at("/home").rglob("burglar"))


def test_what_it_makes_in_tmp_nobody_sees(service: Service) -> None:
    """Its /tmp and /dev/shm are not the machine's."""
    pid = service.show("MainPID")
    for folder in ("/tmp", "/dev/shm"):
        service.machine.sh(f"nsenter --target {pid} --mount touch {folder}/of-digitd")
        assert service.machine.run("test", "-e", f"{folder}/of-digitd").returncode == 1


def test_systemd_rates_it_safe(service: Service) -> None:
    """1.0 of 10 at most, as it is installed and running."""
    done = service.machine.run("systemd-analyze", "security", "--no-pager", "--threshold=10", service.unit)
    assert done.returncode == 0, done.stdout
