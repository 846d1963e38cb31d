"""Which file system holds a folder, and whether the kernel hears of every change on it."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

MOUNTINFO = Path("/proc/self/mountinfo")

REMOTE: frozenset[str] = frozenset({
    "nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "afs", "coda", "ceph", "glusterfs", "lustre",
    "gpfs", "beegfs", "ocfs2", "gfs2", "davfs", "sshfs", "pvfs2", "orangefs",
    # shared from a host into a virtual machine or a container
    "9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "fakeowner", "drvfs",
    # what is behind an automounter is not known before it is mounted
    "autofs",
})  # fmt: skip
"""File systems that others change too, behind this kernel's back."""

LOCAL_FUSE: frozenset[str] = frozenset({"fuseblk"})
"""FUSE on a local disk (NTFS, exFAT): every writer goes through this kernel, so inotify hears it."""

_OCTAL = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """A mounted file system: where, and its type as the kernel names it."""

    point: str
    fstype: str


def needs_polling(fstype: str) -> bool:
    """Whether inotify misses changes on this type of file system: network, shared and FUSE mounts."""
    kind = fstype.lower()
    if kind in LOCAL_FUSE:
        return False
    return kind in REMOTE or kind == "fuse" or kind.startswith("fuse.")


def parse_mountinfo(text: bytes) -> list[Mount]:
    """The mounts that the content of /proc/self/mountinfo lists, in its order; lines of another form are skipped."""
    mounts = []
    for line in text.splitlines():
        before, separator, after = line.partition(b" - ")
        fields, types = before.split(), after.split()
        if separator and len(fields) >= 5 and types:
            point = _OCTAL.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), fields[4])
            mounts.append(Mount(os.fsdecode(point), os.fsdecode(types[0])))
    return mounts


def read_mounts() -> list[Mount]:
    """The mounts that this process sees; empty where the system does not tell."""
    try:
        return parse_mountinfo(MOUNTINFO.read_bytes())
    except OSError:
        return []


def mount_of(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """The mount that holds an absolute, resolved path: the deepest, and of several on one point the last."""
    best: Mount | None = None
    for mount in mounts:
        if _holds(mount.point, path) and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def polled_mount(path: str, mounts: Iterable[Mount], *, recursive: bool) -> Mount | None:
    """The mount for whose sake this folder must be polled: its own, or one below it; None if inotify does."""
    listed = list(mounts)
    own = mount_of(path, listed)
    if own is not None and needs_polling(own.fstype):
        return own
    if recursive:
        for mount in listed:
            if mount.point != path and _holds(path, mount.point) and needs_polling(mount.fstype):
                return mount
    return None


def _holds(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
