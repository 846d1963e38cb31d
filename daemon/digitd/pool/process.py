"""The door into a worker process: light to import, for the daemon itself needs no imaging."""

from ctypes import c_uint64
from multiprocessing.connection import Connection

from digitd.pool.messages import Setup


def enter(setup: Setup, channel: Connection, output: Connection, progress: c_uint64) -> None:
    """Become a worker."""
    from digitd.pool.worker import main

    main(setup, channel, output, progress)
