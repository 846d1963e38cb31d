"""Figures in words: the rows of the table, and what is said of a chosen threshold. Pure."""

import math
from collections.abc import Iterator

from digitd.evaluation import metrics
from digitd.evaluation.figures import Choice, Figures
from digitd.evaluation.metrics import Point
from digitd.interval import wilson

COMMON = 5
"""The commonest confusions that are named."""


def rows(found: Figures) -> list[tuple[str, str, str]]:
    """What was measured, its figure, and what it rests on."""
    left_out = [("left out", f"{found.unlabelled:,}", f"{images(found.unlabelled)} without a label")]
    return [
        ("bundle", found.bundle, found.sha256[:12]),
        (found.of, f"{found.total:,}", _statuses(found)),
        *(left_out if found.unlabelled else []),
        ("right", share(found.right, found.total), _interval(found.right, found.total)),
        ("read rate", share(found.accepted, found.total), f"accepted: {found.accepted:,}, with accept"
         f" {found.accept:g}, margin {found.margin:g}"),
        ("accepted and wrong", f"{found.accepted_wrong:,}", _of_the_accepted(found)),
        ("calibration error", "-" if found.calibration_error is None else percent(found.calibration_error),
         f"{found.confident:,} with a confidence, in {len(found.bins)} bins"),
        ("confusions", _confusions(found), _unaligned(found)),
    ]  # fmt: skip


def risks(found: Figures) -> list[tuple[str, str, str]]:
    """Rows for about round numbers of coverage: coverage, its threshold, and how many of the accepted are wrong."""
    if not found.curve:
        return []
    chosen: list[Point] = []
    for wanted in (0.5, 0.8, 0.9, 0.95, 0.98, 1.0):
        # Where the margin or a blank page keeps some away, the last row is what can be had.
        point = next((point for point in found.curve if point.coverage >= wanted), found.curve[-1])
        if not chosen or point is not chosen[-1]:
            chosen.append(point)
    return [(percent(point.coverage), f"{point.threshold:.4f}", share(point.wrong, point.accepted)) for point in chosen]


def threshold(choice: Choice, found: Figures) -> Iterator[str]:
    """What was chosen, what it rests on, and, where that is enough, the lines for config.yaml."""
    wanted = f"{100 * choice.error:g} %"
    what = found.of
    point = choice.point
    if point is None:
        yield (
            f"No threshold keeps the wrong ones at {wanted} of the accepted or fewer (margin {choice.margin:g}): even "
            f"among the surest too many are wrong, or nothing else could be accepted. Look at the errors first."
        )
        return
    low, high = point.interval
    yield (
        f"From a confidence of {point.threshold:.4f} at most {wanted} of the accepted are wrong on these {what}, with"
        f" margin {choice.margin:g}:"
    )
    yield (
        f"{point.wrong:,} wrong of {point.accepted:,} accepted ({percent(point.risk)}); read rate"
        f" {percent(point.coverage)} of {found.total:,} {what}."
    )
    if choice.lowest:
        yield "None of them was less sure and could be accepted: what a lower accept would do is not known."
    if point.wrong == 0:
        yield (
            f"0 wrong of {point.accepted:,} prove little: with 95 % confidence the share is below {percent(high)}, no"
            f" more than that is known."
        )
    else:
        yield f"With 95 % confidence the share on others like them is {percent(low)} to {percent(high)}."
    if not choice.enough:
        yield f"That is not enough to show that {wanted} holds. {_lacking(choice.error, point, what)}"
        yield f"Until then keep the accept that is set now, {found.accept:g}."
        return
    yield ""
    yield "In config.yaml:"
    yield ""
    yield "recognition:"
    yield f"  accept: {point.threshold:.4f}"
    yield f"  margin: {choice.margin:g}"


def _lacking(error: float, point: Point, what: str) -> str:
    """How many it would take to show that a threshold keeps to `error`."""
    enough = metrics.needed(error)
    if enough is None:
        return "No number of them can show that none at all will be wrong: allow a few, 0.3% for example."
    rate = math.ceil(enough / point.coverage)
    return f"It takes {enough:,} accepted without a wrong one: {rate:,} {what}, as many being accepted as here."


def images(count: int) -> str:
    """`image` or `images`."""
    return "image" if count == 1 else "images"


def share(part: int, whole: int) -> str:
    """`3 (0.56 %)`, as counts and as a percentage; never 100 % where it is not all, nor 0 % where it is some."""
    return f"{part:,} ({percent(part / whole)})" if whole else "0"


def percent(value: float) -> str:
    """A share with two decimals: rounded towards the middle at both ends, for 99.996 % is not all."""
    hundredths = value * 10_000
    near = round(hundredths)
    if near == 10_000 and value < 1:
        near = math.floor(hundredths)
    if near == 0 and value > 0:
        near = 1
    return f"{near / 100:.2f} %"


def one_line(text: str) -> str:
    """A text with signs for the ends of its lines and pages; words where there is none."""
    return text.replace("\f", " | ").replace("\n", " / ") or "(nothing)"


def _interval(part: int, whole: int) -> str:
    low, high = wilson(part, whole)
    return f"95 % interval {percent(low)} to {percent(high)}"


def _of_the_accepted(found: Figures) -> str:
    if not found.accepted:
        return "none is accepted"
    return f"{percent(found.accepted_wrong / found.accepted)} of the accepted; " + _interval(
        found.accepted_wrong, found.accepted
    )


def _statuses(found: Figures) -> str:
    return ", ".join(
        f"{found.statuses[status]:,} {status}"
        for status in ("accepted", "review", "blank", "failed")
        if found.statuses.get(status)
    )


def _confusions(found: Figures) -> str:
    commonest = found.confusion.mistaken[:COMMON]
    if not commonest and found.right < found.total:
        return "no digit for another"
    return ", ".join(f"{true} as {read}: {count:,}" for true, read, count in commonest) or "none"


def _unaligned(found: Figures) -> str:
    count, failed = found.confusion.unaligned, found.statuses.get("failed", 0)
    said = [f"{count:,} with another number of digits or lines"] if count else []
    return ", ".join(said + ([f"{failed:,} failed"] if failed else []))
