"""A report's folder: the pictures as PNG files, and one page that holds them all. Needs matplotlib."""

from collections.abc import Callable
from pathlib import Path

from digitd.evaluation import canvas, contact, plots
from digitd.evaluation.figures import Case, Figures
from digitd.evaluation.page import PAGE, SHEET, page
from digitd.imaging.gray import Gray


def write(folder: Path, found: Figures, picture_of: Callable[[Case], Gray | None]) -> Path:
    """Write it into a folder, over an older one; gives the page's path. OSError where that cannot be."""
    pictures = {
        "risk-coverage.png": plots.risk_coverage(found.curve, found.accept),
        "reliability.png": plots.reliability(found.bins, found.calibration_error),
        "confusion.png": plots.confusion(found.confusion),
        SHEET: canvas.png(contact.sheet(found.errors, picture_of)),
    }
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
    (folder / PAGE).write_text(page(found, pictures), encoding="utf-8")
    return folder / PAGE
