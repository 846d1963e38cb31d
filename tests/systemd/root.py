"""A Debian to boot: made once by debootstrap and kept outside of the tree, and what digitd is installed from there."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SUITE = "bookworm"
PYTHON = "3.11"
"""The Python of that Debian: wheels are fetched for it, whatever runs the tests."""
PACKAGES = "systemd,systemd-sysv,dbus,python3,python3-venv"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
TOOLS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
}


def missing() -> str | None:
    """Why this machine cannot boot one, in words; None if it can."""
    if os.geteuid() != 0:
        return "a container can only be booted by root"
    for tool, package in TOOLS.items():
        if shutil.which(tool) is None:
            return f"{tool} is not installed (Debian package: {package})"
    return None


def cache() -> Path:
    """Where roots and wheels are kept: $DIGITD_TEST_CACHE, else ~/.cache/digitd."""
    base = os.environ.get("DIGITD_TEST_CACHE")
    path = Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "digitd"
    path.mkdir(parents=True, exist_ok=True)
    return path


class UnavailableError(Exception):
    """What is needed for the tests cannot be had on this machine."""


def debian() -> Path:
    """The root; made if it is not there yet, which takes minutes and a mirror."""
    key = hashlib.sha256(f"{SUITE} {PACKAGES}".encode()).hexdigest()[:8]
    root = cache() / f"debian-{SUITE}-{key}"
    if not root.exists():
        making = root.with_name(f"{root.name}.making-{os.getpid()}")
        try:
            _run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, os.fspath(making), MIRROR])
            making.rename(root)
        finally:
            if making.exists():
                shutil.rmtree(making)
    return root


def try_container(root: Path) -> None:
    """Whether a container can be started here at all: not everywhere root may."""
    _run(
        [
            "systemd-nspawn",
            "--quiet",
            f"--directory={root}",
            "--private-network",
            "--register=no",
            "--keep-unit",
            "true",
        ]
    )


def wheel(folder: Path) -> Path:
    """digitd's wheel, built from this tree into FOLDER."""
    _run([*PIP, "wheel", "--no-deps", "--wheel-dir", os.fspath(folder), os.fspath(SOURCE)])
    (built,) = folder.glob("digitd-*.whl")
    return built


def wheels(needed_by: Path) -> Path:
    """The folder with the wheels of all that this one needs, as requirements.lock pins them; kept from run to run."""
    folder = cache() / "wheels"
    for earlier in folder.glob("digitd-*.whl"):
        # pip would take that one, and what it needs, for this one: both have the same name.
        earlier.unlink()
    fetch = ["download", "--only-binary=:all:", f"--python-version={PYTHON}", f"--dest={folder}"]
    _run([*PIP, *fetch, "--constraint", os.fspath(SOURCE / "requirements.lock"), os.fspath(needed_by)])
    return folder


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise UnavailableError(f"{' '.join(command)} fails: {' '.join(last)}")
