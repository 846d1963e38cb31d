"""Who works with a state folder: one digitd at a time, and what it says of itself there."""

import errno
import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

from digitd import names
from digitd.errors import AlreadyRunningError, FolderError

LOCK_NAME = "lock"
RECORD_BYTES = 2048
"""The file has this size while it is held: what is told later needs no room on a disk that is full."""
TROUBLE_CHARACTERS = 200
"""In JSON each takes six bytes at most."""
UNWATCHED = "the inbox is not watched"
"""What is told as trouble where it is this."""
UNREAD = "nothing is read: "
"""How trouble begins that the workers have; after it comes what keeps them from reading."""
ANSWER_AT, ANSWER_BYTES = 4096, 4096
"""Where in the file it stands what came of the last reload: a page of its own, for it is written at once."""
CAUSE_CHARACTERS, REMEDY_CHARACTERS = 400, 200
# `digitd status` holds the lock for the blink of an eye, to see whether anybody does.
LOCK_SECONDS = 0.2
PASSING_SECONDS = 60.0
"""Whoever delivers what people said while no daemon runs holds it for a moment; a slow disk makes that longer."""


class Holder(Struct, frozen=True):
    """The digitd that holds a state folder: its process, since when (seconds since 1970), and what it waits for.

    BEAT is its last sign of life, in monotonic seconds, which all processes of a machine share and no set clock moves;
    0.0 until its workers have loaded. WORKERS have loaded, of those that are WANTED.
    """

    pid: int = 0
    since: float = 0.0
    trouble: str | None = None
    beat: float = 0.0
    workers: int = 0
    wanted: int = 0
    passing: bool = False
    """Only a moment, to deliver what people said: no daemon runs."""


class Answer(Struct, frozen=True):
    """How many reloads were begun and ended; of one that was refused why, else `cause` is None.

    REACHABLE: whether a hangup asks for a reload; else it ends the daemon, and nobody may send it one.
    """

    begun: int = 0
    ended: int = 0
    cause: str | None = None
    remedy: str = ""
    exit_code: int = 0
    reachable: bool = True


class Lock:
    """Holds the state folder for one digitd; AlreadyRunningError if another has it."""

    def __init__(self, state: Path, *, reachable: bool = True, passing: bool = False) -> None:
        """REACHABLE as in `Answer`, PASSING as in `Holder`: who wants the lock then waits for it."""
        self._path, self._reachable, self._passing = state / LOCK_NAME, reachable, passing
        self._descriptor = -1
        self._holder = Holder()

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise FolderError(
                f"state.path: the lock {self._path} cannot be opened ({error.strerror})",
                "Let the user that digitd runs as write it, or remove it while no digitd runs",
            ) from error
        try:
            self._take()
        except OSError as error:
            os.close(self._descriptor)
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise
            holder = _holding(self._path.parent)
            process = f" (process {holder.pid})" if holder else ""
            raise AlreadyRunningError(
                f"another digitd{process} works with the state folder {self._path.parent}",
                "Stop it first, or give this one a state.path, an inbox and an outbox of its own",
            ) from error
        os.ftruncate(self._descriptor, 0)
        self._holder = Holder(os.getpid(), time.time(), passing=self._passing)
        self._write()
        self.answer(Answer())
        return self

    def tell(self, trouble: str | None, workers: int = 0, wanted: int = 0) -> None:
        """Let `holder_of` know that this digitd is alive, with so many workers, and what it waits for (None: nothing).

        OSError where that cannot be written.
        """
        shown = trouble if trouble is None else trouble[:TROUBLE_CHARACTERS]
        before = self._holder
        self._holder = Holder(before.pid, before.since, shown, time.monotonic(), workers, wanted)
        self._write()

    def answer(self, answer: Answer) -> None:
        """Let `answer_of` know how a reload goes. OSError where that cannot be written."""
        # The configuration may lie in a folder whose name is no UTF-8.
        cause = None if answer.cause is None else names.text(answer.cause)[:CAUSE_CHARACTERS]
        remedy = names.text(answer.remedy)[:REMEDY_CHARACTERS]
        told = Answer(answer.begun, answer.ended, cause, remedy, answer.exit_code, self._reachable)
        os.pwrite(self._descriptor, msgspec.json.encode(told).ljust(ANSWER_BYTES), ANSWER_AT)

    def _write(self) -> None:
        # At once and over what is there: a reader sees the one or the other.
        os.pwrite(self._descriptor, msgspec.json.encode(self._holder).ljust(RECORD_BYTES), 0)

    def _take(self) -> None:
        begun = time.monotonic()
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                waited = time.monotonic() - begun
                if waited >= PASSING_SECONDS or (waited >= LOCK_SECONDS and not self._passes()):
                    raise
            time.sleep(LOCK_SECONDS / 20)

    def _passes(self) -> bool:
        """Whether who holds it will let go in a moment."""
        content = os.pread(self._descriptor, RECORD_BYTES, 0).strip()
        return not self._passing and bool(content) and msgspec.json.decode(content, type=Holder).passing

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def holder_of(state: Path) -> Holder | None:
    """The daemon that holds the state folder; None if none does."""
    holder = _holding(state)
    return None if holder is None or holder.passing else holder


def _holding(state: Path) -> Holder | None:
    try:
        with open(state / LOCK_NAME, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                content = file.read(RECORD_BYTES).strip()
                return msgspec.json.decode(content, type=Holder) if content else Holder()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FolderError(
            f"state.path: the lock {state / LOCK_NAME} cannot be read by this user ({error.strerror})",
            "Run it as the user that digitd runs as, or as one who may read all of state.path",
        ) from error
    return None


def answer_of(state: Path) -> Answer | None:
    """What the digitd that holds the state folder says of reloads; None from one that is too old to know any."""
    with open(state / LOCK_NAME, "rb") as file:
        content = os.pread(file.fileno(), ANSWER_BYTES, ANSWER_AT).strip()
    return msgspec.json.decode(content, type=Answer) if content else None
