"""Where a filed source lies now: found by what it is, never by a name that somebody gives. It moves nothing."""

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator

from digitd import fs, names
from digitd.tables import Identity

CHUNK_BYTES = 1 << 20
_NUMBERED = re.compile(r".*~([0-9]{1,9})", re.DOTALL)


def found(
    folders: Iterable[str], source: Identity, sha256: str | None = None, filed_as: str | None = None
) -> str | None:
    """The path of a SOURCE in one of FOLDERS, each of which mirrors the inbox; None where it lies in none.

    Its bytes are compared where SHA256 is known; else only its inode tells it from others of its name. FILED_AS is
    where it was copied to, if it was. OSError for a folder or a file that cannot be looked into.
    """
    return next(
        (path for folder in folders for path in _alike(folder, source, filed_as) if _is_it(path, source, sha256)), None
    )


def _alike(folder: str, source: Identity, filed_as: str | None) -> Iterator[str]:
    """What may be the source: by name, where it was copied to, by its number on the disk, by its name with a number.

    The first nearly always is it; of the name with a number there may be a hundred thousand. Some file systems
    (mergerfs, sshfs) make the inode of the name: there a moved file has another one, as a copy has.
    """
    mirrored = os.path.join(folder, fs.free_folder(folder, os.path.dirname(source.path)))
    name = os.path.basename(source.path)
    yield os.path.join(mirrored, name)
    if filed_as is not None and os.path.dirname(filed_as) == mirrored:
        yield filed_as
    numbered = []
    try:
        with os.scandir(mirrored) as entries:
            for entry in entries:
                if fs.folded(entry.inode()) == fs.folded(source.inode):
                    yield entry.path
                elif _is_numbered(entry.name, name):
                    numbered.append(entry.path)
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from numbered


def _is_numbered(found: str, name: str) -> bool:
    """Whether a name is NAME with a number."""
    match = _NUMBERED.fullmatch(os.path.splitext(found)[0])
    return match is not None and found == names.numbered(name, int(match[1]))


def _is_it(path: str, source: Identity, sha256: str | None) -> bool:
    if sha256 is None:
        return _is(path, source)
    return _is(path, source, moved=True) and has_bytes(path, sha256)


def in_inbox(inbox: str, source: Identity, sha256: str | None = None) -> str | None:
    """The path of a source that stays in the inbox; None where that has gone, or another file has its name."""
    path = os.path.join(inbox, source.path)
    return path if _is(path, source) and (sha256 is None or has_bytes(path, sha256)) else None


def has_bytes(path: str, sha256: str) -> bool:
    """Whether a file has these bytes; links and what is no file have not. OSError where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
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
