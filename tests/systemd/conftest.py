"""One machine for all of these tests: booted once, digitd installed in it by its own installer."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from systemd.machine import Machine, Service
from systemd.root import SOURCE, UnavailableError, cache, debian, missing, try_container, wheel, wheels

INSTALL = "/usr/src/digitd/systemd/install"
WHEELS, WHEEL = "/usr/src/wheels", "/usr/src/wheel"
HERE = Path(__file__).parent
SECONDS = 900
AT_START = "/usr/local/lib/digitd-test"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """To make, boot and install takes longer than any other test may."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A Debian that runs, with this tree and the wheels in it to be read."""
    if not os.environ.get("DIGITD_SYSTEMD"):
        pytest.skip("it boots a Debian, which takes minutes: make test-systemd")
    if (reason := missing()) is not None:
        pytest.skip(reason)
    try:
        root = debian()
        try_container(root)
        own = wheel(tmp_path_factory.mktemp("wheel"))
        readable = {SOURCE: "/usr/src/digitd", own.parent: WHEEL, wheels(own): WHEELS}
    except UnavailableError as error:
        pytest.skip(str(error))
    with Machine(root, cache(), readable) as it:
        for folder in ("/home/alice", "/root"):
            it.at(folder).mkdir(exist_ok=True)
            (it.at(folder) / "secret").write_text("secret")
            (it.at(folder) / "secret").chmod(0o644)
        it.at("/home/alice").chmod(0o777)
        yield it


@pytest.fixture(scope="session")
def offline(machine: Machine) -> list[str]:
    """How the installer gets at its wheels, without a network."""
    name = machine.sh(f"ls {WHEEL}").strip()
    return ["--wheel", f"{WHEEL}/{name}", "--", "--no-index", "--find-links", WHEELS]


@pytest.fixture(scope="session")
def installed(machine: Machine, offline: list[str]) -> "subprocess.CompletedProcess[str]":
    """What the installer said."""
    return machine.run(INSTALL, *offline, check=True)


@pytest.fixture
def service(machine: Machine, installed: object) -> Iterator[Service]:
    """digitd, running as it was installed; what a test changed of it is undone."""
    it = Service(machine)
    config = it.config.read_text(encoding="utf-8")
    it.machine.run("systemctl", "reset-failed")
    it.ctl("start")
    yield it
    drop_ins = machine.at(f"/etc/systemd/system/{it.unit}.d")
    changed = drop_ins.exists() or it.config.read_text(encoding="utf-8") != config
    for path in drop_ins.glob("*.conf"):
        path.unlink()
    if drop_ins.exists():
        drop_ins.rmdir()
    if changed:
        it.config.write_text(config, encoding="utf-8")
        machine.run("systemctl", "daemon-reload", check=True)
        machine.run("systemctl", "reset-failed")
        since = it.cursor()
        it.ctl("restart")
        log = [each["MESSAGE"] for each in it.entries(since=since)]
        assert not [line for line in log if "timed out" in line], log


def at_start(service: Service, script: str) -> None:
    """Have SCRIPT run at the start of each of the service's processes."""
    folder = service.machine.at(AT_START)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text((HERE / script).read_text(encoding="utf-8"), encoding="utf-8")
    service.drop_in("at-start", f"Environment=PYTHONPATH={AT_START}")
