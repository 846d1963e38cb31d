"""Why a page has no glyph, in words, as far as its stages tell."""

import numpy as np

from digitd.evaluation.crop import parts
from digitd.evaluation.seen import Seen


def why(seen: Seen) -> str:
    """What became of the marks of a page without a glyph: none, too faint, taken away, or specks."""
    stages = seen.stages
    if stages is None:
        return "There is no ink in it."
    darkest = int(stages.flattened.max())
    if darkest == 0:
        return "Nothing on it is darker than its paper."
    if not stages.found.any():
        return (
            f"Nothing stands out: the darkest spot is {darkest} of 255 darker than the paper, which is too faint, or"
            f" too little, or no more than the paper's own grain."
        )
    stood = int(np.count_nonzero(stages.found))
    boxes = parts(stages.ink.mask)
    if not len(boxes):
        return (
            f"Something stood out ({stood:,} of {stages.found.size:,} pixels), and all of it was taken for rules,"
            f" frames, the edge of the paper, or specks."
        )
    width, height = (round(float(size) * stages.ink.scale) for size in boxes[:, 2:].max(axis=0))
    marks = "mark" if len(boxes) == 1 else "marks"
    return (
        f"There is too little ink: {len(boxes):,} {marks}, at most {width} px wide and {height} px tall on a page of"
        f" {seen.page.shape[1]} x {seen.page.shape[0]} px, which counts as specks, or as signs without a digit."
    )
