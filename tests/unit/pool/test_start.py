"""Starting a worker while the server that workers are forked from has just been killed."""

from multiprocessing.context import ForkServerProcess
from typing import cast

import pytest

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
