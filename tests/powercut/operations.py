"""What is done to a disk, and what can be left of it. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

BLOCK = 512
"""Bytes that reach the disk together."""


class Torn(StrEnum):
    """What can be left of bytes that were written and not synced."""

    NOT = "whole"
    EMPTY = "empty"
    ZEROS = "zeros"
    HALF = "half"
    HOLE = "hole"
    """Zeros where the first block belongs, and all that was written after it."""


@dataclass(frozen=True)
class Named:
    """An operation on names. NEEDS: the earlier ones on the same names, without which it cannot have been kept; INSIDE:
    the one that made the folder, without which nobody finds what it did (-1: that is older)."""

    kind: Literal["mkdir", "create", "rename", "unlink"]
    path: str
    new: str
    file: int
    needs: frozenset[int]
    inside: int


@dataclass(frozen=True)
class Written:
    """Bytes at the end of a file."""

    file: int
    data: bytes


@dataclass(frozen=True)
class Timed:
    """A file got this time of change, in nanoseconds."""

    file: int
    mtime_ns: int


@dataclass(frozen=True)
class Synced:
    """Made durable: all before operation BEFORE on the file system ROOT, the names in FOLDER, or the bytes of FILE."""

    before: int
    root: str = ""
    folder: str = ""
    file: int = -1


@dataclass(frozen=True)
class Committed:
    """The journal reached the state with this NUMBER; DURABLE: it was synced before the call returned."""

    number: int
    durable: bool


@dataclass(frozen=True)
class Taken:
    """A consumer of the outbox has read a file, and will remove it."""

    name: str
    data: bytes


Operation = Named | Written | Timed | Synced | Committed | Taken


@dataclass(frozen=True)
class File:
    """Its bytes, and its time (None: of no account). GIVEN: another name of the real file, for one that others made."""

    data: bytes = b""
    mtime_ns: int | None = None
    given: str | None = None


def torn_bytes(data: bytes, torn: Torn) -> bytes:
    """What may be left of DATA."""
    match torn:
        case Torn.NOT:
            return data
        case Torn.EMPTY:
            return b""
        case Torn.ZEROS:
            return bytes(len(data))
        case Torn.HALF:
            return data[: len(data) // 2]
        case Torn.HOLE:
            return bytes(min(BLOCK, len(data))) + data[BLOCK:]
