"""Labelled scans in a folder: which they are, and what the product's own workers read on them."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from digitd import bulk, labels, names, workers
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


def labelled(folder: Path, settings: Settings) -> list[Labelled]:
    """The scans below a folder that labels.csv or their own name labels. UsageError where there is none."""
    table = _table(folder)
    found: list[Labelled] = []
    for target in bulk.targets([os.fspath(folder)], settings):
        if isinstance(target, bulk.Unopened):
            shown = names.printable(target.path)
            raise UsageError(f"{shown} cannot be opened ({target.why})", "Give the right to read it")
        stem = Path(target.name).stem
        label = table.get(target.name, table.get(os.path.basename(target.name), labels.in_name(stem)))
        if label is not None:
            found.append(Labelled(target, label))
    if not found:
        raise UsageError(
            f"{folder} has no labelled scans",
            f"Put a {labels.LABELS_FILE} (path,label) there, or end the names in -label7.png",
        )
    return found


def cases(
    scans: Sequence[Labelled], settings: Settings, bundle: Bundle, lost: Callable[[str, str], None]
) -> Iterator[Case]:
    """What is read on the scans, as the daemon would, but with `recognition.accept` 0: `Case.judged` applies it.

    `lost` hears the path and the cause of each that can no longer be opened; it is left out.
    """
    sure = settings.recognition.model_copy(update={"accept": 0.0})
    chosen = settings.model_copy(update={"recognition": sure})
    truth = {names.text(each.target.name): each for each in scans}
    read = bulk.read([each.target for each in scans], chosen, workers.setup_of(chosen), bundle.model, lambda *_: None)
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


def _table(folder: Path) -> dict[str, str]:
    file = folder / labels.LABELS_FILE
    try:
        return labels.in_table(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        remedy = "Make it UTF-8 CSV with the columns path and label"
        raise UsageError(f"{file} cannot be used ({error})", remedy) from error
