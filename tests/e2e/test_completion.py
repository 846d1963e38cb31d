"""Completion in real shells on a terminal: what the tabulator key makes of half a line."""

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from e2e.harness import environment, wait_for

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
# What systemd/install makes of zsh's script: it is read when it is first needed, and has to complete at once.
AUTOLOADED = r"""s/^compdef .*/_digitd_completion "$@"/"""


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """A folder with this digitd as a command in it."""
    file = tmp_path / "bin" / "digitd"
    file.parent.mkdir()
    script = "import sys; sys.argv[0] = 'digitd'; from digitd.__main__ import main; main()"
    file.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{script}" "$@"\n')
    file.chmod(0o755)
    return file.parent


@contextmanager
def terminal(shell: list[str], cwd: Path, env: dict[str, str]) -> Iterator[int]:
    """The shell on a terminal of its own; ended afterwards."""
    descriptor, theirs = pty.openpty()
    # setsid makes the terminal the shell's controlling one.
    process = subprocess.Popen(
        ["setsid", "--ctty", *shell], cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.set_blocking(descriptor, False)
    try:
        yield descriptor
    finally:
        process.kill()
        process.wait()
        os.close(descriptor)


class Screen:
    """What a terminal has shown."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._bytes = b""

    def type(self, keys: str) -> None:
        """Press them."""
        os.write(self._descriptor, keys.encode())

    def shows(self, pattern: str) -> bool:
        """Whether the pattern has been shown since the last `type` that was waited for; it is then forgotten."""
        try:
            self._bytes += os.read(self._descriptor, 65536)
        except BlockingIOError:
            pass
        text = re.sub(
            r"\x1b(\[[0-9;?>=]*[A-Za-z]|[=>()][B0]?|\][^\x07]*\x07)|\x08", "", self._bytes.decode(errors="replace")
        )
        if re.search(pattern, text) is None:
            return False
        self._bytes = b""
        return True


@pytest.mark.parametrize("shell", SHELLS)
def test_the_tabulator_completes(shell: str, tmp_path: Path, command: Path) -> None:
    """A command, an option, one of its values and a file's name are completed as they are typed."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed (Debian package: {shell})")
    env = environment(tmp_path, PATH=f"{command}:{os.environ['PATH']}", TERM="dumb", HOME=str(tmp_path), PS1="READY ")
    generated = subprocess.run(
        [command / "digitd"],
        env=env | {"_DIGITD_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if shell == "zsh":
        (tmp_path / "_digitd").write_text(re.sub(r"(?m)^compdef .*", '_digitd_completion "$@"', generated.lstrip("\n")))
        loads = f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -d {tmp_path}/zcompdump"
    else:
        (tmp_path / "completion").write_text(generated)
        loads = f"source {tmp_path}/completion"
    work = tmp_path / "work"
    work.mkdir()
    (work / "scan-of-today.png").touch()
    with terminal(SHELLS[shell], work, env) as descriptor:
        screen = Screen(descriptor)
        screen.type(f"{loads}; echo LOAD''ED\n")
        wait_for(lambda: screen.shows(r"\nLOADED|\rLOADED"), f"{shell} has read the script")
        for keys, shown in (
            ("digitd eva\t", "evaluate"),
            ("--choose-thr\t", "--choose-threshold"),
            ("\x15digitd read --form\tjs\t", "--format ?.*json"),
            ("\x15digitd read scan-of\t", r"scan-of-today\.png"),
        ):
            screen.type(keys)
            wait_for(partial(screen.shows, shown), f"{shell} completes to {shown}")


def test_the_installer_mends_zshs_script_alike() -> None:
    """What was tried above is what systemd/install writes."""
    assert AUTOLOADED in (Path(__file__).parents[2] / "systemd" / "install").read_text(encoding="utf-8")
