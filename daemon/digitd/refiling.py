"""Filing what people verified: the source leaves the folder of its former status for that of `verified`.

A source that stays in the inbox stays there, and one that is gone is no reason not to publish.
"""

import os
import stat
from collections.abc import Callable

import msgspec

from digitd import fs, lying, results, tickets
from digitd.archive import Archive, Filed
from digitd.settings import DELETE, KEEP
from digitd.tables import Identity, Row

TICKET_BYTES_MOST = 1 << 20
"""A failed scan has no pages: its result is a kilobyte, whatever its name."""


def refile(archive: Archive, row: Row, plan: Callable[[str], None]) -> Filed:
    """Move or delete the source of a verified ROW; safe to repeat after a crash at any point. PLAN as Archive.file.

    OSError where it fails.
    """
    target = archive.target_of(row.status)
    if target == KEEP:
        return Filed.KEPT
    source, result = row.identity, results.from_json(row.result)
    elsewhere = [folder for folder in archive.read_folders if folder != target]
    path = lying.claimed(elsewhere, source, row.id) or lying.found(elsewhere, source, result.source.sha256)
    if path is None:
        return Filed.GONE
    _drop_ticket(path, result)
    folder, name = os.path.split(path)
    if target != DELETE:
        target = os.path.join(target, fs.free_folder(target, os.path.dirname(source.path)))
    # It leaves its folder as it left the inbox: claimed before it is removed, copied where another disk is the target.
    moving = Archive(folder, {row.status: target})
    return moving.file(_there(path, name, source), row.status, row.id, row.filed_as, plan, None)


def _there(path: str, name: str, source: Identity) -> Identity:
    """The source as it lies in its folder; after a crash it may have a hidden name there, whatever its number."""
    try:
        inode = os.lstat(path).st_ino
    except FileNotFoundError:
        inode = source.inode
    return Identity(name, inode, source.size, source.mtime_ns)


def _drop_ticket(path: str, result: results.Result) -> None:
    """The JSON beside a failed source says that it failed: no longer. What anybody else has put there stays."""
    ticket = os.path.join(os.path.dirname(path), tickets.name_of(os.path.basename(path)))
    try:
        descriptor = os.open(ticket, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # None is there, or nothing that digitd wrote.
        return
    with open(descriptor, "rb") as file:
        data = file.read(TICKET_BYTES_MOST) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    try:
        ours = results.from_json(data).id == result.supersedes
    except msgspec.MsgspecError:
        ours = False
    if ours:
        fs.unlink_if_there(ticket)
