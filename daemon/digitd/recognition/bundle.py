"""A trained model's folder: weights, and a bundle.json with everything needed to use it rightly."""

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import msgspec
from msgspec import Struct

from digitd.errors import BundleError
from digitd.results import Model

SCHEMA = "1.0"
MANIFEST = "bundle.json"
LITERT_FILE = "model.tflite"
KERAS_FILE = "model.keras"
SHIPPED = "default"
NO_DIGIT = "?"
"""The class of what is no digit: letters, scribbles, parts of digits, two digits in one box."""


class Input(Struct, frozen=True):
    """What the network is given: pixels times `scale`; `polarity` is always light ink on black."""

    height: int = 28
    width: int = 28
    scale: float = 1 / 255
    polarity: str = "light-on-dark"


class File(Struct, frozen=True):
    """One file of the bundle: its SHA-256, its size in bytes, and its numbers' form."""

    sha256: str
    bytes: int
    form: str


class Figures(Struct, frozen=True):
    """How many of labelled images were read rightly, with the 95 % Wilson interval of the share."""

    correct: int
    total: int
    accuracy: float
    interval: tuple[float, float]


class Training(Struct, frozen=True):
    """Where the network comes from: enough to make it again. `scans` of one's own were trained on besides MNIST."""

    preset: str
    command: str
    seed: int
    epochs: int
    best_epoch: int
    parameters: int
    seconds: float
    data_sha256: str
    code_sha256: str
    scans: int = 0
    scans_sha256: str | None = None


class Manifest(Struct, frozen=True):
    """bundle.json. `classes` are the network's outputs in order; `temperature` divides its logits.

    `output` is logits or probabilities; `figures` has test, validation and, where the export was compared, others.
    With `second_look` the network sees again, moved by a pixel, what it is not sure of; temperature and figures are of
    that.
    """

    schema: str
    name: str
    version: str
    created: str
    files: dict[str, File]
    input: Input
    output: str
    classes: tuple[str, ...]
    temperature: float
    training: Training
    versions: dict[str, str]
    figures: dict[str, Figures]
    second_look: bool = False


@dataclass(frozen=True)
class Bundle:
    """A bundle whose weights are what its bundle.json says."""

    path: Path
    manifest: Manifest
    sha256: str

    @classmethod
    def load(cls, path: Path) -> "Bundle":
        """Read and verify the folder. Raises BundleError for every defect: missing, damaged, of another version."""
        manifest = _manifest(path)
        for name, file in manifest.files.items():
            _verify(path, name, file)
        # One hash for the whole: over the weights' hashes, so that it names what the network computes.
        lines = "".join(f"{manifest.files[name].sha256}  {name}\n" for name in sorted(manifest.files))
        return cls(path, manifest, hashlib.sha256(lines.encode()).hexdigest())

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """The model's version."""
        return self.manifest.version

    @property
    def model(self) -> Model:
        """The model as results name it."""
        return Model(self.name, self.version, self.sha256)

    def file(self, name: str) -> Path:
        """The path of one of its files; BundleError if it has none of that name."""
        if name not in self.manifest.files:
            raise BundleError(
                f"The bundle {self.path} has no {name}",
                "Choose the other `model.engine`, or train the bundle again",
            )
        return self.path / name


def shipped() -> Path:
    """The folder of the bundle that comes with digitd."""
    return Path(str(resources.files("digitd"))) / "models" / SHIPPED


def _manifest(path: Path) -> Manifest:
    if not path.is_dir():
        raise BundleError(
            f"The bundle {path} is not a folder",
            "Set `model.bundle` to a folder that `digitd train` wrote, or remove the key to use the one that ships",
        )
    file = path / MANIFEST
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        raise BundleError(f"The bundle {path} has no {MANIFEST}", "Name a folder that `digitd train` wrote") from None
    except OSError as error:
        raise BundleError(
            f"{file} cannot be read ({error.strerror})", "Give the daemon's user the right to read it"
        ) from error
    try:
        schema = msgspec.json.decode(raw, type=dict[str, object]).get("schema")
        if schema != SCHEMA:
            raise BundleError(
                f"{file} has the schema {schema!r}, and this digitd reads {SCHEMA!r}",
                "Train the bundle again with this version, or install the digitd that made it",
            )
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.DecodeError as error:
        raise BundleError(f"{file} is damaged ({error})", "Restore the bundle, or train it again") from error
    _check(file, manifest)
    return manifest


def _check(file: Path, manifest: Manifest) -> None:
    """Refuse what would be read wrongly rather than not at all."""
    defects = {
        "temperature is not above zero": not 0 < manifest.temperature < float("inf"),
        "output is neither logits nor probabilities": manifest.output not in ("logits", "probabilities"),
        "there are no classes": not manifest.classes,
        "there are no files": not manifest.files,
        "the input is not 28x28, light on dark": (manifest.input.height, manifest.input.width) != (28, 28)
        or manifest.input.polarity != Input().polarity,
        "a file's name leaves the folder": any(name != Path(name).name for name in manifest.files),
    }
    for defect, found in defects.items():
        if found:
            raise BundleError(f"{file} is damaged: {defect}", "Restore the bundle, or train it again")


def _verify(folder: Path, name: str, file: File) -> None:
    try:
        raw = (folder / name).read_bytes()
    except OSError as error:
        raise BundleError(
            f"The bundle's file {folder / name} cannot be read ({error.strerror})",
            "Restore the bundle, or train it again",
        ) from error
    if hashlib.sha256(raw).hexdigest() != file.sha256:
        raise BundleError(
            f"The bundle's file {folder / name} is not the one that bundle.json names (its SHA-256 differs)",
            "Restore the bundle, or train it again: a changed or cut copy would read wrongly",
        )
