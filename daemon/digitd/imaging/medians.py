"""Medians over a line's marks without one of them, for each of them: by one sorting."""

from bisect import bisect_left
from collections.abc import Sequence


def median_of_others(ordered: Sequence[int], own: int, start: int) -> float | None:
    """The median of an ascending sequence from `start` on, without one that equals `own`; None if none is left.

    Equal ones must not stand on both sides of `start`.
    """
    at = bisect_left(ordered, own)
    without = at >= start
    count = len(ordered) - start - without
    if count <= 0:
        return None
    low, high = start + (count - 1) // 2, start + count // 2
    return (ordered[low + (without and low >= at)] + ordered[high + (without and high >= at)]) / 2
