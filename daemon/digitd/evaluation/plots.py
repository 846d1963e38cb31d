"""The plots of a report, as PNG files' bytes. Needs matplotlib, from the extra `train`."""

import io
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from digitd.evaluation.metrics import Bin, Confusion, Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 130
INK, BLUE, QUIET, RED = "#20242c", "#2563a8", "#9aa3ae", "#b3261e"
SURE = 0.1
"""Risks are shown up to this: readers that are wrong more often are of no use with a threshold."""
FINE = 0.005
"""And at least up to this: below it, one error more or less would fill the picture."""
MANY = 5.0
"""Mistakes from which a field of the confusion matrix is dark: one alone says little."""


def risk_coverage(curve: list[Point], accept: float) -> bytes:
    """The share of the accepted that is wrong, over the share that is accepted; a dot at the threshold in use."""
    figure, axes = _figure("Risk and coverage", "accepted, of all", "wrong, of the accepted")
    axes.step([point.coverage for point in curve], [point.risk for point in curve], where="post", color=BLUE, zorder=3)
    if len(curve) > 1:
        low, high = zip(*(point.interval for point in curve), strict=True)
        coverage = [point.coverage for point in curve]
        axes.fill_between(coverage, low, high, step="post", color=BLUE, alpha=0.15, linewidth=0, label="95 % interval")
    used = [point for point in curve if point.threshold >= accept]
    if used:
        at = used[-1]
        axes.plot([at.coverage], [at.risk], "o", color=RED, zorder=4, label=f"accept {accept:g}")
    highest = max((point.risk for point in curve), default=0.0)
    axes.set_xlim(0, 1)
    top = min(SURE, max(FINE, 1.5 * highest))
    axes.set_ylim(-0.02 * top, top)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc="upper left")
    return _png(figure)


def reliability(bins: list[Bin], error: float | None) -> bytes:
    """How many are right of those given a confidence, and below it how many were given it."""
    from digitd.training.evaluate import wilson

    figure = Figure(figsize=(5.6, 5.2), dpi=DPI, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    said = "" if error is None else f" (expected calibration error {error:.2%})"
    _dress(upper, f"Reliability{said}", "", "right")
    _dress(lower, "", "confidence", "readings")
    upper.plot([0, 1], [0, 1], color=QUIET, linestyle="--", linewidth=1)
    for each in bins:
        if each.right is None or each.confidence is None:
            continue
        low, high = wilson(round(each.right * each.count), each.count)
        upper.bar(each.low, each.right, each.high - each.low, align="edge", color=BLUE, alpha=0.35, edgecolor=BLUE)
        upper.vlines(each.confidence, low, high, color=INK, linewidth=1)
        upper.plot([each.confidence], [each.right], "o", color=INK, markersize=4)
        lower.bar(each.low, each.count, each.high - each.low, align="edge", color=QUIET, edgecolor="white")
        lower.annotate(
            f"{each.count:,}", ((each.low + each.high) / 2, each.count), ha="center", va="bottom", fontsize=7, color=INK
        )
    upper.set_xlim(0, 1)
    upper.set_ylim(0, 1.02)
    lower.set_yscale("symlog", linthresh=1)
    # Room for the numbers above the bars.
    lower.set_ylim(0, 12 * max((each.count for each in bins), default=1) + 1)
    upper.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    return _png(figure)


def confusion(found: Confusion) -> bytes:
    """What was read as what: shares of a row by colour, counts as numbers; the diagonal, mostly full, is left pale."""
    figure = Figure(figsize=(5.6, 5.2), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    _dress(axes, "What was read as what", "read", "is")
    mistakes = found.counts.astype(float)
    for row in range(len(found.rows)):
        mistakes[row, row] = 0
    axes.imshow(mistakes, cmap="Reds", vmin=0, vmax=max(MANY, float(mistakes.max())) * 1.6)
    for row in range(len(found.rows)):
        for column in range(len(found.columns)):
            count = int(found.counts[row, column])
            if count:
                colour = QUIET if row == column else INK
                axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(found.columns)), list(found.columns))
    axes.set_yticks(range(len(found.rows)), list(found.rows))
    axes.grid(visible=False)
    return _png(figure)


def _figure(title: str, across: str, up: str) -> tuple[Figure, "Axes"]:
    # A figure of its own, never pyplot's: no window, no state, and Agg draws it.
    figure = Figure(figsize=(5.6, 4.2), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    _dress(axes, title, across, up)
    return figure, axes


def _dress(axes: "Axes", title: str, across: str, up: str) -> None:
    axes.set_title(title, fontsize=11, color=INK, loc="left")
    axes.set_xlabel(across, color=INK)
    axes.set_ylabel(up, color=INK)
    axes.grid(visible=True, color="#e4e7eb", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor="white")
    return file.getvalue()
