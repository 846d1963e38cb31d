"""What was made of a scan's pages to its outcome: its readings, and whether a person must look at them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from digitd.recognition.bundle import NO_DIGIT
from digitd.recognition.confidence import rounded, together
from digitd.recognition.judge import Judged, Read
from digitd.results import PAGE_BREAK, Glyph, Outcome, Reading, Reason, Status


@dataclass(frozen=True)
class Options:
    """How a scan is read: its layout, how many digits it has (None: unknown), and when a reading is accepted."""

    layout: str = "auto"
    digits: int | None = None
    accept: float = 0.98
    margin: float = 0.5


@dataclass(frozen=True)
class Page:
    """One page: its width and height, px, what was made of it, and whether it has writing of which no mark was left."""

    width: int
    height: int
    judged: Judged
    lost: bool = False


def outcome_of(name: str, options: Options, pages: Sequence[Page]) -> Outcome:
    """The readings of a scan's pages, and whether they are sure enough together. `name` is for messages alone."""
    judged = [page.judged for page in pages]
    readings = tuple(_reading(number, page) for number, page in enumerate(pages, 1))
    sure = [made.confidence for made in judged if made.confidence is not None]
    lost = [number for number, page in enumerate(pages, 1) if page.lost]
    if not sure:
        if lost:
            return Outcome(Status.REVIEW, _lost(name, lost[0], "no_digits"), pages=readings)
        return Outcome(Status.BLANK, pages=readings)
    confidence = rounded(together(sure))
    reason = _doubt(name, options, judged, confidence)
    if lost and (reason is None or reason.code != "no_digits"):
        reason = _lost(name, lost[0], "unread_mark")
    return Outcome(
        status=Status.ACCEPTED if reason is None else Status.REVIEW,
        reason=reason,
        text=PAGE_BREAK.join(reading.text for reading in readings) if any(made.text for made in judged) else "",
        confidence=confidence,
        pages=readings,
    )


def _reading(number: int, page: Page) -> Reading:
    """One page. A blank one has the text "" and no confidence."""
    judged = page.judged
    glyphs = tuple(
        Glyph(read.guess.digit, rounded(read.guess.confidence), read.candidate.box, read.guess.alternatives)
        for read in judged.glyphs
    )
    confidence = None if judged.confidence is None else rounded(judged.confidence)
    return Reading(number, page.width, page.height, judged.text, confidence, glyphs)


def _lost(name: str, page: int, code: str) -> Reason:
    """A page has ink that is more than lines, borders and dust, and no mark could be told in it."""
    return Reason(
        code,
        f"{name}: page {page} has ink on it, but no mark can be told in it: its writing is too small or too dense. "
        "Write what is there by hand, or scan it again, larger.",
    )


def _doubt(name: str, options: Options, judged: Sequence[Judged], confidence: float) -> Reason | None:
    """Why a reading needs a person, the gravest reason first; None if it does not."""
    used = [read for made in judged for read in made.glyphs]
    unread = [(number, read) for number, made in enumerate(judged, 1) for read in made.glyphs if _is_unread(read)]
    if len(unread) == len(used):
        return Reason(
            "no_digits",
            f"{name}: there {'is a mark' if len(used) == 1 else f'are {len(used)} marks'}, but no digit. Write "
            "what is there by hand, or keep scans without digits out of the inbox.",
        )
    if unread:
        number, read = unread[0]
        x, y, _, _ = read.candidate.box
        more = f", and {len(unread) - 1} more" if len(unread) > 1 else ""
        return Reason(
            "unread_mark",
            f"{name}: the mark at {x},{y} of page {number}{more} cannot be read as a digit: crossed out, a "
            "letter, or two digits in one another. Compare the reading with the scan, `?` stands for it.",
        )
    if options.digits is not None:
        for number, made in enumerate(judged, 1):
            found = len(made.glyphs)
            if found and found != options.digits:
                return Reason(
                    "digits_expected",
                    f"{name}: page {number} has {_count(found)}, and recognition.digits expects "
                    f"{options.digits}. Compare the reading with the scan.",
                )
    if confidence < options.accept:
        least = min((read.guess for read in used), key=lambda one: one.confidence)
        cut = min(made.segmentation for made in judged)
        why = f"least sure is a {least.digit} with {rounded(least.confidence):.4f}"
        if cut < least.confidence:
            why = f"least sure is where its digits part, with {rounded(cut):.4f}"
        return Reason(
            "low_confidence",
            f"{name}: the confidence {confidence:.4f} is below recognition.accept ({options.accept:g}); {why}. "
            "Compare the reading with the scan.",
        )
    closest = min((read.guess for read in used), key=lambda one: one.margin)
    if closest.margin < options.margin:
        return Reason(
            "low_margin",
            f"{name}: a {closest.digit} may be a {closest.runner_up}: they are only {closest.margin:.4f} apart, "
            f"and recognition.margin asks for {options.margin:g}. Compare the reading with the scan.",
        )
    return None


def _is_unread(read: Read) -> bool:
    return read.guess.digit == NO_DIGIT


def _count(digits: int) -> str:
    return "1 digit" if digits == 1 else f"{digits} digits"
