"""The best path through a page's candidates, and how sure it is."""

import math
import tracemalloc
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from digitd.imaging.priors import WEIGHTS
from digitd.recognition.lattice import JUNK, LEAST_EXPECTED, MOST_ODDS, ODDS, READ_AS, Edge, choose, score

Line = tuple[int, list[Edge]]


def paths(edges: Sequence[Edge], border: int, last: int) -> Iterator[tuple[int, ...]]:
    """Every path from a border to the last, the slow and plain way."""
    if border == last:
        yield ()
    for index, edge in enumerate(edges):
        if edge.start == border:
            yield from ((index, *rest) for rest in paths(edges, edge.end, last))


@st.composite
def lattices(draw: st.DrawFn) -> Line:
    """A line of up to six borders with a path through all of them, and whatever else."""
    length = draw(st.integers(1, 5))
    spans = [(start, start + 1) for start in range(length)]
    spans += draw(
        st.lists(st.tuples(st.integers(0, length - 1), st.integers(1, length)).filter(lambda s: s[0] < s[1]))
        if length > 1
        else st.just([])
    )
    scores = draw(st.lists(st.floats(-8, 0), min_size=len(spans), max_size=len(spans)))
    texts = draw(st.lists(st.sampled_from(("", "?", "1", "7")), min_size=len(spans), max_size=len(spans)))
    return length, [
        Edge(*span, value, int(text.isdigit()), text) for span, value, text in zip(spans, scores, texts, strict=True)
    ]


@given(st.lists(lattices(), max_size=2), st.none() | st.integers(0, 6))
def test_the_choice_is_what_trying_all_paths_gives(lines: list[Line], expected: int | None) -> None:
    """The best path, and the share of all paths' weight that those have that read as it does, with an expected number
    of digits or without."""
    whole = [()]
    for number, (length, edges) in enumerate(lines):
        every = list(paths(edges, 0, length))
        whole = [(*before, *((number, index) for index in path)) for before in whole for path in every]  # type: ignore[misc]
        assume(len(whole) < 3000)

    def value(path: Sequence[tuple[int, int]]) -> float:
        return sum(lines[line][1][index].score for line, index in path)

    def count(path: Sequence[tuple[int, int]]) -> int:
        return sum(lines[line][1][index].digits for line, index in path)

    def reading(path: Sequence[tuple[int, int]]) -> list[tuple[int, str]]:
        return [(line, text) for line, index in path if (text := lines[line][1][index].text)]

    weights = {path: math.exp(value(path)) for path in whole}
    fitting = {path: weight for path, weight in weights.items() if expected is None or count(path) == expected}
    share = sum(fitting.values()) / sum(weights.values())
    assume(abs(share / LEAST_EXPECTED - 1) > 1e-6)
    if share < LEAST_EXPECTED:
        fitting = weights
    choice = choose(lines, expected)
    chosen = tuple((line, index) for line, path in enumerate(choice.paths) for index in path)
    assert chosen in fitting
    assert fitting[chosen] == pytest.approx(max(fitting.values()))
    alike = sum(weight for path, weight in fitting.items() if reading(path) == reading(chosen))
    assert choice.probability == pytest.approx(alike / sum(fitting.values()))


def test_two_halves_of_a_zero_lose_against_the_zero() -> None:
    """A longer path is not better for being longer: sure ones from a cut zero lose to a sure zero by the cut's prior,
    and to a less sure one too."""
    for whole in (0.99, 0.8):
        halves = [Edge(0, 1, score(0.97, 0, 0), 1, "1"), Edge(1, 2, score(0.97, 0, -3.0), 1, "1")]
        choice = choose([(2, [Edge(0, 2, score(whole, 0, 0), 1, "0"), *halves])])
        assert choice.paths == ((0,),)
        assert 0.9 < choice.probability < 1


def test_the_odds_against_no_digit_count_up_to_a_bound() -> None:
    """Of two equally probable digits the one that is more surely none scores less; a network without the class says
    nothing."""
    assert score(0.9, 0.09, 0) < score(0.9, 0.01, 0) < score(0.9, 1e-6, 0) == score(0.9, 1e-9, 0)
    assert score(0.9, 0, -1.0) == pytest.approx(math.log(0.9) - 1)


def test_pieces_that_look_like_ones_count_less_than_eights() -> None:
    """Half of a digit is often read as a 1, and never as an 8: what is read so is worth as much more."""
    assert score(0.9, 0.01, 0, "8") - score(0.9, 0.01, 0, "1") == pytest.approx(READ_AS["8"] - READ_AS["1"])
    assert READ_AS["1"] < min(READ_AS["8"], READ_AS["9"])


def test_two_digits_in_one_box_win_against_their_box() -> None:
    """What cannot be read as one digit is cut where its pieces can."""
    pieces = [Edge(0, 1, score(0.95, 0.01, 0), 1), Edge(1, 2, score(0.9, 0.02, -2.0), 1)]
    choice = choose([(2, [Edge(0, 2, score(0.01, 0.98, 0), 0), *pieces])])
    assert choice.paths == ((1, 2),)


def test_a_blot_is_not_cut_until_its_pieces_look_like_digits() -> None:
    """What is surely no digit is passed over at a fixed price, cheaper than four doubtful pieces."""
    cheapest = WEIGHTS.cut + WEIGHTS.bays
    pieces = [Edge(at, at + 1, score(0.4, 0.5, 0 if at == 0 else cheapest), 0) for at in range(4)]
    assert choose([(4, [Edge(0, 4, score(0.001, 0.99, 0), 0), *pieces])]).paths == ((0,),)
    assert score(1e-6, 0.99, 0) == pytest.approx(math.log(JUNK * 0.99) - ODDS * MOST_ODDS)


def test_the_expected_number_of_digits_chooses_among_close_paths_alone() -> None:
    """With two digits expected a cut that is a little less probable is chosen; one that is next to impossible never."""

    def line(prior: float) -> list[Line]:
        return [(2, [Edge(0, 2, 0.0, 1), Edge(0, 1, 0.0, 1), Edge(1, 2, prior, 1)])]

    assert choose(line(-2.0)).paths == ((0,),)
    assert choose(line(-2.0), 2).paths == ((1, 2),)
    assert choose(line(-2.0), 2).probability == pytest.approx(1)
    assert choose(line(-12.0), 2).paths == ((0,),)
    assert choose(line(-2.0), 5).paths == ((0,),)


def test_what_is_certain_is_certain() -> None:
    """With one path the segmentation is sure, and lines keep their own edges."""
    lines = [(1, [Edge(0, 1, -2.0, 1)]), (2, [Edge(0, 1, -1.0, 1), Edge(1, 2, 0.0, 0)])]
    assert choose(lines).paths == ((0,), (0, 1))
    assert choose(lines).probability == pytest.approx(1)
    assert choose([]).paths == ()
    assert choose([]).probability == 1


def test_a_line_of_thousands_of_marks_takes_no_table_of_marks_by_texts() -> None:
    """Of 5,000 marks, two of which may be cut, only as many weights are kept as there are ways to count them."""
    edges = [Edge(at, at + 1, -0.1, 1, str(at % 10)) for at in range(5000)]
    edges += [Edge(at, at + 2, -1.0, 1, "8") for at in (17, 4000)]
    tracemalloc.start()
    try:
        choice = choose([(5000, edges)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert choice.paths == (tuple(range(5000)),)
    assert 0.4 < choice.probability < 0.6
    assert peak < 10_000_000
