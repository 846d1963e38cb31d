"""`digitd status` beside the real daemon: its verdicts and exit codes, and the live view."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from digitd.lock import Lock
from e2e import scans
from e2e.harness import PATIENCE, Daemon, House, environment, wait_for


def checked(house: House, *arguments: str) -> tuple[int, str]:
    """The exit code and the one line of a health check."""
    done = house.run("status", "--check", *arguments)
    assert done.stderr == b""
    [line] = done.stdout.decode().splitlines()
    return done.returncode, line


def test_each_state_has_its_exit_code_and_sentence(house: House) -> None:
    """Not running, starting, healthy, an outbox that cannot be written, an inbox that is away, and healthy again."""
    house.configure({"workers": {"count": 1}})
    assert checked(house) == (7, "digitd is not healthy (not_running): no digitd runs with this state folder")
    house.state.mkdir()
    with Lock(house.state):
        code, line = checked(house)
        assert (code, "(starting)" in line) == (8, True)
    with Daemon(house) as daemon:
        daemon.wait_ready()
        pid = daemon.process.pid
        healthy = (0, f"digitd is healthy: process {pid} runs, with 1 of 1 workers")
        wait_for(lambda: checked(house) == healthy, "a healthy daemon")
        house.block_outbox()
        house.drop("a.png", scans.scan())
        daemon.wait_event("delivery_paused")
        code, line = wait_for(lambda: (found := checked(house))[0] and found, "the verdict of a pause")
        assert (code, "(delivery_paused)" in line) == (8, True)
        house.unblock_outbox()
        wait_for(lambda: checked(house) == healthy, "a healthy daemon again")
        house.inbox.rename(house.root / "elsewhere")
        code, line = checked(house)
        assert (code, "No such file or directory" in line) == (8, True)
        (house.root / "elsewhere").rename(house.inbox)
        assert daemon.terminate() == 0
    assert checked(house)[0] == 7
    daemon.assert_only_events()


def test_a_scan_may_wait_no_longer_than_asked(house: House) -> None:
    """--max-wait; without it a scan may wait for as long as it takes."""
    house.configure({"inbox": {"settle": "1h"}})
    house.drop("a.png", scans.scan())
    with Daemon(house) as daemon:
        daemon.wait_ready()
        wait_for(lambda: checked(house)[0] == 0, "a healthy daemon")
        assert checked(house, "--max-wait", "1h")[0] == 0
        code, line = checked(house, "--max-wait", "1ms")
        assert (code, "(waits_too_long): a scan has waited for" in line) == (8, True)
        assert daemon.terminate() == 0


def test_what_status_cannot_know_is_an_error_and_no_verdict(house: House) -> None:
    """A configuration that is wrong, an option that is: exit codes 3 and 2, as everywhere, and a word on stderr."""
    assert house.run("status", "--check", "--max-wait", "soon").returncode == 2
    assert house.run("status", "--check", "--json").returncode == 2
    house.config.write_text("inbox: {pth: x}\n", encoding="utf-8")
    done = house.run("status", "--check")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"inbox.path" in done.stderr


def test_the_json_has_it_all(house: House) -> None:
    """Rates, latencies, room, bundle, versions and workers, of a daemon that has read two scans."""
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for number in range(2):
            house.drop(f"{number}.png", scans.scan(number))
        wait_for(lambda: len(daemon.named("scan_published")) == 2, "two results")
        done = wait_for(
            lambda: (asked := json.loads(house.run("status", "--json").stdout))["healthy"] and asked, "a healthy daemon"
        )
        assert done["workers"] == {"ready": 2, "wanted": 2}
        assert done["rates"]["minute"] == round(2 / 60, 4)
        assert done["latency"]["scans"] == 2
        assert 0 <= done["latency"]["p50"] <= done["latency"]["p99"] < PATIENCE
        assert done["room"]["state"]["free_bytes"] > 0
        assert done["bundle"]["sha256"] == house.result("0.png.json")["model"]["sha256"]
        assert done["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
        assert daemon.terminate() == 0


def watching(
    house: House, *arguments: str, stdout: int | IO[bytes], stdin: int = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    """`status --watch`, looking ten times a second."""
    command = [sys.executable, "-m", "digitd", "status", "-c", str(house.config), "--watch", "--every", "100ms"]
    return subprocess.Popen(
        [*command, *arguments],
        cwd=house.root,
        env=environment(house.root, TERM="xterm", COLUMNS="100", LINES="40"),
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def test_the_live_view_on_a_terminal(house: House) -> None:
    """It is drawn in place, follows what happens, and Ctrl-C ends it with 0 and the cursor shown again."""
    ours, theirs = pty.openpty()
    process = watching(house, stdin=theirs, stdout=theirs)
    try:
        os.close(theirs)
        os.set_blocking(ours, False)
        seen = b""

        def shows(text: bytes) -> bool:
            nonlocal seen
            try:
                seen += os.read(ours, 65536)
            except BlockingIOError:
                pass
            return text in seen

        wait_for(lambda: shows(b"0 waiting"), "the first view")
        house.drop("a.png", scans.scan())
        wait_for(lambda: shows(b"1 waiting"), "the view of a scan that waits")
        assert b"\x1b[" in seen
        assert b"\x1b[?25l" in seen
        process.send_signal(signal.SIGINT)
        wait_for(lambda: shows(b"\x1b[?25h"), "the cursor")
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        if process.stderr is not None:
            process.stderr.close()


@pytest.mark.parametrize(("arguments", "whole"), [((), "version "), (("--json",), '"versions":')])
def test_the_view_elsewhere_is_plain(house: House, tmp_path: Path, arguments: tuple[str, ...], whole: str) -> None:
    """Into a file: one report after the other, or one JSON object a line; Ctrl-C ends it with 0."""
    file = tmp_path / "watched"
    with open(file, "wb") as stdout, watching(house, *arguments, stdout=stdout) as process:
        wait_for(lambda: file.read_text().count(whole) >= 2, "two reports")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    text = file.read_text()
    assert "\x1b" not in text
    if arguments:
        assert all(json.loads(line)["verdict"] == "not_running" for line in text.splitlines())
    else:
        assert text.count("digitd     not running\n") >= 2
