"""What speaks with a cluster for a pool, and there is no cluster: the address says how it behaves."""

import time
from ctypes import c_int64, c_uint64
from multiprocessing.connection import Connection
from pathlib import Path

from digitd.pool.messages import Finding, Seen
from digitd.pool.ray_messages import Answer, ClusterSetup, Order, OrderLost, State, decode_order, encode
from digitd.results import Outcome, Status

LONG = 600.0
TEXT = "7" * 100_000
WORKERS = 8


def enter_cluster(
    setup: ClusterSetup, channel: Connection, output: Connection, progress: c_uint64, place: c_int64
) -> None:
    """Become it, for a while."""
    channel.send_bytes(encode(State(WORKERS, WORKERS)))
    # The file that stands for the bundle is there once one was deaf.
    mark = Path(setup.setup.bundle)
    if setup.address == "deaf" and not mark.exists():
        mark.touch()
        time.sleep(LONG)
    losses = int(setup.address) if setup.address.isdigit() else 0
    try:
        while True:
            order = decode_order(channel.recv_bytes())
            progress.value += 1
            if losses:
                losses -= 1
                channel.send_bytes(encode(OrderLost(order.number, "a node")))
            else:
                channel.send_bytes(encode(_answer(order)))
    except (EOFError, BrokenPipeError):
        return


def _answer(order: Order) -> Answer:
    findings = tuple(Finding(Seen.READ, Outcome(Status.ACCEPTED, text=job.name + TEXT)) for job in order.jobs)
    return Answer(order.number, findings, 0.1)
