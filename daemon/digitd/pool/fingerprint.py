"""Which bytes a scan has that no decoder gets to see: too many of them, none, or some that cost a worker its life."""

import hashlib
import os
import stat

from digitd.fs import folded
from digitd.pool.messages import Identity, Job

MOST_HASHED = 2 * 10**9
"""Bytes. Hashing takes a second for about as many; a file of terabytes is refused without."""


def fingerprint(path: bytes) -> tuple[Identity, str | None] | None:
    """The identity and the SHA-256 of what lies at PATH, read in pieces; None where that is no readable regular file.

    The hash is None for a file above MOST_HASHED.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            identity = Identity(folded(status.st_ino), status.st_size, folded(status.st_mtime_ns))
            if status.st_size > MOST_HASHED:
                return identity, None
            return identity, hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        # It is reported as it was found before; what it was is all that stays unknown.
        return None


def fingerprint_of(job: Job) -> tuple[Identity, str | None] | None:
    """The fingerprint of what was, or was to be, read."""
    if job.data is not None and job.identity is not None:
        return job.identity, hashlib.sha256(job.data).hexdigest()
    return fingerprint(job.path)
