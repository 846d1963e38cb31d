"""An explanation shows every stage, every glyph and every class, of whatever page."""

from dataclasses import replace
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitd.evaluation import canvas, cells
from digitd.evaluation.canvas import DOUBT, GOOD
from digitd.evaluation.explain import picture, said
from digitd.evaluation.frame import WIDTH
from digitd.evaluation.seen import Fate, see
from digitd.imaging.decode import Limits
from digitd.recognition.bundle import NO_DIGIT, Bundle, shipped
from digitd.recognition.reader import Options, Reader, ScanInput, open_reader
from digitd.results import Outcome, Reason, Status

DIGITS = Path(__file__).parents[2] / "fixtures" / "mnist-digits.npz"
Gray = NDArray[np.uint8]
LIMITS = Limits(10**7, 10**8, 10)
READ = Outcome(Status.ACCEPTED, text="1", confidence=0.99)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """The one that ships."""
    return Bundle.load(shipped())


@pytest.fixture(scope="module")
def reader(bundle: Bundle) -> Reader:
    """A reader with it."""
    return open_reader(bundle, "litert", LIMITS)


@pytest.fixture(scope="module")
def row() -> Gray:
    """The ten digits in a row, far apart, dark on white."""
    with np.load(DIGITS) as data:
        images, labels = data["images"], data["labels"]
    apart = [np.pad(images[int(np.flatnonzero(labels == digit)[0])], 10) for digit in range(10)]
    return np.asarray(255 - np.kron(np.hstack(apart), np.ones((2, 2), np.uint8)), np.uint8)


def test_what_is_seen_is_what_is_read(reader: Reader, bundle: Bundle, row: Gray) -> None:
    """The glyphs that are numbered have the text of the result, in its order, with its boxes and confidences."""
    seen = see(reader, bundle.manifest.classes, row, Options())
    done, data = cv2.imencode(".png", row)
    assert done
    [outcome] = reader.read([ScanInput("row.png", data.tobytes())])
    numbered = sorted((glyph for glyph in seen.glyphs if glyph.number), key=lambda glyph: glyph.number or 0)
    assert seen.text == outcome.text
    assert [glyph.number for glyph in numbered] == list(range(1, len(numbered) + 1))
    [reading] = outcome.pages
    assert [(glyph.digit, glyph.box) for glyph in reading.glyphs] == [
        (each.guess.digit, each.candidate.box) for each in numbered if each.guess is not None
    ]
    assert all(glyph.fate in (Fate.READ, Fate.UNREAD) for glyph in numbered)
    assert seen.confidence == pytest.approx(outcome.confidence, abs=1e-4)


def test_every_glyph_has_its_box_in_the_picture(reader: Reader, bundle: Bundle, row: Gray) -> None:
    """Each box that was read is drawn: with the boxes there is more of their colour than without."""
    seen = see(reader, bundle.manifest.classes, row, Options())
    drawn = picture("row.png", 1, 1, seen, READ)
    assert drawn.shape[1] == WIDTH
    green = (drawn == np.array(GOOD, np.uint8)).all(axis=2)
    around = sum(2 * (glyph.candidate.box[2] + glyph.candidate.box[3]) for glyph in seen.glyphs if glyph.number)
    # The page is shown at least at its own size, for it is narrower than the picture.
    assert green.sum() > around


def test_a_page_of_many_glyphs_shows_the_least_sure(reader: Reader, bundle: Bundle, row: Gray) -> None:
    """Of a hundred glyphs sixty are shown one by one, and the picture says which; all have their boxes."""
    seen = see(reader, bundle.manifest.classes, np.vstack([row] * 10), Options())
    read = [glyph for glyph in seen.glyphs if glyph.number is not None]
    assert len(read) >= 90
    shown, words = cells.least_sure(read)
    assert len(shown) == cells.MOST == 60
    assert words == f": the 60 least sure of {len(read)}"
    left_out = [glyph for glyph in read if glyph not in shown]
    assert max(glyph.confidence for glyph in shown) <= min(glyph.confidence for glyph in left_out)
    assert [glyph.number for glyph in shown] == sorted(glyph.number or 0 for glyph in shown)
    assert picture("many.png", 1, 1, seen, READ).shape[0] < 5000


def test_what_is_between_digits_is_passed_over(reader: Reader, bundle: Bundle, row: Gray) -> None:
    """A dot is shown as a sign that was passed over: it has no number, and the network was not asked."""
    page = row.copy()
    middle = page.shape[1] // 2
    page[62:68, middle - 3 : middle + 3] = 0
    seen = see(reader, bundle.manifest.classes, page, Options())
    [dot] = [glyph for glyph in seen.glyphs if glyph.fate is Fate.PASSED]
    assert (dot.number, dot.row, dot.guess, dot.confidence) == (None, None, None, 0.0)
    assert picture("dot.png", 1, 1, seen, READ).shape[1] == WIDTH


class _Doubter:
    """An engine that takes everything for no digit."""

    def logits(self, images: Gray) -> NDArray[np.float32]:
        return np.tile(np.array([0.0] * 10 + [9.0], np.float32), (len(images), 1))


def test_what_is_no_digit_is_shown_in_a_colour_of_its_own(bundle: Bundle, row: Gray) -> None:
    """Where the network has a class for it, a mark that is none is numbered, and its box is no digit's."""
    manifest = msgspec.structs.replace(bundle.manifest, classes=(*bundle.manifest.classes[:10], NO_DIGIT))
    reader = Reader(replace(bundle, manifest=manifest), _Doubter(), LIMITS)
    seen = see(reader, manifest.classes, row, Options())
    numbered = [glyph for glyph in seen.glyphs if glyph.number is not None]
    assert numbered
    assert {glyph.fate for glyph in numbered} == {Fate.UNREAD}
    drawn = picture("none.png", 1, 1, seen, Outcome(Status.REVIEW, confidence=0.9))
    count = {colour: (drawn == np.array(colour, np.uint8)).all(axis=2).sum() for colour in (GOOD, DOUBT)}
    assert count[GOOD] == 0
    assert count[DOUBT] > 500


def test_few_glyphs_are_all_shown(reader: Reader, bundle: Bundle, row: Gray) -> None:
    """Nothing is left out of ten, and nothing said of it."""
    read = [glyph for glyph in see(reader, bundle.manifest.classes, row, Options()).glyphs if glyph.number]
    assert cells.least_sure(read) == (read, "")


def test_a_page_in_mnists_form_has_no_stages(reader: Reader, bundle: Bundle) -> None:
    """It goes to the network as it is, and the picture does not claim otherwise."""
    with np.load(DIGITS) as data:
        image = data["images"][0]
    seen = see(reader, bundle.manifest.classes, image, Options())
    assert seen.stages is None
    assert len(seen.glyphs) == 1
    assert picture("mnist.png", 1, 1, seen, READ).shape[1] == WIDTH


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(st.integers(1, 90), st.integers(1, 90)), st.integers(0, 2**32 - 1), st.booleans())
def test_any_page_has_a_picture(reader: Reader, bundle: Bundle, shape: tuple[int, int], seed: int, blank: bool) -> None:
    """Noise and nothing of any size, a single pixel too."""
    page = np.full(shape, 255, np.uint8)
    if not blank:
        page = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    drawn = picture("any.png", 1, 1, see(reader, bundle.manifest.classes, page, Options()), READ)
    assert drawn.shape[1:] == (WIDTH, 3)
    assert 100 < drawn.shape[0] < 5000


def test_a_long_name_and_a_long_reason_stay_in_the_picture(reader: Reader, bundle: Bundle) -> None:
    """The name is cut, the reason is broken into lines; signs that the font lacks become question marks."""
    seen = see(reader, bundle.manifest.classes, np.full((60, 60), 255, np.uint8), Options())
    short = picture("a.png", 1, 1, seen, Outcome(Status.BLANK))
    long = picture("ü" * 300, 1, 3, seen, Outcome(Status.REVIEW, Reason("low_confidence", "so it is. " * 60)))
    assert long.shape[1] == short.shape[1]
    assert long.shape[0] > short.shape[0] + 40


@pytest.mark.parametrize("text", ["a", "scan-0123456789.png", "word " * 40])
def test_words_fit_where_they_are_put(text: str) -> None:
    """Shortened and wrapped lines are no wider than was asked for, and wrapping loses no word."""
    assert canvas.width_of(canvas.shortened(text, 12, 150), 12) <= 150
    assert canvas.width_of(canvas.shortened(text, 12, 150, keep="end"), 12) <= 150
    lines = canvas.wrapped(text, 12, 400)
    assert all(canvas.width_of(line, 12) <= 400 for line in lines)
    assert " ".join(lines).split() == text.split()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3000, 4000), (20, 30)])
def test_an_image_fits_its_frame(shape: tuple[int, int]) -> None:
    """Whatever its shape, and what is small is not enlarged without end."""
    image = canvas.fitted(canvas.blank(*shape), 300, 400)
    assert 1 <= image.shape[0] <= 300
    assert 1 <= image.shape[1] <= 400
    assert image.shape[0] <= 8 * shape[0]


def test_the_outcome_is_a_line() -> None:
    """Status, text with signs for its lines and pages, confidence and reason, as far as there are any."""
    reason = Reason("low_confidence", "why")
    assert said(Outcome(Status.REVIEW, reason, "12\n3\f4", 0.5)) == (
        "review, 12 / 3 | 4, confidence 0.5000, reason low_confidence"
    )
    assert said(Outcome(Status.BLANK)) == "blank"
    assert said(Outcome(Status.ACCEPTED, text="1" * 70, confidence=0.9), 60) == (
        f"accepted, {'1' * 60}..., confidence 0.9000"
    )


def test_a_blank_page_has_stages_and_no_glyphs(reader: Reader, bundle: Bundle) -> None:
    """Of a page with nothing on it there are stages and no glyphs."""
    seen = see(reader, bundle.manifest.classes, np.full((80, 60), 255, np.uint8), Options())
    assert (seen.glyphs, seen.text, seen.confidence) == ([], "", None)
    assert seen.stages is not None
