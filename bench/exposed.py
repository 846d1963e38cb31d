"""Difficulties of light, paper, pencil, camera and scanner. Seeded, pure."""

from collections.abc import Sequence

import cv2
import numpy as np
import paper
from fields import Hand
from ink import Digit, Mask, Pen
from paper import Image, Layers, Light
from scene import INKS, PAPERS, WHITE, Making, Random, dark, hand, laid, sheet, tilt


def _lit(random: Random, digits: Sequence[Digit], light: Mask | None, layers: Layers) -> Making:
    picture = paper.blended(layers, sheet(random, layers), dark(random), WHITE)
    return layers, paper.photographed(random, picture if light is None else picture * light[..., None])


def shadowed(random: Random, digits: Sequence[Digit]) -> Making:
    """A shadow with a soft or a rather hard edge lies over a part of the page."""
    layers = laid(random, digits, hand(random), tilt(random))
    return _lit(random, digits, paper.shadow(random, layers.shape), layers)


def vignette(random: Random, digits: Sequence[Digit]) -> Making:
    """Darker towards the corners."""
    layers = laid(random, digits, hand(random), tilt(random))
    return _lit(random, digits, paper.vignette(random, layers.shape), layers)


def pencil(random: Random, digits: Sequence[Digit]) -> Making:
    """Faint gray strokes with the paper's grain in them: 25 to 50 % darker than the paper."""
    own = Hand(random.uniform(40, 110), Pen(stroke=random.uniform(0.05, 0.1)))
    layers = laid(random, digits, own, tilt(random))
    layers.ink = layers.ink * _grain(random, layers.shape)
    under = sheet(random, layers)
    tone = float(under.mean()) * (1 - random.uniform(0.32, 0.6))
    return layers, paper.photographed(random, paper.blended(layers, under, (tone, tone, tone), WHITE))


def _grain(random: Random, shape: tuple[int, int]) -> Mask:
    """What of a pencil's stroke stays on rough paper, 0..1, in grains of 1 to 2 px."""
    rough = cv2.GaussianBlur(random.normal(0, 1, shape).astype(np.float32), (0, 0), random.uniform(0.6, 1.1))
    return np.asarray(np.clip(0.85 + 0.3 * rough / rough.std(), 0.35, 1), np.float32)


def noisy(random: Random, digits: Sequence[Digit]) -> Making:
    """A camera's noise in poor light; the file is a JPEG of quality 15 to 40."""
    layers = laid(random, digits, hand(random), tilt(random))
    picture = paper.blended(layers, sheet(random, layers), dark(random), WHITE)
    return layers, paper.photographed(random, picture * random.uniform(0.6, 1), noise=random.uniform(5, 12))


def _tinted(random: Random, digits: Sequence[Digit], papers: Sequence[str], inks: Sequence[str]) -> Making:
    layers = laid(random, digits, hand(random), tilt(random))
    under = sheet(random, layers, PAPERS[papers[int(random.integers(len(papers)))]])
    ink = INKS[inks[int(random.integers(len(inks)))]]
    return layers, paper.photographed(random, paper.blended(layers, under, ink, WHITE))


def coloured(random: Random, digits: Sequence[Digit]) -> Making:
    """Ink of any colour on paper of any colour."""
    return _tinted(random, digits, tuple(PAPERS), tuple(INKS))


def yellowed(random: Random, digits: Sequence[Digit]) -> Making:
    """Blue ink on yellowed paper."""
    return _tinted(random, digits, ("yellowed", "kraft"), ("blue", "navy"))


def inverted(random: Random, digits: Sequence[Digit]) -> Making:
    """White on black: chalk, a negative, a drawing program."""
    layers = laid(random, digits, hand(random), tilt(random))
    level = random.uniform(5, 60)
    under: Light = paper.sheet(random, layers.shape, (level, level, level), random.uniform(0, 2))
    tone = random.uniform(200, 250)
    return layers, paper.photographed(random, paper.blended(layers, under, (tone, tone, tone), WHITE))


def bordered(random: Random, digits: Sequence[Digit]) -> Making:
    """The scanner's black lid on one to four sides, and two punch holes on the left of most pages."""
    layers = laid(random, digits, hand(random), tilt(random))
    picture = paper.photographed(random, paper.blended(layers, sheet(random, layers), dark(random), WHITE))
    lid = int(random.integers(8, 50))
    sides = [int(min(picture.shape[:2]) * random.uniform(0.03, 0.12)) for _ in range(4)]
    sides = [side if random.random() < 0.6 else 0 for side in sides]
    if not any(sides):
        sides[int(random.integers(4))] = int(min(picture.shape[:2]) * 0.08)
    top, bottom, left, right = sides
    margin = int(picture.shape[0] * 0.22) if random.random() < 0.7 else 0
    # The holes need a margin of their own, as filed paper has one.
    picture = np.pad(picture, ((0, 0), (margin, 0), (0, 0)), mode="edge")
    if margin:
        radius = int(margin * random.uniform(0.2, 0.33))
        for share in (0.25, 0.75):
            _disc(picture, margin // 2, int(picture.shape[0] * share), radius, lid)
    framed = np.pad(picture, ((top, bottom), (left, right), (0, 0)), constant_values=lid)
    layers.boxes = [(x + margin + left, y + top, w, h) for x, y, w, h in layers.boxes]
    return layers, framed


def _disc(picture: Image, x: int, y: int, radius: int, level: int) -> None:
    cv2.circle(picture, (x, y), radius, (level, level, level), -1, cv2.LINE_AA)


def specks(random: Random, digits: Sequence[Digit]) -> Making:
    """Dust: 20 to 120 specks, at most 5 % of a digit's height across, anywhere."""
    own = hand(random)
    layers = laid(random, digits, own, tilt(random))
    for _ in range(int(random.integers(20, 120))):
        y, x = random.uniform(0, layers.shape[0]), random.uniform(0, layers.shape[1])
        radius = random.uniform(0.4, max(0.8, own.height * 0.025))
        centre = (round(x * 16), round(y * 16))
        # Drawn with four bits of fraction: small specks are not all alike.
        cv2.circle(layers.print, centre, round(radius * 16), 1.0, -1, cv2.LINE_AA, 4)
    tone = float(random.uniform(40, 120))
    picture = paper.blended(layers, sheet(random, layers), dark(random), (tone, tone, tone))
    return layers, paper.photographed(random, picture)
