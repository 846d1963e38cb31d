"""Rows for a journal, as a delivery makes them."""

import os

from digitd.journal import Journal
from digitd.tables import Identity, Row

HOSTILE = os.fsdecode(b"sub/\xff\n=1.png")


def row(seq: int, path: str = "x.png", *, recognised: float = 1000.0, kept: bool = False, rolled: bool = True) -> Row:
    """A row as the delivery makes it."""
    identity = Identity(path, 100 + seq, 5, 1_000_000 + seq)
    return Row(seq, f"id-{seq}", identity, "accepted", None, recognised, f"{path}.json", kept, rolled, b"{}\n")


def finish(journal: Journal, *seqs: int) -> None:
    """Publish and settle rows."""
    journal.published(seqs)
    journal.begin_sync()
    journal.settle()
