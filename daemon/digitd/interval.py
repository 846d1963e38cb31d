"""The interval that a share of a sample leaves for the share of all. Pure."""

import math

Z95 = 1.959964
"""The normal distribution's quantile for a two-sided interval of 95 %."""


def wilson(correct: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (E. B. Wilson, JASA 1927): it holds near 0 and 1 too."""
    if not total:
        return 0.0, 1.0
    share, z2 = correct / total, Z95**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    # At the ends the formula gives the share itself, and rounding must not shut that out.
    low = 0.0 if correct == 0 else max(0.0, middle - half)
    return low, 1.0 if correct == total else min(1.0, middle + half)
