"""How much room there is for what digitd writes: bytes and inodes, of each folder's file system."""

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from digitd.settings import Settings


class Room(Struct, frozen=True):
    """What an ordinary user may still write there. Inodes are None where the file system does not count them."""

    free_bytes: int
    total_bytes: int
    free_inodes: int | None


def folders(settings: Settings) -> dict[str, list[Path]]:
    """The folders that digitd writes to; an archive may be several."""
    archive = sorted({Path(folder) for folder in settings.sources.folders.values()})
    return {
        "inbox": [settings.inbox.path],
        "outbox": [settings.outbox.path],
        **({"archive": archive} if archive else {}),
        "state": [settings.state.path],
    }


def rooms(settings: Settings) -> Iterator[tuple[str, Room]]:
    """The room of each; of an archive that is several folders, of the fullest. None is told where it cannot be seen."""
    # A disk that several share is looked at once: then they tell the same.
    seen: dict[int, Room] = {}
    for name, paths in folders(settings).items():
        found = [room for path in paths if (room := _room_of(path, seen)) is not None]
        if found:
            yield name, min(found, key=lambda room: room.free_bytes)


def _room_of(path: Path, seen: dict[int, Room]) -> Room | None:
    # An archive that no scan has come to yet is made on the disk of the folder that it will be in.
    for place in (path, *path.parents):
        try:
            device = os.stat(place).st_dev
            if device not in seen:
                status = os.statvfs(place)
                inodes = status.f_favail if status.f_files else None
                seen[device] = Room(status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize, inodes)
        except FileNotFoundError:
            continue
        except OSError:
            return None
        return seen[device]
    return None
