#!/bin/sh
# Move CSV files into an SQLite database, each row exactly once: to_sqlite.sh DATABASE FILE...
set -eu
database=$1
shift
sqlite3 -bail "$database" '
    CREATE TABLE IF NOT EXISTS pages (
        id TEXT, page INTEGER, status TEXT, reason TEXT, text TEXT, confidence REAL, source_path TEXT, recognised TEXT,
        PRIMARY KEY (id, page)
    ) WITHOUT ROWID;'
for file; do
    # The columns are taken by name, so that new ones do no harm. A failed scan has no page: here it has page 0.
    sqlite3 -bail "$database" <<END
BEGIN IMMEDIATE;
.import --csv --schema temp "$file" fresh
INSERT OR IGNORE INTO pages
    SELECT id, iif(page = '', 0, page), status, nullif(reason, ''), text, nullif(confidence, ''), source_path, recognised
    FROM temp.fresh;
COMMIT;
END
    # Only now: whenever this is killed, nothing is lost, and what is imported twice counts once.
    rm -- "$file"
done
