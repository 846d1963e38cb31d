"""What people scan, as named cases: each function draws one page and says what is written on it.

The digits are those of MNIST's test set in fixtures/; paper, light and forms are made here.
"""

from functools import partial

import cv2
import numpy as np

from cases import forms, light, pens, scanners, sizes, writing
from cases.ink import Case, Drawn, Image

PLAIN = {
    case.__name__: case
    for case in (
        light.uneven_light,
        light.shadow,
        light.vignette,
        light.coloured_paper,
        light.yellowed_paper,
        pens.pencil,
        pens.ballpoint,
        pens.thin_strokes,
        pens.thick_strokes,
        sizes.page_of_20_px,
        sizes.page_of_6000_px,
        sizes.lone_digit_on_a_sheet,
        sizes.cell_cut_out,
        sizes.cut_close,
        forms.squared_paper,
        forms.squared_paper_askew,
        forms.ruled_paper,
        forms.ruled_paper_askew,
        forms.printed_boxes,
        forms.printed_boxes_askew,
        forms.boxes_apart,
        forms.comb_field,
        forms.comb_clear_of_the_digits,
        forms.line_to_write_on,
        forms.digits_touch_the_frame,
        scanners.black_border,
        scanners.table_edge,
        scanners.punch_holes,
        scanners.punch_holes_on_white,
        scanners.specks,
        scanners.jpeg_noise,
        scanners.skewed_left,
        scanners.skewed_right,
        scanners.transparent_background,
        scanners.white_on_black,
        writing.digits_touch_each_other,
        writing.five_with_its_bar_apart,
        writing.broken_stroke,
        writing.dots_and_commas,
        writing.rows_of_unequal_height,
        writing.long_commas,
        writing.rows_of_very_unequal_height,
    )
}
TURNED = {f"exif_orientation_{number}": partial(scanners.with_exif, orientation=number) for number in range(1, 9)}
CASES: dict[str, Case] = {**PLAIN, **TURNED}
"""Every case by its name."""


def drawn(name: str, seed: int) -> Drawn:
    """A page of a case; another one with another seed."""
    return CASES[name](np.random.default_rng([seed, *name.encode()]))


def file_of(page: Image | bytes) -> bytes:
    """A page as a file: itself where it is one, a PGM where it is gray, else a PNG."""
    if isinstance(page, bytes):
        return page
    return bytes(cv2.imencode(".pgm" if page.ndim == 2 else ".png", page)[1].tobytes())
