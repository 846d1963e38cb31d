"""The token's file: pages that are open, and addresses that somebody kept, go on after a restart."""

import os
from pathlib import Path

from digitd import fs
from digitd.errors import FolderError
from digitd.review.security import TOKEN_BYTES, Tokens, new_token

FILE_NAME = "review-token"
LENGTH = TOKEN_BYTES * 4 // 3


def kept(state: Path, *, anew: bool = False) -> Tokens:
    """The tokens of this state folder, made if there are none, or if they are to be made ANEW. FolderError.

    The file is its owner's alone; one that others could read, or that is no token, is not trusted, but made anew.
    """
    path = state / FILE_NAME
    try:
        token = None if anew else _read(path)
        if token is None:
            token = new_token()
            fs.unlink_if_there(os.fspath(path))
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(token)
    except OSError as error:
        raise FolderError(
            f"state.path: the review page's token {path} cannot be kept ({error.strerror})",
            "Let the user that digitd runs as write it, or remove it",
        ) from error
    return Tokens.of(token)


def _read(path: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with open(descriptor, encoding="ascii", errors="replace") as file:
        status = os.fstat(descriptor)
        token = file.read(LENGTH + 1)
    ours = status.st_uid == os.geteuid() and not status.st_mode & 0o077
    return token if ours and len(token) == LENGTH and token.isascii() and token.isprintable() else None
