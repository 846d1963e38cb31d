"""Programs that drop scans into a folder as programs do: at once, in pieces, by a link, under a temporary name."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

PIECES, PAUSE = 4, 0.02
"""A slow writer writes so many pieces, with so many seconds between them: less than `inbox.settle`, as is promised."""
OLD = 1_000_000_000.0
"""An mtime of 2001, as copies keep them."""

Writer = Callable[[Path, Path, bytes], None]
"""Gets a folder outside the inbox on the same file system, where the scan belongs, and its bytes."""


def renamed(outside: Path, target: Path, data: bytes) -> None:
    """Written elsewhere, and renamed in when whole."""
    spare = outside / f"{os.urandom(8).hex()}"
    spare.write_bytes(data)
    spare.rename(target)


def linked(outside: Path, target: Path, data: bytes) -> None:
    """Hard-linked in; the other name goes."""
    spare = outside / f"{os.urandom(8).hex()}"
    spare.write_bytes(data)
    os.link(spare, target)
    spare.unlink()


def in_pieces(_: Path, target: Path, data: bytes) -> None:
    """Written in place, slowly."""
    step = -(-len(data) // PIECES)
    with target.open("wb", buffering=0) as file:
        for start in range(0, len(data), step):
            file.write(data[start : start + step])
            time.sleep(PAUSE)


def reopened(_: Path, target: Path, data: bytes) -> None:
    """Begun, closed, and gone on with: an image cut short is waited for while it is young."""
    target.write_bytes(data[: len(data) // 2])
    time.sleep(PAUSE)
    with target.open("ab", buffering=0) as file:
        file.write(data[len(data) // 2 :])


def downloaded(_: Path, target: Path, data: bytes) -> None:
    """Under a temporary name beside its own, as browsers and rsync do."""
    part = target.with_name(f".{target.name}.part")
    in_pieces(part.parent, part, data)
    part.rename(target)


def copied(_: Path, target: Path, data: bytes) -> None:
    """Written in place with the times of an old original (cp -p)."""
    target.write_bytes(data)
    os.utime(target, (OLD, OLD))


def rsynced(_: Path, target: Path, data: bytes) -> None:
    """As rsync does: under a hidden name with six letters after it, times set, renamed."""
    part = target.with_name(f".{target.name}.{os.urandom(3).hex()}")
    in_pieces(part.parent, part, data)
    os.utime(part, (OLD, OLD))
    part.rename(target)


def rsynced_in_place(_: Path, target: Path, data: bytes) -> None:
    """As rsync --inplace and scp -p do: written in place, times set by name after the close."""
    in_pieces(target.parent, target, data)
    os.utime(target, (OLD, OLD))


def copied_over(_: Path, target: Path, data: bytes) -> None:
    """As scp does: in place without truncation at first, its size set at the end, times set while it is open."""
    with open(os.open(target, os.O_WRONLY | os.O_CREAT, 0o644), "wb", buffering=0) as file:
        file.write(data)
        file.truncate(len(data))
        os.utime(file.fileno(), (OLD, OLD))


WRITERS: tuple[Writer, ...] = (
    renamed,
    linked,
    in_pieces,
    reopened,
    downloaded,
    copied,
    rsynced,
    rsynced_in_place,
    copied_over,
)


def drop_all(outside: Path, scans: dict[Path, bytes], chance: random.Random) -> None:
    """Drop scans, each by a writer of its own kind, a little apart."""
    for target, data in scans.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        chance.choice(WRITERS)(outside, target, data)
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0, PAUSE))
