"""`digitd explain`: a picture for whatever can be read, and the same words as `read` for what cannot."""

import json

import cv2
import numpy as np
import pytest

from e2e import scans
from e2e.harness import House


def test_a_picture_beside_nothing_else(house: House) -> None:
    """It has the scan's name in the working directory; path and outcome are printed, and nothing else is left."""
    (house.root / "in").mkdir()
    (house.root / "in" / "a.png").write_bytes(scans.scan("47"))
    before = set(house.root.rglob("*"))
    asked = house.run("explain", "in/a.png")
    assert (asked.returncode, asked.stderr) == (0, b"")
    path, outcome = asked.stdout.decode().splitlines()
    assert path == "a.png.explain.png"
    assert outcome.startswith("accepted, 47, confidence 0.9")
    written = {file.name for file in set(house.root.rglob("*")) - before}
    # The folder for temporary files is the harness's own.
    assert written - {"tmp"} == {"a.png.explain.png"}
    picture = cv2.imread(str(house.root / path))
    assert picture is not None
    assert picture.shape[1] == 1320 and 400 < picture.shape[0] < 3000


def test_nothing_is_overwritten_without_being_told(house: House) -> None:
    """A picture that is there stays as it is, unless --force is given; --out names another."""
    (house.root / "a.png").write_bytes(scans.scan(4))
    target = house.root / "other.png"
    target.write_bytes(b"mine")
    refused = house.run("explain", "a.png", "--out", "other.png")
    assert refused.returncode == 2
    assert b"--force" in refused.stderr
    assert target.read_bytes() == b"mine"
    assert house.run("explain", "a.png", "--out", "other.png", "--force").returncode == 0
    refused = house.run("explain", "a.png", "--out", "other.jpg")
    assert (refused.returncode, b"does not end in .png" in refused.stderr) == (2, True)
    assert not (house.root / "other.jpg").exists()
    assert target.read_bytes().startswith(b"\x89PNG")


def test_one_page_of_many(house: House) -> None:
    """--page shows that one; the outcome is the whole scan's; a page that is not there is wrong usage."""
    (house.root / "a.tif").write_bytes(scans.tiff([scans.page("1"), scans.page("2468"), scans.page("3")]))
    asked = house.run("explain", "a.tif", "--page", "2")
    assert (asked.returncode, asked.stderr) == (0, b"")
    assert "1 | 2468 | 3" in asked.stdout.decode()
    second = cv2.imread(str(house.root / "a.tif.explain.png"))
    assert house.run("explain", "a.tif", "--force").returncode == 0
    first = cv2.imread(str(house.root / "a.tif.explain.png"))
    assert first is not None and second is not None
    assert first.shape != second.shape or (first != second).any()
    refused = house.run("explain", "a.tif", "--page", "4", "--force")
    assert refused.returncode == 2
    assert b"has 3 pages" in refused.stderr


def test_layout_and_digits_are_heeded(house: House) -> None:
    """From the configuration, and from the options over it."""
    (house.root / "a.png").write_bytes(scans.scan("47"))
    house.configure({"recognition": {"digits": 1}})
    expected = house.run("explain", "a.png")
    assert "no_digits" in expected.stdout.decode().splitlines()[1]  # two digits in one box are none
    asked = house.run("explain", "a.png", "--digits", "2", "--force")
    assert asked.stdout.decode().splitlines()[1].startswith("accepted, 47")
    house.configure({})
    single = house.run("explain", "a.png", "--layout", "single", "--force")
    assert "no_digits" in single.stdout.decode().splitlines()[1]


def test_a_blank_page_has_a_picture(house: House) -> None:
    """Stages without glyphs."""
    (house.root / "a.png").write_bytes(scans.blank())
    asked = house.run("explain", "a.png")
    assert (asked.returncode, asked.stdout) == (0, b"a.png.explain.png\nblank\n")


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "the file is empty"), (b"no image", "a.png: "), (scans.scan(3)[:-200], "a.png: ")],
    ids=["empty", "no image", "cut short"],
)
def test_what_cannot_be_read_is_said_as_read_says_it(house: House, data: bytes, words: str) -> None:
    """The cause is that of `read`, the exit code that of wrong usage, and no picture is written."""
    (house.root / "a.png").write_bytes(data)
    result = json.loads(house.run("read", "--format", "json", "a.png").stdout)
    refused = house.run("explain", "a.png")
    assert refused.returncode == 2
    # Of an empty file the remedy is another.
    cause = result["reason"]["message"].split(". ")[0]
    assert refused.stderr.decode().startswith(f"digitd: {cause}. ")
    assert refused.stderr.count(b"\n") == 1
    assert words in refused.stderr.decode()
    assert not (house.root / "a.png.explain.png").exists()


def test_what_cannot_be_opened_is_wrong_usage(house: House) -> None:
    """A file that is not there, and a folder."""
    for name in ("missing.png", "inbox"):
        refused = house.run("explain", name)
        assert (refused.returncode, refused.stdout) == (2, b"")
        assert name.encode() in refused.stderr


def test_a_large_page_is_shown_reduced(house: House) -> None:
    """A page of many pixels has a picture of a screen's width."""
    page = np.full((2400, 3200), 255, np.uint8)
    digit = scans.paper(scans.ink(8), scale=10, margin=0)
    page[500 : 500 + digit.shape[0], 700 : 700 + digit.shape[1]] = digit
    (house.root / "a.png").write_bytes(scans.encode(page))
    asked = house.run("explain", "a.png")
    assert asked.stdout.decode().splitlines()[1].startswith("accepted, 8")
    picture = cv2.imread(str(house.root / "a.png.explain.png"))
    assert picture is not None and picture.shape[1] == 1320 and picture.shape[0] < 2500


def test_the_limits_hold(house: House) -> None:
    """A scan above a limit is refused with the limit's name, as the daemon refuses it."""
    (house.root / "a.png").write_bytes(scans.scan("47"))
    for limit, value in (("pixels", 100), ("bytes", 100), ("marks", 1)):
        house.configure({"limits": {limit: value}})
        refused = house.run("explain", "a.png")
        assert refused.returncode == 2, limit
        assert f"limits.{limit}" in refused.stderr.decode()
