"""What a network was made with: the versions of its libraries, and the hash of its code."""

import hashlib
import platform
from collections.abc import Iterator
from importlib import metadata, resources

import digitd

PLUMBING = frozenset({"__init__.py", "errors.py", "evaluate.py", "provenance.py", "run.py", "scans.py"})
"""Modules of training/ that neither make an image nor shape the network."""
IMAGING = ("normalise.py",)
"""What gives every image its form. paper.py looks through the cleaning too; that changes some images a little."""


def versions() -> dict[str, str]:
    """The versions of everything that the network depends on."""
    names = ("tensorflow", "keras", "numpy", "opencv-python-headless", "ai-edge-litert")
    return {"python": platform.python_version(), "digitd": _own_version()} | {
        name: metadata.version(name) for name in names
    }


def code_sha256() -> str:
    """The hash of the modules that make the training's images and the network, but for the cleaning (IMAGING)."""
    digest = hashlib.sha256()
    for name, content in sorted(_sources()):
        digest.update(f"{name}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources() -> Iterator[tuple[str, bytes]]:
    package = resources.files("digitd")
    for file in (package / "training").iterdir():
        if file.name.endswith(".py") and file.name not in PLUMBING:
            yield f"training/{file.name}", file.read_bytes()
    for name in IMAGING:
        yield f"imaging/{name}", (package / "imaging" / name).read_bytes()


def _own_version() -> str:
    return str(getattr(digitd, "__version__", "unknown"))
