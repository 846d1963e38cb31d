"""The box that a worker puts itself into before it touches a scan's bytes: it can read and answer, and little else.

Memory is no part of it: `workers.memory` is of resident bytes, which the daemon measures. RLIMIT_RSS does nothing on
Linux; RLIMIT_AS and RLIMIT_DATA count what libraries reserve and never touch, and an allocation that fails inside a
decoder would make a whole scan look damaged, where a worker that is killed lets the daemon say that it was the memory.
Nor are threads: RLIMIT_NPROC counts all processes of the user, and an engine may start threads when it is first needed.
"""

import resource
import signal

from digitd.pool import landlock
from digitd.pool.listener import MOST

FILE_BYTES = MOST
"""How large a file may grow that a worker writes to: only the one in memory in which it hears its decoders."""


def leave_no_core() -> None:
    """Dump no core: it would be as large as the worker, and hold what others scanned.

    Where cores are piped to a program, that one decides (systemd-coredump keeps to this limit).
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def enter() -> str | None:
    """Give up for good what reading scans does not need; in words what the kernel cannot take away, None if nothing.

    Reading works on, anywhere: the inbox may be any folder, and a mount may come to lie there at any time. What is
    open stays open: the channel to the daemon, the output, the file of the listener. Landlock holds for the thread
    that calls, which is the one that decodes.
    """
    # Else a decoder that prints more than the limit would be ended by it; so its write fails.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    landlock.give_up_privileges()
    newest = landlock.version()
    used = landlock.restrict(newest) if newest else 0
    if used == 0:
        return "this kernel has no Landlock, or it is kept from digitd: decoders could write files and use the network"
    if used < min(landlock.NETWORK):
        return f"this kernel's Landlock (version {used}) knows no network: decoders could use it"
    return None
