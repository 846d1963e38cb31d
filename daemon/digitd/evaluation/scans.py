"""Labelled scans in a folder: which they are, and what the product's own workers read on them."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from digitd import bulk, labels, names
from digitd.errors import UsageError
from digitd.evaluation.figures import Case
from digitd.recognition.bundle import Bundle
from digitd.results import Result, Status
from digitd.settings import Settings
from digitd.training.scans import is_kept_aside


@dataclass(frozen=True)
class Labelled:
    """A scan, and the text that it has."""

    target: bulk.Target
    label: str


@dataclass(frozen=True)
class Found:
    """The labelled scans of a folder, and how many more scans are there without a label."""

    scans: list[Labelled]
    unlabelled: int


def find(folder: Path, settings: Settings) -> Found:
    """The scans below a folder that labels.csv or their own name labels.

    UsageError where there is none, and where labels.csv cannot be used or names a scan that is not there.
    """
    if not folder.is_dir():
        cause = "is no folder" if folder.exists() else "does not exist"
        raise UsageError(f"{folder} {cause}", "Name a folder of labelled scans")
    table, used, unlabelled = _table(folder), set(), 0
    found: list[Labelled] = []
    for target in bulk.targets([os.fspath(folder)], settings):
        if isinstance(target, bulk.Unopened):
            shown = names.printable(target.path)
            raise UsageError(f"{shown} cannot be opened ({target.why})", "Give the right to read it")
        key = next((name for name in (target.name, os.path.basename(target.name)) if name in table), None)
        used.add(key)
        label = labels.in_name(Path(target.name).stem) if key is None else table[key].label
        if label is None:
            unlabelled += 1
        else:
            found.append(Labelled(target, label))
    if lost := [path for path in table if path not in used]:
        raise _lost(folder, lost, table[lost[0]].line)
    if not found:
        empty = f", and its {labels.LABELS_FILE} no rows" if (folder / labels.LABELS_FILE).exists() else ""
        raise UsageError(
            f"{folder} has no labelled scans{empty}",
            f"Put a {labels.LABELS_FILE} (path,label) there, or end the names in -label7.png",
        )
    return Found(found, unlabelled)


def count(folder: Path, settings: Settings) -> int:
    """How many scans there are below a folder, labelled or not."""
    return sum(isinstance(target, bulk.Target) for target in bulk.targets([os.fspath(folder)], settings))


def _lost(folder: Path, paths: Sequence[str], line: int) -> UsageError:
    """That labels.csv names what is no scan of the folder."""
    more = f", nor are {len(paths) - 1:,} others that it names" if len(paths) > 1 else ""
    file = folder / labels.LABELS_FILE
    if (folder / paths[0]).exists():
        return UsageError(
            f"{file}, line {line}: {paths[0]} is not among the folder's scans{more}",
            "Take its row out, or let inbox.include and inbox.ignore take it in",
        )
    return UsageError(f"{file}, line {line}: {paths[0]} is not there{more}", "Correct its path, or take its row out")


def cases(
    scans: Sequence[Labelled], settings: Settings, bundle: Bundle, lost: Callable[[str, str], None]
) -> Iterator[Case]:
    """What is read on the scans, as the daemon would, but with `recognition.accept` 0: `Case.judged` applies it.

    `lost` hears the path and the cause of each that can no longer be opened; it is left out.
    """
    sure = settings.recognition.model_copy(update={"accept": 0.0})
    chosen = settings.model_copy(update={"recognition": sure})
    truth = {names.text(each.target.name): each for each in scans}
    read = bulk.read([each.target for each in scans], len(scans), chosen, bundle.model, lambda *_: None)
    for result in read:
        if isinstance(result, bulk.Unopened):
            lost(names.printable(result.path), result.why)
        else:
            yield _case(result, truth[result.source.path])


def _case(result: Result, scan: Labelled) -> Case:
    return Case(
        name=names.printable(result.source.path),
        label=scan.label,
        text=result.text,
        status=str(result.status),
        reason=None if result.reason is None else result.reason.code,
        confidence=result.confidence,
        sure_else=result.status == Status.ACCEPTED,
        key=scan.target.path,
    )


def kept_aside(scans: Sequence[Labelled], folder: Path) -> list[Labelled]:
    """Those that a training on the folder does not see. UsageError where it sees all."""
    found = [each for each in scans if is_kept_aside(Path(each.target.path).read_bytes())]
    if not found:
        raise UsageError(
            f"None of the {len(scans)} labelled scans in {folder} is kept aside",
            "About one in five is: label more of them",
        )
    return found


def _table(folder: Path) -> dict[str, labels.Entry]:
    file = folder / labels.LABELS_FILE
    try:
        # Excel begins UTF-8 with a byte order mark.
        return labels.in_table(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
        remedy = "Make it UTF-8 CSV with the columns path and label"
        raise UsageError(f"{file} cannot be used: {why}", remedy) from error
