"""What digitd does not start with: an exit code each, and one event that names cause and remedy."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitd.marks import MARK_NAME
from e2e.harness import ROOT, Daemon, House, Manager

Breaks = Callable[[House], dict[str, Any]]


def _missing_inbox(house: House) -> dict[str, Any]:
    house.inbox.rmdir()
    return {}


def _outbox_is_a_file(house: House) -> dict[str, Any]:
    house.outbox.rmdir()
    house.outbox.touch()
    return {}


def _bundle(house: House, spoil: Callable[[Path], None]) -> dict[str, Any]:
    bundle = house.root / "bundle"
    shutil.copytree(ROOT / "daemon" / "digitd" / "models" / "default", bundle)
    spoil(bundle)
    return {"model": {"bundle": str(bundle)}}


def _torn_weights(bundle: Path) -> None:
    os.truncate(bundle / "model.tflite", 1000)


REFUSED: dict[str, tuple[Breaks, int, str, str]] = {
    "unknown key": (lambda _: {"inbox": {"setle": 1}}, 3, "config", "inbox.settle"),
    "wrong value": (lambda _: {"workers": {"count": "many"}}, 3, "config", "workers.count"),
    "unknown section": (lambda _: {"inbxo": {"path": "x"}}, 3, "config", "inbox"),
    "missing inbox": (_missing_inbox, 4, "folders", "does not exist"),
    "outbox in the inbox": (lambda _: {"outbox": {"path": "inbox/out"}}, 4, "folders", "inside the inbox"),
    "archive in the inbox": (lambda _: {"sources": {"failed": "inbox/failed"}}, 4, "folders", "sources.failed"),
    "state in the inbox": (lambda _: {"state": {"path": "inbox/state"}}, 4, "folders", "state.path"),
    "outbox is the inbox": (lambda _: {"outbox": {"path": "inbox"}}, 4, "folders", "is the inbox itself"),
    "outbox is a file": (_outbox_is_a_file, 4, "folders", "outbox.path"),
    "missing bundle": (lambda _: {"model": {"bundle": "nowhere"}}, 5, "bundle", "nowhere"),
    "torn weights": (lambda house: _bundle(house, _torn_weights), 5, "bundle", "model.tflite"),
    "no description": (
        lambda house: _bundle(house, lambda bundle: (bundle / "bundle.json").unlink()),
        5,
        "bundle",
        "bundle.json",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_at_start(house: House, case: str) -> None:
    """A start that is refused exits with its code, after one event with cause and remedy; `check` says the same."""
    breaks, code, kind, words = REFUSED[case]
    house.configure(breaks(house))
    with Daemon(house) as daemon:
        assert daemon.wait_end() == code
        daemon.wait_nobody()
    daemon.assert_only_events()
    [event] = [each for each in daemon.events if each["level"] != "debug"]
    assert (event["event"], event["level"], event["code"], event["exit_code"]) == ("refused", "error", kind, code)
    assert words in event["cause"]
    assert event["remedy"]
    assert not list(house.root.rglob(MARK_NAME))
    checked = house.run("check")
    assert checked.returncode == code
    assert event["cause"] in checked.stderr.decode()
    assert checked.stderr.count(b"\n") == 1


def test_systemd_hears_why(house: House, manager: Manager) -> None:
    """Its status line then has the same sentence as the log, and the error of the system, if it was one."""
    house.inbox.rmdir()
    with Daemon(house, NOTIFY_SOCKET=f"@{manager.name}") as daemon:
        assert daemon.wait_end() == 4
    [event] = daemon.named("refused")
    assert manager.listen() == [f"STATUS={event['cause']}. {event['remedy']}.", f"ERRNO={errno.ENOENT}"]


def test_a_command_line_that_is_wrong(house: House, manager: Manager) -> None:
    """It is one line too, with a remedy, and systemd hears of it."""
    with Daemon(house, "--colour", NOTIFY_SOCKET=f"@{manager.name}") as daemon:
        assert daemon.wait_end() == 2
    assert daemon.garbage == [b"digitd: No such option: --colour. See digitd run --help.\n"]
    assert manager.listen() == ["STATUS=No such option: --colour. See digitd run --help."]


def test_second_daemon_on_the_same_state(house: House) -> None:
    """Two digitd never share a state folder: the second is refused, names the first, and the first goes on."""
    with Daemon(house) as first:
        first.wait_ready()
        with Daemon(house) as second:
            assert second.wait_end() == 6
        second.assert_only_events()
        [event] = [each for each in second.events if each["level"] != "debug"]
        assert (event["event"], event["code"], event["exit_code"]) == ("refused", "already_running", 6)
        assert str(first.process.pid) in event["cause"]
        assert event["remedy"]
        assert first.terminate() == 0
    first.assert_only_events()


def test_after_a_kill_the_lock_is_free(house: House) -> None:
    """A digitd that was killed holds no lock: the next one starts."""
    with Daemon(house) as first:
        first.wait_ready()
        first.kill()
    assert house.once().process.returncode == 0


def test_configuration_that_does_not_exist(house: House) -> None:
    """-c with a file that is not there is a configuration error."""
    house.config.unlink()
    with Daemon(house) as daemon:
        assert daemon.wait_end() == 3
    daemon.assert_only_events()
    [event] = daemon.events
    assert "does not exist" in event["cause"]


def test_bug_is_an_event_too(house: House) -> None:
    """Even what nobody thought of ends as one JSON event with its traceback, and exit code 1."""
    # A folder where the journal's file should be is nothing that digitd looks for.
    (house.state / "journal.sqlite3-wal").mkdir(parents=True)
    (house.state / "lock").mkdir()
    with Daemon(house) as daemon:
        assert daemon.wait_end() in (1, 4)
    daemon.assert_only_events()
    assert daemon.events[-1]["level"] == "error"
    assert daemon.events[-1]["remedy"]
