"""File names are hostile input: how they appear in text, and which new names are made from them. Pure.

Inside digitd a path is a `str` as os.fsdecode gives it: bytes that are no UTF-8 are lone surrogates.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterator

NAME_MAX = 255
TEMPORARY_PREFIX = ".digitd-"
TEMPORARY_SUFFIX = ".tmp"
CLAIMED_PREFIX = ".digitd-filing-"
# Room for what the outbox appends: `~123456` and `.json`.
SUFFIX_ROOM = 16
_SURROGATE = re.compile("[\udc80-\udcff]")
_NUMBERED = re.compile(r"(.+)~(\d+)", re.DOTALL)
_DIGEST_LENGTH = 12
# An ending is a format's; what is longer belongs to the name.
_ENDING_MOST = 32
# Format characters (bidirectional marks among them), controls, and line separators.
_UNPRINTABLE_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


def text(name: str) -> str:
    r"""A name as valid Unicode: bytes that are no UTF-8 appear as `\xNN`."""
    return _SURROGATE.sub(lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}", name)


def is_text(name: str) -> bool:
    """Whether every byte of the name is UTF-8."""
    return _SURROGATE.search(name) is None


def printable(name: str) -> str:
    r"""A name that a terminal or a log viewer can show: controls and bidirectional marks appear as `\xNN`, `\uNNNN`."""
    shown = text(name)
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char) in _UNPRINTABLE_CATEGORIES else char
        for char in shown
    )


def numbered(name: str, number: int) -> str:
    """`scan.png`, then `scan~2.png`: the number goes before the ending, and the whole fits a file system."""
    stem, ending = os.path.splitext(name)
    if len(os.fsencode(ending)) > _ENDING_MOST:
        stem, ending = name, ""
    tail = ending if number == 1 else f"~{number}{ending}"
    return shortened(stem, NAME_MAX - len(os.fsencode(tail))) + tail


def earlier(name: str) -> Iterator[str]:
    """The names without ending that were numbered before NAME was: of `scan~3~2` it is `scan~3`, `scan`, `scan~2`."""
    while found := _NUMBERED.fullmatch(name):
        name = found[1]
        yield from (numbered(name, number) for number in range(1, int(found[2])))


def result_name(name: str, number: int) -> str:
    """`scan.png.json`, then `scan.png~2.json`."""
    tail = ".json" if number == 1 else f"~{number}.json"
    return shortened(name, NAME_MAX - SUFFIX_ROOM) + tail


def temporary(key: str) -> str:
    """The hidden name under which the file KEY is prepared, beside its place."""
    return f"{TEMPORARY_PREFIX}{key}{TEMPORARY_SUFFIX}"


def part_key(part: int, ending: str = "") -> str:
    """The key of a rolled file; without its ending, what the keys of all files of the part begin with."""
    return f"part-{part:06d}{ending}"


def claimed(key: str, name: str) -> str:
    """The hidden name that NAME, a source whose result is KEY, has in its own folder while it is removed."""
    ending = os.path.splitext(name)[1]
    return f"{CLAIMED_PREFIX}{key}{ending if len(os.fsencode(ending)) <= _ENDING_MOST else ''}"


def claimed_key(name: str) -> str | None:
    """The key in such a hidden name; None for any other."""
    return os.path.splitext(name.removeprefix(CLAIMED_PREFIX))[0] if name.startswith(CLAIMED_PREFIX) else None


def first_free(taken: Callable[[int], bool], after: int = 0) -> int:
    """A number above AFTER that is not taken; the next one where all numbers below it are.

    It is found by doubling and halving: a scanner may call every file the same, a hundred thousand times.
    """
    step = 1
    while taken(after + step):
        step *= 2
    low, high = step // 2, step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if taken(after + middle) else (low, middle)
    return after + high


def shortened(name: str, limit: int) -> str:
    """The name itself if it has at most LIMIT bytes, else its beginning and a digest of the whole."""
    raw = os.fsencode(name)
    if len(raw) <= limit:
        return name
    digest = hashlib.sha256(raw).hexdigest()[:_DIGEST_LENGTH]
    head = raw[: limit - _DIGEST_LENGTH - 1]
    # Cutting may have split a character: drop what is left of it, unless the name was no UTF-8 before.
    start = head.decode("utf-8", "ignore") if is_text(name) else os.fsdecode(head)
    return f"{start}~{digest}"
