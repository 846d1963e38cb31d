"""The self-pipe: a signal, or another thread, ends a thread's wait for its workers."""

import os
from typing import Self

WAKE_BYTES = 4096


class Wake:
    """A pipe to oneself; with `sleep_end` in what is waited for, `wake` ends the wait."""

    def __init__(self) -> None:
        self.sleep_end, self._wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._wake_end)
        os.close(self.sleep_end)

    def wake(self) -> None:
        """End the wait, or the next one. Safe in a signal handler and from any thread."""
        try:
            os.write(self._wake_end, b"\0")
        except BlockingIOError:
            # The pipe is full of wakes already.
            return

    def clear(self) -> None:
        """Forget the wakes so far."""
        try:
            os.read(self.sleep_end, WAKE_BYTES)
        except BlockingIOError:
            pass
