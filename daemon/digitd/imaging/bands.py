"""Parts as spans along a page's sides: how far two overlap, and which of many may meet one, found without a search."""

from collections import defaultdict
from collections.abc import Sequence

from digitd.imaging.components import Part

Sides = tuple[int, int, int, int]
"""Left, right, top and bottom, px."""


class Bands:
    """Which of many numbered spans may meet a given one, without looking at all of them."""

    def __init__(self, width: float) -> None:
        self._width = max(1.0, width)
        self._bands: defaultdict[int, set[int]] = defaultdict(set)

    def add(self, number: int, start: float, end: float) -> None:
        """Let a span have this number too; a number may have several."""
        for band in range(int(start // self._width), int(end // self._width) + 1):
            self._bands[band].add(number)

    def near(self, start: float, end: float) -> list[int]:
        """All that meet this span, and some that do not, or no longer do; ascending."""
        bands = range(int(start // self._width), int(end // self._width) + 1)
        return sorted(set().union(*(self._bands[band] for band in bands if band in self._bands)))


def sides_of(group: Sequence[Part]) -> Sides:
    """The box around parts, of which there is at least one."""
    return (
        min(part.left for part in group),
        max(part.right for part in group),
        min(part.top for part in group),
        max(part.bottom for part in group),
    )


def overlap(start: float, end: float, other_start: float, other_end: float) -> float:
    """What two spans share, of the shorter one; negative where they are apart."""
    shorter = max(1.0, min(end - start, other_end - other_start))
    return (min(end, other_end) - max(start, other_start)) / shorter
