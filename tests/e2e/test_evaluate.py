"""`digitd evaluate`: figures of labelled scans and of idx files, a threshold, and a report."""

import html.parser
import json
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from e2e import scans
from e2e.harness import House

VOID = {"meta", "img", "br"}


@pytest.fixture
def labelled(house: House) -> Path:
    """Three scans that are read rightly, one with a label that is not its digit, a blank one and one that is none."""
    folder = house.root / "labelled"
    folder.mkdir()
    for digit in (2, 4, 7):
        (folder / f"hand-label{digit}.png").write_bytes(scans.scan(digit))
    (folder / "mislabelled-label9.png").write_bytes(scans.scan(4))
    (folder / "empty.png").write_bytes(scans.blank())
    (folder / "broken-label1.png").write_bytes(b"no image")
    (folder / "labels.csv").write_text("path,label\nempty.png,\n", encoding="utf-8")
    (folder / "unlabelled.png").write_bytes(scans.scan(3))
    return folder


def idx(path: Path, array: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    """Write an idx file of unsigned bytes."""
    path.write_bytes(struct.pack(f">I{array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes())


def test_labelled_scans_are_counted(house: House, labelled: Path) -> None:
    """Right, accepted, accepted and wrong, and each error with what was read; unlabelled scans are left out."""
    asked = house.run("evaluate", "--json", str(labelled))
    assert (asked.returncode, asked.stderr) == (0, b"")
    found = json.loads(asked.stdout)
    assert (found["scans"], found["right"], found["accuracy"]) == (6, 4, 4 / 6)
    assert (found["accepted"], found["accepted_and_wrong"], found["wrong_of_accepted"]) == (4, 1, 0.25)
    assert (found["blank"], found["failed"], found["read_rate"]) == (1, 1, 4 / 6)
    assert [(error["scan"], error["label"], error["text"], error["status"]) for error in found["errors"]] == [
        ("mislabelled-label9.png", "9", "4", "accepted"),
        ("broken-label1.png", "1", "", "failed"),
    ]
    assert found["confusion"]["counts"][9][4] == 1
    assert found["risk_coverage"][-1] == {
        "threshold": min(point["threshold"] for point in found["risk_coverage"]),
        "accepted": 4,
        "wrong": 1,
        "coverage": 4 / 6,
        "risk": 0.25,
    }
    assert sum(each["count"] for each in found["reliability"]) == found["with_confidence"] == 4


def test_the_table_has_the_figures_in_words(house: House, labelled: Path) -> None:
    """The same figures with their intervals, and the error, for people."""
    asked = house.run("evaluate", str(labelled))
    assert (asked.returncode, asked.stderr) == (0, b"")
    shown = asked.stdout.decode()
    for words in ("4 (66.67 %)", "95 % interval 30.00 % to 90.32 %", "25.00 % of the accepted", "9 as 4: 1"):
        assert words in shown, words
    assert "mislabelled-label9.png" in shown
    assert "left out            1  " in shown
    assert not [line for line in shown.splitlines() if line.endswith(" ")]


def test_the_threshold_in_use_decides_what_counts_as_accepted(house: House, labelled: Path) -> None:
    """With `recognition.accept: 1` nothing is accepted, whatever the confidences are."""
    house.configure({"recognition": {"accept": 1.0}})
    found = json.loads(house.run("evaluate", "--json", str(labelled)).stdout)
    assert (found["accept"], found["accepted"], found["review"], found["right"]) == (1.0, 0, 4, 4)
    assert found["errors"][0]["reason"] == "low_confidence"
    assert found["risk_coverage"][-1]["accepted"] == 4


def test_a_threshold_is_chosen_and_does_what_it_says(house: House, labelled: Path) -> None:
    """Set as it is printed, it accepts as many as was said, and as few of them are wrong."""
    (labelled / "mislabelled-label9.png").unlink()
    found = json.loads(house.run("evaluate", "--json", "--choose-threshold", "0.3%", str(labelled)).stdout)
    chosen = found["threshold"]
    assert (chosen["error"], chosen["accepted"], chosen["accepted_and_wrong"]) == (0.003, 3, 0)
    assert chosen["enough"] is False
    asked = house.run("evaluate", "--choose-threshold", "0.003", str(labelled))
    shown = asked.stdout.decode()
    assert (asked.stderr, "recognition:" in shown) == (b"", False)
    assert "It takes 1,277 accepted without a wrong one" in shown
    asked = house.run("evaluate", "--choose-threshold", "0.6", str(labelled))
    assert b"lets 60 % of the accepted be wrong; 0.6 % is written 0.6%" in asked.stderr
    assert f"recognition:\n  accept: {chosen['accept']:.4f}\n  margin: 0.5\n" in asked.stdout.decode()
    assert "0 wrong of 3 prove little: with 95 % confidence the share is below 56.15 %" in shown
    house.configure({"recognition": {"accept": chosen["accept"], "margin": chosen["margin"]}})
    again = json.loads(house.run("evaluate", "--json", str(labelled)).stdout)
    assert (again["accepted"], again["accepted_and_wrong"]) == (3, 0)


def test_idx_files_are_read_image_by_image(house: House) -> None:
    """MNIST's test files alone suffice, and their images have confidences and confusions as scans have."""
    images, labels = scans.digits()
    folder = house.root / "mnist"
    folder.mkdir()
    wrong = np.array(labels, np.uint8)
    wrong[0] = (wrong[0] + 1) % 10
    idx(folder / "t10k-images-idx3-ubyte", images)
    idx(folder / "t10k-labels-idx1-ubyte", wrong)
    asked = house.run("evaluate", "--json", "--choose-threshold", "0", str(folder))
    assert (asked.returncode, asked.stderr) == (0, b"")
    found = json.loads(asked.stdout)
    assert found["images"] == found["with_confidence"] == len(labels)
    assert ("test image 0", str(wrong[0]), str(labels[0])) in [
        (error["scan"], error["label"], error["text"]) for error in found["errors"]
    ]
    assert found["confusion"]["counts"][int(wrong[0])][labels[0]] >= 1
    assert found["accepted"] >= 0.9 * len(labels)
    (folder / "a-label1.png").write_bytes(scans.scan(1))
    beside = house.run("evaluate", "--json", str(folder))
    assert b"only MNIST's idx files are measured, not 1 scan beside them" in beside.stderr
    idx(folder / "t10k-labels-idx1-ubyte", wrong[1:])
    refused = house.run("evaluate", str(folder))
    assert refused.returncode == 2
    assert b"199 labels" in refused.stderr


class _Page(html.parser.HTMLParser):
    """Whether every element is closed, and what the page takes from where."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.taken: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.taken += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        assert tag not in ("link", "script")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_report_is_pictures_and_one_page(house: House, labelled: Path) -> None:
    """The page has every picture in it and takes nothing from elsewhere; a name with markup in it stays text."""
    pytest.importorskip("matplotlib")
    (labelled / "<b>&-label5.png").write_bytes(scans.scan(2))
    asked = house.run("evaluate", "--report", "out/report", "--choose-threshold", "5%", str(labelled))
    assert (asked.returncode, asked.stderr) == (0, b"")
    assert asked.stdout.decode().endswith("report: out/report/index.html\n")
    folder = house.root / "out" / "report"
    names = {"confusion.png", "errors.png", "reliability.png", "risk-coverage.png"}
    assert {file.name for file in folder.iterdir()} == names | {"index.html"}
    for name in names:
        picture = cv2.imread(str(folder / name))
        assert picture is not None and min(picture.shape[:2]) >= 250
    text = (folder / "index.html").read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert len(page.taken) == 4
    assert all(each.startswith("data:image/png;base64,") for each in page.taken)
    assert "url(" not in text and "@import" not in text
    assert "prefers-color-scheme: dark" in text
    assert "&lt;b&gt;&amp;-label5.png" in text
    refused = house.run("evaluate", "--report", "out/report", str(labelled))
    assert (refused.returncode, b"--force" in refused.stderr) == (2, True)
    assert house.run("evaluate", "--report", "out/report", "--force", str(labelled)).returncode == 0


def test_only_the_plots_need_the_extra(house: House, labelled: Path) -> None:
    """Without matplotlib and TensorFlow there are figures and thresholds, and a report says what is lacking."""
    lacking = house.at_start("import sys\nsys.modules.update(matplotlib=None, tensorflow=None, keras=None)\n")
    asked = house.run("evaluate", "--json", "--choose-threshold", "1%", str(labelled), PYTHONPATH=lacking)
    assert (asked.returncode, asked.stderr) == (0, b"")
    assert json.loads(asked.stdout)["scans"] == 6
    refused = house.run("evaluate", "--report", "out", str(labelled), PYTHONPATH=lacking)
    assert refused.returncode == 2
    assert b"matplotlib is not installed" in refused.stderr
    assert not (house.root / "out").exists()
    explained = house.run("explain", str(labelled / "hand-label7.png"), PYTHONPATH=lacking)
    assert (explained.returncode, explained.stderr) == (0, b"")


@pytest.mark.parametrize("share", ["much", "-1%", "100%", "nan", "1"])
def test_what_is_no_share_is_wrong_usage(house: House, labelled: Path, share: str) -> None:
    """`--choose-threshold` takes 0.003 and 0.3%, and says so."""
    refused = house.run("evaluate", f"--choose-threshold={share}", str(labelled))
    assert refused.returncode == 2
    assert b"0.003 or 0.3%" in refused.stderr
    assert refused.stdout == b""


def test_a_report_that_cannot_be_written_says_so(house: House, labelled: Path) -> None:
    """A file where the folder should be is an error with its name, not a report somewhere else."""
    pytest.importorskip("matplotlib")
    (house.root / "taken").write_bytes(b"")
    refused = house.run("evaluate", "--report", "taken", str(labelled))
    assert refused.returncode == 2
    assert b"taken" in refused.stderr
