"""What a burglar would try, from inside of digitd's processes. Put there as sitecustomize.py; it needs only Python.

The main process tries at its start, a worker when it gets a scan whose bytes have MARK in them; each prints what came
of it as one line of JSON.
"""

import ctypes
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

MARK = b"please try to break out"
FOLDERS = (
    *("/srv/digitd/inbox", "/srv/digitd/outbox", "/srv/digitd/archive", "/var/lib/digitd", "/tmp", "/var/tmp"),
    *(
        "/",
        "/etc",
        "/etc/digitd",
        "/usr/bin",
        "/opt/digitd",
        "/srv",
        "/var/lib",
        "/var/log",
        "/run",
        "/dev",
        "/dev/shm",
    ),
    *("/home", "/home/alice", "/root", "/boot", "/sys/fs/cgroup", "/proc/sys/kernel"),
)
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> None:
    if getattr(_libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _write_in(folder: str) -> None:
    path = f"{folder}/burglar"
    with open(path, "w") as file:
        file.write("was here")
    os.unlink(path)


def _connect() -> None:
    # Where nothing listens, but a connection would at least be tried.
    with socket.socket(socket.AF_INET) as there:
        try:
            there.connect(("127.0.0.1", 9))
        except ConnectionRefusedError:
            return


def _writes_in(folder: str) -> Callable[[], None]:
    return lambda: _write_in(folder)


def _set_suid() -> None:
    path = "/var/lib/digitd/suid"
    with open(path, "w"):
        os.chmod(path, 0o4755)
    os.unlink(path)


def _execute_own() -> None:
    """A program of one's own making."""
    path = "/var/lib/digitd/program"
    with open(path, "w") as file:
        file.write("#!/bin/sh\n")
    os.chmod(path, 0o755)
    subprocess.run([path], check=True)


def _other_networks() -> None:
    with open("/proc/self/net/dev") as file:
        names = [line.split(":")[0].strip() for line in file if ":" in line]
    if names == ["lo"]:
        raise OSError("lo alone")


TRIES: dict[str, Callable[[], Any]] = {
    **{f"write in {folder}": _writes_in(folder) for folder in FOLDERS},
    "read /home/alice/secret": lambda: open("/home/alice/secret").read(),  # noqa: SIM115
    "read /root/secret": lambda: open("/root/secret").read(),  # noqa: SIM115
    "read /etc/shadow": lambda: open("/etc/shadow").read(),  # noqa: SIM115
    "see other processes": lambda: os.stat("/proc/1/cmdline"),
    "read the kernel's log": lambda: open("/dev/kmsg").read(1),  # noqa: SIM115
    "internet": _connect,
    "internet 6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close(),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "raw packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "another network": _other_networks,
    "be root": lambda: os.setuid(0),
    "mount": lambda: _call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "a namespace": lambda: _call("unshare", 0x10000000),
    "trace": lambda: _call("ptrace", 0, 0, 0, 0),
    "set the clock": lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()),
    "set the host's name": lambda: socket.sethostname("burglar"),
    "a device": lambda: os.mknod("/var/lib/digitd/device", 0o020666, os.makedev(1, 3)),
    "a set-user-id file": _set_suid,
    "real time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "another personality": lambda: _call("personality", 0x0400000),
    "a module": lambda: _call("syscall", 313, -1, b"", 0),
    "a program": lambda: subprocess.run(["/bin/true"], check=True),
    "a program of its own": _execute_own,
    "stop its parent": lambda: os.kill(os.getppid(), signal.SIGCONT),
}


def what_came_of_it() -> dict[str, str]:
    """Each try: `done`, or why not."""
    said = {}
    for name, attempt in TRIES.items():
        try:
            attempt()
        except Exception as error:  # noqa: BLE001 - whatever kept it from happening will do
            said[name] = f"{type(error).__name__}: {error}"
        else:
            said[name] = "done"
    return said


def tell(who: str) -> None:
    """Print it."""
    os.write(2, json.dumps({"burglar": who, **what_came_of_it()}).encode() + b"\n")


if "run" in sys.orig_argv:
    tell("main")
elif "multiprocessing.forkserver" in " ".join(sys.orig_argv):
    _sha256 = hashlib.sha256

    def _hash(data: bytes = b"", **options: Any) -> Any:
        """What a worker does with each scan's bytes, once it is in its box."""
        if MARK in data:
            tell("worker")
        return _sha256(data, **options)

    hashlib.sha256 = _hash  # type: ignore[assignment]
