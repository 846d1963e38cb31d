"""The truth about what waits: one walk over the inbox."""

import os
import stat as modes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from digitd.intake.ignore import Rules, Verdict, type_verdict
from digitd.intake.settle import Stamp


class Entry(NamedTuple):
    """A candidate: its path below the inbox, and its stamp at the moment of the walk."""

    path: str
    stamp: Stamp


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of a stat result."""
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev, status.st_ctime_ns, status.st_nlink)


def examine(root: str | Path, relative_path: str) -> Stamp | Verdict | None:
    """What lies at a path: a regular file's stamp, the verdict on what is never opened, None if it is
    gone or a folder. Links are not followed.

    Raises OSError where that cannot be said now (an I/O error, no permission).
    """
    try:
        status = os.lstat(os.path.join(root, relative_path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return stamp_of(status) if modes.S_ISREG(status.st_mode) else type_verdict(status.st_mode)


def stamps(root: str | Path) -> Callable[[str], Stamp | None]:
    """The `stat` of a Settler over the inbox `root`: None for what is gone or no regular file."""

    def stat(relative_path: str) -> Stamp | None:
        found = examine(root, relative_path)
        return found if isinstance(found, Stamp) else None

    return stat


def walk(
    root: str | Path,
    rules: Rules,
    *,
    recursive: bool,
    on_ignored: Callable[[str, Verdict], None],
    on_error: Callable[[str, OSError], None],
) -> Iterator[Entry]:
    """Every candidate below `root`, in no order; one stat an entry, no link followed, nothing opened but folders.

    What is left alone goes to `on_ignored`, a folder or file that cannot be looked at to `on_error`
    (the path "" is the root itself), and the walk goes on. An entry that vanishes meanwhile is skipped.
    """
    for entry in steps(root, rules, recursive=recursive, on_ignored=on_ignored, on_error=on_error):
        if entry is not None:
            yield entry


def steps(
    root: str | Path,
    rules: Rules,
    *,
    recursive: bool,
    on_ignored: Callable[[str, Verdict], None],
    on_error: Callable[[str, OSError], None],
) -> Iterator[Entry | None]:
    """The walk, one thing looked at a step: None where that was no candidate. So a caller can pause it anywhere."""
    pending = [""]
    while pending:
        folder = pending.pop()
        prefix = f"{folder}/" if folder else ""
        for item in _listing(root, folder, on_error):
            path = prefix + item.name
            try:
                if item.is_dir(follow_symlinks=False):
                    verdict = rules.subfolder(path) if recursive else None
                    if recursive and verdict is None:
                        pending.append(path)
                elif not item.is_file(follow_symlinks=False):
                    verdict = rules.folder(item.name) or type_verdict(item.stat(follow_symlinks=False).st_mode)
                elif (verdict := rules.file(item.name)) is None:
                    status = item.stat(follow_symlinks=False)
                    if modes.S_ISREG(status.st_mode):  # it may have been replaced since it was listed
                        yield Entry(path, stamp_of(status))
                        continue
                    verdict = type_verdict(status.st_mode)
            except FileNotFoundError:
                verdict = None
            except OSError as error:
                on_error(path, error)
                verdict = None
            if verdict is not None:
                on_ignored(path, verdict)
            yield None


def _listing(root: str | Path, folder: str, on_error: Callable[[str, OSError], None]) -> Iterator[os.DirEntry[str]]:
    """The entries of a folder; an error, be it in the middle, is reported and ends this folder alone."""
    try:
        with os.scandir(os.path.join(os.fspath(root), folder)) as listing:
            yield from listing
    except FileNotFoundError as error:
        # A subfolder that vanished is nobody's fault; a root that did is worth a word.
        if not folder:
            on_error(folder, error)
    except OSError as error:
        on_error(folder, error)
