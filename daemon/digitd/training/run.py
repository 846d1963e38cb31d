"""From a preset's name to a bundle's folder: load, fit, calibrate, export, measure, record."""

import hashlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from digitd.errors import FolderError, UsageError
from digitd.recognition import bundle as bundles
from digitd.recognition.bundle import Bundle, Figures, File, Input, Manifest, Training
from digitd.results import timestamp
from digitd.training import data as mnist
from digitd.training import scans
from digitd.training.errors import PresetError
from digitd.training.provenance import code_sha256, versions
from digitd.training.scans import OwnScans

if TYPE_CHECKING:
    from digitd.recognition.engine import Engine
    from digitd.training.fit import Fitted, Progress
    from digitd.training.scans import Gathered

PRESETS = ("default", "tutorial")
"""The names of networks.PRESETS, which cannot be asked before TensorFlow has started."""
INT8_MAY_LOSE = 0.0003
"""How much worse the int8 export may read the held-out images before float32 ships instead."""


@dataclass(frozen=True)
class Summary:
    """What a person wants to know at the end of a training."""

    preset: str
    path: Path
    sha256: str
    form: str
    parameters: int
    epochs: int
    best_epoch: int
    seconds: float
    temperature: float
    validation: Figures | None
    test: Figures
    bytes: int
    own: OwnScans | None = None


def check(preset: str, data: Path | None, out: Path, seed: int, epochs: int | None) -> mnist.Mnist | None:
    """Whether `train` can begin with these, as far as is known without TensorFlow; gives the MNIST that is in `data`.

    Raises PresetError, DataError, FolderError, or UsageError.
    """
    if seed < 0 or (epochs is not None and epochs < 1):
        raise UsageError(
            f"The seed {seed} with {epochs} epochs is nothing to train by", "Seeds begin at 0, epochs at 1"
        )
    if preset not in PRESETS:
        raise PresetError(f"There is no preset {preset!r}", f"Choose one of {', '.join(PRESETS)}")
    _check_out(out)
    return None if data is None else mnist.load(data)


def train(
    preset: str,
    data: Path | None,
    out: Path,
    seed: int,
    epochs: int | None,
    command: str,
    progress: "Progress",
    own: "tuple[Gathered, Engine] | None" = None,
) -> Summary:
    """Train `preset` on MNIST (idx files in `data`, or downloaded) and write a bundle to `out`.

    `own` are a user's scans, to train on besides, and the engine in use, to compare with. `out` must not exist, be
    empty, or be a bundle, which is replaced when the training has succeeded. `command` is recorded. Raises
    PresetError, DataError, FolderError, or UsageError. Nothing is chosen by the test set.
    """
    begun = time.monotonic()
    published = check(preset, data, out, seed, epochs)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    progress(0, 0, "starting TensorFlow")
    # Imported here: `digitd train --help` must not wait for TensorFlow.
    from digitd.recognition.engine import open_engine
    from digitd.training import fit, networks

    recipe = networks.preset(preset)
    if published is None:
        progress(0, 0, "loading MNIST")
        published = mnist.load(None)
    extra = None
    if own is not None:
        repeated = scans.repeated(own[0].train, len(published.train_images))
        extra = repeated.images, repeated.labels
    fitted = fit.fit(recipe, published.train_images, published.train_labels, seed, epochs, progress, extra)
    progress(0, 0, "exporting")
    parent = out.absolute().parent
    with tempfile.TemporaryDirectory(dir=parent, prefix=f".{out.name}-") as work:
        folder = Path(work) / "bundle"
        folder.mkdir()
        manifest = Manifest(
            schema=bundles.SCHEMA,
            name=f"digitd-{preset}",
            version=time.strftime("%Y.%m.%d", time.gmtime()),
            created=timestamp(time.time()),
            files={},
            input=Input(),
            output=recipe.output,
            classes=recipe.classes,
            temperature=1.0,
            training=Training(
                preset=preset,
                command=command,
                seed=seed,
                epochs=fitted.epochs,
                best_epoch=fitted.best_epoch,
                parameters=int(fitted.model.count_params()),
                seconds=0.0,
                data_sha256=published.sha256,
                code_sha256=code_sha256(),
                scans=own[0].used if own is not None else 0,
                scans_sha256=own[0].sha256 if own is not None else None,
            ),
            versions=versions(),
            figures={},
            # Taught by scans' likenesses, it knows moved digits; the seed recipe stays what it is.
            second_look=recipe.augment,
        )
        finished = _exported(fitted, manifest, folder, published, begun, progress)
        _replace(folder, out)
    loaded = Bundle.load(out)
    return Summary(
        preset=preset,
        path=out,
        sha256=loaded.sha256,
        form=finished.files[bundles.LITERT_FILE].form,
        parameters=finished.training.parameters,
        epochs=finished.training.epochs,
        best_epoch=finished.training.best_epoch,
        seconds=time.monotonic() - begun,
        temperature=finished.temperature,
        validation=finished.figures.get("validation"),
        test=finished.figures["mnist_test"],
        bytes=sum(file.stat().st_size for file in out.iterdir()),
        own=None if own is None else scans.compared(own[0], open_engine(loaded, "litert"), own[1]),
    )


def _exported(
    fitted: "Fitted",
    manifest: Manifest,
    folder: Path,
    published: mnist.Mnist,
    begun: float,
    progress: "Progress",
) -> Manifest:
    """Write the exports, measure on the test set, and record it all."""
    from digitd.recognition.engine import open_engine
    from digitd.training import export
    from digitd.training.evaluate import evaluate

    export.keras_file(fitted.model, folder / bundles.KERAS_FILE)
    manifest = _with_network(fitted, manifest, folder)
    progress(0, 0, "measuring on the test set")
    test = evaluate(open_engine(_written(folder, manifest), "litert"), published.test_images, published.test_labels)
    manifest = msgspec.structs.replace(
        manifest,
        figures=manifest.figures | {"mnist_test": test.figures()},
        training=msgspec.structs.replace(manifest.training, seconds=round(time.monotonic() - begun, 1)),
    )
    _written(folder, manifest)
    return manifest


def _with_network(fitted: "Fitted", manifest: Manifest, folder: Path) -> Manifest:
    """Export for LiteRT; choose between int8 and float32, and fit the temperature, on the held-out images.

    Where nothing was held out there is nothing to choose by: float32, and the network's own probabilities.
    """
    from digitd.recognition.confidence import fit_temperature
    from digitd.recognition.engine import open_engine
    from digitd.training import export
    from digitd.training.evaluate import compared

    if fitted.validation is None:
        (folder / bundles.LITERT_FILE).write_bytes(export.litert(fitted.model, None))
        return msgspec.structs.replace(manifest, files=_files(folder, "float32"))
    held, labels = fitted.validation.images, fitted.validation.labels
    figures: dict[str, Figures] = {}
    forms = {"float32": None, "int8": held[:: max(1, len(held) // export.CALIBRATION)]}
    contents, logits = {}, {}
    for form, calibration in forms.items():
        contents[form] = export.litert(fitted.model, calibration)
        (folder / bundles.LITERT_FILE).write_bytes(contents[form])
        trial = msgspec.structs.replace(manifest, files=_files(folder, form))
        logits[form] = open_engine(_written(folder, trial), "litert").logits(held)
        figures[f"validation_{form}"] = compared(logits[form], labels).figures()
    lost = figures["validation_float32"].accuracy - figures["validation_int8"].accuracy
    form = "int8" if lost <= INT8_MAY_LOSE else "float32"
    (folder / bundles.LITERT_FILE).write_bytes(contents[form])
    return msgspec.structs.replace(
        manifest,
        files=_files(folder, form),
        temperature=round(fit_temperature(logits[form], labels), 4),
        figures=figures | {"validation": figures[f"validation_{form}"]},
    )


def _files(folder: Path, form: str) -> dict[str, File]:
    forms = {bundles.LITERT_FILE: form, bundles.KERAS_FILE: "float32"}
    out = {}
    for name, numbers in forms.items():
        content = (folder / name).read_bytes()
        out[name] = File(hashlib.sha256(content).hexdigest(), len(content), numbers)
    return out


def _written(folder: Path, manifest: Manifest) -> Bundle:
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / bundles.MANIFEST).write_bytes(text + b"\n")
    return Bundle.load(folder)


def _check_out(out: Path) -> None:
    """Never replace what is not a bundle, and find out before the training rather than after it."""
    if out.exists() and not out.is_dir():
        raise FolderError(f"{out} is not a folder", "Name another --out")
    if out.is_dir() and any(out.iterdir()) and not (out / bundles.MANIFEST).is_file():
        raise FolderError(f"{out} has files in it that are no bundle", "Name an empty or a new folder as --out")
    parent = out.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"{parent} cannot be made ({error.strerror})", "Name another --out") from error
    if not os.access(parent, os.W_OK):
        raise FolderError(f"{parent} is not writable", "Name another --out, or change its rights")


def _replace(folder: Path, out: Path) -> None:
    """Put the finished bundle in its place; an old one steps aside, and goes with the folder it was made in."""
    if out.exists():
        out.rename(folder.parent / "replaced")
    folder.rename(out)
