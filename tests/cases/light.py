"""Cases of light and paper."""

import numpy as np
from numpy.random import Generator

from cases.ink import Drawn, across, grain, image_of, inked, paper_of, written


def uneven_light(rng: Generator) -> Drawn:
    """A lamp at one side: the far side of the page gets a third of the light."""
    ink, text = written(rng)
    return image_of(inked(paper_of(rng, ink.shape), ink) * (1 - 0.65 * across(ink.shape, rng))), text


def shadow(rng: Generator) -> Drawn:
    """The shadow of a hand or a phone, with an edge, lies over a part of the number."""
    ink, text = written(rng)
    edge = rng.uniform(0.35, 0.65)
    light = 1 - 0.5 / (1 + np.exp((edge - across(ink.shape, rng)) * 70))
    return image_of(inked(paper_of(rng, ink.shape), ink) * light), text


def vignette(rng: Generator) -> Drawn:
    """A photograph that gets darker towards its corners."""
    ink, text = written(rng)
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j]
    return image_of(inked(paper_of(rng, ink.shape), ink) * (1 - 0.33 * (x * x + y * y))), text


def coloured_paper(rng: Generator) -> Drawn:
    """Blue, green, pink, orange or yellow paper, and dark ink."""
    ink, text = written(rng)
    colours = [(230, 190, 140), (150, 220, 160), (190, 160, 240), (90, 170, 245), (110, 235, 250)]
    paper = np.asarray(colours[rng.integers(len(colours))], np.float32) + paper_of(rng, (*ink.shape, 1), 0)
    return image_of(inked(paper, ink[..., None], 50)), text


def yellowed_paper(rng: Generator) -> Drawn:
    """Old paper: yellow-brown, blotched and stained, its ink faded to brown."""
    ink, text = written(rng)
    blotches = 12 * grain(rng, ink.shape, 40) + 8 * grain(rng, ink.shape, 9)
    stain = 30 * np.clip(grain(rng, ink.shape, 70) * 2 - 1, 0, 1)
    paper = np.asarray((165, 205, 225), np.float32) + (paper_of(rng, ink.shape, 0, 3) - blotches - stain)[..., None]
    return image_of(inked(paper, 0.85 * ink[..., None], 0) + 0.85 * ink[..., None] * np.asarray((40, 60, 85))), text
