"""A report can be made of whatever was measured: of nothing accepted, of many errors, of names with markup."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitd.evaluation import contact
from digitd.evaluation.figures import Case, figures
from digitd.evaluation.page import PLOTS, SHEET, page
from digitd.evaluation.pictures import picture_of_scan
from digitd.imaging.decode import Limits

BUNDLE = ("test 1", "0" * 64)
LIMITS = Limits(10**7, 10**7, 10)
WHITE = np.full((40, 30), 255, np.uint8)


def case(label: str, text: str, confidence: float | None, status: str = "accepted", key: str = "") -> Case:
    """A case as it is read with accept 0."""
    return Case(f"{label}-{text}.png", label, text, status, None, confidence, status == "accepted", key)


@pytest.mark.parametrize(
    "cases",
    [
        [case("", "", None, "blank")],
        [case("1", "1", 0.99)],
        [case("1", "7", 0.4, "review")],
        [case("1", "1", 0.9999)] * 300 + [case("7", "1", 0.98)] * 3,
    ],
    ids=["nothing read", "one right", "one wrong", "many"],
)
def test_whatever_was_measured_has_a_report(cases: list[Case], tmp_path: Path) -> None:
    """Every picture and the page, without a warning of the plotting library."""
    pytest.importorskip("matplotlib")
    from digitd.evaluation.report import write

    written = write(tmp_path, figures(BUNDLE, "scans", cases, 0.9, 0.5, 0.01), lambda _: WHITE)
    assert written == tmp_path / "index.html"
    for name in (*PLOTS, SHEET):
        picture = cv2.imread(str(tmp_path / name))
        assert picture is not None and picture.std() > 0


def test_the_sheet_grows_with_its_errors_to_sixty() -> None:
    """A row for six; no more than sixty are shown; a case without a picture has a place all the same."""

    def height(count: int) -> int:
        errors = [case("1", "7", 0.9, key=str(number)) for number in range(count)]
        asked: list[str] = []

        def picture_of(shown: Case) -> NDArray[np.uint8] | None:
            asked.append(str(shown.key))
            return None if shown.key == "0" else WHITE

        drawn = contact.sheet(errors, picture_of)
        assert asked == [str(number) for number in range(min(count, contact.MOST))]
        return int(drawn.shape[0])

    row = height(7) - height(6)
    assert row > contact.CELL
    assert height(60) - height(1) == 9 * row
    assert height(500) == height(60)
    assert height(0) == height(1)


def test_the_page_lists_no_more_than_a_browser_bears() -> None:
    """Of many errors the page lists some hundred and says how many more there are."""
    found = figures(BUNDLE, "images", [case("1", "7", 0.9)] * 2000, 0.9, 0.5)
    text = page(found, dict.fromkeys((*PLOTS, SHEET), b""))
    assert text.count("1-7.png") == 500
    assert "1,500 more" in text


def test_a_scans_picture_is_the_page_that_was_misread(tmp_path: Path) -> None:
    """Of a TIFF whose second page is wrong, the second; of one that cannot be read, none."""
    file = tmp_path / "a.tif"
    done, data = cv2.imencodemulti(".tiff", [WHITE, np.zeros((20, 50), np.uint8), WHITE])
    assert done
    file.write_bytes(data.tobytes())
    wrong = picture_of_scan(case("1\f2\f3", "1\f7\f3", 0.9, key=str(file)), LIMITS)
    assert wrong is not None and wrong.shape == (20, 50)
    first = picture_of_scan(case("1", "7\f7\f7", 0.9, key=str(file)), LIMITS)
    assert first is not None and first.shape == WHITE.shape
    assert picture_of_scan(case("1", "", None, "failed", str(file)), LIMITS) is None
    file.write_bytes(b"no image any longer")
    assert picture_of_scan(case("1", "7", 0.9, key=str(file)), LIMITS) is None
