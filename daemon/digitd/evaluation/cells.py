"""The glyphs of an explanation one by one: what the network sees, and what it says."""

from collections.abc import Sequence

import cv2

from digitd.evaluation import canvas
from digitd.evaluation.canvas import FRAME, INK, QUIET, Picture
from digitd.evaluation.frame import COLOURS, GAP, HEADING, TINY, WIDTH, heading
from digitd.evaluation.seen import Glyph, Seen
from digitd.recognition.bundle import NO_DIGIT
from digitd.recognition.confidence import rounded

MOST, MOST_REJECTED = 60, 16
"""Glyphs and rejected candidates that are shown one by one: what one can look through."""
COLUMNS = 4
SIDE = 112
"""A glyph's 28x28 pixels, each four wide."""
CELL = (WIDTH - (COLUMNS + 1) * GAP) // COLUMNS
CELL_HEIGHT = SIDE + 24
SEEN_PRIOR = 0.05
"""What shape says is left out where it would be rounded to nothing."""


def cells(seen: Seen) -> list[Picture]:
    """Each glyph as the network sees it, with what it says; then what was rejected."""
    read = sorted((glyph for glyph in seen.glyphs if glyph.number is not None), key=lambda one: one.number or 0)
    others = [glyph for glyph in seen.glyphs if glyph.number is None and glyph.row is not None]
    bands = []
    if read:
        shown, which = least_sure(read)
        bands += [
            heading(f"What the network sees of each, and the probabilities of the classes{which}"),
            *_rows(shown, seen),
        ]
    if others:
        shown, which = likeliest(others, seen.classes)
        bands += [heading(f"Looked at, and not chosen{which}"), *_rows(shown, seen)]
    return bands


def least_sure(read: list[Glyph]) -> tuple[list[Glyph], str]:
    """As many glyphs as are shown, in the order of reading, and words that say which, where not all are."""
    if len(read) <= MOST:
        return read, ""
    shown = sorted(read, key=lambda one: one.confidence)[:MOST]
    return sorted(shown, key=lambda one: one.number or 0), f": the {MOST} least sure of {len(read):,}"


def likeliest(others: list[Glyph], classes: tuple[str, ...]) -> tuple[list[Glyph], str]:
    """As many candidates as are shown, the best rivals first: those that are a digit, whichever, most probably.

    And words that say which, where not all are. What is surely no digit competed with nothing.
    """
    digits = [place for place, name in enumerate(classes) if name != NO_DIGIT]

    def chance(one: Glyph) -> float:
        return 0.0 if one.row is None else float(one.row[digits].max())

    shown = sorted(others, key=lambda one: -chance(one))[:MOST_REJECTED]
    more = f": the {MOST_REJECTED} of {len(others):,} that are likeliest a digit"
    return shown, more if len(others) > MOST_REJECTED else ""


def _rows(glyphs: Sequence[Glyph], seen: Seen) -> list[Picture]:
    bands = []
    for start in range(0, len(glyphs), COLUMNS):
        out = canvas.blank(CELL_HEIGHT + GAP, WIDTH)
        for place, glyph in enumerate(glyphs[start : start + COLUMNS]):
            _cell(out, glyph, seen.classes, GAP + place * (CELL + GAP))
        bands.append(out)
    return bands


def _cell(out: Picture, glyph: Glyph, classes: tuple[str, ...], x: int) -> None:
    assert glyph.candidate.pixels is not None and glyph.row is not None and glyph.guess is not None
    colour = COLOURS[glyph.fate]
    image = canvas.fitted(canvas.coloured(glyph.candidate.pixels), SIDE, SIDE)
    canvas.paste(out, image, (x, 0))
    cv2.rectangle(out, (x - 1, -1), (x + SIDE, SIDE), colour, 1)
    left, top, width, height = glyph.candidate.box
    where = f"at {left},{top}, {width} x {height}"
    caption = f"{glyph.number}.  {where}" if glyph.number is not None else f"{glyph.fate}, {where}"
    if abs(glyph.candidate.prior) >= SEEN_PRIOR:
        caption += f", prior {glyph.candidate.prior:.1f}"
    canvas.write(out, canvas.shortened(caption, TINY, CELL), (x, SIDE + TINY + 5), TINY, QUIET)
    bars = x + SIDE + 14
    best = f"{glyph.guess.digit}  {rounded(glyph.guess.confidence):.4f}"
    canvas.write(out, best, (bars, HEADING), HEADING, colour)
    if glyph.guess.alternatives:
        second = glyph.guess.alternatives[0]
        after = bars + canvas.width_of(best, HEADING) + 12
        text = f"or {second.digit}  {second.confidence:.4f}"
        canvas.write(out, canvas.shortened(text, TINY, x + CELL - after), (after, HEADING), TINY, QUIET)
    step = (x + CELL - bars) // len(classes)
    ground, tall = SIDE - TINY - 4, SIDE - TINY - HEADING - 16
    cv2.line(out, (bars, ground), (bars + step * len(classes), ground), FRAME, 1)
    for place, (name, share) in enumerate(zip(classes, glyph.row, strict=True)):
        at = bars + place * step
        up = round(float(share) * tall)
        if up:
            shade = colour if name == glyph.guess.digit else QUIET
            cv2.rectangle(out, (at + 2, ground - up), (at + step - 3, ground - 1), shade, -1)
        middle = at + (step - canvas.width_of(name, TINY)) // 2
        canvas.write(out, name, (middle, SIDE - 1), TINY, INK)
