"""A Debian that runs beside this one: booted by systemd-nspawn from a copy, with a network that leads nowhere."""

import json
import os
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Self

import psutil

from e2e import harness

PATIENCE = 120.0
"""Seconds: an upper limit that a loaded machine does not reach; no test waits for it to pass."""
SYSTEM_CALLS = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
"""A container may not make all calls that a machine may; by these digitd's workers shut themselves in."""
ENVIRONMENT = ("env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8")

Entry = dict[str, Any]


wait_for = partial(harness.wait_for, timeout=PATIENCE)
"""With the patience that a whole machine needs."""


class Machine:
    """A copy of ROOT, below FOLDER, with READABLE (here: there) bound into it; nothing of it is left at the end."""

    def __init__(self, root: Path, folder: Path, readable: dict[Path, str]) -> None:
        for left in folder.glob("machine-*"):
            # Of tests that were killed; their containers ended with them.
            if not psutil.pid_exists(int(left.name.split("-")[1])):
                shutil.rmtree(left)
        self._folder = Path(tempfile.mkdtemp(prefix=f"machine-{os.getpid()}-", dir=folder))
        self.root = self._folder / "root"
        self._binds = [f"--bind-ro={here}:{there}" for here, there in readable.items()]
        subprocess.run(["cp", "-a", "--reflink=auto", root, self.root], check=True)
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def __enter__(self) -> Self:
        try:
            self.boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        shutil.rmtree(self._folder)

    def boot(self) -> None:
        """Switch it on, and wait until all that starts by itself has started."""
        with open(self._folder / "console", "ab") as console:
            self._nspawn = subprocess.Popen(
                [
                    # Whoever kills the tests has killed the machine, too.
                    *("setpriv", "--pdeathsig", "KILL"),
                    *("systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}"),
                    *("--private-network", "--register=no", "--keep-unit", f"--machine=digitd-test-{os.getpid()}"),
                    *("--console=pipe", "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--settings=no"),
                    *(f"--system-call-filter={SYSTEM_CALLS}", *self._binds),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        self._leader = wait_for(self._find_leader, "the container's first process")
        wait_for(
            lambda: self.run("systemctl", "is-system-running", "--wait").stdout in {"running\n", "degraded\n"}, "boot"
        )

    def _find_leader(self) -> int:
        assert self._nspawn is not None
        if self._nspawn.poll() is not None:
            raise AssertionError(f"systemd-nspawn ended: {(self._folder / 'console').read_text()[-2000:]}")
        children = psutil.Process(self._nspawn.pid).children()
        return next((each.pid for each in children if each.name() == "systemd"), 0)

    def power_off(self) -> None:
        """Switch it off in order."""
        assert self._nspawn is not None
        self.run("systemctl", "poweroff")
        self._nspawn.wait(PATIENCE)
        self._nspawn = None

    def _end(self) -> None:
        if self._nspawn is None:
            return
        if self._leader and self._nspawn.poll() is None:
            # The end of its first process is the end of all of them.
            psutil.Process(self._leader).kill()
        try:
            self._nspawn.wait(PATIENCE)
        finally:
            self._nspawn.kill()
            self._nspawn.wait()

    def run(self, *command: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as root."""
        enter = [
            "nsenter",
            f"--target={self._leader}",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--",
            *ENVIRONMENT,
        ]
        done = subprocess.run(
            [*enter, *command], cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE * 2
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def sh(self, script: str) -> str:
        """What a shell script prints; it must not fail."""
        return self.run("sh", "-ec", script, check=True).stdout

    def at(self, path: str) -> Path:
        """A path in it, as this machine sees it."""
        return self.root / path.lstrip("/")

    def pid_here(self, pid: int) -> psutil.Process:
        """A process in it, by its number there."""
        for each in psutil.Process(self._leader).children(recursive=True):
            fields = (line.split() for line in Path(f"/proc/{each.pid}/status").read_text().splitlines())
            numbers = next((words[1:] for words in fields if words[0] == "NSpid:"), [])
            if numbers and int(numbers[-1]) == pid:
                return each
        raise AssertionError(f"there is no process {pid}")


class Service:
    """digitd in it: one of its units, its folders, and what the journal has of it."""

    def __init__(self, machine: Machine, instance: str | None = None) -> None:
        self.machine = machine
        self.unit = "digitd.service" if instance is None else f"digitd@{instance}.service"
        suffix = "" if instance is None else f"-{instance}"
        self.config = machine.at(f"/etc/digitd/{instance or 'config'}.yaml")
        folders = f"/srv/digitd{suffix}"
        self.inbox, self.outbox = machine.at(f"{folders}/inbox"), machine.at(f"{folders}/outbox")
        self.archive, self.state = machine.at(f"{folders}/archive"), machine.at(f"/var/lib/digitd{suffix}")

    def ctl(self, verb: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """systemctl VERB of the unit."""
        return self.machine.run("systemctl", "--no-pager", verb, self.unit, check=check)

    def show(self, name: str) -> str:
        """A property of the unit."""
        return self.machine.run("systemctl", "show", "--value", "-p", name, self.unit, check=True).stdout.strip()

    def status(self) -> str:
        """What an administrator sees."""
        return self.machine.run("systemctl", "--no-pager", "--full", "status", self.unit).stdout

    def entries(self, event: str | None = None, *, since: str = "") -> list[Entry]:
        """What the journal has of the unit, oldest first; SINCE is a cursor."""
        after = [f"--after-cursor={since}"] if since else []
        self.machine.run("journalctl", "--sync", check=True)
        done = self.machine.run("journalctl", "-q", "-o", "json", "-u", self.unit, *after, check=True)
        # Not by a match: after a cursor that does not match, journalctl leaves out the first one that does.
        entries = [json.loads(line) for line in done.stdout.splitlines()]
        return [each for each in entries if event is None or each.get("DIGITD_EVENT") == event]

    def cursor(self) -> str:
        """The place at which the journal is now."""
        self.machine.run("journalctl", "--sync", check=True)
        last = self.machine.run("journalctl", "-q", "-n", "1", "-o", "json", check=True).stdout
        return str(json.loads(last)["__CURSOR"])

    def wait_entry(self, event: str, *, since: str = "", **fields: str) -> Entry:
        """The first event of this name with these fields, once the journal has it."""

        def found() -> Entry | None:
            for each in self.entries(event, since=since):
                if all(each.get(f"DIGITD_{key.upper()}") == value for key, value in fields.items()):
                    return each
            return None

        entry: Entry = wait_for(found, f"{event} {fields} in the journal")
        return entry

    def drop(self, name: str, data: bytes) -> None:
        """A scan as a member of the group drops it."""
        hidden = self.inbox / f".{name}.part"
        hidden.parent.mkdir(parents=True, exist_ok=True)
        hidden.write_bytes(data)
        hidden.chmod(0o644)
        hidden.rename(self.inbox / name)

    def result(self, name: str) -> dict[str, Any]:
        """The result of a scan, once it is there."""
        path = self.outbox / f"{name}.json"
        wait_for(path.exists, f"{name}.json in the outbox; the service: {self.status()}")
        content: dict[str, Any] = json.loads(path.read_bytes())
        return content

    def configure(self, *changes: tuple[str, str]) -> None:
        """Change lines of the installed configuration: from, to."""
        text = self.config.read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        self.config.write_text(text, encoding="utf-8")

    def drop_in(self, name: str, lines: str) -> None:
        """`systemctl edit`: lines of [Service] on top of the unit."""
        folder = self.machine.at(f"/etc/systemd/system/{self.unit}.d")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.conf").write_text(f"[Service]\n{lines}\n", encoding="utf-8")
        self.machine.run("systemctl", "daemon-reload", check=True)

    def without_drop_in(self, name: str) -> None:
        """Take it back."""
        self.machine.at(f"/etc/systemd/system/{self.unit}.d/{name}.conf").unlink()
        self.machine.run("systemctl", "daemon-reload", check=True)

    @property
    def main(self) -> psutil.Process:
        """Its main process, as this machine sees it."""
        return self.machine.pid_here(int(self.show("MainPID")))

    def workers(self) -> list[psutil.Process]:
        """Its worker processes: those that the fork server has forked."""
        servers = [each for each in self.main.children() if each.children()]
        return [worker for server in servers for worker in server.children()]
