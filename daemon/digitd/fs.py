"""The file operations that durability rests on, each of them whole or not at all. Nothing here knows of scans."""

import ctypes
import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import suppress

from digitd import names

AT_FDCWD = -100
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
_NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_libc = ctypes.CDLL(None, use_errno=True)
_COPY_CHUNK = 1 << 20
SECTOR = 512
"""Bytes that every disk writes together; those of a file may reach it in any order."""
_YEAR_1900_NS = -2_208_988_800 * 10**9


def rename_noreplace(old: str, new: str) -> None:
    """Rename, or FileExistsError if NEW exists: nothing is ever overwritten.

    In one step where the file system offers it (renameat2), else by a look and a rename.
    """
    if _libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), RENAME_NOREPLACE) == 0:
        return
    code = ctypes.get_errno()
    if code not in _NOT_OFFERED:
        raise OSError(code, os.strerror(code), old, None, new)
    if os.path.lexists(new):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), old, None, new)
    os.rename(old, new)


def put_in_place(new: str, old: str) -> None:
    """Give NEW the name of OLD in one step, and OLD, if there is one, that of NEW where the file system offers it."""
    if _libc.renameat2(AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(old), RENAME_EXCHANGE) != 0:
        code = ctypes.get_errno()
        if code != errno.ENOENT and code not in _NOT_OFFERED:
            raise OSError(code, os.strerror(code), new, None, old)
        os.rename(new, old)


def overwrite(path: str, data: bytes, mode: int) -> None:
    """Write DATA over a file, in the room that it has already, or make it. Links are not followed."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        os.fchmod(descriptor, mode)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)


def syncfs(folder: str) -> None:
    """Make everything on the folder's file system durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _libc.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), folder)
    finally:
        os.close(descriptor)


def write_new(path: str, data: bytes) -> None:
    """Write a file, replacing what a crash may have left under this name of ours. Not made durable.

    It is a new file, whatever has the name: nothing is written through a link that somebody put there.
    """
    descriptor = _create(path)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def _create(path: str, mode: int = 0o666) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, mode)
    except FileExistsError:
        os.unlink(path)
        return os.open(path, flags, mode)


def write_new_in(folder: str, name: str, data: bytes) -> None:
    """`write_new` in a folder that is made if it is missing."""
    path = os.path.join(folder, name)
    try:
        write_new(path, data)
    except FileNotFoundError:
        make_folders(folder)
        write_new(path, data)


def make_folders(folder: str) -> set[str]:
    """Make a folder, and those above it that are missing; gives those that were made, for `sync_name`.

    os.makedirs calls itself for each of them, and ends in a RecursionError where folders are a thousand deep.
    """
    missing = []
    above = os.path.normpath(folder)
    while not os.path.isdir(above):
        missing.append(above)
        above = os.path.dirname(above)
    for each in reversed(missing):
        try:
            os.mkdir(each)
        except FileExistsError:
            # Made by somebody else meanwhile; or a file, and then it is an error.
            if not os.path.isdir(each):
                raise
    return set(missing)


def files_below(root: str) -> Iterator[tuple[str, str]]:
    """Folder and name of everything below ROOT that is no folder; links are not followed.

    As os.walk it passes over what it cannot list, which in Python 3.11 ends in a RecursionError where folders are a
    thousand deep.
    """
    pending = [root]
    while pending:
        folder = pending.pop()
        with suppress(OSError), os.scandir(folder) as listing:
            for entry in listing:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    yield folder, entry.name


def copy_durably(source: str, target: str) -> None:
    """Copy a file's bytes, times and mode (less the umask), as a new file, and make the copy durable."""
    # O_NOFOLLOW: the source's name may have been taken by a link meanwhile.
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(reading)
        writing = _create(target, stat.S_IMODE(status.st_mode) & 0o777)
        try:
            for chunk in _chunks(reading):
                view = memoryview(chunk)
                while view:
                    view = view[os.write(writing, view) :]
            os.utime(writing, ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(writing)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _chunks(descriptor: int) -> Iterator[bytes]:
    while chunk := os.read(descriptor, _COPY_CHUNK):
        yield chunk


def sync_folder(folder: str) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_name(path: str, made: set[str]) -> None:
    """Make a file's name durable, and those of the folders above it that are in MADE, which are taken out of it.

    POSIX lets a power cut lose a new folder with all that is in it, though what is in it was synced.
    """
    folder = os.path.normpath(os.path.dirname(path))
    sync_folder(folder)
    while folder in made:
        above = os.path.dirname(folder)
        sync_folder(above)
        made.discard(folder)
        folder = above


def unlink_if_there(path: str) -> None:
    """Remove a file; it is no error if it is gone."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def folded(number: int) -> int:
    """A number modulo 2**64 as a signed one: what SQLite can keep of inodes above 2**63 and of times after 2262."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def seconds_of(mtime_ns: int) -> float:
    """Seconds since 1970 of a time that may be `folded`: what seems to be before 1900 is after 2262.

    No file system of Linux keeps times from before 1901 (ext4, XFS), and 2**64 ns are 584 years.
    """
    return (mtime_ns + (1 << 64) if mtime_ns < _YEAR_1900_NS else mtime_ns) / 1e9


def is_same_file(status: os.stat_result, inode: int, size: int, mtime_ns: int) -> bool:
    """Whether a status is that of a regular file with this identity, as far as `folded` numbers tell."""
    found = (folded(status.st_ino), status.st_size, folded(status.st_mtime_ns))
    return stat.S_ISREG(status.st_mode) and found == (folded(inode), size, folded(mtime_ns))


def free_folder(root: str, folder: str) -> str:
    """FOLDER (below ROOT), with a number at those of its parts whose name a file has: `scan~2.png/more`."""
    if not folder or os.path.isdir(os.path.join(root, folder)):
        return folder
    chosen = ""
    for part in folder.split("/"):
        number = 1
        while True:
            candidate = os.path.join(chosen, names.numbered(part, number))
            path = os.path.join(root, candidate)
            if os.path.isdir(path) or not os.path.lexists(path):
                break
            number += 1
        chosen = candidate
    return chosen


def writable_folder(folder: str) -> OSError | None:
    """Why no file can be made in FOLDER; None if one can. It is tried, for mode bits do not tell (ACLs, mounts)."""
    probe = os.path.join(folder, f".digitd-{secrets.token_hex(8)}.probe")
    try:
        write_new(probe, b"")
        os.unlink(probe)
    except OSError as error:
        return error
    return None


def booted_at() -> float:
    """When the machine was started, by its clock of now (seconds since 1970)."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def since_boot(status: os.stat_result) -> bool:
    """Whether a file was made, or last touched, since the machine was started: no power cut can have torn it.

    A time in the future is one from before the clock was set back, as where a machine without one was started.
    """
    return booted_at() <= status.st_ctime <= time.time()


def may_be_torn(there: bytes, whole: bytes) -> bool:
    """Whether a power cut can have left THERE of WHOLE: cut short, or with zeros for what did not reach the disk."""
    return len(there) <= len(whole) and all(
        whole.startswith(there[start : start + SECTOR].rstrip(b"\0"), start) for start in range(0, len(there), SECTOR)
    )


def boot_id() -> str:
    """Names this start of the machine: what was renamed since then is still renamed. "" where it cannot be told."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        # A sandbox with ProcSubset=pid hides it.
        return ""
