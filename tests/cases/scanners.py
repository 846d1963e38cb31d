"""Cases of what scanners and cameras do."""

import struct

import cv2
import numpy as np
from numpy.random import Generator

from cases.ink import Drawn, image_of, inked, number, paper_of, turned, written


def black_border(rng: Generator) -> Drawn:
    """The lid was open: black along two or more edges of the page."""
    ink, text = written(rng, 64, 60)
    page = inked(paper_of(rng, ink.shape), ink)
    edges = rng.permutation(4)[: int(rng.integers(2, 5))]
    for edge in edges:
        wide = int(rng.integers(8, 30))
        np.rot90(page, edge)[:wide] = rng.normal(18, 4)
    return image_of(page), text


def table_edge(rng: Generator) -> Drawn:
    """A photograph with a piece of the dark table beside the paper, its edge a little askew."""
    ink, text = written(rng, 64, 60)
    page = inked(paper_of(rng, ink.shape), ink)
    wide, slope = rng.uniform(14, 30), rng.uniform(-0.06, 0.06)
    side = np.rot90(page, int(rng.integers(4)))
    y, x = np.mgrid[0 : side.shape[0], 0 : side.shape[1]]
    side[y < wide + slope * (x - side.shape[1] / 2)] = 70
    return image_of(cv2.GaussianBlur(page, (0, 0), 0.8) + rng.normal(0, 3, page.shape)), text


def punch_holes(rng: Generator) -> Drawn:
    """A sheet from a folder: two punched holes, black, above or beside the number."""
    row, text = number(rng)
    ink = np.pad(row, ((130, 60), (130, 60)))
    page = image_of(inked(paper_of(rng, ink.shape), ink))
    radius = int(rng.integers(18, 28))
    height, width = page.shape
    beside = rng.random() < 0.5
    for at in (0.25, 0.75):
        centre = (60, round(height * at)) if beside else (round(width * at), 60)
        cv2.circle(page, centre, radius, 15, -1, cv2.LINE_AA)
    return page, text


def punch_holes_on_white(rng: Generator) -> Drawn:
    """The same under a white lid: of each hole a gray ring is seen, or, where light falls from one side, a bow."""
    row, text = number(rng)
    ink = np.pad(row, ((130, 60), (130, 60)))
    page = image_of(inked(paper_of(rng, ink.shape), ink))
    radius, pen, level = int(rng.integers(12, 22)), int(rng.integers(2, 5)), float(rng.uniform(40, 130))
    start, sweep = float(rng.uniform(0, 360)), float(rng.choice((250, 360)))
    height, width = page.shape
    beside = rng.random() < 0.5
    for at in (0.2, 0.8):
        centre = (60, round(height * at)) if beside else (round(width * at), 60)
        cv2.circle(page, centre, radius, 250, -1, cv2.LINE_AA)
        cv2.ellipse(page, centre, (radius, radius), 0, start, start + sweep, level, pen, cv2.LINE_AA)
    return page, text


def specks(rng: Generator) -> Drawn:
    """A dirty glass: some hundred specks of dust, and hairs."""
    ink, text = written(rng)
    page = image_of(inked(paper_of(rng, ink.shape), ink))
    for _ in range(int(rng.integers(60, 160))):
        x, y = (int(rng.integers(0, side)) for side in page.shape[::-1])
        cv2.circle(page, (x, y), int(rng.integers(0, 2)), int(rng.integers(40, 160)), -1)
    return page, text


def jpeg_noise(rng: Generator) -> Drawn:
    """A photograph sent on by a messenger: JPEG at a quality of 8 to 20, with blocks and halos."""
    ink, text = written(rng)
    page = image_of(inked(paper_of(rng, ink.shape, 225, 5), ink, 70))
    return bytes(cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(8, 21))])[1].tobytes()), text


def _skewed(rng: Generator, way: int) -> Drawn:
    ink, text = written(rng)
    return turned(image_of(inked(paper_of(rng, ink.shape), ink)), way * float(rng.uniform(3, 10)), 235), text


def skewed_left(rng: Generator) -> Drawn:
    """A sheet laid on the glass up to 10 degrees anticlockwise."""
    return _skewed(rng, 1)


def skewed_right(rng: Generator) -> Drawn:
    """A sheet laid on the glass up to 10 degrees clockwise."""
    return _skewed(rng, -1)


def with_exif(rng: Generator, orientation: int) -> Drawn:
    """A photograph whose pixels are stored another way up, and whose EXIF says how (1 to 8)."""
    ink, text = written(rng)
    page = image_of(inked(paper_of(rng, ink.shape), ink))
    # The inverse of what a viewer does: 5 and 7 are their own inverses, 6 and 8 each other's.
    stored = {
        1: page,
        2: page[:, ::-1],
        3: page[::-1, ::-1],
        4: page[::-1],
        5: page.T,
        6: page.T[::-1],
        7: page[::-1, ::-1].T,
        8: page.T[:, ::-1],
    }[orientation]
    jpeg = bytes(cv2.imencode(".jpg", np.ascontiguousarray(stored))[1].tobytes())
    body = b"Exif\x00\x00II*\x00" + struct.pack("<IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:], text


def transparent_background(rng: Generator) -> Drawn:
    """A drawing exported from a tablet: ink, black or white, on nothing."""
    ink, text = written(rng)
    colours = np.full((*ink.shape, 4), rng.choice((0, 255)), np.uint8)
    colours[..., 3] = image_of(255 * ink)
    return bytes(cv2.imencode(".png", colours)[1].tobytes()), text


def white_on_black(rng: Generator) -> Drawn:
    """Chalk on a board, or a negative."""
    ink, text = written(rng)
    return image_of(inked(paper_of(rng, ink.shape, 35, 4), ink, 225)), text
