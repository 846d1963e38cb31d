"""The real daemon in a real process over real folders, for tests."""

import csv
import importlib.util
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

import psutil
import pytest
import yaml

from digitd.marks import MARK_NAME

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds: an upper limit that a loaded machine does not reach; no test waits for it to pass."""
POLL = 0.02
STATUSES = ("accepted", "review", "blank", "failed")
SETTLE_SOON = {"inbox": {"settle": 0.1, "reopen": 0.3}}

Event = dict[str, Any]


def wait_for(condition: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
    """Poll until CONDITION is true, and give its value."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(POLL)
    return value


def environment(tmp: Path, **more: str) -> dict[str, str]:
    """The variables of a digitd process: none of the caller's DIGITD_ ones, and TMP for temporary files."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("DIGITD_", "NOTIFY_", "WATCHDOG_"))}
    if importlib.util.find_spec("digitd") is None or "PYTHONPATH" in env:
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT / "daemon"), env.get("PYTHONPATH"))))
    (tmp / "tmp").mkdir(exist_ok=True)
    return env | {"TMPDIR": str(tmp / "tmp")} | more


def digitd(
    *arguments: str | bytes, cwd: Path, env: Mapping[str, str] | None = None, stdout: IO[bytes] | int = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end; what it prints is kept, unless it goes to a file of its own."""
    return subprocess.run(
        [sys.executable, "-m", "digitd", *arguments],
        cwd=cwd,
        env=env or environment(cwd),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Sections of a configuration laid over each other, the later ones on top."""
    out: dict[str, Any] = {}
    for layer in layers:
        for section, keys in layer.items():
            if isinstance(keys, Mapping):
                out[section] = {**out.get(section, {}), **keys}
            else:
                out[section] = keys
    return out


def in_namespaces(*flags: str, first: str = ":") -> list[str]:
    """A command to run a daemon in namespaces of its own, where it may do what takes root elsewhere, after FIRST.

    What is mounted and limited there nobody else sees, and it goes when the daemon does.
    """
    command = ["unshare", "--user", "--map-root-user", *flags, "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*command, first], capture_output=True).returncode != 0:
        pytest.skip("user namespaces are not allowed on this machine")
    return [*command, f'{first} && exec "$@"', "sh"]


class House:
    """Inbox, outbox, archive, state and config.yaml of one digitd, below a folder of the test's own."""

    def __init__(self, root: Path, *config: Mapping[str, Any]) -> None:
        self.root = root
        self.inbox, self.outbox = root / "inbox", root / "outbox"
        self.archive, self.state = root / "archive", root / "state"
        for folder in (self.inbox, self.outbox):
            folder.mkdir(parents=True, exist_ok=True)
        self.config = root / "config.yaml"
        self.configure(*config)

    def configure(self, *config: Mapping[str, Any]) -> None:
        """Write config.yaml: quick to settle, two workers, and what CONFIG says on top."""
        basis = {"workers": {"count": 2}, "log": {"level": "debug"}}
        self.config.write_text(yaml.safe_dump(merged(basis, SETTLE_SOON, *config)), encoding="utf-8")

    def run(self, *arguments: str | bytes, **env: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command with this configuration, after the command."""
        command, *rest = arguments
        if command == "read":
            env = {"DIGITD_LOG__LEVEL": "info"} | env
        return digitd(command, "-c", str(self.config), *rest, cwd=self.root, env=environment(self.root, **env))

    def at_start(self, script: str) -> str:
        """A PYTHONPATH with which every Python process runs SCRIPT at its start."""
        folder = self.root / "at-start"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(script, encoding="utf-8")
        return os.pathsep.join((str(folder), str(ROOT / "daemon")))

    def block_outbox(self) -> None:
        """Put a file in the outbox's place: nothing can be published."""
        self.outbox.rename(self.root / "away")
        self.outbox.touch()

    def unblock_outbox(self) -> None:
        """Put the outbox back."""
        self.outbox.unlink()
        (self.root / "away").rename(self.outbox)

    def once(self) -> "Daemon":
        """Drain the inbox with `run --once`; gives the daemon that did it, ended."""
        with Daemon(self, "--once") as daemon:
            daemon.wait_end()
        return daemon

    def drop(self, name: str | bytes, data: bytes) -> Path:
        """A whole file renamed into the inbox, as a careful program does it."""
        target = Path(os.fsdecode(os.path.join(os.fsencode(self.inbox), os.fsencode(name))))
        target.parent.mkdir(parents=True, exist_ok=True)
        outside = self.root / f"dropping-{time.monotonic_ns()}"
        outside.write_bytes(data)
        outside.rename(target)
        return target

    def result_path(self, name: str) -> Path:
        """Where a result file belongs."""
        return self.outbox / name

    def result(self, name: str) -> dict[str, Any]:
        """The JSON result with this name, once it is there: whole at the first look, or not at all."""
        path = self.outbox / name
        wait_for(path.exists, f"{name} in the outbox, which has {sorted(self.files(self.outbox))[:20]}")
        content: dict[str, Any] = json.loads(path.read_bytes())
        return content

    def results(self) -> list[dict[str, Any]]:
        """Every JSON result in the outbox."""
        return [json.loads(path.read_bytes()) for path in self.outbox.rglob("*.json") if not path.name.startswith(".")]

    def rows(self) -> list[dict[str, str]]:
        """Every row of every rolled CSV file in the outbox, in order."""
        rows: list[dict[str, str]] = []
        for path in sorted(self.outbox.glob("results-*.csv")):
            rows += csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8"), newline=""))
        return rows

    def archived(self) -> list[Path]:
        """Every filed source, without the tickets beside failed ones."""
        return [path for path in self.archive.rglob("*") if path.is_file() and path.suffix != ".json"]

    def filed(self, name: str) -> Path:
        """The filed source of this name, once it is there, whatever its status."""
        found: Path = wait_for(
            lambda: next((p for s in STATUSES if (p := self.archive / s / name).exists()), None), f"{name} filed"
        )
        return found

    @staticmethod
    def files(folder: Path) -> set[str]:
        """Every file below a folder, hidden ones too, but for the mark of the digitd that works with it."""
        everything = (path for path in folder.rglob("*") if not path.is_dir())
        return {str(path.relative_to(folder)) for path in everything if path.name != MARK_NAME}


class Daemon:
    """`digitd run` as a process group of its own. Nothing of it is left once the context ends."""

    def __init__(self, house: House, *arguments: str, wrapper: Sequence[str] = (), **env: str) -> None:
        self.house = house
        self.events: list[Event] = []
        self.garbage: list[bytes] = []
        self.stdout = b""
        self._read = 0
        self._command = [*wrapper, sys.executable, "-m", "digitd", "run", "-c", str(house.config), *arguments]
        self._env = environment(house.root, **env)

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command,
            cwd=self.house.root,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._follow, self._drain)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        while everyone := self.survivors():
            for each in everyone:
                try:
                    each.kill()
                except psutil.NoSuchProcess:
                    pass
            time.sleep(POLL)
        self.process.wait(PATIENCE)
        self._join()
        if self.process.stdout is not None and self.process.stderr is not None:
            self.process.stdout.close()
            self.process.stderr.close()

    def _follow(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                event = json.loads(line)
                assert isinstance(event, dict)
                assert {"time", "level", "event"} <= event.keys()
            except (ValueError, AssertionError):
                self.garbage.append(line)
            else:
                self.events.append(event)

    def _drain(self) -> None:
        assert self.process.stdout is not None
        self.stdout = self.process.stdout.read()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE)

    def assert_only_events(self) -> None:
        """Standard output is empty, and standard error holds nothing but JSON events."""
        assert self.stdout == b""
        assert self.garbage == []

    # what it says

    def named(self, event: str, **fields: object) -> list[Event]:
        """The events of this name so far that have these fields."""
        return [
            each
            for each in list(self.events)
            if each["event"] == event and all(each.get(key) == value for key, value in fields.items())
        ]

    def wait_event(self, event: str, **fields: object) -> Event:
        """The first event of this name with these fields, once it was logged."""

        def found() -> Event | None:
            return next(iter(self.named(event, **fields)), None)

        def seen() -> Event | None:
            at_end = self.process.poll() is not None
            if at_end:
                self._join()
            if (hit := found()) is None and at_end:
                raise AssertionError(f"digitd ended ({self.process.returncode}) without {event}: {self.tail()}")
            return hit

        try:
            hit: Event = wait_for(seen, f"the event {event} {fields}")
        except AssertionError as error:
            raise AssertionError(f"{error}; the log ends with {self.tail()}") from None
        return hit

    def tail(self) -> str:
        """The end of the log, for messages."""
        return "\n".join([*(json.dumps(each) for each in deque(self.events, 15)), *map(repr, self.garbage[-15:])])

    def wait_ready(self) -> Self:
        """Wait until it watches and its workers have loaded."""
        self.wait_event("ready")
        return self

    # how it ends

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, and wait; gives the exit code."""
        self.process.send_signal(number)
        return self.wait_end()

    def kill(self) -> None:
        """kill -9 the main process alone, and reap it."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def wait_end(self) -> int:
        """The exit code, once it ended."""
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"digitd does not end; the log ends with {self.tail()}") from None
        self._join()
        return code

    # its processes

    def family(self) -> list[psutil.Process]:
        """Every process of its session: main, fork server, workers, orphans too."""
        found = []
        for pid in psutil.pids():
            try:
                if os.getsid(pid) == self.process.pid:
                    found.append(psutil.Process(pid))
            except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
                continue
        return found

    def survivors(self) -> list[psutil.Process]:
        """The processes of its session that have not ended."""
        alive = []
        for each in self.family():
            try:
                if each.status() != psutil.STATUS_ZOMBIE:
                    alive.append(each)
            except psutil.NoSuchProcess:
                continue
        return alive

    def wait_nobody(self) -> None:
        """Wait until no process of its session is left."""
        wait_for(lambda: not self.survivors(), "the end of every process of the daemon")

    def workers(self) -> list[int]:
        """The worker processes' ids, once they have loaded."""
        pids: list[int] = self.wait_event("ready")["pids"]
        return pids


class Manager:
    """A stand-in for systemd: a datagram socket in the abstract namespace, and what came there."""

    def __init__(self) -> None:
        self.name = f"digitd-{uuid.uuid4()}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self.name}")
        self._socket.setblocking(False)
        self.heard: list[str] = []

    def listen(self) -> list[str]:
        """Everything that came so far."""
        while True:
            try:
                self.heard.append(self._socket.recv(65536).decode())
            except BlockingIOError:
                return self.heard

    def wait(self, message: str, times: int = 1) -> None:
        """Wait until a message that begins so has come so often."""
        wait_for(lambda: sum(each.startswith(message) for each in self.listen()) >= times, message)

    def close(self) -> None:
        """Go away."""
        self._socket.close()
