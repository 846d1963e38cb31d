"""A bundle is used only if it is what its bundle.json says."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitd.errors import BundleError, ExitCode
from digitd.recognition.bundle import KERAS_FILE, LITERT_FILE, MANIFEST, Bundle, shipped

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped bundle, to damage."""
    return Path(shutil.copytree(shipped(), tmp_path / "bundle"))


def test_the_shipped_bundle_is_whole_small_and_made_by_train() -> None:
    """What ships is under 2 MB, has its figures, and says the command that made it."""
    bundle = Bundle.load(shipped())
    assert sum(file.stat().st_size for file in shipped().iterdir()) < 2_000_000
    assert bundle.manifest.training.command.startswith("digitd train --preset default --data FOLDER --seed ")
    assert set(bundle.manifest.files) == {LITERT_FILE, KERAS_FILE}
    assert {file.name for file in shipped().iterdir()} == {
        LITERT_FILE,
        KERAS_FILE,
        MANIFEST,
        "MODEL_CARD.md",
        "seeds.json",
    }
    assert bundle.manifest.figures["mnist_test"].total == 10_000
    assert bundle.manifest.figures["mnist_test"].accuracy >= 0.996
    assert {"python", "tensorflow", "keras", "numpy", "digitd"} <= set(bundle.manifest.versions)


def test_results_name_the_model_by_the_hash_of_its_weights(copy: Path) -> None:
    """The same weights have the same hash wherever they lie, and a changed note in bundle.json leaves it."""
    changed = json.loads((copy / MANIFEST).read_text())
    changed["created"] = "2020-01-01T00:00:00.000Z"
    (copy / MANIFEST).write_text(json.dumps(changed))
    here, there = Bundle.load(shipped()), Bundle.load(copy)
    assert here.model == there.model
    assert len(here.sha256) == 64


def _refused(folder: Path, cause: str) -> None:
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    assert cause in caught.value.cause
    assert caught.value.remedy
    assert caught.value.exit_code is ExitCode.BUNDLE


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """A path that is no folder is named, with the key to set."""
    _refused(tmp_path / "none", "is not a folder")


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    """A folder without bundle.json is no bundle."""
    _refused(tmp_path, "has no bundle.json")


@pytest.mark.parametrize("name", [LITERT_FILE, KERAS_FILE])
def test_a_missing_file_is_refused(copy: Path, name: str) -> None:
    """A file that bundle.json names must be there."""
    (copy / name).unlink()
    _refused(copy, f"{name} cannot be read")


@pytest.mark.parametrize("name", [LITERT_FILE, KERAS_FILE])
def test_changed_weights_are_refused(copy: Path, name: str) -> None:
    """One flipped bit in the weights is found at load."""
    raw = bytearray((copy / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (copy / name).write_bytes(raw)
    _refused(copy, "is not the one that bundle.json names")


@pytest.mark.parametrize("text", ["", "{", "[]", '"bundle"', '{"schema": "1.0"}', "\u00ff"])
def test_damaged_json_is_refused(copy: Path, text: str) -> None:
    """A bundle.json that is no bundle.json is damaged, never half used."""
    (copy / MANIFEST).write_bytes(text.encode("latin-1"))
    _refused(copy, "is damaged")


@pytest.mark.parametrize("schema", ["2.0", None, 1])
def test_another_schema_is_refused_by_name(copy: Path, schema: object) -> None:
    """A bundle of another digitd says which schema it has, and which is wanted."""
    changed = json.loads((copy / MANIFEST).read_text())
    changed["schema"] = schema
    (copy / MANIFEST).write_text(json.dumps(changed))
    _refused(copy, f"has the schema {schema!r}")


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(temperature=0),
        lambda m: m.update(temperature="warm"),
        lambda m: m.update(output="votes"),
        lambda m: m.update(classes=[]),
        lambda m: m.update(files={}),
        lambda m: m.pop("figures"),
        lambda m: m["input"].update(width=32),
        lambda m: m["files"].update({"../weights": m["files"][LITERT_FILE]}),
    ],
)
def test_values_that_would_read_wrongly_are_refused(copy: Path, change: Change) -> None:
    """A bundle that would be used wrongly is not used."""
    changed = json.loads((copy / MANIFEST).read_text())
    change(changed)
    (copy / MANIFEST).write_text(json.dumps(changed))
    _refused(copy, "is damaged")
