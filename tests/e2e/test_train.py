"""`digitd train`: a bundle from the command line, with one's own scans besides, and its measure on those kept aside."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitd.training.scans import is_kept_aside
from e2e import scans
from e2e.harness import House

DIGITS = Path(__file__).parents[1] / "fixtures" / "mnist-digits.npz"

pytestmark = pytest.mark.timeout(300)
pytest.importorskip("tensorflow")


def idx(path: Path, array: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    """Write an idx file of unsigned bytes."""
    path.write_bytes(struct.pack(f">I{array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes())


@pytest.fixture
def mnist(house: House) -> Path:
    """The four files of a tiny MNIST."""
    folder = house.root / "mnist"
    folder.mkdir()
    with np.load(DIGITS) as data:
        for part in ("train", "t10k"):
            idx(folder / f"{part}-images-idx3-ubyte", data["images"])
            idx(folder / f"{part}-labels-idx1-ubyte", data["labels"].astype(np.uint8))
    return folder


@pytest.fixture
def own(house: House) -> Path:
    """Forty labelled scans, and one that does not have the digits of its label."""
    folder = house.root / "own"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}-label{number % 10}.png").write_bytes(scans.scan(number % 10, nth=number // 10))
    (folder / "two-label1_2.png").write_bytes(scans.scan(5))
    return folder


def test_own_scans_are_trained_on_and_measured(house: House, mnist: Path, own: Path) -> None:
    """Train with them, read what it tells, then evaluate the new bundle on the scans that it did not see."""
    trained = house.run(
        *("train", "--preset", "tutorial", "--data", str(mnist), "--scans", str(own)),
        *("--epochs", "2", "--out", str(house.root / "new")),
    )
    assert trained.returncode == 0, trained.stderr
    told = trained.stdout.decode()
    aside = sum(is_kept_aside(file.read_bytes()) for file in own.iterdir() if not file.name.startswith("two"))
    assert 0 < aside < 20
    assert f"your scans  {40 - aside} trained on, {aside} kept aside, 1 unusable" in told
    assert "two-label1_2.png: it cannot be cut into the digits of its label" in told
    assert f"of the {aside} digits on those right" in told
    training = json.loads((house.root / "new" / "bundle.json").read_text())["training"]
    assert training["scans"] == 40 - aside
    assert "--scans FOLDER" in training["command"]

    asked = house.run("evaluate", "--json", "--kept-aside", str(own))
    assert asked.returncode == 0, asked.stderr
    kept = [file for file in own.iterdir() if is_kept_aside(file.read_bytes())]
    assert json.loads(asked.stdout)["scans"] == len(kept)


def test_scans_that_cannot_be_used_are_refused(house: House, mnist: Path) -> None:
    """A folder without labelled scans, or with none that fits its label, is an error that says so, before training."""
    for wrong in (
        ("--preset", "nothing"),
        ("--data", "nowhere"),
        ("--scans", "nowhere"),
        ("--scans", str(mnist / "x")),
    ):
        refused = house.run("train", "--data", str(mnist), *wrong, "--out", str(house.root / "new"))
        assert (refused.returncode, refused.stderr.count(b"\n")) == (2, 1), wrong
        assert b"TensorFlow" not in refused.stderr
    folder = house.root / "none"
    folder.mkdir()
    refused = house.run("train", "--data", str(mnist), "--scans", str(folder), "--out", str(house.root / "new"))
    assert refused.returncode == 2
    assert b"no labelled scans" in refused.stderr
    (folder / "a-label1_2.png").write_bytes(scans.scan(5))
    refused = house.run("train", "--data", str(mnist), "--scans", str(folder), "--out", str(house.root / "new"))
    assert refused.returncode == 2
    assert b"can be trained on" in refused.stderr
    assert not (house.root / "new").exists()
    asked = house.run("evaluate", "--kept-aside", str(mnist))
    assert (asked.returncode, b"--kept-aside is for labelled scans" in asked.stderr) == (2, True)
