"""The process that makes pictures of scans: alone with their bytes, in the same box as the workers that read them.

It is run as `python -m digitd.review.painter`, takes orders on its standard input, and ends with it.
"""

import ctypes
import os
import signal
import stat
import sys
from itertools import islice
from typing import BinaryIO

from digitd.errors import ScanError
from digitd.imaging.decode import Limits, pages
from digitd.imaging.pipeline import single_threaded
from digitd.imaging.rendered import View, rendered
from digitd.pool import box
from digitd.review.orders import (
    HEAD,
    ORDER_MOST,
    Answer,
    Bounds,
    Order,
    Picture,
    Ready,
    Unpainted,
    bounds_of,
    framed,
    order_of,
)

PR_SET_PDEATHSIG = 1
GONE = Unpainted("gone", "the scan's file is not where it was", "Load the page again")


def main() -> None:
    """Make pictures until standard input ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # Ctrl-C goes to a whole group: who started the painter ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    box.leave_no_core()
    single_threaded()
    # Native libraries print to 1 and 2: what they say goes to the log, and never among the pictures.
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    first = _heard(orders)
    if first is None:
        return
    bounds = bounds_of(first)
    # From here on there are bytes that nobody vouches for.
    _say(answers, Ready(box.enter()))
    while (data := _heard(orders)) is not None:
        _say(answers, painted(order_of(data), bounds))


def _heard(orders: BinaryIO) -> bytes | None:
    head = orders.read(HEAD)
    length = int.from_bytes(head, "big")
    if len(head) < HEAD or length > ORDER_MOST:
        return None
    data = orders.read(length)
    return data if len(data) == length else None


def _say(answers: BinaryIO, answer: Answer) -> None:
    answers.write(framed(answer))
    answers.flush()


def painted(order: Order, bounds: Bounds) -> Picture | Unpainted:
    """The picture that is wanted, or why there is none."""
    try:
        data = _bytes(order, bounds.bytes)
        limits = Limits(bounds.bytes, bounds.pixels, bounds.pages)
        page = None if data is None else next(islice(pages(data, limits), order.page - 1, order.page), None)
    except ScanError as error:
        return Unpainted(error.code, error.cause, error.remedy)
    except OSError:
        return GONE
    if data is None:
        return GONE
    if page is None:
        return Unpainted("no_page", f"the scan has no page {order.page}", "Ask for one of its pages")
    return Picture(*rendered(page, View(order.view)))


def _bytes(order: Order, most: int) -> bytes | None:
    """The bytes of a regular file that has as many as it should; links are not followed. OSError."""
    descriptor = os.open(order.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != order.size:
            return None
        # One more than is allowed is refused by who decodes it.
        return file.read(most + 1)


if __name__ == "__main__":
    main()
