"""The lock of the state folder: one digitd, and what it tells of itself."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digitd.errors import AlreadyRunningError, ExitCode, FolderError
from digitd.lock import ANSWER_AT, ANSWER_BYTES, LOCK_NAME, Answer, Lock, answer_of, holder_of


def test_one_digitd_has_the_state_folder(tmp_path: Path) -> None:
    """A second one is refused, with the first one's process; afterwards it is free."""
    assert holder_of(tmp_path) is None
    with Lock(tmp_path):
        holder = holder_of(tmp_path)
        assert holder is not None
        assert holder.pid == os.getpid()
        with pytest.raises(AlreadyRunningError, match=f"process {os.getpid()}") as caught, Lock(tmp_path):
            pass
        assert caught.value.exit_code is ExitCode.ALREADY_RUNNING
    assert holder_of(tmp_path) is None
    with Lock(tmp_path):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    """The system gives it back, whatever the file says."""
    script = (
        "import sys, pathlib, digitd.lock as p\n"
        "with p.Lock(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunningError, match=f"process {other.pid}"), Lock(tmp_path):
            pass
        other.kill()
    assert holder_of(tmp_path) is None
    with Lock(tmp_path):
        pass


def test_a_lock_that_cannot_be_opened_is_an_error_of_folders(tmp_path: Path) -> None:
    """One that another user made, for example."""
    (tmp_path / LOCK_NAME).mkdir()
    with pytest.raises(FolderError, match="lock"), Lock(tmp_path):
        pass


def test_what_it_waits_for_is_told_and_taken_back(tmp_path: Path) -> None:
    """In a file that never grows: on a full disk there is room for it, however long the cause."""
    with Lock(tmp_path) as lock:
        for trouble in ("No space left on device", "x" * 5000, "\u20ac" * 5000, None):
            before = time.monotonic()
            lock.tell(trouble, 10**9, 10**9)
            holder = holder_of(tmp_path)
            assert holder is not None
            assert (holder.workers, holder.wanted) == (10**9, 10**9)
            assert before <= holder.beat <= time.monotonic()
            assert holder.pid == os.getpid()
            assert holder.trouble == (trouble and trouble[:200])
            assert (tmp_path / LOCK_NAME).stat().st_size == ANSWER_AT + ANSWER_BYTES


def test_what_came_of_a_reload_is_told_beside_it(tmp_path: Path) -> None:
    """However long the sentences are; an older digitd, whose file ends before that, is one that knows no reload."""
    with Lock(tmp_path) as lock:
        assert answer_of(tmp_path) == Answer()
        lock.tell("No space left on device")
        lock.answer(Answer(2, 2, "\u20ac" * 5000, "\n" * 5000, 4))
        assert answer_of(tmp_path) == Answer(2, 2, "\u20ac" * 400, "\n" * 200, 4)
        holder = holder_of(tmp_path)
        assert holder is not None
        assert holder.trouble == "No space left on device"
        lock.answer(Answer(3, 3, "caf\udce9", "caf\udce9"))
        assert answer_of(tmp_path) == Answer(3, 3, "caf\\xe9", "caf\\xe9")
        assert (tmp_path / LOCK_NAME).stat().st_size == ANSWER_AT + ANSWER_BYTES
        os.truncate(tmp_path / LOCK_NAME, 2048)
        assert answer_of(tmp_path) is None
    with Lock(tmp_path, reachable=False) as lock:
        assert answer_of(tmp_path) == Answer(reachable=False)
