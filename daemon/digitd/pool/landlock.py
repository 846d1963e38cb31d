"""The kernel's Landlock, as far as a process needs it that gives up everything but reading: landlock(7), Linux 5.13."""

import ctypes
import errno
import os

# The same numbers on every architecture: they came after the tables were joined.
CREATE_RULESET = 444
RESTRICT_SELF = 446
VERSION = 1
PR_SET_NO_NEW_PRIVS = 38

FILES = {
    # Execute, write a file, remove a folder or file, make one of seven kinds. Not reading a file (2) or a folder (3).
    1: sum(1 << bit for bit in (0, 1, *range(4, 13))),
    # Move or link from one folder into another.
    2: 1 << 13,
    3: 1 << 14,  # truncate
    5: 1 << 15,  # ioctl on a device
}
"""The rights over files that are given up, by the version of Landlock's interface that first knows them."""
NETWORK = {4: 0b11}
"""To bind and to connect TCP."""
SCOPED = {6: 0b11}
"""To connect to abstract Unix sockets, and to send signals, outside."""
NEWEST = max(*FILES, *NETWORK, *SCOPED)
ABSENT = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})
"""No Landlock: not built in, not switched on, or kept away by a filter of system calls such as a service manager's."""

_libc = ctypes.CDLL(None, use_errno=True)


class Ruleset(ctypes.Structure):
    """struct landlock_ruleset_attr."""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def give_up_privileges() -> None:
    """Let no program that this thread starts have more rights than it has: Landlock asks for it. OSError."""
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise _error()


def version() -> int:
    """Which version of the interface the kernel speaks; 0 if none. OSError for other trouble than that."""
    try:
        return _call(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION)
    except OSError as error:
        if error.errno in ABSENT:
            return 0
        raise


def restrict(newest: int) -> int:
    """Give up, for this thread and all that it will start, what version NEWEST or older knows; the version used.

    Without a single rule nothing is allowed of what is handled. What is open stays open. Threads that run already are
    not restricted. Needs `give_up_privileges`. OSError where the kernel refuses.
    """
    for known in range(min(newest, NEWEST), 0, -1):
        rules = Ruleset(*(_upto(known, rights) for rights in (FILES, NETWORK, SCOPED)))
        try:
            ruleset = _call(CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(ctypes.sizeof(rules)), 0)
        except OSError as error:
            # A distribution's kernel may speak a version, and lack some of its rights; an older one knows them not.
            if error.errno in (errno.EINVAL, errno.E2BIG) and known > 1:
                continue
            raise
        try:
            _call(RESTRICT_SELF, ruleset, 0)
        finally:
            os.close(ruleset)
        return known
    return 0


def _upto(known: int, rights: dict[int, int]) -> int:
    return sum(bits for since, bits in rights.items() if since <= known)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise _error()
    return result


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
