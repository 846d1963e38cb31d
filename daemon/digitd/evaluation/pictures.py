"""The pictures of labelled scans, for the contact sheet."""

from contextlib import suppress
from pathlib import Path

from digitd.errors import ScanError
from digitd.evaluation.crop import to_ink
from digitd.evaluation.figures import Case
from digitd.imaging.decode import Limits, pages
from digitd.imaging.gray import Gray
from digitd.results import PAGE_BREAK, Status


def picture_of_scan(case: Case, limits: Limits) -> Gray | None:
    """The page on which a scan was first read wrongly, cropped to its ink; None where it cannot be decoded."""
    if case.status == Status.FAILED:
        # A worker may have died of it.
        return None
    truth, said = case.label.split(PAGE_BREAK), case.text.split(PAGE_BREAK)
    wrong = next((place for place, (a, b) in enumerate(zip(truth, said, strict=False)) if a != b), 0)
    shown = None
    # It was read a moment ago; where it cannot be now, the sheet says that there is no picture.
    with suppress(ScanError, OSError):
        for place, image in enumerate(pages(Path(str(case.key)).read_bytes(), limits)):
            shown = image
            if place == wrong or len(truth) != len(said):
                break
    return None if shown is None else to_ink(shown)
