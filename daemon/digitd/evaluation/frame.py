"""What the parts of an explanation share: the picture's width, its letters, its colours."""

from digitd.evaluation import canvas
from digitd.evaluation.canvas import BAD, DOUBT, FRAME, GOOD, QUIET, Colour, Picture
from digitd.evaluation.seen import Fate

WIDTH = 1320
"""Pixels: a screen's width, at which four stages of a page can be seen side by side."""
GAP = 20
HEADING, SMALL, TINY = 15, 12, 10
"""The heights of letters, px."""
COLOURS: dict[Fate, Colour] = {Fate.READ: GOOD, Fate.UNREAD: DOUBT, Fate.REJECTED: BAD, Fate.PASSED: QUIET}
LINES = COLOURS | {Fate.REJECTED: (150, 146, 236)}
"""Of the boxes: those of rejected candidates may be many, and must not hide the ink."""


def heading(text: str) -> Picture:
    """A band with a heading."""
    out = canvas.blank(GAP + HEADING + 12, WIDTH)
    canvas.write(out, text, (GAP, GAP + HEADING), HEADING)
    return out


def framed(out: Picture, image: Picture, at: tuple[int, int], colour: Colour = FRAME) -> None:
    """Put an image into a picture with a line around it, its upper left corner at (x, y)."""
    x, y = at
    out[y - 1 : y + image.shape[0] + 1, x - 1 : x + image.shape[1] + 1] = colour
    canvas.paste(out, image, at)
