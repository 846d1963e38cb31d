"""A batch of scans' bytes becomes one outcome a scan."""

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitd.errors import ScanError
from digitd.imaging import pipeline
from digitd.imaging.decode import Limits, Sheet, sheets
from digitd.pool.listener import Listener
from digitd.recognition import reader as reader_module
from digitd.recognition.bundle import Bundle
from digitd.recognition.reader import Options, Reader, ScanInput, open_reader
from digitd.results import PAGE_BREAK, Status

Image = NDArray[np.uint8]
Digits = tuple[Image, NDArray[np.int64]]
Png = Callable[[Image], bytes]


@pytest.fixture(scope="module")
def shipped_reader(bundle: Bundle) -> Reader:
    """A reader with the shipped network."""
    return open_reader(bundle, "litert", Limits(10**7, 10**7, 20))


def page(digits: Digits, *lines: str) -> Image:
    """A white page with lines of MNIST's digits in black."""
    images, labels = digits
    out = np.full((40 + 110 * len(lines), 60 + 70 * max(map(len, lines))), 255, np.uint8)
    for row, line in enumerate(lines):
        for column, digit in enumerate(line):
            glyph = cv2.resize(images[np.flatnonzero(labels == int(digit))[0]], (56, 56), interpolation=cv2.INTER_CUBIC)
            top, left = 40 + 110 * row, 40 + 70 * column
            out[top : top + 56, left : left + 56] = 255 - glyph
    return out


def test_a_mnist_image_is_read_as_one_glyph(shipped_reader: Reader, digits: Digits, png: Png) -> None:
    """A 28x28 PNG of MNIST has one page, one glyph, and a confidence with four digits."""
    images, labels = digits
    outcomes = shipped_reader.read([ScanInput(f"{i}.png", png(images[i])) for i in range(0, 200, 10)])
    assert [outcome.text for outcome in outcomes] == [str(label) for label in labels[::10]]
    first = outcomes[0]
    assert (first.status, first.reason) == (Status.ACCEPTED, None)
    assert (first.pages[0].page, first.pages[0].width, first.pages[0].height) == (1, 28, 28)
    assert len(first.pages[0].glyphs) == 1
    assert first.confidence == first.pages[0].confidence == first.pages[0].glyphs[0].confidence
    assert first.confidence == round(first.confidence or 0, 4)


def test_lines_and_pages_are_joined_as_documented(shipped_reader: Reader, digits: Digits) -> None:
    """Lines are joined by a newline, pages by a form feed; a glyph's box lies on its page."""
    two, one = page(digits, "3014", "57"), page(digits, "82")
    done, tiff = cv2.imencodemulti(".tiff", [two, one])
    assert done
    outcome = shipped_reader.read([ScanInput("scan.tiff", tiff.tobytes())])[0]
    assert outcome.text == f"3014\n57{PAGE_BREAK}82"
    assert [reading.text for reading in outcome.pages] == ["3014\n57", "82"]
    assert [(reading.height, reading.width) for reading in outcome.pages] == [two.shape, one.shape]
    for reading in outcome.pages:
        for glyph in reading.glyphs:
            x, y, width, height = glyph.box
            assert 0 <= x < x + width <= reading.width
            assert 0 <= y < y + height <= reading.height


def test_nothing_on_the_pages_is_blank(shipped_reader: Reader, png: Png) -> None:
    """A blank scan has a page, no text, and no confidence."""
    outcome = shipped_reader.read([ScanInput("blank.png", png(np.full((300, 200), 255, np.uint8)))])[0]
    assert (outcome.status, outcome.reason, outcome.text, outcome.confidence) == (Status.BLANK, None, "", None)
    assert (outcome.pages[0].text, outcome.pages[0].confidence, outcome.pages[0].glyphs) == ("", None, ())


def checkers() -> Image:
    """A page full of ink, in which no mark can be told."""
    y, x = np.mgrid[:1200, :1600]
    return np.asarray((x // 16 + y // 16) % 2 * 225 + 15, np.uint8)


def test_a_page_full_of_ink_is_not_blank(shipped_reader: Reader, png: Png) -> None:
    """Where no mark can be told in the ink, a person looks: there is no text, and nothing to be sure of."""
    outcome = shipped_reader.read([ScanInput("dense.png", png(checkers()))])[0]
    assert (outcome.status, outcome.text, outcome.confidence) == (Status.REVIEW, "", None)
    assert outcome.reason is not None
    assert outcome.reason.code == "no_digits"
    assert outcome.reason.message.startswith("dense.png: page 1 has ink on it, but no mark can be told in it")


def test_a_page_full_of_ink_keeps_the_others_from_being_accepted(shipped_reader: Reader, digits: Digits) -> None:
    """Beside a page that was read, one whose marks cannot be told leaves the text in doubt."""
    done, tiff = cv2.imencodemulti(".tiff", [page(digits, "3014"), checkers()])
    assert done
    outcome = shipped_reader.read([ScanInput("scan.tiff", tiff.tobytes())])[0]
    assert (outcome.status, outcome.text) == (Status.REVIEW, f"3014{PAGE_BREAK}")
    assert outcome.reason is not None
    assert outcome.reason.code == "unread_mark"
    assert outcome.reason.message.startswith("scan.tiff: page 2 has ink on it")


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "empty"), (b"no image at all", "not_an_image"), (b"\x89PNG\r\n\x1a\n", "truncated")]
)
def test_a_broken_scan_fails_alone(shipped_reader: Reader, digits: Digits, png: Png, data: bytes, code: str) -> None:
    """A scan that cannot be read says why, naming the file; those beside it are read."""
    good = ScanInput("good.png", png(digits[0][0]))
    outcomes = shipped_reader.read([good, ScanInput("bad.png", data), good])
    assert [outcome.status for outcome in outcomes] == [Status.ACCEPTED, Status.FAILED, Status.ACCEPTED]
    assert outcomes[0] == outcomes[2]
    bad = outcomes[1]
    assert (bad.text, bad.confidence, bad.pages) == ("", None, ())
    assert bad.reason is not None
    assert bad.reason.code == code
    assert bad.reason.message.startswith("bad.png: ")


def test_a_scan_that_fails_late_leaves_no_glyphs_behind(
    bundle: Bundle,
    limits: Limits,
    digits: Digits,
    png: Png,
    scripted: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A scan whose second page is damaged fails as a whole, and its neighbour's glyphs stay its own."""
    engine = scripted({1: 0.99}, {2: 0.99}, {7: 0.99})

    def broken(data: bytes, limits: Limits, enough: int) -> Iterator[Sheet]:
        if not data.startswith(b"late"):
            yield from sheets(data, limits, enough)
            return
        image = page(digits, "555")
        yield Sheet(image, (image.shape[1], image.shape[0]))
        raise ScanError("page 2 is damaged", "Scan it again")

    monkeypatch.setattr(reader_module, "sheets", broken)
    scans = [("a", png(digits[0][0])), ("b", b"late"), ("c", png(digits[0][0]))]
    outcomes = Reader(bundle, engine, limits).read(ScanInput(*scan) for scan in scans)
    assert [outcome.text for outcome in outcomes] == ["1", "", "2"]
    assert engine.calls == [2]


def test_a_batch_is_one_network_call(
    bundle: Bundle, limits: Limits, digits: Digits, png: Png, scripted: Callable[..., Any]
) -> None:
    """All glyphs of all scans go through the network together; without glyphs it is not called."""
    engine = scripted({3: 0.99})
    reader = Reader(bundle, engine, limits)
    reader.read([ScanInput("a", png(page(digits, "171"))), ScanInput("b", b""), ScanInput("c", png(digits[0][0]))])
    assert engine.calls == [4]
    reader.read([ScanInput("b", b"")])
    assert reader.read([]) == []
    assert engine.calls == [4]


def test_many_glyphs_go_in_bounded_calls(
    bundle: Bundle,
    limits: Limits,
    digits: Digits,
    png: Png,
    scripted: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A batch of very many glyphs is cut into calls of bounded size."""
    monkeypatch.setattr(reader_module, "CHUNK", 3)
    engine = scripted({3: 0.99})
    one = ScanInput("a", png(digits[0][0]))
    assert len(Reader(bundle, engine, limits).read([one] * 8)) == 8
    assert engine.calls == [3, 3, 2]


@pytest.mark.parametrize(
    ("rows", "options", "status", "code"),
    [
        ([{3: 0.99, 5: 0.01}], Options(), Status.ACCEPTED, None),
        ([{3: 0.85, 5: 0.15}], Options(accept=0.9), Status.REVIEW, "low_confidence"),
        ([{3: 0.85, 5: 0.15}], Options(accept=0.8), Status.ACCEPTED, None),
        ([{3: 0.6, 5: 0.4}], Options(accept=0.5, margin=0.3), Status.REVIEW, "low_margin"),
        ([{3: 0.6, 5: 0.4}], Options(accept=0.5, margin=0.1), Status.ACCEPTED, None),
        ([{3: 0.99}], Options(digits=2), Status.REVIEW, "digits_expected"),
        ([{3: 0.95, 5: 0.05}], Options(accept=0.9), Status.REVIEW, "low_confidence"),
    ],
    ids=["sure", "unsure", "sure enough", "close", "close enough", "too many", "unsure together"],
)
def test_a_reading_is_accepted_if_it_is_sure_enough(
    bundle: Bundle,
    limits: Limits,
    digits: Digits,
    png: Png,
    scripted: Callable[..., Any],
    rows: list[dict[int, float]],
    options: Options,
    status: Status,
    code: str | None,
) -> None:
    """`accept` judges the whole text, `margin` each digit's runner-up, `digits` the count; a review says why."""
    # A lone glyph, or three in a line where the whole is to be less sure than each.
    image = page(digits, "171") if code == "digits_expected" or rows == [{3: 0.95, 5: 0.05}] else digits[0][0]
    reader = Reader(bundle, scripted(*rows), limits)
    outcome = reader.read([ScanInput("scan.png", png(image), options)])[0]
    assert outcome.status is status
    assert (outcome.reason.code if outcome.reason else None) == code
    if outcome.reason:
        assert outcome.reason.message.startswith("scan.png: ")
        assert outcome.text


def test_a_text_is_as_sure_as_all_its_digits_together(
    bundle: Bundle, limits: Limits, digits: Digits, png: Png, scripted: Callable[..., Any]
) -> None:
    """Three digits of 0.9, 0.8 and 0.5 are right together with 0.36; the message names the least sure."""
    # What the marks could be cut into is no digit, so that how they part is beyond doubt.
    nothing = {10: 1.0}
    engine = scripted({1: 0.9, 7: 0.1}, {2: 0.8, 3: 0.2}, {3: 0.5, 8: 0.3, 5: 0.2}, nothing)
    outcome = Reader(bundle, engine, limits).read([ScanInput("s", png(page(digits, "171")))])[0]
    assert outcome.confidence == pytest.approx(0.36, abs=2e-3)
    assert [glyph.confidence for glyph in outcome.pages[0].glyphs] == pytest.approx([0.9, 0.8, 0.5], abs=1e-4)
    assert [other.digit for other in outcome.pages[0].glyphs[2].alternatives] == ["8", "5"]
    assert outcome.reason is not None
    assert "least sure is a 3 with 0.5" in outcome.reason.message


def test_scans_are_taken_one_at_a_time(shipped_reader: Reader, digits: Digits, png: Png) -> None:
    """A batch's bytes are never all in memory: each scan is let go of before the next is taken."""
    alive: list[int] = []

    class Bytes(bytes):
        """Bytes that count how many of them live."""

        def __new__(cls, data: bytes) -> "Bytes":
            """Count one more."""
            alive.append(1)
            return super().__new__(cls, data)

        def __del__(self) -> None:
            alive.pop()

    most = 0

    def scans() -> Iterator[ScanInput]:
        nonlocal most
        for i in range(6):
            yield ScanInput(f"{i}", Bytes(png(digits[0][i]) if i % 2 else b"bad"))
            most = max(most, len(alive))

    shipped_reader.read(scans())
    assert most <= 2


def test_each_page_tells_that_it_is_cut(shipped_reader: Reader, digits: Digits) -> None:
    """A scan of many pages gets on, whoever watches it: a page at a time."""
    _, tiff = cv2.imencodemulti(".tiff", [page(digits, "3014")] * 3)
    told: list[int] = []
    outcomes = shipped_reader.read([ScanInput("scan.tiff", tiff.tobytes())] * 2, lambda: told.append(1))
    assert len(outcomes) == 2
    assert len(told) == 6


def test_marks_without_digits_are_reviewed_without_a_text(
    bundle: Bundle, limits: Limits, digits: Digits, png: Png, scripted: Callable[..., Any]
) -> None:
    """A scan of marks that are no digits has no text, its glyphs, and the probability that it indeed has none."""
    reader = Reader(bundle, scripted({10: 0.9, 3: 0.1}), limits)
    outcome = reader.read([ScanInput("letter.png", png(page(digits, "17")))])[0]
    assert (outcome.status, outcome.text, outcome.pages[0].text) == (Status.REVIEW, "", "")
    assert outcome.confidence == pytest.approx(0.81, abs=5e-3)
    assert [glyph.digit for glyph in outcome.pages[0].glyphs] == ["?", "?"]
    assert [other.digit for other in outcome.pages[0].glyphs[0].alternatives] == ["3"]
    assert outcome.reason is not None
    assert outcome.reason.code == "no_digits"
    assert outcome.reason.message.startswith("letter.png: there are 2 marks, but no digit.")


def test_a_mark_that_cannot_be_read_is_a_question_mark(
    bundle: Bundle, limits: Limits, digits: Digits, png: Png, scripted: Callable[..., Any]
) -> None:
    """Beside digits, what is no digit is `?`, however sure that is, and a person is told where it stands."""
    engine = scripted({1: 0.9999}, {10: 0.9999}, {7: 0.9999}, {10: 0.9999})
    outcome = Reader(bundle, engine, limits).read([ScanInput("s.png", png(page(digits, "101")))])[0]
    assert (outcome.status, outcome.text) == (Status.REVIEW, "1?7")
    assert outcome.reason is not None
    assert outcome.reason.code == "unread_mark"
    x, y, _, _ = outcome.pages[0].glyphs[1].box
    assert f"the mark at {x},{y} of page 1 cannot be read" in outcome.reason.message


def test_a_page_of_marks_leaves_the_other_pages_text(
    bundle: Bundle, limits: Limits, digits: Digits, png: Png, scripted: Callable[..., Any]
) -> None:
    """Of two pages, the one without digits has the text "", and the scan is the other's, to be reviewed."""
    _, tiff = cv2.imencodemulti(".tiff", [page(digits, "17"), page(digits, "17")])
    engine = scripted({10: 0.99}, {10: 0.99}, {1: 0.999}, {7: 0.999}, {10: 0.99})
    outcome = Reader(bundle, engine, limits).read([ScanInput("s.tiff", tiff.tobytes())])[0]
    assert outcome.text == f"{PAGE_BREAK}17"
    assert [reading.text for reading in outcome.pages] == ["", "17"]
    assert outcome.reason is not None
    assert outcome.reason.code == "unread_mark"


def test_looking_at_a_page_shows_what_reading_it_does(shipped_reader: Reader, digits: Digits, png: Png) -> None:
    """`look` gives each candidate with its probabilities, and the choice that `read` makes."""
    image = page(digits, "3014")
    look = shipped_reader.look(image, Options())
    assert look.judged.text == shipped_reader.read([ScanInput("s.png", png(image))])[0].text == "3014"
    for lattice, said in zip(look.lattices, look.said, strict=True):
        assert [row is None for row in said] == [one.pixels is None for one in lattice.candidates]
        assert all(row is None or row.sum() == pytest.approx(1) for row in said)


def test_what_is_read_surely_is_not_looked_at_again(
    bundle: Bundle, limits: Limits, digits: Digits, png: Png, scripted: Callable[..., Any]
) -> None:
    """Marks that are surely one digit each cost one call, and their segmentation is certain; doubtful ones a second,
    for their pieces alone."""
    for probability, calls in ((0.999, 1), (0.6, 2)):
        engine = scripted({2: probability, 3: 1 - probability}, {10: 0.999})
        look = Reader(bundle, engine, limits).look(page(digits, "2"), Options())
        assert (look.judged.text, len(engine.calls), engine.calls[0]) == ("2", calls, 1)
        assert (look.judged.segmentation == 1) == (calls == 1)


def test_a_network_without_the_class_reads_a_digit_into_everything(
    ten: Bundle, limits: Limits, digits: Digits, png: Png, scripted: Callable[..., Any]
) -> None:
    """A bundle of ten classes, such as the tutorial's, works; it has no `?`."""
    reader = Reader(ten, scripted({3: 0.997, 5: 0.003}, classes=10), limits)
    outcome = reader.read([ScanInput("s.png", png(page(digits, "1")))])[0]
    assert (outcome.status, outcome.text) == (Status.ACCEPTED, "3")


def test_a_large_photograph_is_told_in_its_own_pixels(shipped_reader: Reader, digits: Digits) -> None:
    """A JPEG that is decoded at half its size has the text, the size and the boxes that the whole of it has."""
    whole = cv2.resize(page(digits, "3014"), (3600, 1200), interpolation=cv2.INTER_CUBIC)
    large = cv2.imencode(".jpg", whole)[1].tobytes()
    exact = cv2.imencode(".png", whole)[1].tobytes()
    (halved,), (read,) = (shipped_reader.read([ScanInput("s", data)])[0].pages for data in (large, exact))
    assert (halved.text, halved.width, halved.height) == (read.text, read.width, read.height) == ("3014", 3600, 1200)
    for one, other in zip(halved.glyphs, read.glyphs, strict=True):
        assert np.abs(np.array(one.box) - other.box).max() <= 8


@pytest.mark.parametrize("how", ["baseline", "progressive", "restarts"])
@pytest.mark.parametrize("colours", [1, 3])
def test_a_large_photograph_that_is_damaged_is_found_out(
    bundle: Bundle, digits: Digits, how: str, colours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoded at a half of its size, or a quarter, a JPEG with a hole in it, or without its end, is judged as the whole
    of it is."""
    reader = open_reader(bundle, "litert", Limits(10**8, 10**8, 20), Listener().listen)
    options = {
        "baseline": [],
        "progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
        "restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 8],
    }[how]
    noise = np.random.default_rng(1).integers(0, 20, (1200, 3600)).astype(np.uint8)
    gray = cv2.resize(page(digits, "3014"), (3600, 1200), interpolation=cv2.INTER_CUBIC) // 2 + noise + 90
    for size in ((3600, 1200), (7200, 2400)):
        image = cv2.resize(gray if colours == 1 else cv2.merge([gray] * 3), size)
        whole = cv2.imencode(".jpg", image, options)[1].tobytes()
        middle = len(whole) // 2
        hole = whole[:middle] + bytes(4096) + whole[middle + 4096 :]
        ends_early = whole[:middle] + b"\xff\xd9"
        found = []
        for enough in (pipeline.ENOUGH, max(size)):
            monkeypatch.setattr(pipeline, "ENOUGH", enough)
            outcomes = reader.read([ScanInput("s", data) for data in (whole, hole, ends_early, whole[:middle])])
            found.append(["" if outcome.reason is None else outcome.reason.code for outcome in outcomes])
            monkeypatch.undo()
        assert found[0] == found[1]
        assert "damaged" not in found[0][0] and found[0][2:] == ["damaged", "truncated"]
