"""What a network was made with: the versions of its libraries, and the hash of its code."""

import hashlib
import platform
from collections.abc import Iterator
from importlib import metadata, resources

import digitd

SOURCES = {"training": None, "imaging": ("normalise.py",)}
"""The modules that make the training's images and the network: all of training, and the one it takes of imaging."""


def versions() -> dict[str, str]:
    """The versions of everything that the network depends on."""
    names = ("tensorflow", "keras", "numpy", "opencv-python-headless", "ai-edge-litert")
    return {"python": platform.python_version(), "digitd": _own_version()} | {
        name: metadata.version(name) for name in names
    }


def code_sha256() -> str:
    """The hash of the modules that make the training's images and the network."""
    digest = hashlib.sha256()
    for name, content in sorted(_sources()):
        digest.update(f"{name}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources() -> Iterator[tuple[str, bytes]]:
    for package, names in SOURCES.items():
        for file in (resources.files("digitd") / package).iterdir():
            if file.name in names if names else file.name.endswith(".py"):
                yield f"{package}/{file.name}", file.read_bytes()


def _own_version() -> str:
    return str(getattr(digitd, "__version__", "unknown"))
