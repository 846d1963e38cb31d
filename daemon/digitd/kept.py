"""Sources that stay in the inbox: known by their identities, so that none is read twice."""

import os
import sqlite3

from digitd import fs
from digitd.tables import Identity


def has_kept(journal: sqlite3.Connection) -> bool:
    """Whether any source stayed in the inbox, under this configuration or an earlier one."""
    return journal.execute("SELECT 1 FROM scans WHERE kept = 1 LIMIT 1").fetchone() is not None


def knows_kept(journal: sqlite3.Connection, identity: Identity) -> bool:
    """Whether this very scan was read before, and stays in the inbox."""
    found = journal.execute(
        "SELECT 1 FROM scans WHERE kept = 1 AND path = ? AND inode = ? AND size = ? AND mtime_ns = ? LIMIT 1",
        (os.fsencode(identity.path), fs.folded(identity.inode), identity.size, fs.folded(identity.mtime_ns)),
    )
    return found.fetchone() is not None
