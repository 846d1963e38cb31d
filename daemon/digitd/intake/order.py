"""Who comes first: the oldest, then by name as people sort it. Pure."""

import re

_DIGITS = re.compile("([0-9]+)")
_SECOND_NS = 1_000_000_000

NameKey = tuple[tuple[str | tuple[int, str], ...], str]
OrderKey = tuple[int, NameKey]


def name_key(path: str) -> NameKey:
    """A sort key by which scan_9 comes before scan_10; it exists for every string, and only equals compare equal."""
    parts = _DIGITS.split(path.casefold())
    # Odd places hold the digits: compared by length and then by text, like numbers, whatever their length.
    parts[1::2] = map(_number, parts[1::2])
    return tuple(parts), path


def order_key(path: str, mtime_ns: int) -> OrderKey:
    """The sort key of a waiting scan: its mtime in whole seconds (a burst counts as one moment), then its name."""
    return mtime_ns // _SECOND_NS, name_key(path)


def _number(digits: str) -> tuple[int, str]:
    significant = digits.lstrip("0")
    return len(significant), significant
