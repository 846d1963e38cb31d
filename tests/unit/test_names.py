"""File names are hostile input."""

import os
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digitd import names

# Any name that a file system can hold.
NAMES = (
    st.binary(min_size=1, max_size=255)
    .filter(lambda raw: b"/" not in raw and b"\0" not in raw and raw not in {b".", b".."})
    .map(os.fsdecode)
)
NUMBERS = st.integers(1, 10**8)
HOSTILE = os.fsdecode(b"\xff=\n\x1b[31m\xe2\x80\xae.png")
LONG_ENDING = "a." + "x" * 253


@given(NAMES)
def test_text_is_valid_unicode(name: str) -> None:
    """Whatever the bytes, the text can be written as UTF-8, and UTF-8 names are unchanged."""
    shown = names.text(name)
    shown.encode("utf-8")
    assert (shown == name) == names.is_text(name)


def test_text_shows_bytes_that_are_no_utf8() -> None:
    r"""They appear as `\xNN`."""
    assert names.text(os.fsdecode(b"a\xff\xc3.png")) == r"a\xff\xc3.png"


@given(NAMES)
@example(HOSTILE)
def test_printable_cannot_move_a_terminal(name: str) -> None:
    """No control, format or bidirectional character and no line break is left in it."""
    shown = names.printable(name)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("scan 1.png", "scan 1.png"),
        ("größe№.png", "größe№.png"),
        ("a\nb", r"a\nb"),
        ("\x1b[2J", r"\x1b[2J"),
        ("gnp.\u202e1", r"gnp.\u202e1"),
        ("a\u2028b", r"a\u2028b"),
        (os.fsdecode(b"\xff"), r"\xff"),
    ],
)
def test_printable_keeps_what_people_write(name: str, shown: str) -> None:
    """Letters of any script stay; what cannot be shown is spelled out."""
    assert names.printable(name) == shown


@pytest.mark.parametrize(
    ("name", "number", "wanted"),
    [
        ("scan.png", 1, "scan.png"),
        ("scan.png", 2, "scan~2.png"),
        ("scan", 3, "scan~3"),
        (".scan", 2, ".scan~2"),
        ("a.tar.gz", 2, "a.tar~2.gz"),
    ],
)
def test_numbers_go_before_the_ending(name: str, number: int, wanted: str) -> None:
    """The first has the name itself."""
    assert names.numbered(name, number) == wanted


def test_results_are_named_after_the_whole_name() -> None:
    """`scan.png` and `scan.jpg` have results of their own."""
    assert names.result_name("scan.png", 1) == "scan.png.json"
    assert names.result_name("scan.png", 2) == "scan.png~2.json"


@given(NAMES, NUMBERS, NUMBERS)
@example(LONG_ENDING, 1, 2)
@example("x" * 255, 1, 2)
@example("ü" * 127 + ".", 10, 100)
@example(os.fsdecode(b"\xff" * 255), 1, 10**8)
def test_made_names_fit_and_never_meet(name: str, one: int, other: int) -> None:
    """What is made of a name fits 255 bytes, is one name, is hidden only if it was, and differs for each number."""
    for make in (names.numbered, names.result_name):
        made = make(name, one)
        assert len(os.fsencode(made)) <= 255
        assert "/" not in made
        assert made.startswith(".") == name.startswith(".")
        assert (made == make(name, other)) == (one == other)
    assert names.numbered(name, 1) == name


@given(st.text(min_size=240, max_size=260), st.text(min_size=240, max_size=260))
def test_shortened_names_stay_apart(one: str, other: str) -> None:
    """Two long names that begin alike are told apart by their digests."""
    one, other = ("".join(char for char in name if char.isprintable()) for name in (one, other))
    assert (names.shortened(one, 100) == names.shortened(other, 100)) == (one == other)


@given(NAMES)
def test_shortening_keeps_text_text(name: str) -> None:
    """A name of whole characters is not cut inside one."""
    assert names.is_text(names.shortened(name, 50)) or not names.is_text(name)


@given(st.sets(st.integers(1, 200)), st.integers(0, 50))
def test_the_free_number_is_free(taken: set[int], after: int) -> None:
    """It is above the given one, is not taken, and the one below it is, or is the given one."""
    number = names.first_free(taken.__contains__, after)
    assert number > after
    assert number not in taken
    assert number - 1 in taken or number == after + 1


def test_a_hundred_thousand_files_of_one_name_cost_a_few_looks() -> None:
    """The search does not go through all that are taken."""
    looks: list[int] = []

    def taken(number: int) -> bool:
        looks.append(number)
        return number <= 100_000

    assert names.first_free(taken) == 100_001
    assert len(looks) < 50


def test_temporary_names_are_hidden() -> None:
    """What is not whole yet has a dot before its name."""
    assert names.temporary("abc") == ".digitd-abc.tmp"


def test_a_claimed_source_is_hidden_and_tells_its_key() -> None:
    """It keeps its ending, is short whatever its name, and is no stage; no other name has a key."""
    hidden = names.claimed("1-2", "x" * 240 + ".png")
    assert hidden == ".digitd-filing-1-2.png"
    assert names.claimed_key(hidden) == "1-2"
    assert names.claimed_key(names.claimed("1-2", "noending." + "x" * 200)) == "1-2"
    assert names.claimed_key(names.temporary("1-2")) is None
    assert names.claimed_key("x.png") is None


def test_the_names_before_a_numbered_one() -> None:
    """Those that it would have had if they had been free, though it was numbered twice."""
    assert list(names.earlier("results")) == []
    assert list(names.earlier("a~3")) == ["a", "a~2"]
    assert list(names.earlier("a~2~3")) == ["a~2", "a~2~2", "a"]
