"""An outbox with a result of every status, that a real daemon filled, and a person."""

from pathlib import Path

from digitd.config import load
from digitd.review.desk import Answer, Desk
from e2e import scans
from e2e.harness import House

TWO_LINES = b"caf\xe9/two\nlines.png"
"""A path that is no UTF-8, with a line feed in it."""
DROPPED: dict[str | bytes, bytes] = {
    "accepted.png": scans.scan("0042"),
    "sub/review.png": scans.scan("73"),
    "blank.png": scans.encode(scans.paper(scans.ink(1) * 0)),
    "failed.png": b"this is no image",
    "=1+1.png": scans.scan(7),
    TWO_LINES: scans.scan(4),
}
"""What is dropped, each with another fate or name."""


CORRECTED = "74"
"""What a person says of the one to review."""


def verified(house: House) -> House:
    """Have the one to review verified, and published like the rest."""
    with Desk(load(house.config)) as desk:
        [item] = desk.next("anna")
        desk.decide("anna", item.key, Answer(texts=(CORRECTED,), by="=Anna"))
    assert house.once().process.returncode == 0
    return house


def of_every_status(root: Path, json: str) -> House:
    """A house below ROOT in which DROPPED was read with `run --once`, and published as CSV and as JSON says."""
    house = House(root, {"profiles": {"sub": {"accept": 1.0}}, "outbox": {"json": json}, "review": {"undo": 0}})
    for name, data in DROPPED.items():
        house.drop(name, data)
    assert house.once().process.returncode == 0
    return house
