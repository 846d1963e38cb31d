"""What digitd promises of the scans in a house, to be checked of any sources and outputs once all are read."""

import hashlib
import json
from collections import Counter
from pathlib import Path

from e2e.harness import STATUSES, House


def broken(house: House, dropped: dict[str, bytes], sources: str, outputs: tuple[str, bool]) -> dict[str, list[str]]:
    """What is not as promised, by kind: scans lost, doubled, torn, stranded. Empty where all is well.

    `dropped` are the scans by path in the inbox, no two with the same content; `sources` and `outputs` as in ways.py.
    """
    wanted = {hashlib.sha256(data).hexdigest(): path for path, data in dropped.items()}
    form, has_csv = outputs
    found: dict[str, list[str]] = {"lost": [], "doubled": [], "torn": [], "stranded": []}
    kinds: list[list[str]] = []
    if form != "off":
        kinds.append(_json_sums(house, form, found["torn"]))
    if has_csv:
        kinds.append([row["source_sha256"] for row in house.rows()])
    if sources in {"move", "across"}:
        kinds.append([_sum_of(path) for path in house.archived()])
    for kind in kinds:
        count = Counter(kind)
        found["lost"] += [path for sha, path in wanted.items() if not count[sha]]
        found["doubled"] += [wanted.get(sha, sha) for sha, times in count.items() if times > 1 or sha not in wanted]
    inside = {_sum_of(house.inbox / name) for name in house.files(house.inbox)}
    found["lost" if sources == "keep" else "stranded"] += sorted(
        wanted[sha] for sha in (wanted.keys() - inside if sources == "keep" else inside)
    )
    folders = [house.outbox, *(house.archive / status for status in STATUSES)]
    found["stranded"] += [str(path) for folder in folders for path in folder.rglob(".*")]
    return {kind: names for kind, names in found.items() if names}


def _json_sums(house: House, form: str, torn: list[str]) -> list[str]:
    sums = []
    for path in sorted(house.outbox.rglob("*.json" if form == "scan" else "*.jsonl")):
        for line in path.read_bytes().splitlines(keepends=True):
            try:
                sums.append(json.loads(line)["source"]["sha256"])
            except ValueError:
                torn.append(path.name)
    return sums


def _sum_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
