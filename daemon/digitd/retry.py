"""Failed scans back to the inbox: what `digitd retry` does."""

import errno
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from digitd import fs, names, tickets
from digitd.archive import take_away
from digitd.errors import FolderError
from digitd.intake.ignore import Rules
from digitd.intake.rescan import walk
from digitd.settings import MOVE_NOWHERE, Settings


@dataclass(frozen=True)
class Returned:
    """A scan that went back: its path in the archive, and in the inbox."""

    was: str
    now: str


def retry(settings: Settings, patterns: Sequence[str]) -> Iterator[Returned]:
    """Move failed scans whose path or name matches one of PATTERNS (none: all) to where they were dropped.

    Nothing in the inbox is overwritten; the JSON that says why is removed. FolderError where they are not archived.
    """
    folder = settings.sources.failed
    if folder in MOVE_NOWHERE:
        raise FolderError(
            f"sources.failed is {folder}, so failed scans are not archived",
            "Drop the files into the inbox again" if folder == "delete" else "Touch the files; they are still there",
        )
    if not os.path.isdir(folder):
        return
    rules = Rules(settings.inbox.include, settings.inbox.ignore)
    entries = walk(folder, rules, recursive=True, on_ignored=lambda *_: None, on_error=_refuse)
    for path in sorted(entry.path for entry in entries):
        spoken = (path, os.path.basename(path))
        if not patterns or any(fnmatchcase(name, pattern) for name in spoken for pattern in patterns):
            try:
                returned = _return(Path(folder), settings.inbox.path, path)
            except OSError as error:
                raise FolderError(
                    f"{names.printable(path)} cannot be moved back to the inbox ({error.strerror})",
                    "Give yourself the right to, or run it as the user that digitd runs as",
                ) from error
            yield returned


def _return(archive: Path, inbox: Path, path: str) -> Returned:
    source = os.path.join(archive, path)
    folder, name = os.path.split(path)
    made = fs.make_folders(os.path.join(inbox, folder))
    number = 0
    while True:
        number += 1
        back = os.path.join(folder, names.numbered(name, number))
        target = os.path.join(inbox, back)
        try:
            fs.rename_noreplace(source, target)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            if os.path.lexists(target):
                continue
            _copy(source, target, made)
        if not os.path.lexists(source):
            fs.unlink_if_there(os.path.join(archive, folder, tickets.name_of(name)))
        return Returned(path, back)


def _copy(source: str, target: str, made: set[str]) -> None:
    """Move a file to another file system, where the folders MADE are new."""
    key = f"retry-{secrets.token_hex(8)}"
    hidden = os.path.join(os.path.dirname(target), names.temporary(key))
    before = os.lstat(source)
    try:
        fs.copy_durably(source, hidden)
        fs.rename_noreplace(hidden, target)
    except OSError:
        fs.unlink_if_there(hidden)
        raise
    fs.sync_name(target, made)
    claimed = os.path.join(os.path.dirname(source), names.claimed(key, os.path.basename(source)))

    def is_it() -> bool:
        # By size and time alone: where inodes are made of names, it has another one now.
        found = os.lstat(claimed)
        return fs.is_same_file(found, found.st_ino, before.st_size, before.st_mtime_ns)

    take_away(source, claimed, is_it)


def _refuse(path: str, error: OSError) -> None:
    raise FolderError(f"{path or 'sources.failed'} cannot be listed ({error.strerror})", "Give yourself the right to")
