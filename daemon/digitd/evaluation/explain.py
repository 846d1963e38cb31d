"""One picture of what became of a page: its stages, its glyphs, and what the network says of each."""

import numpy as np

from digitd.evaluation import boxes, canvas, cells
from digitd.evaluation.canvas import BAD, DOUBT, GOOD, INK, QUIET, Colour, Picture
from digitd.evaluation.frame import GAP, HEADING, SMALL, WIDTH, framed, heading
from digitd.evaluation.nothing import why
from digitd.evaluation.seen import Seen
from digitd.imaging.gray import Gray
from digitd.results import Outcome, Status

STAGE_HEIGHT = 420
LONGEST = 60
"""Signs of a text in the headline: confidence and reason must have room beside it."""
STATUSES: dict[Status, Colour] = {
    Status.ACCEPTED: GOOD,
    Status.REVIEW: DOUBT,
    Status.BLANK: QUIET,
    Status.FAILED: BAD,
}


def picture(name: str, number: int, of: int, seen: Seen, outcome: Outcome) -> Picture:
    """The picture (H, W, 3) of page `number` of `of` of the scan `name`, whose outcome is that of all its pages."""
    bands = [_head(name, number, of, seen, outcome), *_stages(seen)]
    if seen.glyphs:
        bands += [heading(boxes.words(seen)), boxes.legend(seen), boxes.boxes(seen), *cells.cells(seen)]
    else:
        bands.append(heading("No glyph was found."))
        bands += [_sentence(line) for line in canvas.wrapped(why(seen), SMALL, WIDTH - 2 * GAP)]
    return np.vstack([*bands, canvas.blank(GAP, WIDTH)])


def said(outcome: Outcome, most: int | None = None) -> str:
    """Status, text (its first `most` signs), confidence and reason in a line."""
    text = outcome.text.replace("\f", " | ").replace("\n", " / ")
    if most is not None and len(text) > most:
        text = f"{text[:most]}..."
    parts = [str(outcome.status)]
    if text:
        parts.append(text)
    if outcome.confidence is not None:
        parts.append(f"confidence {outcome.confidence:.4f}")
    if outcome.reason is not None:
        parts.append(f"reason {outcome.reason.code}")
    return ", ".join(parts)


def _head(name: str, number: int, of: int, seen: Seen, outcome: Outcome) -> Picture:
    height, width = seen.page.shape
    title = f"{name}, page {number} of {of}, {width} x {height} px"
    lines = [(canvas.shortened(title, HEADING, WIDTH - 2 * GAP), HEADING, INK)]
    lines.append(
        (canvas.shortened(said(outcome, LONGEST), HEADING, WIDTH - 2 * GAP), HEADING, STATUSES[outcome.status])
    )
    if of > 1:
        page = seen.text.replace("\n", " / ") or "(nothing)"
        lines.append((canvas.shortened(f"this page: {page}", SMALL, WIDTH - 2 * GAP), SMALL, INK))
    if outcome.reason is not None:
        message = outcome.reason.message.removeprefix(f"{name}: ")
        lines += [(line, SMALL, QUIET) for line in canvas.wrapped(message, SMALL, WIDTH - 2 * GAP)]
    out = canvas.blank(GAP + sum(size + 11 for _, size, _ in lines), WIDTH)
    y = GAP
    for text, size, colour in lines:
        y += size
        canvas.write(out, text, (GAP, y), size, colour)
        y += 11
    return out


def _stages(seen: Seen) -> list[Picture]:
    """The stages beside each other; wide pages below each other, for they would be too small."""
    if seen.stages is None:
        shown = [("decoded: it is in MNIST's form, and goes to the network as it is", seen.page)]
    else:
        found = seen.stages
        shown = [
            ("decoded, in gray", seen.page),
            ("flattened: how much darker than the paper", _inverted(found.flattened)),
            ("ink found: all that stands out", _inverted(found.found * 255)),
            ("rules and frames removed: what is read", _inverted(found.ink.ink)),
        ]
    shape = seen.page.shape[1] / seen.page.shape[0]
    columns = min(len(shown), 4 if shape < 1.6 else 2 if shape < 7 else 1)
    width = (WIDTH - (columns + 1) * GAP) // columns
    bands = []
    for start in range(0, len(shown), columns):
        images = [
            canvas.fitted(canvas.coloured(image), STAGE_HEIGHT, width - 2) for _, image in shown[start:][:columns]
        ]
        out = canvas.blank(max(image.shape[0] for image in images) + SMALL + GAP + 12, WIDTH)
        for place, ((text, _), image) in enumerate(zip(shown[start:], images, strict=False)):
            x = GAP + place * (width + GAP)
            canvas.write(out, canvas.shortened(text, SMALL, width), (x, GAP // 2 + SMALL), SMALL)
            framed(out, image, (x + 1, GAP // 2 + SMALL + 10))
        bands.append(out)
    return bands


def _sentence(text: str) -> Picture:
    out = canvas.blank(SMALL + 11, WIDTH)
    canvas.write(out, text, (GAP, SMALL), SMALL, QUIET)
    return out


def _inverted(image: Gray) -> Gray:
    """Dark on light, as people write."""
    return np.asarray(255 - image, np.uint8)
