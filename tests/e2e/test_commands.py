"""`status`, `check`, `retry`, and where -c may stand."""

import fcntl
import json
import os
import threading

from digitd.lock import LOCK_SECONDS, Lock, holder_of
from e2e import scans
from e2e.harness import Daemon, House, digitd, environment, wait_for


def test_status_of_a_daemon_at_work(house: House) -> None:
    """`status` tells who runs since when, what waits, what was read, and what failed and why."""
    house.configure({"workers": {"count": 1}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        house.drop("good.png", scans.scan(4))
        house.drop("blank.png", scans.blank())
        house.drop("bad.png", b"no image")
        wait_for(lambda: len(daemon.named("scan_published")) == 3, "three results")
        asked = house.run("status", "--json")
        assert (asked.returncode, asked.stderr) == (0, b"")
        status = json.loads(asked.stdout)
        assert (status["running"], status["pid"], status["waiting"]) == (True, daemon.process.pid, 0)
        assert status["since"].endswith("Z")
        assert status["read_today"] == 3
        assert {key: count for key, count in status["by_status"].items() if count} == {
            "accepted": 1,
            "blank": 1,
            "failed": 1,
        }
        assert status["unpublished"] == 0
        [failure] = status["failures"]
        assert (failure["scan"], failure["code"]) == ("bad.png", "not_an_image")
        shown = house.run("status")
        assert shown.returncode == 0
        assert f"running (process {daemon.process.pid})" in shown.stdout.decode()
        assert "bad.png" in shown.stdout.decode()
        checked = house.run("check")
        assert checked.returncode == 0
        assert f"running, process {daemon.process.pid}" in checked.stdout.decode()
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_status_without_a_daemon(house: House) -> None:
    """`status` works while nothing runs, before the first start too, and counts what waits."""
    house.drop("a.png", scans.scan())
    house.drop("sub/b.png", scans.scan())
    (house.inbox / "notes.txt").touch()
    asked = house.run("status", "--json")
    assert asked.returncode == 0
    status = json.loads(asked.stdout)
    assert (status["running"], status["pid"], status["waiting"], status["read_today"]) == (False, None, 2, 0)
    house.once()
    status = json.loads(house.run("status", "--json").stdout)
    assert (status["running"], status["waiting"], status["read_today"]) == (False, 0, 2)
    assert b"not running" in house.run("status").stdout


def test_status_keeps_no_daemon_from_starting(house: House) -> None:
    """`status` looks at the lock by holding it for the blink of an eye: a start at that moment waits it out."""
    house.state.mkdir()
    with open(house.state / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        threading.Timer(LOCK_SECONDS / 4, fcntl.flock, (lock.fileno(), fcntl.LOCK_UN)).start()
        with Lock(house.state):
            assert holder_of(house.state) is not None
    assert holder_of(house.state) is None


def test_check(house: House) -> None:
    """`check` names what `run` would work with, and starts nothing."""
    checked = house.run("check")
    assert (checked.returncode, checked.stderr) == (0, b"")
    shown = checked.stdout.decode()
    for words in (str(house.inbox), str(house.outbox), "sha256", "not running", f"{house.state}/metrics.prom, no port"):
        assert words in shown
    assert not (house.state / "lock").exists()
    house.configure({"metrics": {"textfile": "away/digitd.prom", "port": 9108}})
    checked = house.run("check")
    assert checked.returncode == 0
    assert f"{house.root}/away/digitd.prom, 127.0.0.1 port 9108" in checked.stdout.decode()
    assert b"away cannot be written (No such file or directory)" in checked.stderr


def test_retry(house: House) -> None:
    """`retry` moves failed scans back to where they were dropped; the running daemon reads them as ~2."""
    with Daemon(house) as daemon:
        daemon.wait_ready()
        house.drop("sub/bad.png", b"no image")
        house.drop("sub/other.png", b"no image either")
        for name in ("bad", "other"):
            daemon.wait_event("scan_published", scan=f"sub/{name}.png")
        # What was wrong is put right where it lies.
        (house.archive / "failed" / "sub" / "bad.png").write_bytes(scans.scan(4))
        returned = house.run("retry", "bad*")
        assert returned.returncode == 0
        assert "sub/bad.png" in returned.stdout.decode()
        assert "1 failed scan back" in returned.stdout.decode()
        assert house.result("sub/bad.png~2.json")["text"] == "4"
        assert house.result("sub/bad.png.json")["status"] == "failed"
        assert (house.archive / "accepted" / "sub" / "bad.png").read_bytes() == scans.scan(4)
        assert house.files(house.archive / "failed") == {"sub/other.png", "sub/other.png.json"}
        assert daemon.terminate() == 0
    again = house.run("retry")
    assert "1 failed scan back" in again.stdout.decode()
    assert house.files(house.inbox) == {"sub/other.png"}
    assert house.files(house.archive / "failed") == set()
    assert "0 failed scans back" in house.run("retry").stdout.decode()
    house.once()
    assert house.result("sub/other.png~2.json")["status"] == "failed"
    daemon.assert_only_events()


def test_config_before_and_after_the_command(house: House) -> None:
    """-c may stand before the command and after it, and DIGITD_CONFIG in its stead."""
    for arguments in (("-c", str(house.config), "status", "--json"), ("status", "-c", str(house.config), "--json")):
        asked = digitd(*arguments, cwd=house.root)
        assert json.loads(asked.stdout)["inbox"] == str(house.inbox)
    asked = digitd(
        "status", "--json", cwd=house.archive.parent, env=environment(house.root, DIGITD_CONFIG=str(house.config))
    )
    assert json.loads(asked.stdout)["inbox"] == str(house.inbox)


def test_variables_override_the_file(house: House) -> None:
    """DIGITD_INBOX__PATH wins over the file."""
    other = house.root / "other"
    other.mkdir()
    asked = house.run("status", "--json", DIGITD_INBOX__PATH=str(other))
    assert json.loads(asked.stdout)["inbox"] == str(other)


def test_a_config_that_lies_about_is_not_taken(house: House) -> None:
    """Without -c and DIGITD_CONFIG the defaults hold, whatever config.yaml lies in the working directory."""
    house.config.write_text("inbox: {path: /nowhere}\n", encoding="utf-8")
    asked = digitd("status", "--json", cwd=house.root)
    assert json.loads(asked.stdout)["inbox"] == os.fspath(house.root / "inbox")


def test_help_is_short_and_has_an_example(house: House) -> None:
    """The help of every command fits a screen and shows an example."""
    commands = ("run", "reload", "read", "status", "check", "retry", "train", "evaluate", "explain")
    for command in commands:
        shown = digitd(command, "--help", cwd=house.root, env=environment(house.root, COLUMNS="80"))
        assert shown.returncode == 0, command
        text = shown.stdout.decode()
        assert text.count("\n") <= 40, command
        assert f"Example: digitd {command}" in text, command


def test_usage_errors_exit_with_2(house: House) -> None:
    """An unknown command or option exits with 2."""
    for arguments in (("nonsense",), ("run", "--nonsense"), ("read",)):
        assert digitd(*arguments, cwd=house.root).returncode == 2
