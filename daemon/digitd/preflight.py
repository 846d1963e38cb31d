"""What is refused at start: folders that would feed on themselves, are missing, or cannot be written."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from digitd import fs
from digitd.errors import FolderError
from digitd.settings import Settings

_ADVICE = "Choose a folder outside the inbox"


def check_folders(settings: Settings, *, make: bool, before_making: Callable[[], None] = lambda: None) -> None:
    """FolderError names the first folder that cannot be used.

    Archive and state folders are made where MAKE says so, after BEFORE_MAKING, which may refuse them, too; else it is
    looked at whether they could be.
    """
    inbox, outbox, state = settings.inbox.path, settings.outbox.path, settings.state.path
    archives = {f"sources.{status}": Path(folder) for status, folder in settings.sources.folders.items()}
    for key, folder in {"outbox.path": outbox, "state.path": state, **archives}.items():
        _refuse_inside(key, folder, inbox, recursive=settings.inbox.recursive)
    for key, folder in {"outbox.path": outbox, **archives}.items():
        _refuse_around(key, folder, "inbox", inbox)
    for key, folder in {"state.path": state, **archives}.items():
        _refuse_in_outbox(key, folder, outbox)
    for key, folder in archives.items():
        _refuse_around(key, folder, "outbox", outbox)
    if (textfile := settings.textfile) is not None:
        _refuse_inside("metrics.textfile", textfile.parent, inbox, recursive=settings.inbox.recursive)
        _refuse_in_outbox("metrics.textfile", textfile.parent, outbox)
    _existing("inbox.path", inbox)
    _existing("outbox.path", outbox)
    try:
        os.scandir(inbox).close()
    except OSError as error:
        raise _unusable("inbox.path", inbox, error, "listed") from error
    _writable("outbox.path", outbox)
    before_making()
    for key, folder in {"state.path": state, **archives}.items():
        if make:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _unusable(key, folder, error, "made") from error
        _writable(key, folder if make else _nearest_existing(folder))
    if not settings.sources.stay and (refused := fs.writable_folder(os.fspath(inbox))) is not None:
        raise FolderError(
            f"inbox.path: {inbox} cannot be written ({refused.strerror}), so scans cannot be filed",
            "Give the user that digitd runs as the right to write there, or set every status under `sources` to keep",
        )


def _refuse_inside(key: str, folder: Path, inbox: Path, *, recursive: bool) -> None:
    real, real_inbox = Path(os.path.realpath(folder)), Path(os.path.realpath(inbox))
    if real == real_inbox:
        raise FolderError(f"{key}: {folder} is the inbox itself", _ADVICE)
    if recursive and real_inbox in real.parents:
        raise FolderError(
            f"{key}: {folder} lies inside the inbox {inbox}, whose subfolders are watched",
            f"{_ADVICE}, or set inbox.recursive to false",
        )


def _refuse_in_outbox(key: str, folder: Path, outbox: Path) -> None:
    real, real_outbox = Path(os.path.realpath(folder)), Path(os.path.realpath(outbox))
    if real == real_outbox or real_outbox in real.parents:
        raise FolderError(
            f"{key}: {folder} lies in the outbox {outbox}, where all that can be seen is a result",
            "Choose a folder beside the outbox",
        )


def _refuse_around(key: str, folder: Path, what: str, inner: Path) -> None:
    if Path(os.path.realpath(folder)) in Path(os.path.realpath(inner)).parents:
        raise FolderError(
            f"{key}: {folder} has the {what} {inner} in it, and what goes into subfolders there could land in it",
            f"Choose a folder beside the {what}",
        )


def _nearest_existing(folder: Path) -> Path:
    """The folder itself, or the one in which it would be made."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _existing(key: str, folder: Path) -> None:
    try:
        mode = os.stat(folder).st_mode
    except FileNotFoundError as error:
        remedy = f"Make it (mkdir -p {folder}), or correct {key}"
        raise FolderError(f"{key}: the folder {folder} does not exist", remedy) from error
    except OSError as error:
        raise _unusable(key, folder, error, "reached") from error
    if not stat.S_ISDIR(mode):
        raise FolderError(f"{key}: {folder} is no folder", f"Correct {key}")


def _writable(key: str, folder: Path) -> None:
    if (refused := fs.writable_folder(os.fspath(folder))) is not None:
        raise _unusable(key, folder, refused, "written")


def _unusable(key: str, folder: Path, error: OSError, what: str) -> FolderError:
    return FolderError(
        f"{key}: the folder {folder} cannot be {what} ({error.strerror})",
        "Give the user that digitd runs as the right to do so, or choose another folder",
    )
