"""What in an inbox is no scan, and why. Pure: names and file modes in, verdicts out."""

import os
import re
import stat
from collections.abc import Iterable, Sequence
from enum import StrEnum
from fnmatch import translate
from typing import Literal

INCLUDE: tuple[str, ...] = (
    "*.png", "*.jpg", "*.jpeg", "*.tif", "*.tiff", "*.bmp", "*.webp",
    "*.pgm", "*.ppm", "*.pbm", "*.pnm", "*.pdf",
)  # fmt: skip
"""The default of `inbox.include`."""

SYSTEM: tuple[str, ...] = (
    # macOS
    ".DS_Store", "._*", "__MACOSX",
    # Windows
    "Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information",
    # network storage and synchronisers: thumbnails, recycle bins, snapshots, markers
    "@eaDir", "@Recycle", "#recycle", "#snapshot", ".stfolder", ".stversions",
    # file servers: deleted, but still open somewhere
    ".smbdelete*", ".nfs*",
    # the root of a mount
    "lost+found",
)  # fmt: skip
"""Names that operating systems and file servers leave in folders."""

TEMPORARY: tuple[str, ...] = (
    "*.part", "*.partial", "*.tmp", "*.crdownload", "*.filepart", "*~", "~$*",
)  # fmt: skip
"""Names that programs give to files they have not finished."""

HIDDEN: tuple[str, ...] = (".*",)

PATH_MAX = 4096
"""Bytes of a path that Linux takes, the final zero counted."""
NAME_MAX = 255


class Verdict(StrEnum):
    """Why an entry of the inbox is left alone; the value is the reason code."""

    SYSTEM = "system"
    TEMPORARY = "temporary"
    HIDDEN = "hidden"
    IGNORED = "ignored_by_pattern"
    NOT_INCLUDED = "no_include_matches"
    LINK = "link"
    FIFO = "fifo"
    SOCKET = "socket"
    DEVICE = "device"
    TOO_DEEP = "path_too_long"

    @property
    def level(self) -> Literal["debug", "info", "warning"]:
        """At what level it is logged, once."""
        if self in (Verdict.SYSTEM, Verdict.TEMPORARY, Verdict.HIDDEN):
            return "debug"
        if self in (Verdict.IGNORED, Verdict.NOT_INCLUDED):
            return "info"
        return "warning"


class Rules:
    """The rules of ignoring of one inbox: glob patterns on base names, whatever their case.

    `include` chooses files; `ignore` leaves out files and whole folders. A folder whose path below the inbox has more
    than `room` bytes is left out.
    """

    def __init__(
        self, include: Sequence[str] = INCLUDE, ignore: Sequence[str] = (), room: int = PATH_MAX - NAME_MAX
    ) -> None:
        self._room = room
        self._include = _any_of(include)
        self._builtin = _any_of((*SYSTEM, *TEMPORARY, *HIDDEN))
        self._by_reason = (
            (Verdict.SYSTEM, _any_of(SYSTEM)),
            (Verdict.TEMPORARY, _any_of(TEMPORARY)),
            (Verdict.HIDDEN, _any_of(HIDDEN)),
        )
        self._ignore = _any_of(ignore)

    def folder(self, name: str) -> Verdict | None:
        """Why the folder with this base name is not entered; None if it is."""
        if self._builtin(name):
            return next(reason for reason, matches in self._by_reason if matches(name))
        return Verdict.IGNORED if self._ignore(name) else None

    def subfolder(self, relative_path: str) -> Verdict | None:
        """Why the folder at this path below the inbox is not entered, if those that it is in are; None if it is."""
        too_deep = len(os.fsencode(relative_path)) > self._room
        return Verdict.TOO_DEEP if too_deep else self.folder(relative_path.rpartition("/")[2])

    def file(self, name: str) -> Verdict | None:
        """Why the file with this base name is no scan; None for a candidate."""
        verdict = self.folder(name)
        if verdict is None and not self._include(name):
            return Verdict.NOT_INCLUDED
        return verdict

    def verdict(self, relative_path: str) -> Verdict | None:
        """Why the file at this path below the inbox is no scan, its folders counted; None for a candidate."""
        *folders, name = relative_path.split("/")
        for folder in folders:
            if (verdict := self.folder(folder)) is not None:
                return verdict
        if len(os.fsencode(relative_path)) - len(os.fsencode(name)) - 1 > self._room:
            return Verdict.TOO_DEEP
        return self.file(name)


class Once:
    """Says of each thing of a kind whether it is the first time.

    Remembers at most `limit` of a kind, those longest unseen forgotten first; no kind takes another's room. Only while
    as many are there at once is it silent about the rest of that kind: else each rescan would tell of them all again.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        # Hashes, not the paths themselves: eight bytes each do, and a collision costs one log line. With each, the
        # rescan that saw it last; they are in that order.
        self._seen: dict[str, dict[int, int]] = {}
        self._rescans = 0

    def rescanned(self) -> None:
        """What was not asked about since the rescan before this one is there no more, and gives way to others."""
        self._rescans += 1

    def first(self, kind: str, thing: str) -> bool:
        """True the first time it is asked about `thing`, while there is room to remember it."""
        seen = self._seen.setdefault(kind, {})
        key = hash(thing)
        known = seen.pop(key, None) is not None
        if not known and len(seen) >= self._limit:
            oldest = next(iter(seen))
            if seen[oldest] >= self._rescans - 1:
                return False
            del seen[oldest]
        seen[key] = self._rescans
        return not known


def room_below(roots: Iterable[str]) -> int:
    """Bytes that a folder's path may have below each of these, so that the longest name in it still makes a path."""
    return PATH_MAX - max(len(os.fsencode(root)) for root in roots) - len("//") - NAME_MAX - 1


def type_verdict(mode: int) -> Verdict | None:
    """Why an entry with this st_mode (of lstat) is never opened; None for regular files and folders."""
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    if stat.S_ISLNK(mode):
        return Verdict.LINK
    if stat.S_ISFIFO(mode):
        return Verdict.FIFO
    if stat.S_ISSOCK(mode):
        return Verdict.SOCKET
    return Verdict.DEVICE


class _Matcher:
    """Whether a name matches any of some glob patterns, whatever its case."""

    def __init__(self, patterns: Iterable[str]) -> None:
        joined = "|".join(translate(pattern) for pattern in patterns)
        self._match = re.compile(joined, re.IGNORECASE).match if joined else None

    def __call__(self, name: str) -> bool:
        return self._match is not None and self._match(name) is not None


_any_of = _Matcher
