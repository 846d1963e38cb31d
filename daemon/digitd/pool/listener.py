"""What native libraries print to standard error while a block runs: heard, and passed on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2
MOST = 1 << 16


class Listener:
    """Catches this process's standard error in a file in memory. One block at a time."""

    def __init__(self) -> None:
        self._real = os.dup(STDERR)
        self._heard = os.memfd_create("digitd-heard", os.MFD_CLOEXEC)

    @contextmanager
    def listen(self) -> Iterator[list[str]]:
        """A list that holds what was printed, if anything, once the block has ended."""
        heard: list[str] = []
        os.dup2(self._heard, STDERR)
        try:
            yield heard
        finally:
            os.dup2(self._real, STDERR)
            if size := os.lseek(self._heard, 0, os.SEEK_CUR):
                printed = os.pread(self._heard, min(size, MOST), 0)
                os.ftruncate(self._heard, 0)
                os.lseek(self._heard, 0, os.SEEK_SET)
                heard.append(printed.decode("utf-8", "backslashreplace"))
                # The daemon makes events of it.
                os.write(self._real, printed)
