"""`train` makes a bundle that the daemon can use, and replaces nothing it should not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from digitd.errors import BundleError, FolderError, UsageError
from digitd.recognition.bundle import KERAS_FILE, LITERT_FILE, Bundle
from digitd.recognition.engine import open_engine
from digitd.training import Summary, data, train
from digitd.training.errors import DataError, PresetError

# TensorFlow warns of its own deprecations while it converts.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]
pytest.importorskip("tensorflow")

COMMAND = "digitd train --preset tutorial --data FOLDER --seed 3"


def quiet(done: int, total: int, message: str) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def trained(mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Summary, list[tuple[int, int, str]]]:
    """A tutorial bundle of the tiny MNIST, and what its progress was."""
    told: list[tuple[int, int, str]] = []
    out = tmp_path_factory.mktemp("out") / "new" / "tutorial"
    summary = train("tutorial", mnist, out, 3, None, COMMAND, lambda *step: told.append(step))
    return summary, told


def test_the_tutorial_is_the_seed_recipe() -> None:
    """Flatten, 128 relu, 128 relu, 10 softmax; Adam at its default, batches of 32, three epochs."""
    from digitd.training import networks

    recipe = networks.preset("tutorial")
    model = recipe.build()
    assert [type(layer).__name__ for layer in model.layers] == ["Flatten", "Dense", "Dense", "Dense"]
    assert [(layer.units, layer.activation.__name__) for layer in model.layers[1:]] == [
        (128, "relu"),
        (128, "relu"),
        (10, "softmax"),
    ]
    assert model.count_params() == 118_282
    assert (recipe.epochs, recipe.batch, recipe.learning_rate, recipe.augment) == (3, 32, 0.001, False)


def test_the_default_is_small_and_gives_logits() -> None:
    """Between 100,000 and 250,000 parameters, ten digits and no digit, without a softmax."""
    from digitd.training import networks

    recipe = networks.preset("default")
    model = recipe.build()
    assert 100_000 < model.count_params() < 250_000
    assert model.output_shape == (None, 11)
    assert recipe.output == "logits"


def test_the_summary_tells_what_a_person_wants_to_know(trained: tuple[Summary, list[tuple[int, int, str]]]) -> None:
    """Figures with interval, parameters, seconds, path and hash; of the exported network, on the whole test set."""
    summary, _ = trained
    assert (summary.preset, summary.parameters, summary.epochs) == ("tutorial", 118_282, 3)
    assert summary.test.total == 50
    assert summary.test.interval[0] <= summary.test.accuracy <= summary.test.interval[1]
    assert summary.seconds > 0
    assert summary.bytes == sum(file.stat().st_size for file in summary.path.iterdir())
    assert Bundle.load(summary.path).sha256 == summary.sha256


def test_the_bundle_records_where_it_comes_from(
    trained: tuple[Summary, list[tuple[int, int, str]]], mnist: Path
) -> None:
    """Command, seed, epochs, the data's and the code's hash, versions, and the figures."""
    manifest = Bundle.load(trained[0].path).manifest
    assert manifest.training.command == COMMAND
    assert (manifest.training.seed, manifest.training.epochs) == (3, 3)
    assert manifest.training.data_sha256 == data.load(mnist).sha256
    assert len(manifest.training.code_sha256) == 64
    assert manifest.output == "probabilities"
    assert set(manifest.files) == {LITERT_FILE, KERAS_FILE}
    assert set(manifest.figures) == {"mnist_test"}


def test_progress_runs_from_the_first_step_to_the_last(trained: tuple[Summary, list[tuple[int, int, str]]]) -> None:
    """Steps only grow, reach their total, and name the epoch; phases without steps have a total of 0."""
    steps = [(done, total) for done, total, _ in trained[1] if total]
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    assert any("epoch 2 of 3" in message for _, _, message in trained[1])
    assert any(total == 0 and message == "exporting" for _, total, message in trained[1])


def test_both_engines_run_a_fresh_bundle_alike(
    trained: tuple[Summary, list[tuple[int, int, str]]], mnist: Path
) -> None:
    """TensorFlow and LiteRT name the same digits; the network has learnt something even of 137 images."""
    bundle, images = Bundle.load(trained[0].path), data.load(mnist).test_images
    litert, tensorflow = (open_engine(bundle, name).logits(images) for name in ("litert", "tensorflow"))
    assert np.mean(litert.argmax(axis=1) == tensorflow.argmax(axis=1)) >= 0.96
    assert trained[0].test.accuracy > 0.2


def test_the_default_trains_with_augmentation_and_twice_alike(mnist: Path, tmp_path: Path) -> None:
    """One epoch of the default preset gives a bundle under 2 MB; the same seed gives the same network."""
    summaries = [train("default", mnist, tmp_path / str(i), 5, 1, "digitd train", quiet) for i in (1, 2)]
    assert summaries[0].bytes < 2_000_000
    figures = Bundle.load(summaries[0].path).manifest.figures
    assert set(figures) == {"mnist_test", "validation", "validation_float32", "validation_int8"}
    assert summaries[0].epochs == 1
    images = data.load(mnist).test_images
    first, second = (open_engine(Bundle.load(summary.path), "tensorflow").logits(images) for summary in summaries)
    assert first == pytest.approx(second, abs=1e-3)


def test_a_bundle_is_replaced_and_nothing_else_is(mnist: Path, tmp_path: Path) -> None:
    """An `--out` with other files in it is refused before any training; the files stay."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(FolderError, match="no bundle"):
        train("tutorial", mnist, tmp_path / "photos", 1, 1, COMMAND, quiet)
    with pytest.raises(FolderError, match="not a folder"):
        train("tutorial", mnist, tmp_path / "photos" / "holiday.jpg", 1, 1, COMMAND, quiet)
    assert [path.name for path in tmp_path.rglob("*")] == ["photos", "holiday.jpg"]
    out = tmp_path / "bundle"
    first = train("tutorial", mnist, out, 1, 1, COMMAND, quiet)
    second = train("tutorial", mnist, out, 2, 1, COMMAND, quiet)
    assert first.sha256 != second.sha256
    assert Bundle.load(out).sha256 == second.sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "photos"]


def test_what_cannot_be_trained_is_said_and_leaves_nothing(mnist: Path, tmp_path: Path) -> None:
    """An unknown preset names those there are; missing data name the folder; no bundle appears."""
    with pytest.raises(PresetError, match="default, tutorial"):
        train("huge", mnist, tmp_path / "out", 1, 1, COMMAND, quiet)
    with pytest.raises(DataError, match="is not a folder"):
        train("tutorial", tmp_path / "none", tmp_path / "out", 1, 1, COMMAND, quiet)
    with pytest.raises(UsageError):
        train("tutorial", mnist, tmp_path / "out", -1, 1, COMMAND, quiet)
    with pytest.raises(UsageError):
        train("tutorial", mnist, tmp_path / "out", 1, 0, COMMAND, quiet)
    assert not list(tmp_path.iterdir())
    with pytest.raises(BundleError):
        Bundle.load(tmp_path / "out")


def test_importing_training_does_not_import_tensorflow() -> None:
    """`digitd train --help` need not wait for TensorFlow."""
    code = "import sys, digitd.training; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_presets_are_known_without_tensorflow() -> None:
    """The names that are checked before it starts are those that there are."""
    from digitd.training import networks, run

    assert sorted(run.PRESETS) == sorted(networks.PRESETS)
