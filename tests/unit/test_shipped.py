"""What ships is what it says it is: the bundle, the package, the README's example."""

import re
import runpy
from pathlib import Path

from digitd.recognition.bundle import Bundle, shipped
from digitd.training.provenance import code_sha256

ROOT = Path(__file__).parents[2]
MOST_BYTES = 2_000_000


def test_the_bundle_was_made_by_this_code() -> None:
    """Its recorded hash is that of the training's code as it is: a change there means training anew."""
    assert Bundle.load(shipped()).manifest.training.code_sha256 == code_sha256()


def test_the_bundle_is_small_and_says_how_it_was_made() -> None:
    """Under 2 MB; the command, the seed and the figures on MNIST's test set are in it."""
    manifest = Bundle.load(shipped()).manifest
    assert sum(file.stat().st_size for file in shipped().iterdir()) < MOST_BYTES
    assert manifest.training.command.startswith("digitd train --preset default")
    assert f"--seed {manifest.training.seed}" in manifest.training.command
    assert manifest.figures["mnist_test"].total == 10_000
    assert manifest.figures["mnist_test"].accuracy >= 0.995


def test_the_readme_shows_the_bundle_that_ships() -> None:
    """The model in its example of a result is this one."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r'"model": \{[^}]*"sha256": "([0-9a-f]{64})"', readme)
    assert shown == Bundle.load(shipped()).sha256


def test_the_package_is_typed() -> None:
    """Type checkers of programs that import digitd see its types."""
    assert (ROOT / "daemon" / "digitd" / "py.typed").is_file()


def test_the_model_card_has_the_bundles_own_figures() -> None:
    """MODEL_CARD.md is what bench/card.py makes of the bundle that ships: run it after a training."""
    card = runpy.run_path(str(ROOT / "bench" / "card.py"))
    assert (shipped() / "MODEL_CARD.md").read_text(encoding="utf-8") == card["rendered"]()
