"""The engines run the bundle's network, at fixed shapes, and say the same."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitd.errors import BundleError
from digitd.recognition.bundle import LITERT_FILE, MANIFEST, Bundle, shipped
from digitd.recognition.confidence import probabilities
from digitd.recognition.engine import SHAPES, chunks, open_engine
from digitd.recognition.litert import LiteRtEngine

Digits = tuple[NDArray[np.uint8], NDArray[np.int64]]


@given(st.integers(0, 3000))
def test_chunks_cover_every_image_once_at_known_shapes(count: int) -> None:
    """Whatever the number of images: each is in one chunk, no shape is new, and little is padding."""
    parts = list(chunks(count))
    assert [start for start, _, _ in parts] == [0, *(stop for _, stop, _ in parts)][: len(parts)]
    assert (parts[-1][1] if parts else 0) == count
    assert all(shape in SHAPES and stop - start <= shape for start, stop, shape in parts)
    assert sum(shape for _, _, shape in parts) <= max(4 * count, 1)


@pytest.mark.parametrize("count", [0, 1, 2, 9, 65, 200])
def test_a_batch_says_what_each_image_alone_says(bundle: Bundle, digits: Digits, count: int) -> None:
    """How images are batched and padded does not change what is said of them."""
    engine = LiteRtEngine(bundle)
    images = digits[0][:count]
    together = engine.logits(images)
    assert together.shape == (count, len(bundle.manifest.classes))
    assert together.dtype == np.float32
    for i in range(0, count, 17):
        assert together[i] == pytest.approx(engine.logits(images[i : i + 1])[0], abs=1e-3)


def test_the_shipped_network_reads_mnist(bundle: Bundle, digits: Digits) -> None:
    """Of 200 of MNIST's test digits at most two are read wrongly."""
    said = LiteRtEngine(bundle).logits(digits[0]).argmax(axis=1)
    assert np.count_nonzero(said != digits[1]) <= 2


@pytest.mark.filterwarnings("ignore")
def test_both_engines_say_the_same(bundle: Bundle, digits: Digits) -> None:
    """TensorFlow, running the same bundle, names the same digits with nearly the same probabilities."""
    pytest.importorskip("tensorflow")
    temperature = bundle.manifest.temperature
    with_litert = probabilities(open_engine(bundle, "litert").logits(digits[0]), temperature)
    with_tensorflow = probabilities(open_engine(bundle, "tensorflow").logits(digits[0]), temperature)
    assert np.array_equal(with_litert.argmax(axis=1), with_tensorflow.argmax(axis=1))
    # int8 moves the unsure ones by some hundredths, and the sure ones not at all.
    assert np.abs(with_litert - with_tensorflow).mean() < 0.002
    assert np.abs(with_litert - with_tensorflow).max() < 0.15


def test_litert_does_not_import_tensorflow() -> None:
    """The daemon's engine loads without TensorFlow, Keras or OpenCV."""
    code = (
        "import sys; from digitd.recognition.bundle import Bundle, shipped; "
        "from digitd.recognition.engine import open_engine; open_engine(Bundle.load(shipped()), 'litert'); "
        "sys.exit(bool({'tensorflow', 'keras', 'cv2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_a_file_that_litert_cannot_use_is_refused(tmp_path: Path) -> None:
    """A network that LiteRT cannot load is an unusable bundle, even where its hash is right."""
    folder = Path(shutil.copytree(shipped(), tmp_path / "bundle"))
    content = b"no network at all"
    (folder / LITERT_FILE).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][LITERT_FILE]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="LiteRT cannot load"):
        LiteRtEngine(Bundle.load(folder))
