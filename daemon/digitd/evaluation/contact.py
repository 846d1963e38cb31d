"""The contact sheet: what was read wrongly, the surest first, each with its picture, its label and what was read."""

from collections.abc import Callable, Sequence

from digitd.evaluation import canvas, words
from digitd.evaluation.canvas import BAD, DOUBT, FRAME, INK, QUIET, Picture
from digitd.evaluation.figures import Case
from digitd.imaging.gray import Gray

MOST = 60
"""Errors on a sheet: what one looks at before one begins to mend."""
COLUMNS = 6
CELL, TEXT, GAP = 200, 74, 14
SIZE = 11


def sheet(errors: Sequence[Case], picture_of: Callable[[Case], Gray | None]) -> Picture:
    """The sheet of the first MOST errors; `picture_of` gives a case's page (H, W), None where it cannot be shown."""
    shown = errors[:MOST]
    columns = min(COLUMNS, max(1, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    width, height = max(3, columns) * (CELL + GAP) + GAP, rows * (CELL + TEXT + GAP) + 2 * GAP + SIZE
    out = canvas.blank(height, width)
    more = f", the surest {MOST} of them" if len(errors) > MOST else ""
    title = f"{len(errors):,} read wrongly{more}; the surest first" if errors else "Nothing was read wrongly."
    canvas.write(out, title, (GAP, GAP + SIZE), SIZE + 1)
    for place, case in enumerate(shown):
        x = GAP + place % columns * (CELL + GAP)
        y = 2 * GAP + SIZE + place // columns * (CELL + TEXT + GAP)
        _cell(out, case, picture_of(case), x, y)
    return out


def _cell(out: Picture, case: Case, page: Gray | None, x: int, y: int) -> None:
    out[y : y + CELL, x : x + CELL] = FRAME
    if page is None:
        canvas.write(out, "no picture", (x + 8, y + CELL // 2), SIZE, QUIET)
    else:
        small = canvas.fitted(canvas.coloured(page), CELL - 2, CELL - 2)
        canvas.paste(out, small, (x + (CELL - small.shape[1]) // 2, y + (CELL - small.shape[0]) // 2))
    sure = "" if case.confidence is None else f" {case.confidence:.4f}"
    lines = [
        (f"is   {words.one_line(case.label)}", INK),
        (f"read {words.one_line(case.text)}", INK),
        (f"{case.status}{sure}", BAD if case.status == "accepted" else DOUBT),
    ]
    for number, (text, colour) in enumerate(lines):
        canvas.write(out, canvas.shortened(text, SIZE, CELL), (x, y + CELL + 17 * (number + 1)), SIZE, colour)
    name = canvas.shortened(case.name, SIZE - 2, CELL, keep="end")
    canvas.write(out, name, (x, y + CELL + 17 * 4 - 1), SIZE - 2, QUIET)
