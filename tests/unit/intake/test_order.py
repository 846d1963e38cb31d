"""Who comes first."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from digitd.intake.order import name_key, order_key

NAMES = st.text(st.one_of(st.sampled_from("0123456789a_./"), st.characters(categories=["Nd", "No", "Cs", "L"])))


def test_names_are_sorted_as_people_do() -> None:
    """Numbers in names count as numbers, whatever their length or case."""
    names = ["scan_10", "Scan_9", "scan_100", "scan_1", "scan_01", "a/9/2", "a/10/1", "9" * 5000, "scan"]
    assert sorted(names, key=name_key) == [
        "9" * 5000, "a/9/2", "a/10/1", "scan", "scan_01", "scan_1", "Scan_9", "scan_10", "scan_100",
    ]  # fmt: skip


def test_the_oldest_comes_first_and_a_second_is_one_moment() -> None:
    """mtime decides by whole seconds; within one, the name."""
    assert order_key("b", 1_900_000_000) < order_key("a", 2_000_000_000)
    assert order_key("scan_9", 1_900_000_000) < order_key("scan_10", 1_100_000_000)
    assert order_key("a", -1) < order_key("a", 0)


@given(st.lists(NAMES))
def test_every_name_has_its_place(names: list[str]) -> None:
    """Any strings compare, and only equal ones share a place."""
    ordered = sorted(set(names), key=name_key)
    keys = [name_key(name) for name in ordered]
    assert all(a < b for a, b in pairwise(keys))
