"""Starting a worker: while the server of workers has just been killed, or with an odd temporary folder."""

import tempfile
from multiprocessing.context import ForkServerProcess
from typing import cast

import pytest

from digitd.errors import FolderError
from digitd.pool import process as door
from digitd.pool.process import SERVER_TRIES, _start_apart


class Unlucky:
    """A process whose server is gone for the first `failures` starts."""

    def __init__(self, failures: int) -> None:
        self.failures, self.tries = failures, 0

    def start(self) -> None:
        self.tries += 1
        if self.tries <= self.failures:
            raise EOFError("unexpected EOF")


def test_a_server_that_was_killed_is_tried_again() -> None:
    """The next try starts another server: a kill of it does not end the daemon."""
    process = Unlucky(2)
    _start_apart(cast(ForkServerProcess, process))
    assert process.tries == 3


def test_a_server_that_never_comes_is_an_error() -> None:
    """It is not tried for ever."""
    process = Unlucky(SERVER_TRIES)
    with pytest.raises(EOFError):
        _start_apart(cast(ForkServerProcess, process))
    assert process.tries == SERVER_TRIES


@pytest.mark.parametrize(("length", "kept"), [(75, True), (76, False)])
def test_a_temporary_folder_whose_sockets_would_have_too_long_a_path_is_not_used(
    monkeypatch: pytest.MonkeyPatch, length: int, kept: bool
) -> None:
    """The kernel takes 107 bytes; another folder does as well."""
    folder = "/".ljust(length, "x")
    monkeypatch.setattr(tempfile, "tempdir", folder)
    door.context()
    assert tempfile.tempdir == (folder if kept else "/tmp")


def test_without_a_temporary_folder_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none can be written, and where none is short enough."""
    monkeypatch.setattr(tempfile, "tempdir", "/".ljust(90, "x"))
    monkeypatch.setattr(door, "SHORT_FOLDERS", ())
    with pytest.raises(FolderError, match="too long"):
        door.context()

    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(FolderError, match="no temporary folder: No usable") as refused:
        door.context()
    assert "TMPDIR" in refused.value.remedy
