"""Plots of a day as the numbers that an SVG needs: plain bars, drawn by a template. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from digitd.review.day import CLASSES, Day

WIDTH, HEIGHT = 360, 120
"""Of the field in which bars stand, in units of the SVG."""
GAP = 0.18
"""Of a bar's place that is left free."""


@dataclass(frozen=True)
class Bar:
    """A bar, and what it says: `09:00: 12`."""

    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True)
class Tick:
    """A word at an axis."""

    at: float
    word: str


@dataclass(frozen=True)
class Plot:
    """A title, bars, words below them, the highest value in words; and the same as rows of a table."""

    name: str
    title: str
    says: str
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    top: str
    rows: tuple[tuple[str, str], ...]
    width: int = WIDTH
    height: int = HEIGHT


def plots_of(day: Day) -> list[Plot]:
    """Rate, share of review and confidence."""
    hours = [f"{hour:02}:00" for hour in range(len(day.hours))]
    counts = day.by_hour
    shares = day.shares
    classes = [f"{low:g} to {high:g}" for low, high in pairwise(CLASSES)]
    return [
        _plot("rate", "Scans by hour", hours, counts, [f"{count:,}" for count in counts], every=6),
        _plot(
            *("share", "Share of review", hours),
            *([share or 0.0 for share in shares], ["–" if share is None else f"{share:.0%}" for share in shares]),
            every=6,
            top=1.0 if max((share or 0.0 for share in shares), default=0.0) > 0.5 else 0.5,
        ),
        _plot(
            *("confidence", "Scans by confidence", classes, day.confidences),
            [f"{count:,}" for count in day.confidences],
            words=[f"{low:g}" for low in CLASSES],
        ),
    ]


def _plot(
    name: str,
    title: str,
    labels: Sequence[str],
    values: Sequence[float],
    said: Sequence[str],
    *,
    every: int = 1,
    top: float | None = None,
    words: Sequence[str] = (),
) -> Plot:
    """WORDS stand at the borders between bars; without them each EVERYth label stands below its bar."""
    highest = top or max(values, default=0.0) or 1.0
    place = WIDTH / len(values)
    bars = tuple(
        Bar(
            round(number * place + place * GAP / 2, 2),
            round(HEIGHT - (tall := HEIGHT * value / highest), 2),
            round(place * (1 - GAP), 2),
            round(tall, 2),
            f"{label}: {word}",
        )
        for number, (label, value, word) in enumerate(zip(labels, values, said, strict=True))
        if value
    )
    ticks = (
        tuple(Tick(round(number * place, 2), word) for number, word in enumerate(words))
        if words
        else tuple(Tick(round((n + 0.5) * place, 2), labels[n]) for n in range(0, len(labels), every))
    )
    rows = tuple((label, word) for label, word in zip(labels, said, strict=True) if word not in {"0", "–"})
    most = f"{highest:.0%}" if top else f"{highest:,.0f}"
    return Plot(name, title, _said(title, rows), bars, ticks, most, rows)


def _said(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """The whole plot in a sentence, for who cannot see it."""
    if not rows:
        return f"{title}: nothing yet today."
    return f"{title}: {'; '.join(f'{label}: {word}' for label, word in rows)}."
