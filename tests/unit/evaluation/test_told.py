"""What is left out, cropped, cut off or taken away is told as it is."""

from pathlib import Path

import numpy as np
import pytest

from digitd.errors import UsageError
from digitd.evaluation import boxes, cells, scans
from digitd.evaluation.crop import to_ink
from digitd.evaluation.metrics import Point
from digitd.evaluation.nothing import why
from digitd.evaluation.seen import Fate, Glyph, Seen
from digitd.imaging.candidates import Candidate
from digitd.imaging.clean import stages
from digitd.recognition.confidence import Guess, guess
from digitd.settings import Settings

CLASSES = (*"0123456789", "?")


def folder_of(folder: Path, table: str | bytes, *files: str) -> Path:
    """A folder with files and a labels.csv."""
    for name in files:
        (folder / name).write_bytes(b"x")
    (folder / "labels.csv").write_bytes(table.encode() if isinstance(table, str) else table)
    return folder


def test_a_table_as_excel_writes_it_labels_a_folder(tmp_path: Path) -> None:
    """A byte order mark, capitals and semicolons; what has no label is counted."""
    folder_of(tmp_path, "\ufeffPath;Label\r\na.png;7\r\n", "a.png", "b.png", "c-label3.png")
    found = scans.find(tmp_path, Settings())
    assert [(each.target.name, each.label) for each in found.scans] == [("a.png", "7"), ("c-label3.png", "3")]
    assert found.unlabelled == 1


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("path,label\na.png,1\ngone.png,2\nlost.png,3\n", "line 3: gone.png is not there, nor are 1 others"),
        ("path,label\na.png,1\nnotes.txt,2\n", "line 3: notes.txt is not among the folder's scans"),
        ("path,label\na.png,x7\n", "labels.csv cannot be used: line 2 has the label 'x7'"),
        (b"path,label\n\xff.png,1\n", "it is not UTF-8"),
    ],
)
def test_a_table_that_does_not_fit_its_folder_is_refused(tmp_path: Path, table: str | bytes, words: str) -> None:
    """With the file, the line, and what is wrong: nothing is left out without a word."""
    with pytest.raises(UsageError, match=words):
        scans.find(folder_of(tmp_path, table, "a.png", "notes.txt"), Settings())


def test_a_folder_that_has_nothing_labelled_says_why(tmp_path: Path) -> None:
    """A table without rows, a file, and what is not there."""
    for place, words in (
        (folder_of(tmp_path, "path,label\n", "a.png"), "no labelled scans, and its labels.csv no rows"),
        (tmp_path / "a.png", "is no folder"),
        (tmp_path / "gone", "does not exist"),
    ):
        with pytest.raises(UsageError, match=words):
            scans.find(place, Settings())


def test_a_page_is_cropped_to_its_ink() -> None:
    """A digit in a corner of a sheet, a speck in another; paper without ink stays whole."""
    page = np.full((1500, 1000), 255, np.uint8)
    assert to_ink(page).shape == page.shape
    page[100:160, 100:110] = 0
    page[1400:1403, 900:903] = 0
    small = to_ink(page)
    assert 60 < small.shape[0] < 140
    assert (small == 0).sum() == 600


def test_a_page_without_a_glyph_says_why() -> None:
    """Empty paper, and paper on which all is too faint."""
    page = np.full((200, 200), 250, np.uint8)
    assert why(Seen(page, stages(page), [], CLASSES, "", None, 1.0)) == "Nothing on it is darker than its paper."
    page[80:120, 90:96] = 247
    assert "the darkest spot is 3 of 255 darker" in why(Seen(page, stages(page), [], CLASSES, "", None, 1.0))


def test_a_confidence_over_a_box_is_cut_off() -> None:
    """0.9965 is no 1.00 where there is room for two places."""
    assert boxes.labels(Guess("1", 0.9965, (), "7", 0.99)) == ["1 0.9965", "1 0.996", "1 0.99", "1"]
    assert boxes.labels(Guess("1", 1.0, (), "7", 1.0))[-2] == "1 0.99"


def test_the_best_rivals_are_shown_first() -> None:
    """What may be a digit goes before what is surely none."""

    def glyph(digit: float) -> Glyph:
        row = np.array([digit, *[0.0] * 9, 1 - digit])
        return Glyph(Candidate(0, 1, (0, 0, 9, 9), "digit", None), Fate.REJECTED, None, row, guess(row, CLASSES))

    others = [glyph(share / 100) for share in range(20)]
    shown, which = cells.likeliest(others, CLASSES)
    assert shown == others[:3:-1]
    assert which == ": the 16 of 20 that are likeliest a digit"


def test_the_plot_holds_its_curve() -> None:
    """The axis of risks ends above all of the curve, and above the interval where most are accepted."""
    plots = pytest.importorskip("digitd.evaluation.plots", reason="needs matplotlib")
    risky = [Point(0.9, 10, 0, 0.1, 0.0), Point(0.5, 100, 30, 1.0, 0.3)]
    assert plots.highest_risk(risky) > risky[-1].interval[1] > 0.3
    assert plots.highest_risk([Point(0.9, 517, 0, 1.0, 0.0)]) > 0.0074
    assert plots.highest_risk([]) == plots.FINE
