"""Taken off in two steps, as one who is careful does it; and put on again."""

from systemd.conftest import INSTALL
from systemd.machine import Service

UNINSTALL = INSTALL.replace("/install", "/uninstall")
TRACES = (
    "find / -xdev ( -path /proc -o -path /sys -o -path /usr/src -o -path /tmp -o -path /var/log/journal ) -prune"
    " -o ( -name *digitd* -o -nouser -o -nogroup ) -print"
)


def test_purged_after_it_was_taken_off(service: Service, offline: list[str]) -> None:
    """The service stops and the data stay; a later --purge, for which there is no unit left, leaves nothing at all."""
    machine = service.machine
    machine.run(INSTALL, "--instance", "lab", *offline, check=True)
    done = machine.run(UNINSTALL, check=True)
    assert "digitd.service is stopped" in done.stdout and "digitd@lab.service is stopped" in done.stdout
    assert service.config.exists() and service.inbox.is_dir()
    machine.run("useradd", "--groups", "digitd", "carol", check=True)
    done = machine.run(UNINSTALL, "--purge", check=True)
    machine.run("userdel", "carol", check=True)
    assert done.stderr == "" and "is stopped" not in done.stdout
    machine.run("rm", "-rf", "/usr/local/lib/digitd-test")
    assert machine.run(*TRACES.split()).stdout == ""
    assert "digitd" not in machine.sh("getent passwd; getent group")
    machine.run(INSTALL, *offline, check=True)
    assert service.show("ActiveState") == "active"
