"""Training images look like what `normalise` makes of scans, and are the same for the same seed."""

import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from digitd.training import augment, skeleton, strokes
from digitd.training.epochs import size, stream
from digitd.training.mix import NO_DIGIT_LABEL, mixed, rejects_for

Array = NDArray[np.uint8]
Digits = tuple[Array, Array]


def test_an_epoch_has_all_digits_and_what_is_none(digits: Digits) -> None:
    """As many digits as it was made from, and what is no digit; uint8, with ink on each, of every class."""
    images, labels = mixed(*digits, np.random.default_rng(1))
    assert images.shape == (224, 28, 28)
    assert labels.shape == (224,)
    assert images.dtype == labels.dtype == np.uint8
    assert set(labels.tolist()) == {*range(10), NO_DIGIT_LABEL}
    assert np.count_nonzero(labels == NO_DIGIT_LABEL) == rejects_for(200)
    shares = (images > 64).mean(axis=(1, 2))
    assert shares.min() > 0.01
    assert shares.max() < 0.6


def test_the_same_seed_gives_the_same_images(digits: Digits) -> None:
    """Augmentation depends on nothing but its generator."""
    first, second, other = (mixed(*digits, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], other[0])


def test_epochs_differ_and_processes_do_not_matter(digits: Digits) -> None:
    """Every epoch sees other images; made in other processes, they are those made in this one."""
    few = list(stream(*digits, 2, 3))
    assert not np.array_equal(few[0][0], few[1][0])
    many = np.tile(digits[0], (26, 1, 1)), np.tile(digits[1], 26)
    threads = cv2.getNumThreads()
    elsewhere = next(stream(*many, 1, 3, processes=1))
    order = np.array_split(np.random.default_rng([3, 0]).permutation(len(many[0])), 3)[0]
    here = mixed(many[0][order], many[1][order], np.random.default_rng([3, 0, 0]))
    assert len(elsewhere[0]) == size(len(many[0]))
    assert np.array_equal(elsewhere[0][: len(here[0])], here[0])
    assert np.array_equal(elsewhere[1][: len(here[0])], here[1])
    assert cv2.getNumThreads() == threads


KILLED = """
import os, signal, psutil, numpy as np
from digitd.training.epochs import stream
images = np.full((6000, 28, 28), 255, np.uint8)
next(stream(images, np.arange(6000).astype(np.uint8) % 10, 2, 1, processes=1))
print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_process_outlives_a_killed_training() -> None:
    """After SIGKILL of the training the processes that augment end by themselves."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    pids = [int(pid) for pid in done.stdout.split()]
    assert done.returncode == -signal.SIGKILL
    assert pids
    deadline = time.monotonic() + 30
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_thinning_leaves_lines_of_one_pixel_in_one_piece() -> None:
    """A thick bar's skeleton is a line; a ring's is a ring."""
    masks = np.zeros((2, 40, 40), np.bool_)
    masks[0, 10:17, 5:35] = True
    ys, xs = np.mgrid[:40, :40]
    radius = np.hypot(ys - 20, xs - 20)
    masks[1] = (radius < 15) & (radius > 9)
    bar, ring = skeleton.thinned(masks)
    assert bar.sum(axis=0).max() == 1
    assert bar.sum() > 20
    assert cv2.connectedComponents(ring)[0] == 2
    assert cv2.connectedComponents(1 - ring, connectivity=4)[0] == 3
    assert ring.sum() < 110


def test_a_filled_loop_is_not_written_again(digits: Digits) -> None:
    """A 0 whose loop is filled would be written as a line: it gives no path, and a clear 0 does."""
    zero = digits[0][np.flatnonzero(digits[1] == 0)[:1]]
    filled = zero.copy()
    outline, _ = cv2.findContours(filled[0], cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(filled[0], outline, -1, 255, -1)
    label = np.zeros(1, np.uint8)
    assert skeleton.drawings(zero, label)[0] is not None
    assert skeleton.drawings(filled, label) == [None]


@pytest.mark.parametrize("digit", range(10))
def test_every_shape_of_a_digit_can_be_drawn(digit: int) -> None:
    """Drawings stay near their box of height 1, and edges join points that exist."""
    for seed in range(40):
        drawing = strokes.draw(digit, np.random.default_rng(seed))
        assert drawing.edges.min() >= 0
        assert drawing.edges.max() < len(drawing.points)
        assert np.abs(drawing.points).max() < 1.6
        assert np.ptp(drawing.points[:, 1]) > 0.7


def test_strokes_range_from_hairlines_to_markers() -> None:
    """Written digits cover the widths of pens: under 4 % of the height, and over 20 %."""
    rng = np.random.default_rng(2)
    widths = []
    for _ in range(300):
        ink = augment.written(strokes.draw(1, rng), rng)
        rows = (ink > 0.4 * ink.max()).sum(axis=1)
        widths.append(np.median(rows[rows > 0]) / np.count_nonzero(rows))
    assert np.quantile(widths, 0.05) < 0.05
    assert np.quantile(widths, 0.95) > 0.2


def test_augmentation_keeps_up_with_training(digits: Digits) -> None:
    """An image takes well under two milliseconds even on a busy machine (a quarter of one on an idle one)."""
    begun = time.process_time()
    mixed(*digits, np.random.default_rng(1))
    assert (time.process_time() - begun) / 200 < 0.002
