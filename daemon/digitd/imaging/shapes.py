"""What a mark's shape says before anything is read: may it be several digits, or a piece of one. Pure."""

from itertools import pairwise

from digitd.imaging.lines import Group
from digitd.imaging.touching import extent_of

Extent = tuple[int, int]
"""Width and height, px."""

WIDE = 0.45
"""Two digits have at least this width together, of the height: two ones of a thin pen."""
LIKELY, WIDER = 0.95, 1.35
"""Wider than this share of the height, or than the line's other digits by this, a mark may well be several digits."""
LIKELY_ALONE = 1.1
"""The same for one that is all there is on the page."""
SIZEABLE = 0.4
"""Parts of a group that are taller than this share of it, side by side, may be two digits."""
JOINED, GAP = 1.2, 0.3
"""Two marks may be one broken digit up to this width and gap, of the height of the line's digits..."""
NARROW, LOW = 0.4, 0.75
"""... where one of them is narrower or less tall than these."""
CLOSE = 0.1
"""Two marks that are nearer than this share of the digits' height may be one even where both are read surely."""


def may_be_several(group: Group, extent: Extent) -> bool:
    """Whether a mark has room for two digits."""
    width, height = extent
    return height > 4 and (width > WIDE * height or _side_by_side(group, height))


def likely_several(group: Group, extent: Extent, usual: float, alone: bool) -> bool:
    """Whether it is wider than most digits. `usual` is the width of the line's, `alone` that it is all there is."""
    width, height = extent
    if alone:
        return width > LIKELY_ALONE * height
    return width > LIKELY * height or (width > WIDER * usual and width > WIDE * height) or _side_by_side(group, height)


def are_one(left: Group, right: Group, tall: float) -> bool:
    """Whether two marks beside each other may be one digit that broke; `tall` is the height of the line's digits."""
    width, height = extent_of([*left, *right])
    doubtful = any(own < NARROW * tall or own_height < LOW * tall for own, own_height in map(extent_of, (left, right)))
    return doubtful and gap_of(left, right) <= GAP * tall and width <= JOINED * max(tall, height)


def gap_of(left: Group, right: Group) -> int:
    """The columns between two marks, px; 0 where they overlap."""
    return max(0, min(part.left for part in right) - max(part.right for part in left))


def _side_by_side(group: Group, height: int) -> bool:
    parts = sorted((part for part in group if part.height > SIZEABLE * height), key=lambda part: part.left)
    # Their middles are farther apart than where one would lie within the other by a quarter.
    return any(
        right.left + right.right - left.left - left.right
        > left.width + right.width - 0.5 * min(left.width, right.width)
        for left, right in pairwise(parts)
    )
