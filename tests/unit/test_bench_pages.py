"""The generated pictures that recognition is measured on are what they say, and the results keep their sections."""

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

ROOT = Path(__file__).parents[2]
FIXTURE = ROOT / "tests" / "fixtures" / "mnist-digits.npz"
# The benchmarks are scripts that find each other in their own folder.
sys.path.append(str(ROOT / "bench"))

import alternatives  # noqa: E402
import ink  # noqa: E402
import nodigits  # noqa: E402
import pages  # noqa: E402
import responses  # noqa: E402
import results  # noqa: E402
import table  # noqa: E402
import throughput  # noqa: E402
from reading import Seen  # noqa: E402

Images = npt.NDArray[np.uint8]
ASKED = {
    "plain", "ruled", "squared", "boxed", "comb", "shadowed", "vignette", "skewed", "touching", "pencil", "thin",
    "thick", "small", "large", "noisy", "coloured", "yellowed", "inverted", "uneven", "bordered", "specks",
    "dotted", "rows",
}  # fmt: skip


@pytest.fixture(scope="module")
def digits() -> Iterator[tuple[Images, Images]]:
    """The committed MNIST digits."""
    with np.load(FIXTURE) as stored:
        yield stored["images"], stored["labels"]


def decoded(data: bytes) -> Images:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def ink_share(page: pages.Page, box: tuple[int, int, int, int]) -> float:
    """By how many gray levels the box's pixels stray from the paper beside it, at most."""
    x, y, w, h = box
    gray = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY).astype(float)
    inside = gray[y : y + h, x : x + w]
    return float(np.ptp(inside))


def test_every_difficulty_is_named() -> None:
    """Each that issue and documentation speak of has a generator under its name, and there is no other."""
    assert set(pages.DIFFICULTIES) == ASKED


@pytest.mark.parametrize("name", sorted(ASKED))
def test_a_page_holds_what_its_label_says(name: str, digits: tuple[Images, Images]) -> None:
    """As many boxes as the label has digits, 3 to 10, all inside the picture and with ink in them; the file decodes."""
    for number in range(3):
        page = pages.one(name, *digits, seed=5, number=number)
        text = page.label.replace("\n", "")
        assert text.isdigit() and pages.FEWEST <= len(text) <= pages.MOST
        assert len(page.boxes) == len(text)
        assert page.label.count("\n") == (1 if name == "rows" else 0)
        height, width = page.image.shape[:2]
        for x, y, w, h in page.boxes:
            assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
            assert ink_share(page, (x, y, w, h)) > 15
        assert decoded(page.data).shape == page.image.shape


@pytest.mark.parametrize("name", sorted(ASKED - {"rows"}))
def test_digits_stand_from_left_to_right(name: str, digits: tuple[Images, Images]) -> None:
    """The boxes' middles grow with the label."""
    page = pages.one(name, *digits, seed=6)
    middles = [x + w / 2 for x, _, w, _ in page.boxes]
    assert middles == sorted(middles)


def test_a_label_names_the_digits_that_were_drawn(digits: tuple[Images, Images]) -> None:
    """With digits of one kind alone, every label is of that kind: nothing but what was given is drawn."""
    images, labels = digits
    for digit in range(10):
        page = pages.one("plain", images[labels == digit], labels[labels == digit], seed=1, number=digit)
        assert set(page.label) == {str(digit)}


def test_the_same_seed_gives_the_same_pages(digits: tuple[Images, Images]) -> None:
    """Page 1 is the same byte for byte alone or after page 0; another seed gives another."""
    alone = pages.one("boxed", *digits, seed=3, number=1)
    *_, after = pages.pages(*digits, count=2, seed=3, only=["boxed"])
    other = pages.one("boxed", *digits, seed=4, number=1)
    assert alone.data == after.data and alone.label == after.label
    assert alone.data != other.data


def test_difficulties_are_what_they_are_called(digits: tuple[Images, Images]) -> None:
    """Large pages are 3,000 px wide, small digits 17 to 24 px, white on black is dark, noisy pages are JPEG."""
    assert pages.one("large", *digits).image.shape[1] == 3000
    assert all(max(w, h) <= 30 for _, _, w, h in pages.one("small", *digits).boxes)
    assert np.median(pages.one("inverted", *digits).image) < 100
    assert pages.one("noisy", *digits).data[:2] == b"\xff\xd8"


def test_touching_digits_touch(digits: tuple[Images, Images]) -> None:
    """On most pages of touching digits there are fewer connected marks than digits; on plain ones nearly never."""

    def joined(name: str) -> int:
        found = 0
        for number in range(12):
            page = pages.one(name, *digits, seed=8, number=number)
            gray = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY)
            _, dark = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
            areas = cv2.connectedComponentsWithStats(dark)[2][1:, cv2.CC_STAT_AREA]
            found += int((areas > 15).sum()) < len(page.boxes)
        return found

    assert joined("touching") >= 8
    assert joined("plain") <= 1


def test_no_pen_fills_a_loop(digits: tuple[Images, Images]) -> None:
    """Zeros keep their hole under the thickest pen, as long as they had one."""
    images, labels = digits
    zeros = [image for image in images[labels == 0] if ink.holes(ink.drawn(image, 100, ink.Pen())) == 1]
    assert len(zeros) > 5
    kept = [ink.holes(ink.drawn(image, 100, ink.Pen(stroke=0.25))) == 1 for image in zeros]
    assert sum(kept) >= len(kept) - 1


def test_strokes_are_as_wide_as_the_pen(digits: tuple[Images, Images]) -> None:
    """A one drawn 100 px high with a stroke of 0.03 or 0.1 has about 3 or 10 px of ink a row."""
    images, labels = digits
    upright = min(images[labels == 1], key=lambda image: int((image > 60).any(0).sum()))
    for stroke in (0.03, 0.1):
        mask = ink.drawn(upright, 100, ink.Pen(stroke=stroke))
        assert np.median(mask.sum(1)[20:-20]) == pytest.approx(100 * stroke, rel=0.35)


@pytest.mark.parametrize("kind", sorted(nodigits.KINDS))
def test_pictures_without_digits_are_seeded_and_decode(kind: str) -> None:
    """The same seed gives the same files; they decode to their picture's size; two in a row differ."""
    first, second = nodigits.pictures(2, seed=2, only=[kind])
    again = next(nodigits.pictures(1, seed=2, only=[kind]))
    assert first.data == again.data and first.data != second.data
    assert decoded(first.data).shape == first.image.shape


def test_letters_that_look_like_digits_are_left_out() -> None:
    """None of them is drawn alone, neither from a font nor by strokes."""
    import glyphs

    alone = set(nodigits.LETTERS) | set(nodigits.SIGNS) | set(glyphs.STROKES)
    assert not alone & set("OoQDIil|ZzSsGbTBgqya0123456789")


def test_a_section_of_the_results_is_written_alone() -> None:
    """Writing one section keeps the other word for word, and their order; a page without sections gets one."""
    both = results.replaced(results.replaced("", results.RECOGNITION, "reads"), results.DAEMON, "runs\n\n| a | b |")
    assert both == f"# Measured\n\n## {results.DAEMON}\n\nruns\n\n| a | b |\n\n## {results.RECOGNITION}\n\nreads\n"
    changed = results.replaced(both, results.RECOGNITION, "reads better")
    assert changed == both.replace("reads\n", "reads better\n")


def test_what_is_measured_is_a_median_of_at_least_five() -> None:
    """Of drains, streams, workers, daemons and starts, and of what others read."""
    rounds = (throughput.PAIRS, responses.ROUNDS, responses.STARTS, alternatives.ROUNDS)
    assert min(rounds) >= 5


def test_the_results_that_are_kept_have_their_sections() -> None:
    """bench/RESULTS.md is as the commands write it: writing a section that is there again changes nothing."""
    text = results.RESULTS.path.read_text(encoding="utf-8")
    body = text.split(f"## {results.DAEMON}\n")[1].split("\n## ")[0]
    assert results.replaced(text, results.DAEMON, body) == text


def test_the_table_says_what_is_reached() -> None:
    """Least and aim are judged the right way round, the worst difficulty alone counts, and a gap is no success."""
    seen = [Seen("plain", "", "12", "12", "accepted", 0.99)] * 19 + [Seen("comb", "", "12", "13", "review", 0.5)]
    scans = [Seen("scans", "", "1", "1", "accepted", 0.999)] * 100
    lines = {row.what: row for row in table.rows(table.Measured({"pages": seen, "scans": scans}), table.Measured({}))}
    assert lines["generated pages of 3 to 10 digits: fields whole"].good is False
    assert lines["the same, by difficulty, the worst first"].measured == "comb 0.0%, plain 100.0%"
    assert lines["the same, by difficulty, the worst first"].good is False
    assert lines["scans: wrong among the accepted"].best is True
    assert lines["scans: text exactly right, layout auto"].best is True
    assert lines["fields: whole text right"].good is None
    assert lines["fields: whole text right"].measured == table.NOT_MEASURED
    assert "**no**" in table.markdown(list(lines.values()))
