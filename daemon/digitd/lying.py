"""Where a filed source lies now: found by what it is, never by a name that somebody gives. It moves nothing."""

import hashlib
import os
import stat
from collections.abc import Iterable

from digitd import fs, names
from digitd.tables import Identity

CHUNK_BYTES = 1 << 20


def found(folders: Iterable[str], source: Identity, filed_as: str | None = None) -> str | None:
    """The path of a SOURCE in one of FOLDERS, each of which mirrors the inbox; None where it lies in none.

    FILED_AS is where it was copied to, if it was: a copy has an inode of its own. OSError for a folder that cannot be
    looked into.
    """
    for folder in folders:
        mirrored = os.path.join(folder, fs.free_folder(folder, os.path.dirname(source.path)))
        path = os.path.join(mirrored, os.path.basename(source.path))
        if _is(path, source):
            return path
        if filed_as is not None and os.path.dirname(filed_as) == mirrored and _is(filed_as, source, moved=True):
            return filed_as
        if (place := _numbered(mirrored, source)) is not None:
            return place
    return None


def _numbered(folder: str, source: Identity) -> str | None:
    """By its number on the disk, for of its name there may be a hundred thousand; else by its name, size and time."""
    stem, ending = os.path.splitext(os.path.basename(source.path))
    # As names.numbered, whose long names are cut: those begin alike.
    begins = stem[: max(1, len(stem) // 2)]
    alike = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if fs.folded(entry.inode()) == fs.folded(source.inode) and _is(entry.path, source):
                    return entry.path
                if entry.name.startswith(begins) and entry.name.endswith(ending):
                    alike.append(entry.path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    # Some file systems (mergerfs, sshfs) make the inode of the name: a moved file has another one.
    return next((path for path in alike if _is(path, source, moved=True)), None)


def in_inbox(inbox: str, source: Identity) -> str | None:
    """The path of a source that stays in the inbox; None where that has gone, or another file has its name."""
    path = os.path.join(inbox, source.path)
    return path if _is(path, source) else None


def has_bytes(path: str, sha256: str) -> bool:
    """Whether a file has these bytes; links and what is no file have not. OSError where it cannot be read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    digest = hashlib.sha256()
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == sha256


def claimed(folders: Iterable[str], source: Identity, key: str) -> str | None:
    """The path, in one of FOLDERS, under whose folder a crash left a source claimed for the result KEY."""
    for folder in folders:
        mirrored = os.path.join(folder, fs.free_folder(folder, os.path.dirname(source.path)))
        name = os.path.basename(source.path)
        if os.path.lexists(os.path.join(mirrored, names.claimed(key, name))):
            return os.path.join(mirrored, name)
    return None


def _is(path: str, source: Identity, *, moved: bool = False) -> bool:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return fs.is_same_file(status, status.st_ino if moved else source.inode, source.size, source.mtime_ns)
