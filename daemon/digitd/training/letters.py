"""Letters, signs and short words: what a page holds beside digits, drawn by code and by OpenCV's Hershey fonts.

What a hurried pen could mean as a digit is left out, for teaching that it is none would make real digits
unreadable: O o Q D (0), I l i | / \\ ! ( ) [ ] (1), Z z (2), } (3), Y y u t (4), S s $ (5), b G (6), J T j r > (7),
g q a (9), the square B of most fonts (8); and C U n e, which a thick pen closes to a 0 or an 8. Only a B whose stem
stands out on the left is drawn; ? f = are drawn and not printed, for a font's bold ones run together.
"""

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from digitd.imaging.gray import Gray, as_gray
from digitd.training import augment
from digitd.training.strokes import Drawing, joined, varied

Line = npt.NDArray[np.float64]
"""Points (n, 2) of one stroke, x and y."""

JITTER = 0.02
"""Standard deviation of a control point's place, in heights: less than a digit's, so that no letter becomes one."""
ANGULAR = 0.15
"""Share of drawings whose curves become straight lines."""

# In the notation of shapes.py: x,y in hundredths, y down; ! marks a sharp corner, | parts strokes.
SIGNS: dict[str, tuple[str, ...]] = {
    "A": ("0,100 28,0! 56,100 | 8,64 48,64", "0,100 3,30 28,0 53,30 56,100 | 2,58 54,58"),
    "B": ("-14,0 10,0 35,0 52,22 35,44 10,46! 38,50 62,75 38,100 -14,100 | 8,0 8,50 8,100",),
    "E": ("55,0! 0,0! 0,100! 58,100 | 0,50 45,50", "58,10 32,0 10,22 38,46! 5,60 5,85 32,100 62,88"),
    "F": ("60,0! 0,0! 0,100 | 0,45 46,45",),
    "H": ("0,0 0,50 0,100 | 64,0 64,50 64,100 | 0,50 64,50",),
    "K": ("0,0 0,50 0,100 | 58,0 0,56! 60,100",),
    "M": ("0,100 3,0! 38,70! 72,0! 75,100", "0,100 8,0! 38,100! 68,0! 78,100"),
    "N": ("0,100 0,0! 58,100! 58,0",),
    "P": ("0,100 0,0! 35,0 56,24 35,50 0,52",),
    "R": ("0,100 0,0! 35,0 54,24 35,48 0,50! 25,50 60,100",),
    "V": ("0,0 32,100! 64,0",),
    "W": ("0,0 20,100! 42,30! 64,100! 86,0", "0,0 8,90 28,98 44,40 58,98 78,90 88,0"),
    "X": ("0,0 30,50 62,100 | 62,0 30,50 0,100",),
    "d": ("52,55 26,42 0,66 10,95 36,98 54,74 | 56,0 56,50 56,104",),
    "f": ("58,8 40,0 27,20 27,60 27,100 | 0,42 56,42",),
    "h": ("0,0 0,50 0,100 | 0,66 26,46 50,58 52,100",),
    "k": ("0,0 0,50 0,100 | 46,36 0,68! 50,100",),
    "m": ("0,30! 2,100! 2,52 20,32 36,46 36,100! 36,52 54,32 72,46 72,100",),
    "p": ("0,0 0,50 0,140 | 0,22 26,0 54,28 32,64 0,60",),
    "w": ("0,0 24,70! 44,10! 64,70! 88,0", "0,0 10,60 30,62 44,10 58,62 80,60 88,0"),
    "?": ("0,18 12,2 36,0 54,16 42,34 27,44 27,60 | 24,98 28,98 28,102",),
    "%": ("14,0 0,14 14,28 28,14 14,0 | 78,0 40,50 0,100 | 66,70 52,85 66,100 80,85 66,70",),
    "@": ("60,62 46,70 34,52 44,32 62,36 62,62 78,68 90,45 74,8 44,0 10,20 0,55 18,90 52,100 78,90",),
    "#": ("22,0 16,50 10,100 | 60,0 54,50 48,100 | 0,32 72,32 | 0,66 72,66",),
    "*": ("36,0 36,80 | 0,20 72,60 | 72,20 0,60",),
    "+": ("0,42 40,40 80,42 | 40,0 40,40 40,80",),
    "=": ("0,0 40,0 80,0 | 0,34 40,34 80,34",),
    "~": ("0,22 20,0 50,22 80,44 100,18",),
    "<": ("72,0 0,36! 72,72",),
    "€": ("80,12 52,0 22,16 12,50 22,84 52,100 80,86 | 0,38 60,38 | 0,60 56,60",),
    "£": ("64,18 48,0 28,10 26,50 24,80 0,98! 30,96 70,98 | 2,50 52,50",),
    "π": ("0,12 10,0 50,2 92,0 | 28,4 26,50 14,90 | 64,4 62,70 76,90",),
    "Σ": ("66,14! 64,0! 0,0! 38,50! 0,100! 66,100! 68,86",),
    "√": ("0,44 14,36! 34,100! 54,0! 126,0",),
    "Ω": ("0,100! 26,100! 26,86 6,60 6,28 42,0 78,28 78,60 58,86 58,100! 84,100",),
    "arrow": ("0,30 50,30 100,30 | 70,0 100,30! 70,60", "100,30 50,30 0,30 | 30,0 0,30! 30,60"),
    "tick": ("0,40 26,78! 100,0", "0,50 8,46 28,80! 60,30 108,0"),
    "heart": ("46,96! 4,48 2,14 26,0 46,36! 66,0 90,14 88,48 46,96",),
    "star": (
        "18,100! 50,0! 82,100! 0,36! 100,36! 18,100",
        "50,0! 62,36! 100,36! 68,58! 80,96! 50,72! 20,96! 32,58! 0,36! 38,36! 50,0",
    ),
    "smiley": ("50,0 12,14 0,50 14,86 50,100 86,86 100,50 88,14 50,0 | 32,30 33,40 | 66,30 67,40 | 24,62 50,80 76,62",),
    "house": ("0,100! 0,42! 45,0! 90,42! 90,100! 0,100 | 0,42 90,42",),
    "flower": (
        "50,36 34,14 50,0 66,14 50,36! 82,26 94,44 80,58 52,48! 66,84 48,94 36,80 48,50! 18,66 2,52 14,32 50,36",
    ),
}
"""Each sign's shapes; the key names it."""

PRINTED = "AEFHKMNPRVWXdhkmpwx%&@#*+~<"
"""What the upright fonts print alone."""
SCRIPT = "AHKMNRWXkmwx"
"""What the script fonts print alone: their other letters have the loops of digits."""
ANY_LETTER = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""In a word every letter may stand: two that look like digits are no single digit either."""
LETTERS = tuple(name for name in SIGNS if name.isascii() and len(name) == 1 and name.isalpha())
"""The letters among the signs."""
VOWELS, CONSONANTS = "aeiou", "bcdfghklmnprstvwz"

UPRIGHT_FACES = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_COMPLEX_SMALL,
)
SCRIPT_FACES = (cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX)


def sign(rng: np.random.Generator) -> Gray:
    """A letter or a sign written by a pen, as ink (H, W)."""
    names = tuple(SIGNS)
    shapes = SIGNS[names[rng.integers(len(names))]]
    return augment.written(joined(sketch(shapes[rng.integers(len(shapes))], rng)), rng)


def printed(rng: np.random.Generator) -> Gray:
    """A letter or a sign of a font, distorted like handwriting, as ink (H, W)."""
    if rng.random() < 0.25:
        return _typed(SCRIPT[rng.integers(len(SCRIPT))], SCRIPT_FACES[rng.integers(len(SCRIPT_FACES))], rng)
    return _typed(PRINTED[rng.integers(len(PRINTED))], UPRIGHT_FACES[rng.integers(len(UPRIGHT_FACES))], rng)


def word(rng: np.random.Generator) -> Gray:
    """Two to four letters, of a font or as one cursive pen's drawing, as ink (H, W)."""
    count = int(rng.integers(2, 5))
    if rng.random() < 0.35:
        return augment.written(_cursive(count, rng), rng)
    if rng.random() < 0.5:
        text = "".join(ANY_LETTER[i] for i in rng.integers(0, len(ANY_LETTER), count))
    else:
        text = "".join((CONSONANTS, VOWELS)[i % 2][rng.integers(17 if i % 2 == 0 else 5)] for i in range(count))
    faces = UPRIGHT_FACES + SCRIPT_FACES * 2
    return _typed(text, faces[rng.integers(len(faces))], rng)


def sketch(shape: str, rng: np.random.Generator) -> list[Line]:
    """A shape in the notation of `SIGNS` as lines, jittered and stretched."""
    return varied(shape, rng, JITTER, ANGULAR, (0.85, 1.25))


def inked(lines: list[Line], thickest: float, rng: np.random.Generator) -> Gray:
    """Lines drawn by a pen of up to `thickest` of their extent, and distorted, as ink (H, W)."""
    path = joined(lines)
    points = path.points - path.points.min(0)
    size = int(rng.integers(32, 80))
    thickness = max(1, round(size * float(rng.uniform(0.02, thickest))))
    margin = size // 5 + thickness
    placed = points * (size / max(float(points.max()), 1e-3)) + margin
    ink = np.zeros((size + 2 * margin, size + 2 * margin), np.uint8)
    # OpenCV takes the first axis as the list of lines: each edge is one.
    edges = cast(list[npt.NDArray[np.int32]], np.round(placed * 16).astype(np.int32)[path.edges])
    cv2.polylines(ink, edges, False, 255, thickness, cv2.LINE_AA, 4)
    return warped(ink, rng)


def _cursive(count: int, rng: np.random.Generator) -> Drawing:
    """Several letters beside each other, some of them joined by a stroke along the ground."""
    lines: list[Line] = []
    left = 0.0
    for i in range(count):
        shapes = SIGNS[LETTERS[rng.integers(len(LETTERS))]]
        letter = sketch(shapes[rng.integers(len(shapes))], rng)
        shift = left - min(float(line[:, 0].min()) for line in letter)
        lines.extend(line + np.array((shift, 0.0)) for line in letter)
        right = max(float(line[:, 0].max()) for line in lines)
        gap = float(rng.uniform(0.02, 0.25))
        if i < count - 1 and rng.random() < 0.5:
            lines.append(np.array(((right - 0.1, 1.0), (right + gap / 2, 1.02), (right + gap + 0.05, 0.8))))
        left = right + gap
    return joined(lines)


def _typed(text: str, face: int, rng: np.random.Generator) -> Gray:
    """A font's text, distorted, as ink (H, W)."""
    face |= cv2.FONT_ITALIC if rng.random() < 0.25 else 0
    height = int(rng.integers(24, 56 if len(text) == 1 else 36))
    scale = height / cv2.getTextSize("H", face, 1.0, 1)[0][1]
    thickness = max(1, round(height * 0.02 * 8 ** float(rng.beta(1.2, 1.6))))
    (width, _), below = cv2.getTextSize(text, face, scale, thickness)
    side = max(width, height + below) + 2 * thickness + height // 2
    ink = np.zeros((side, side), np.uint8)
    origin = ((side - width) // 2, (side + height) // 2)
    cv2.putText(ink, text, origin, face, scale, 255, thickness, cv2.LINE_AA)
    return warped(ink, rng)


def warped(ink: Gray, rng: np.random.Generator, strength: float = 1.0) -> Gray:
    """Square ink (S, S) turned, stretched (by `strength` of a digit's) and bent as by a hand, and seen as by a lens."""
    side = len(ink)
    matrix = augment.affine(rng, strength)
    matrix[:, 2] = side / 2 - matrix[:, :2] @ (side / 2, side / 2)
    ink = as_gray(cast(Gray, cv2.warpAffine(ink, matrix, (side, side), flags=cv2.INTER_LINEAR)))
    return augment.seen(augment.bent(ink, rng) if rng.random() < 0.6 else ink, rng)
