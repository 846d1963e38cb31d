-- The results that stand, in the database that to_sqlite.py fills: sqlite3 results.sqlite3 < standing.sql
CREATE VIEW IF NOT EXISTS standing AS
    SELECT * FROM results WHERE id NOT IN (
        SELECT result ->> 'supersedes' FROM results WHERE result ->> 'supersedes' IS NOT NULL
    );
SELECT path, status, text FROM standing ORDER BY recognised, path;
