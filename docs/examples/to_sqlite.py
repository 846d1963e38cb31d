#!/usr/bin/env python3
"""Move results into an SQLite database, each exactly once: to_sqlite.py DATABASE OUTBOX

Python's standard library is enough. It takes the JSON files of `outbox.json: scan` and of `outbox.json: lines`.
"""

import json
import sqlite3
import sys
from pathlib import Path

TABLE = """
CREATE TABLE IF NOT EXISTS results (
    id TEXT PRIMARY KEY, status TEXT NOT NULL, reason TEXT, text TEXT NOT NULL, confidence REAL,
    path TEXT NOT NULL, recognised TEXT NOT NULL, result TEXT NOT NULL
) WITHOUT ROWID
"""


def move_in(database: sqlite3.Connection, file: Path) -> None:
    """Import one file in one transaction, and remove it only then: whenever this is killed, nothing is lost."""
    with database:
        for line in file.read_bytes().splitlines():
            result = json.loads(line)
            row = (
                result["id"],
                result["status"],
                result["reason"] and result["reason"]["code"],
                result["text"],
                result["confidence"],
                result["source"]["path"],
                result["recognised"],
                line.decode(),
            )
            # What comes a second time has the same id, and is passed over.
            database.execute("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING", row)
    file.unlink()


def main() -> None:
    """Import what is in the outbox now."""
    database = sqlite3.connect(sys.argv[1])
    database.execute(TABLE)
    for file in sorted(Path(sys.argv[2]).rglob("*.json*")):
        # Names that begin with a dot are not published yet.
        if file.suffix in {".json", ".jsonl"} and not file.name.startswith("."):
            move_in(database, file)
    database.close()


if __name__ == "__main__":
    main()
