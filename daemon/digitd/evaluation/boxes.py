"""The page of an explanation, with a box around every candidate."""

import math

import cv2

from digitd.evaluation import canvas
from digitd.evaluation.canvas import QUIET, Colour, Picture
from digitd.evaluation.frame import COLOURS, GAP, LINES, SMALL, WIDTH, framed
from digitd.evaluation.seen import Fate, Seen
from digitd.recognition.confidence import Guess, rounded
from digitd.results import CONFIDENCE_DIGITS

HEIGHT = 700
ROOM = 0.6
"""Around the glyphs so much of the page is shown, of the largest glyph's height."""
WORDS = {
    Fate.READ: "a digit, and how probable it is",
    Fate.UNREAD: "no digit",
    Fate.REJECTED: "another way to cut, rejected",
    Fate.PASSED: "passed over: a separator, or dirt",
}


def words(seen: Seen) -> str:
    """How many glyphs were read, and how sure the cuts between them are."""
    read = sum(glyph.number is not None for glyph in seen.glyphs)
    text = f"{_count(read, 'glyph')}, as read"
    if any(glyph.fate is Fate.REJECTED for glyph in seen.glyphs):
        return f"{text}; that they part there and nowhere else has the probability {rounded(seen.segmentation):.4f}"
    return text


def legend(seen: Seen) -> Picture:
    """What the colours mean that occur."""
    out = canvas.blank(SMALL + 14, WIDTH)
    x = GAP
    for fate in Fate:
        if any(glyph.fate is fate for glyph in seen.glyphs):
            cv2.rectangle(out, (x, 2), (x + SMALL, 2 + SMALL), LINES[fate], 2)
            canvas.write(out, WORDS[fate], (x + SMALL + 8, 2 + SMALL), SMALL, QUIET)
            x += SMALL + 8 + canvas.width_of(WORDS[fate], SMALL) + 2 * GAP
    return out


def boxes(seen: Seen) -> Picture:
    """The part of the page that has glyphs, and the box of every candidate."""
    left, top, right, bottom = _part(seen)
    image = canvas.fitted(canvas.coloured(seen.page[top:bottom, left:right]), HEIGHT, WIDTH - 2 * GAP)
    scale = image.shape[1] / (right - left)
    above = SMALL + 10
    out = canvas.blank(image.shape[0] + 2 * above, WIDTH)
    framed(out, image, (GAP, above))
    # What was chosen lies over what was not, and the words over all.
    placed = []
    for glyph in sorted(seen.glyphs, key=lambda one: one.fate is not Fate.REJECTED):
        x, y, width, height = glyph.candidate.box
        corner = GAP + round((x - left) * scale), above + round((y - top) * scale)
        size = round(width * scale), round(height * scale)
        thick = 1 if glyph.fate in (Fate.REJECTED, Fate.PASSED) or size[0] < 24 else 2
        cv2.rectangle(out, corner, (corner[0] + size[0], corner[1] + size[1]), LINES[glyph.fate], thick)
        if glyph.number is not None and glyph.guess is not None:
            placed.append((glyph, glyph.guess, corner, size[0]))
    for glyph, guess, corner, width in placed:
        _label(out, guess, corner, width, COLOURS[glyph.fate])
    return out


def _part(seen: Seen) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is shown of the page, px."""
    height, width = seen.page.shape
    boxes = [glyph.candidate.box for glyph in seen.glyphs]
    room = round(ROOM * max(box[3] for box in boxes)) + 1
    return (
        max(0, min(box[0] for box in boxes) - room),
        max(0, min(box[1] for box in boxes) - room),
        min(width, max(box[0] + box[2] for box in boxes) + room),
        min(height, max(box[1] + box[3] for box in boxes) + room),
    )


def _label(out: Picture, guess: Guess, corner: tuple[int, int], width: int, colour: Colour) -> None:
    """The digit over its box, with as much of the confidence as there is room for; nothing where there is none."""
    text = next((each for each in labels(guess) if canvas.width_of(each, SMALL) <= width + 12), None)
    if text is None:
        return
    x, y = corner[0], corner[1] - 5
    # On a ground of its own: it may lie over other ink.
    cv2.rectangle(out, (x - 1, y - SMALL - 2), (x + canvas.width_of(text, SMALL) + 1, y + 3), canvas.WHITE, -1)
    canvas.write(out, text, (x, y), SMALL, colour)


def labels(guess: Guess) -> list[str]:
    """The digit with its confidence, the longest first: what has no room is cut off, and nothing rounded up."""
    sure = round(rounded(guess.confidence) * 10**CONFIDENCE_DIGITS)
    cut = [f"{math.floor(sure / 10 ** (CONFIDENCE_DIGITS - n)) / 10**n:.{n}f}" for n in (CONFIDENCE_DIGITS, 3, 2)]
    return [*(f"{guess.digit} {each}" for each in cut), guess.digit]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
