"""What digitd promises of the scans in a house, to be checked of any sources and outputs once all are read."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

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
        read = [each for each in _json_results(house, form, found["torn"]) if each["status"] != "verified"]
        kinds.append([each["source"]["sha256"] for each in read])
    if has_csv:
        kinds.append([row["source_sha256"] for row in house.rows() if row["status"] != "verified"])
    if sources in {"move", "across"}:
        kinds.append([_sum_of(path) for path in {*house.archived(), *_verified(house)}])
    for kind in kinds:
        count = Counter(kind)
        found["lost"] += [path for sha, path in wanted.items() if not count[sha]]
        found["doubled"] += [wanted.get(sha, sha) for sha, times in count.items() if times > 1 or sha not in wanted]
    inside = {_sum_of(house.inbox / name) for name in house.files(house.inbox)}
    found["lost" if sources == "keep" else "stranded"] += sorted(
        wanted[sha] for sha in (wanted.keys() - inside if sources == "keep" else inside)
    )
    folders = [house.outbox, *(house.archive / status for status in STATUSES), house.root / "archive" / "verified"]
    found["stranded"] += [str(path) for folder in folders for path in folder.rglob(".*")]
    return {kind: names for kind, names in found.items() if names}


def broken_reviews(house: House, outputs: tuple[str, bool], diaries: list[Path]) -> dict[str, list[str]]:
    """What is not as promised of what people said, by kind: verdicts lost, doubled, stranded. Empty where all is well.

    All that was to review is verified by now; DIARIES are as chaos/reviewer.py writes them.
    """
    noted = [entry for diary in diaries for entry in _entries(diary)]
    taken_back = {entry["takes_back"] for entry in noted if "takes_back" in entry}
    gave = {entry["gave"]: entry["of"] for entry in noted if "gave" in entry}
    begun = {entry["gives"] for entry in noted if "gives" in entry}
    form, has_csv = outputs
    found: dict[str, list[str]] = {"lost": [], "doubled": [], "stranded": []}
    kinds: list[list[dict[str, Any]]] = []
    if form != "off":
        kinds.append(_json_results(house, form, []))
    if has_csv:
        kinds.append(list(house.rows()))
    for kind in kinds:
        ids = Counter(each["id"] for each in kind)
        verified = {each["id"]: each["supersedes"] for each in kind if each["status"] == "verified"}
        superseded = Counter(verified.values())
        to_review = {each["id"] for each in kind if each["status"] == "review"}
        found["lost"] += [f"verdict {id_}" for id_ in gave.keys() - taken_back - verified.keys()]
        found["lost"] += [f"review of {id_}" for id_ in to_review - superseded.keys()]
        found["doubled"] += [f"result {id_}" for id_, times in ids.items() if times > 1]
        found["doubled"] += [f"verdict on {of}" for of, times in superseded.items() if times > 1]
        found["stranded"] += [f"{of}, of which nobody spoke" for of in superseded.keys() - begun]
        found["stranded"] += [f"{of}, that is no result" for of in superseded.keys() - ids.keys()]
        found["stranded"] += [f"{id_}, said of {of}" for id_, of in gave.items() if verified.get(id_, of) != of]
    left = house.archive / "review"
    found["stranded"] += [str(path) for path in left.rglob("*") if path.is_file()]
    return {kind: names for kind, names in found.items() if names}


def _entries(diary: Path) -> Iterator[dict[str, str]]:
    """The lines of a diary that are whole: at a kill one may be torn."""
    for line in diary.read_bytes().splitlines() if diary.exists() else ():
        with suppress(ValueError):
            yield json.loads(line)


def _verified(house: House) -> list[Path]:
    return [path for path in (house.root / "archive" / "verified").rglob("*") if path.is_file()]


def _json_results(house: House, form: str, torn: list[str]) -> list[dict[str, Any]]:
    found = []
    for path in sorted(house.outbox.rglob("*.json" if form == "scan" else "*.jsonl")):
        for line in path.read_bytes().splitlines(keepends=True):
            try:
                found.append(json.loads(line))
            except ValueError:
                torn.append(path.name)
    return found


def _sum_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
