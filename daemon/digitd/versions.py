"""What is installed: digitd, the forms it writes, Python, and the libraries that do the work."""

import importlib.metadata
import platform

from msgspec import Struct

from digitd import __version__, results

LIBRARIES = (
    "numpy",
    "opencv-python-headless",
    "ai-edge-litert",
    "tensorflow",
    "watchdog",
    "structlog",
    "PyYAML",
    "pypdfium2",
    "prometheus-client",
    "starlette",
    "uvicorn",
    "jinja2",
)


class Versions(Struct, frozen=True):
    """RESULTS is the schema of results, JOURNAL that of the journal's tables (None: there is none yet)."""

    digitd: str
    results: str
    journal: int | None
    python: str
    libraries: dict[str, str | None]


def versions(journal: int | None) -> Versions:
    """Of this installation."""
    return Versions(__version__, results.SCHEMA, journal, platform.python_version(), libraries())


def libraries() -> dict[str, str | None]:
    """Each library's version; None where it is not installed."""
    return {library: _version(library) for library in LIBRARIES}


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
