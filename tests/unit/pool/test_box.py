"""A worker's box: what is inside can read and answer, and neither write, nor start programs, nor use the network."""

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from digitd.pool import box, landlock
from digitd.pool.listener import MOST, Listener

TCP = min(landlock.NETWORK)
SCOPES = min(landlock.SCOPED)


def needs(version: int) -> pytest.MarkDecorator:
    """Skip where the kernel speaks an older version of Landlock's interface."""
    there = landlock.version()
    return pytest.mark.skipif(there < version, reason=f"the kernel's Landlock has version {there}, not {version}")


def boxed(act: Callable[[], object], *, enter: Callable[[], object] = box.enter) -> str:
    """What came of an act in a boxed child: what it gives as text, or the name of its error."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            box.leave_no_core()
            enter()
            said = str(act())
        except BaseException as error:  # noqa: BLE001 - a forked child must never come back into pytest
            said = type(error).__name__
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A file with something in it."""
    path = tmp_path / "scan.png"
    path.write_text("whole", encoding="utf-8")
    return path


def acts(scan: Path) -> dict[str, Callable[[], object]]:
    """Everything that must not be done, by name."""
    other = scan.with_name("other")
    return {
        "create": lambda: other.write_text("x", encoding="utf-8"),
        "write": lambda: os.open(scan, os.O_WRONLY),
        "append": lambda: os.open(scan, os.O_RDWR | os.O_APPEND),
        "unlink": scan.unlink,
        "rename": lambda: scan.rename(other),
        "mkdir": other.mkdir,
        "rmdir": (scan.parent / "folder").rmdir,
        "symlink": lambda: other.symlink_to(scan),
        "fifo": lambda: os.mkfifo(other),
        "socket": lambda: socket.socket(socket.AF_UNIX).bind(str(other)),
        "exec": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
        "spawn": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    }


@needs(1)
@pytest.mark.parametrize("name", sorted(acts(Path("scan.png"))))
def test_nothing_can_be_changed_or_started(scan: Path, name: str) -> None:
    """Each way to write, make, remove or rename a file, or to start a program, is refused; all is as it was."""
    (scan.parent / "folder").mkdir()
    assert boxed(acts(scan)[name]) == "PermissionError"
    assert sorted(path.name for path in scan.parent.iterdir()) == ["folder", "scan.png"]
    assert scan.read_text(encoding="utf-8") == "whole"


@needs(1)
def test_the_acts_are_possible_outside(scan: Path) -> None:
    """What the box refuses works without it: no refusal comes from elsewhere."""
    (scan.parent / "folder").mkdir()
    for name in ("write", "append", "create", "rmdir"):
        assert boxed(acts(scan)[name], enter=lambda: None) != "PermissionError", name


@needs(3)
def test_no_file_is_cut_short(scan: Path) -> None:
    """Not by its name either, for which it need not be opened."""
    assert boxed(lambda: os.truncate(scan, 0)) == "PermissionError"
    assert scan.read_text(encoding="utf-8") == "whole"


@needs(2)
def test_nothing_moves_to_another_folder(scan: Path) -> None:
    """Neither a move nor a link."""
    folder = scan.parent / "folder"
    folder.mkdir()
    assert boxed(lambda: scan.rename(folder / "there")) == "PermissionError"
    assert boxed(lambda: os.link(scan, folder / "there")) == "PermissionError"


@needs(TCP)
def test_no_network() -> None:
    """A boxed process cannot reach a listener on this machine, nor be one; unboxed it can."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

        def connect() -> str:
            with socket.create_connection(address, timeout=10):
                return "connected"

        assert boxed(connect, enter=lambda: None) == "connected"
        assert boxed(connect) == "PermissionError"
    assert boxed(lambda: socket.create_server(("127.0.0.1", 0))) == "PermissionError"


@needs(SCOPES)
def test_no_other_process_is_touched() -> None:
    """No signal reaches a process outside."""
    assert boxed(lambda: os.kill(os.getppid(), 0), enter=lambda: None) == "None"
    assert boxed(lambda: os.kill(os.getppid(), 0)) == "PermissionError"


def test_reading_goes_on(scan: Path) -> None:
    """Files and folders are read as before, also those that come after the box was closed."""
    late = scan.with_name("late.png")
    asked_in, asked_out = os.pipe()

    def read() -> str:
        assert os.read(asked_in, 1)
        return scan.read_text(encoding="utf-8") + late.read_text(encoding="utf-8") + str(len(os.listdir(scan.parent)))

    late.write_text(" later", encoding="utf-8")
    os.write(asked_out, b"x")
    try:
        assert boxed(read) == "whole later2"
    finally:
        os.close(asked_in)
        os.close(asked_out)


def test_what_decoders_print_is_heard_and_bounded() -> None:
    """The listener's file works in the box, and a decoder that prints more than it holds is not ended by it."""

    def listen() -> str:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        listener = Listener()
        box.enter()
        with listener.listen() as heard:
            os.write(2, b"e" * (MOST - 4))
            written = os.write(2, b"f" * 10)
            try:
                os.write(2, b"g")
            except OSError as error:
                written += error.errno or 0
        with listener.listen() as again:
            os.write(2, b"next")
        return f"{written} {len(heard[0])} {heard[0][-5:]} {again}"

    assert boxed(listen, enter=lambda: None) == f"{4 + 27} {MOST} effff ['next']"


def test_it_leaves_no_core_and_no_large_file() -> None:
    """The limits are set for good: hard ones, too."""
    assert boxed(lambda: resource.getrlimit(resource.RLIMIT_CORE)) == "(0, 0)"
    assert boxed(lambda: resource.getrlimit(resource.RLIMIT_FSIZE)) == str((MOST, MOST))
    child = os.fork()
    if child == 0:
        box.leave_no_core()
        box.enter()
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGSEGV
    assert not os.WCOREDUMP(status)


@pytest.mark.parametrize(
    ("there", "said"), [(0, "no Landlock"), (3, "knows no network"), (TCP, "None"), (landlock.NEWEST + 9, "None")]
)
def test_it_says_what_the_kernel_cannot(monkeypatch: pytest.MonkeyPatch, there: int, said: str) -> None:
    """An older kernel, or none of it, is told in words, and the worker goes on; a newer one is used as far as known."""
    if there and landlock.version() < min(there, TCP):
        pytest.skip("the kernel's Landlock is older")
    monkeypatch.setattr(landlock, "version", lambda: there)
    assert said in boxed(box.enter, enter=lambda: None)


def test_a_filter_of_system_calls_counts_as_no_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service manager that does not know Landlock answers EPERM."""

    def refuse(*_: object) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(landlock, "_call", refuse)
    assert landlock.version() == 0
