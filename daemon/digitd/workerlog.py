"""What is logged of the workers: a line that a library printed, and the loss of one."""

from digitd import log, names
from digitd.pool.halving import Loss


def say_output(pid: int, line: str) -> None:
    """A library's word; what it calls information itself is noise here."""
    say = log.get().debug if line.startswith("INFO:") else log.get().warning
    say("library_message", worker=pid, message=names.printable(line))


def say_loss(pid: int, loss: Loss, scans: int) -> None:
    """A worker was lost with so many scans in hand; they are read all the same."""
    log.get().warning("worker_lost", worker=pid, cause=str(loss), scans=scans)
