"""Durations and sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitd.units import BYTES, SECONDS, duration, size


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (0.5, 0.5),
        (0, 0.0),
        (10, 10.0),
        (0.00001, 1e-5),
        ("0.5", 0.5),
        ("500ms", 0.5),
        ("10s", 10.0),
        ("5m", 300.0),
        ("2h", 7200.0),
        ("90d", 90 * 86400.0),
        (" 1.5 s ", 1.5),
    ],
)
def test_durations_are_seconds(written: object, seconds: float) -> None:
    """A plain number is seconds; a unit says what else."""
    assert duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("written", "number"),
    [(1000, 1000), ("1000", 1000), ("64MB", 64 * 10**6), ("64mb", 64 * 10**6), ("1 GiB", 2**30), ("1.5kB", 1500)],
)
def test_sizes_are_bytes(written: object, number: int) -> None:
    """A plain number is bytes; units count in thousands, or with an i in 1,024s, in any case."""
    assert size(written) == number


@pytest.mark.parametrize("wrong", ["", "s", "-1", -1, "1 fortnight", "10S", True, None, [], "1e3", "1,5s", "9" * 400])
def test_what_is_no_duration_is_an_error_with_examples(wrong: object) -> None:
    """The error shows what would be right."""
    with pytest.raises(ValueError, match="500ms"):
        duration(wrong)


@pytest.mark.parametrize("wrong", ["", "MB", "-1", "1 PB", "1 s", False, None, float("nan"), float("inf"), "9" * 400])
def test_what_is_no_size_is_an_error_with_examples(wrong: object) -> None:
    """The error shows what would be right."""
    with pytest.raises(ValueError, match="64MB"):
        size(wrong)


@given(st.integers(0, 10**6), st.sampled_from(sorted(SECONDS)))
def test_every_unit_of_duration_scales(number: int, unit: str) -> None:
    """So many of a unit are so many times its seconds."""
    assert duration(f"{number}{unit}") == pytest.approx(number * SECONDS[unit])


@given(st.integers(0, 10**6), st.sampled_from(sorted(BYTES)))
def test_every_unit_of_size_scales(number: int, unit: str) -> None:
    """So many of a unit are exactly so many times its bytes."""
    assert size(f"{number}{unit}") == number * BYTES[unit]


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none())
def test_anything_is_a_quantity_or_a_value_error(value: object) -> None:
    """Nothing else is ever raised, and what comes out is finite and not negative."""
    for parse in (duration, size):
        try:
            parsed = parse(value)
        except ValueError:
            continue
        assert 0 <= parsed < float("inf")
