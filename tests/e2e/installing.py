"""What the tests of installing share: the scripts, a system's Python, a wheel of this tree."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.harness import ROOT

SYSTEM_PYTHON = "/usr/bin/python3"
LIBRARIES = [path for path in sys.path if path.endswith("site-packages")]
"""Where the libraries of these tests are: nothing is fetched."""
SECONDS = 300
"""An upper limit for making a virtual environment on a loaded machine."""


def script(name: str, *arguments: object, source: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
    """Run systemd/NAME to its end; the program finds the libraries that these tests run with."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("DIGITD_", "PIP_"))}
    env["PYTHONPATH"] = os.pathsep.join(LIBRARIES)
    command = [str(source / "systemd" / name), *map(str, arguments)]
    return subprocess.run(
        command, env=env | more, capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
    )


def need_a_system_python() -> None:
    """Skip where root, or a Python of the system that can use these tests' libraries, is missing."""
    if os.geteuid() != 0:
        pytest.skip("installing needs root, also into another root folder")
    asked = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([SYSTEM_PYTHON, "-c", asked], capture_output=True, text=True, check=False)
    if done.stdout.strip() != f"{sys.version_info[0]}.{sys.version_info[1]}":
        pytest.skip(f"{SYSTEM_PYTHON} is not of this Python's version, or cannot make virtual environments")


def build(out: Path, *which: str, source: Path = ROOT) -> None:
    """Build what `make dist` builds, or only a part of it."""
    command = [sys.executable, "-m", "build", "--no-isolation", *which, "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
