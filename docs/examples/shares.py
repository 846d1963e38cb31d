"""How many scans of each folder were read, and how surely: shares.py OUTBOX (with pandas)."""

import sys
from pathlib import Path

import pandas as pd

# All of it as text: as a number 0042 would lose its zeros, and an empty text would be NaN.
files = sorted(Path(sys.argv[1]).glob("results-*.csv"))
pages = pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files], ignore_index=True)
# After a power cut a row may be there a second time.
pages = pages.drop_duplicates(["id", "page"])
pages["confidence"] = pd.to_numeric(pages["confidence"], errors="coerce")
pages["recognised"] = pd.to_datetime(pages["recognised"])

scans = pages.drop_duplicates("id")
folder = scans["source_path"].str.rpartition("/")[0].rename("folder")
print(pd.crosstab(folder, scans["status"]))
print(f"{len(pages)} rows, median confidence {pages['confidence'].median():.4f}")
print(f"last read {scans['recognised'].max():%Y-%m-%d %H:%M:%S} UTC")
