"""The result of each scan that stands, people's corrections taken: standing.py OUTBOX (with pandas)."""

import sys
from pathlib import Path

import pandas as pd

# All of it as text: as a number 0042 would lose its zeros, and an empty text would be NaN.
files = sorted(Path(sys.argv[1]).glob("results-*.csv"))
pages = pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files], ignore_index=True)
pages = pages.drop_duplicates(["id", "page"])

# Nothing is changed that was published: a result stands until another one names it.
standing = pages[~pages["id"].isin(pages["supersedes"])]
print(standing[["source_path", "page", "status", "text"]].to_csv(sep="\t", index=False), end="")
