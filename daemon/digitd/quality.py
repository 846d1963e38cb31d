"""What people have still to verify, and what the sample they verified says of the accepted: read from the journal."""

import sqlite3

from msgspec import Struct

from digitd import history, reviews
from digitd.interval import wilson
from digitd.results import Status
from digitd.settings import Review


class Reviewing(Struct, frozen=True):
    """Scans that wait for people by their status (those that are shown), what was verified today, and verdicts that are
    not published yet."""

    waiting: dict[str, int]
    verified_today: int
    unpublished: int


class Quality(Struct, frozen=True):
    """Of the accepted, chance drew SAMPLE (a share): so many people VERIFIED, and so many of those were WRONG.

    LOW and HIGH are the 95 % interval (Wilson's) of the share that is wrong of all that were accepted, ERROR the share
    of the sample; 0 to 1. WAITING of the sample nobody has looked at yet.
    """

    sample: float
    verified: int
    wrong: int
    waiting: int
    error: float | None
    low: float
    high: float


def reviewing(journal: sqlite3.Connection, review: Review, midnight: float) -> Reviewing:
    """How reviewing goes; MIDNIGHT in seconds since 1970."""
    return Reviewing(
        {kind: reviews.count(journal, kind, below) for kind, below in reviews.kinds(review.failed, review.sample)},
        reviews.verified_since(journal, history.first_since(journal, midnight)),
        reviews.given(journal),
    )


def quality(journal: sqlite3.Connection, sample: float) -> Quality | None:
    """What is known of the accepted; None where none of them are drawn."""
    if not sample:
        return None
    verified, wrong = reviews.sampled(journal, sample)
    low, high = wilson(wrong, verified)
    return Quality(
        sample,
        verified,
        wrong,
        reviews.count(journal, str(Status.ACCEPTED), reviews.lots_of(sample)),
        wrong / verified if verified else None,
        low,
        high,
    )


def knows_reviews(journal: sqlite3.Connection | None) -> bool:
    """Whether a journal tells of reviews: one of an older digitd does not."""
    return journal is not None and history.version(journal) >= history.REVIEWED_SINCE
