"""Durations and sizes as people write them: `0.5`, `500ms`, `10s`, `90d`, `64MB`. Pure."""

import re

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_BYTES_BY_LOWER_CASE = {unit.lower(): factor for unit, factor in BYTES.items()}
_MOST = 1e15
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


def duration(value: object) -> float:
    """Seconds of a number or of a string with a unit. ValueError where it is neither."""
    allowed = "a duration such as 0.5, 500ms, 10s, 5m, 2h or 90d"
    number, unit = _split(value, allowed)
    if unit and unit not in SECONDS:
        raise ValueError(allowed)
    return number * SECONDS[unit or "s"]


def size(value: object) -> int:
    """Bytes of a number or of a string with a unit. ValueError where it is neither."""
    allowed = "a size such as 1000000, 64MB, 64MiB or 1GB"
    number, unit = _split(value, allowed)
    if unit and unit.lower() not in _BYTES_BY_LOWER_CASE:
        raise ValueError(allowed)
    return int(number * _BYTES_BY_LOWER_CASE[unit.lower() or "b"])


def _split(value: object, allowed: str) -> tuple[float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        number, unit = float(value), ""
    elif isinstance(value, str) and (match := _QUANTITY.fullmatch(value)):
        number, unit = float(match[1]), match[2]
    else:
        raise ValueError(allowed)
    if not 0 <= number <= _MOST:
        raise ValueError(allowed)
    return number, unit
