"""Which recognition settings hold for a folder."""

import pytest

from digitd.profiles import chooser
from digitd.settings import Profile, Recognition

GENERAL = Recognition(layout="auto", digits=None, accept=0.9, margin=0.5)


@pytest.mark.parametrize(
    ("folder", "digits", "accept"),
    [
        ("", None, 0.9),
        ("letters", None, 0.9),
        ("forms", 8, 0.9),
        ("forms/2024/may", 8, 0.9),
        ("forms/strict", 8, 0.99),
        ("forms/strict/deep", 8, 0.99),
        ("old/forms", None, 0.9),
        ("Forms", None, 0.9),
    ],
)
def test_a_pattern_holds_for_its_folders_and_those_below(folder: str, digits: int | None, accept: float) -> None:
    """And only for those, as they are written."""
    choose = chooser(GENERAL, {"forms": Profile(digits=8), "forms/strict/": Profile(accept=0.99)})
    chosen = choose(folder)
    assert (chosen.digits, chosen.accept) == (digits, accept)
    assert (chosen.layout, chosen.margin) == ("auto", 0.5)


def test_what_is_below_a_folder_is_also_what_lies_in_it() -> None:
    """`forms/*` holds for the scans in `forms` and for its subfolders, and for nothing beside it."""
    choose = chooser(GENERAL, {"forms/*": Profile(digits=8)})
    assert [choose(folder).digits for folder in ("forms", "forms/may", "forms2", "")] == [8, 8, None, None]


def test_the_later_pattern_wins() -> None:
    """In the order of the file, key by key."""
    profiles = {"*": Profile(digits=1, layout="line"), "a*": Profile(digits=2), "ab": Profile(digits=3)}
    choose = chooser(GENERAL, profiles)
    assert [choose(folder).digits for folder in ("x", "ax", "ab")] == [1, 2, 3]
    assert choose("ab").layout == "line"


def test_without_profiles_the_general_settings_hold() -> None:
    """Everywhere."""
    assert chooser(GENERAL, {})("any/where") == GENERAL
