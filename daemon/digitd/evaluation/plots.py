"""The plots of a report, as PNG files' bytes. Needs matplotlib, from the extra `train`."""

import io
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from digitd.evaluation.metrics import Bin, Confusion, Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 130
INK, BLUE, QUIET, RED, RIGHT = "#20242c", "#2563a8", "#9aa3ae", "#b3261e", "#dcefe0"
FINE = 0.005
"""Risks are shown at least up to this: below it, one error more or less would fill the picture."""
ROOM = 1.15
"""Above the highest value that is shown so much is left."""
HALF = 0.5
"""From this coverage on the whole interval is shown: of the first few readings it reaches nearly to 100 %."""
MANY = 5.0
"""Mistakes from which a field of the confusion matrix is dark: one alone says little."""


def risk_coverage(curve: list[Point], accept: float) -> bytes:
    """The share of the accepted that is wrong, over the share that is accepted; a dot at the threshold in use."""
    figure, axes = _figure("Risk and coverage", "accepted, of all", "wrong, of the accepted")
    axes.step([point.coverage for point in curve], [point.risk for point in curve], where="post", color=BLUE, zorder=3)
    # Of one point alone a line has no length.
    axes.plot([point.coverage for point in curve][-1:], [point.risk for point in curve][-1:], ".", color=BLUE, zorder=3)
    if len(curve) > 1:
        low, high = zip(*(point.interval for point in curve), strict=True)
        coverage = [point.coverage for point in curve]
        axes.fill_between(coverage, low, high, step="post", color=BLUE, alpha=0.15, linewidth=0, label="95 % interval")
    used = [point for point in curve if point.threshold >= accept]
    if used:
        at = used[-1]
        axes.plot([at.coverage], [at.risk], "o", color=RED, zorder=4, label=f"accept {accept:g}")
    axes.set_xlim(0, 1)
    top = highest_risk(curve)
    axes.set_ylim(-0.02 * top, top)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    if axes.get_legend_handles_labels()[0]:
        # Below the plot, where it hides nothing of it.
        figure.legend(frameon=False, loc="outside lower center", ncols=2)
    return _png(figure)


def highest_risk(curve: list[Point]) -> float:
    """Where the axis of risks ends: above the whole curve, and above the interval of its better covered half."""
    shown = [point.risk for point in curve]
    shown += [point.interval[1] for point in curve if point.coverage >= HALF] or [
        point.interval[1] for point in curve[-1:]
    ]
    return min(1.0, max(FINE, ROOM * max(shown, default=0.0)))


def reliability(bins: list[Bin], error: float | None) -> bytes:
    """How many are right of those given a confidence, and below it how many were given it."""
    from digitd.interval import wilson

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
    """What was read as what: mistakes by colour, counts as numbers; what is right has a ground of its own."""
    figure = Figure(figsize=(5.6, 5.2), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    others = f"\nand {found.unaligned:,} with another number of digits or lines" if found.unaligned else ""
    _dress(axes, f"What was read as what{others}", "read", "is")
    mistakes = found.counts.astype(float)
    for row in range(len(found.rows)):
        mistakes[row, row] = 0
    axes.imshow(mistakes, cmap="Reds", vmin=0, vmax=max(MANY, float(mistakes.max())) * 1.6)
    for row in range(len(found.rows)):
        axes.add_patch(Rectangle((row - 0.5, row - 0.5), 1, 1, facecolor=RIGHT, edgecolor="none"))
        for column in range(len(found.columns)):
            count = int(found.counts[row, column])
            if count:
                weight = "normal" if row == column else "bold"
                axes.text(
                    *(column, row, f"{count:,}"), ha="center", va="center", color=INK, fontsize=9, fontweight=weight
                )
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
