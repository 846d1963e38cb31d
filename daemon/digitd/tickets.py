"""Tickets: the JSON beside a failed source in the archive that says why it failed. None but our own is overwritten."""

import os
import stat

from digitd import fs, names


def name_of(filed: str) -> str:
    """The name of the ticket beside a filed source."""
    return names.result_name(filed, 1)


def temporary_of(folder: str, key: str) -> str:
    """The hidden path under which a ticket is prepared: another one than that of a copy of its source, which is half
    done as long as it is there."""
    return os.path.join(folder, names.temporary(f"{key}.ticket"))


def is_free(target: str, ticket: bytes) -> bool:
    """Whether no other scan's ticket lies beside the target; ours may, from before a crash."""
    place = _place(target)
    return not os.path.lexists(place) or _is_ours(place, ticket)


def write(target: str, key: str, ticket: bytes) -> None:
    """Put it there whole. Not made durable: after a power cut it is mended, or written again."""
    temporary = temporary_of(os.path.dirname(target), key)
    fs.write_new(temporary, ticket)
    os.replace(temporary, _place(target))


def mend(target: str, key: str, ticket: bytes) -> None:
    """Write it again if a power cut left none beside a filed source, or a torn one; and leave none half written."""
    if is_free(target, ticket) and not _is_ours(_place(target), ticket, torn=False):
        write(target, key, ticket)
    else:
        fs.unlink_if_there(temporary_of(os.path.dirname(target), key))


def drop(target: str, ticket: bytes) -> None:
    """Remove ours where no scan of ours came to lie beside it."""
    place = _place(target)
    if _is_ours(place, ticket):
        fs.unlink_if_there(place)


def _place(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, name_of(name))


def _is_ours(place: str, ticket: bytes, *, torn: bool = True) -> bool:
    """Whether it is this ticket or, if TORN ones count, what a power cut left of it."""
    try:
        found = os.lstat(place)
        # Not a link, nor something that would block: only what can be ours is opened.
        if not stat.S_ISREG(found.st_mode) or found.st_size > len(ticket):
            return False
        with open(place, "rb") as file:
            there = file.read()
    except FileNotFoundError:
        return False
    return there == ticket or (torn and not fs.since_boot(found) and fs.may_be_torn(there, ticket))
