"""The table of how well digitd reads: each row with what is asked of it, and the seed recipe beside it. Pure."""

import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from reading import Seen, calibration, share

INTRODUCTION = """\
`make bench-recognition MNIST=FOLDER SCANS=FOLDER FIELDS=FOLDER NODIGITS=FOLDER` wrote this section. Generated pages
hold MNIST test digits; the pictures without digits are drawn. Shares have Wilson's 95 % intervals. Scans called `dev`
were in view while digitd was made: they flatter. Times are one core's. The seed recipe is `digitd train --preset
tutorial` with its own preprocessing (read in gray, resized to 28x28, inverted): one digit a picture, and no way to
decline."""
NOT_MEASURED = "not measured"


@dataclass
class Measured:
    """What one reader made of it all; None or absent where it was not measured."""

    seen: dict[str, list[Seen]]
    mnist: tuple[int, int] | None = None
    seeds: list[tuple[int, int]] | None = None
    small_a_second: float | None = None
    photograph_ms: float | None = None
    photograph: str = ""


@dataclass(frozen=True)
class Figure:
    """A value to compare, and how it is said."""

    value: float
    words: str


@dataclass(frozen=True)
class Row:
    """A line of the table. `good`: the least is reached; `best`: the aim is."""

    what: str
    least: str
    aim: str
    measured: str
    good: bool | None
    best: bool | None
    seed: str


@dataclass(frozen=True)
class Asked:
    """What is asked of a figure: its least and its aim, as a number and in words; `up` if more is better."""

    what: str
    least: float
    aim: float
    said: tuple[str, str]
    figure: Callable[[Measured], Figure | None]
    up: bool = True

    def row(self, product: Measured, seed: Measured) -> Row:
        """The line for what was measured."""
        found, beside = self.figure(product), self.figure(seed)
        words = "-" if beside is None else beside.words
        if found is None:
            return Row(self.what, *self.said, NOT_MEASURED, None, None, words)
        value = found.value if self.up else -found.value
        least, aim = (self.least, self.aim) if self.up else (-self.least, -self.aim)
        return Row(self.what, *self.said, found.words, value >= least, value >= aim, words)


def rows(product: Measured, seed: Measured) -> list[Row]:
    """All lines, those of what was not measured too."""
    return [asked.row(product, seed) for asked in ASKED]


def markdown(lines: list[Row]) -> str:
    """The table."""
    out = ["| what | at least | aim | measured | | seed recipe |", "| --- | --- | --- | --- | --- | --- |"]
    for row in lines:
        verdict = "" if row.good is None else "aim" if row.best else "yes" if row.good else "**no**"
        out.append(f"| {row.what} | {row.least} | {row.aim} | {row.measured} | {verdict} | {row.seed} |")
    return "\n".join(out)


def _mnist(measured: Measured) -> Figure | None:
    if measured.mnist is None:
        return None
    return Figure(measured.mnist[0] / measured.mnist[1], share(*measured.mnist))


def _seeds(measured: Measured) -> Figure | None:
    if measured.seeds is None:
        return None
    shares = [right / total for right, total in measured.seeds]
    mean = statistics.mean(shares)
    each = ", ".join(f"{one:.2%}" for one in shares)
    spread = statistics.stdev(shares) if len(shares) > 1 else 0.0
    return Figure(mean, f"{mean:.3%}, standard deviation {spread * 100:.3f} points ({len(shares)} seeds: {each})")


def _right(what: str) -> Callable[[Measured], Figure | None]:
    def figure(measured: Measured) -> Figure | None:
        seen = measured.seen.get(what)
        if not seen:
            return None
        right = sum(one.right for one in seen)
        return Figure(right / len(seen), share(right, len(seen)))

    return figure


def _accepted_wrong(measured: Measured) -> Figure | None:
    accepted = [one for one in measured.seen.get("scans", []) if one.accepted]
    if not accepted:
        return None
    wrong = sum(not one.right for one in accepted)
    return Figure(wrong / len(accepted), share(wrong, len(accepted)))


def _read_rate(measured: Measured) -> Figure | None:
    seen = measured.seen.get("scans")
    if not seen:
        return None
    accepted = sum(one.accepted for one in seen)
    return Figure(accepted / len(seen), share(accepted, len(seen)))


def _nodigits(measured: Measured) -> Figure | None:
    seen = measured.seen.get("nodigits")
    if not seen:
        return None
    made_up = [one for one in seen if one.accepted and one.text]
    kinds = Counter(one.kind for one in made_up)
    totals = Counter(one.kind for one in seen)
    if len(made_up) == len(seen):
        return Figure(1.0, share(len(made_up), len(seen)))
    listed = ", ".join(f"{kind} {kinds[kind]} of {total}" for kind, total in totals.items())
    return Figure(len(made_up) / len(seen), f"{share(len(made_up), len(seen))}: {listed}")


def by_kind(seen: list[Seen]) -> dict[str, float]:
    """The share of each kind that is right, the worst first."""
    totals, right = Counter(one.kind for one in seen), Counter(one.kind for one in seen if one.right)
    return dict(sorted(((kind, right[kind] / totals[kind]) for kind in totals), key=lambda each: each[1]))


def _pages(measured: Measured) -> Figure | None:
    seen = measured.seen.get("pages")
    if not seen:
        return None
    right = sum(one.right for one in seen)
    return Figure(right / len(seen), share(right, len(seen)))


def _worst(measured: Measured) -> Figure | None:
    seen = measured.seen.get("pages")
    if not seen:
        return None
    kinds = by_kind(seen)
    if len(set(kinds.values())) == 1:
        return Figure(min(kinds.values()), f"{min(kinds.values()):.1%} of each")
    listed = ", ".join(f"{kind} {value:.1%}" for kind, value in kinds.items())
    return Figure(min(kinds.values()), listed)


def _pages_accepted(measured: Measured) -> Figure | None:
    accepted = [one for one in measured.seen.get("pages", []) if one.accepted]
    if not accepted:
        return None
    wrong = sum(not one.right for one in accepted)
    rate = len(accepted) / len(measured.seen["pages"])
    return Figure(wrong / len(accepted), f"{share(wrong, len(accepted))}; {rate:.1%} of the pages accepted")


def _calibration(what: str) -> Callable[[Measured], Figure | None]:
    def figure(measured: Measured) -> Figure | None:
        seen = measured.seen.get(what)
        if not seen:
            return None
        error = calibration(seen)
        return Figure(error, f"{error:.2%}")

    return figure


def _small(measured: Measured) -> Figure | None:
    speed = measured.small_a_second
    return None if speed is None else Figure(speed, f"{speed:,.0f} scans a second")


def _photograph(measured: Measured) -> Figure | None:
    lasted = measured.photograph_ms
    return None if lasted is None else Figure(lasted, f"{lasted:,.0f} ms ({measured.photograph})")


CALIBRATED = ("1.5 %", "0.8 %")
ASKED = (
    Asked("MNIST test, the bundle as it ships", 0.9970, 0.9980, ("99.70 %", "99.80 %"), _mnist),
    Asked("MNIST test, mean of the training seeds", 0.9970, 0.9980, ("99.70 %", "99.80 %"), _seeds),
    Asked("scans: text exactly right, layout auto", 0.987, 0.996, ("98.7 %", "99.6 %"), _right("scans")),
    Asked("scans: wrong among the accepted", 0.004, 0.0, ("0.4 %", "0"), _accepted_wrong, up=False),
    Asked("scans: read rate (accepted)", 0.93, 0.98, ("93 %", "98 %"), _read_rate),
    Asked("fields: whole text right", 0.88, 0.96, ("88 %", "96 %"), _right("fields")),
    Asked(
        "pictures without a digit, given and generated: read as digits and accepted",
        0.02, 0.005, ("2 %", "0.5 %"), _nodigits, up=False,
    ),
    Asked("generated pages of 3 to 10 digits: fields whole", 0.96, 0.985, ("96 %", "98.5 %"), _pages),
    Asked("the same, by difficulty, the worst first", 0.90, 0.985, ("90 % each", "98.5 %"), _worst),
    Asked("the same: wrong among the accepted", 0.003, 0.0, ("0.3 %", "0"), _pages_accepted, up=False),
    Asked("expected calibration error, generated pages", 0.015, 0.008, CALIBRATED, _calibration("pages"), up=False),
    Asked("expected calibration error, scans", 0.015, 0.008, CALIBRATED, _calibration("scans"), up=False),
    Asked("imaging and network, small scans with one digit, one core", 1000, 3000, ("1,000 a second", "3,000"), _small),
    Asked("a photograph of a page, 12 megapixels, one core", 400, 150, ("400 ms", "150 ms"), _photograph, up=False),
)  # fmt: skip
"""What is asked, in the order of the table."""
