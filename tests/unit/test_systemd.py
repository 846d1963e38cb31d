"""sd_notify, against a real socket."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from digitd.systemd import Notifier


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variables of systemd."""
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket of a service manager, by a path or by an abstract name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        name = os.fspath(tmp_path / "notify") if request.param == "path" else f"@digitd-test-{os.getpid()}"
        listening.bind(name.replace("@", "\0"))
        listening.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listening


def test_each_state_is_one_datagram(systemd: socket.socket) -> None:
    """In the words of the protocol."""
    notifier = Notifier()
    notifier.ready()
    notifier.alive()
    notifier.status("3 waiting, größe")
    notifier.reloading()
    notifier.refused("no such inbox. Make it.", 2)
    notifier.stopping()
    said = [systemd.recv(1000).decode() for _ in range(7)]
    assert 0 < int(said.pop(3).removeprefix("RELOADING=1\nMONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
    assert said == [
        "READY=1",
        "WATCHDOG=1",
        "STATUS=3 waiting, größe",
        "STATUS=no such inbox. Make it.",
        "ERRNO=2",
        "STOPPING=1",
    ]
    notifier.close()


def test_a_status_cannot_say_more_than_a_status(systemd: socket.socket) -> None:
    """A sentence with a line break or with bytes that are no text is one assignment all the same."""
    notifier = Notifier()
    notifier.status("full\nREADY=1" + os.fsdecode(b"\xff"))
    sent = systemd.recv(1000)
    assert sent.startswith(b"STATUS=full")
    assert b"\n" not in sent
    notifier.close()


def test_a_start_that_takes_long_asks_for_more_time(systemd: socket.socket) -> None:
    """In the one datagram that says why."""
    notifier = Notifier()
    notifier.starting("copying")
    assert systemd.recv(1000) == b"EXTEND_TIMEOUT_USEC=120000000\nSTATUS=copying"
    notifier.close()


def test_without_systemd_nothing_happens() -> None:
    """The same calls are of no effect."""
    notifier = Notifier()
    notifier.ready()
    notifier.status("x")
    assert notifier.watchdog_seconds is None
    notifier.close()


def test_a_manager_that_is_gone_or_busy_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing socket, and a queue that is full, hold nothing up."""
    monkeypatch.setenv("NOTIFY_SOCKET", os.fspath(tmp_path / "gone"))
    gone = Notifier()
    gone.ready()
    gone.close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(os.fspath(tmp_path / "busy"))
        monkeypatch.setenv("NOTIFY_SOCKET", os.fspath(tmp_path / "busy"))
        busy = Notifier()
        for _ in range(10_000):
            busy.alive()
        busy.close()


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("30000000", "", 15.0),
        ("30000000", "mine", 15.0),
        ("30000000", "1", None),
        ("0", "", None),
        ("", "", None),
        ("often", "", None),
    ],
)
def test_it_pings_twice_as_often_as_asked(
    monkeypatch: pytest.MonkeyPatch, usec: str, pid: str, seconds: float | None
) -> None:
    """If it is this process that is asked."""
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "mine" else pid)
    assert Notifier().watchdog_seconds == seconds
