"""`digitd evaluate`: how good a bundle is on MNIST's test set or on labelled scans of one's own."""

import json as jsonlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitd.cli.common import Config, quiet_libraries, settings
from digitd.errors import UsageError

if TYPE_CHECKING:
    from digitd.settings import Settings

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "evaluate",
        help="Measure the bundle on a folder: MNIST's idx files, or scans labelled by labels.csv or by name.",
        epilog="Example: digitd evaluate scans/  (scans/hand1-label7.png, scans/date-label12_34.jpg, ...)",
    )(evaluate)


def evaluate(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: Config = None,
) -> None:
    """Print the share that is right, its 95 % interval, and what was wrong."""
    from digitd import log

    chosen = settings(context, config)
    log.configure("error", chosen.log.format)
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", "Name a folder of idx files or of labelled scans")
    idx = any("idx3-ubyte" in name for name in os.listdir(folder))
    with quiet_libraries():
        figures = _of_idx(folder, chosen) if idx else _of_scans(folder, chosen)
    if json:
        print(jsonlib.dumps(figures))
        return
    for name, value in figures.items():
        if name != "errors":
            print(f"{name.replace('_', ' '):20} {_shown(value)}")
    for error in figures["errors"][:SHOWN]:
        print(f"  {error['scan']}: is {error['label']!r}, read as {error['text']!r} ({error['status']})")
    if len(figures["errors"]) > SHOWN:
        print(f"  ... and {len(figures['errors']) - SHOWN} more (all of them: --json)")


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2%}"
    if isinstance(value, tuple):
        return f"{value[0]:.2%} to {value[1]:.2%}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _of_idx(folder: Path, chosen: "Settings") -> dict[str, Any]:
    from digitd.recognition.bundle import Bundle, shipped
    from digitd.recognition.engine import open_engine
    from digitd.training import data
    from digitd.training.evaluate import compared

    bundle = Bundle.load(chosen.model.bundle or shipped())
    published = data.load(folder)
    said = open_engine(bundle, chosen.model.engine).logits(published.test_images).argmax(1)
    found = compared(said, published.test_labels)
    return {
        "bundle": f"{bundle.name} {bundle.version}",
        "images": found.total,
        "right": found.correct,
        "accuracy": found.accuracy,
        "interval_95": found.interval,
        "errors": [
            {
                "scan": f"test image {index}",
                "label": str(published.test_labels[index]),
                "text": str(said[index]),
                "status": "-",
            }
            for index in found.wrong.tolist()
        ],
    }


def _of_scans(folder: Path, chosen: "Settings") -> dict[str, Any]:
    from digitd import bulk, labels, names, workers
    from digitd.recognition.bundle import Bundle, shipped
    from digitd.training.evaluate import wilson

    table = _table(folder)
    found: list[bulk.Target] = []
    truth: dict[str, str] = {}
    for target in bulk.targets([os.fspath(folder)], chosen):
        if isinstance(target, bulk.Unopened):
            shown = names.printable(target.path)
            raise UsageError(f"{shown} cannot be opened ({target.why})", "Give the right to read it")
        stem = Path(target.name).stem
        label = table.get(target.name, table.get(os.path.basename(target.name), labels.in_name(stem)))
        if label is not None:
            found.append(target)
            truth[names.text(target.name)] = label
    if not found:
        raise UsageError(
            f"{folder} has no labelled scans",
            f"Put a {labels.LABELS_FILE} (path,label) there, or end the names in -label7.png",
        )
    bundle = Bundle.load(chosen.model.bundle or shipped())
    right = accepted = accepted_wrong = 0
    errors = []
    for result in bulk.read(found, chosen, workers.setup_of(chosen), bundle.model, lambda *_: None):
        if isinstance(result, bulk.Unopened):
            print(f"digitd: {names.printable(result.path)}: {result.why}", file=sys.stderr)
            continue
        label = truth[result.source.path]
        # A label without page breaks leaves open where they are.
        is_right = label in (result.text, result.text.replace("\f", "\n"))
        right += is_right
        if result.status == "accepted":
            accepted += 1
            accepted_wrong += not is_right
        if not is_right:
            shown = names.printable(result.source.path)
            errors.append({"scan": shown, "label": label, "text": result.text, "status": str(result.status)})
    total = len(found)
    return {
        "bundle": f"{bundle.name} {bundle.version}",
        "scans": total,
        "right": right,
        "accuracy": right / total,
        "interval_95": wilson(right, total),
        "accepted": accepted,
        "read_rate": accepted / total,
        "accepted_and_wrong": accepted_wrong,
        "errors": errors,
    }


def _table(folder: Path) -> dict[str, str]:
    from digitd import labels

    file = folder / labels.LABELS_FILE
    try:
        return labels.in_table(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        remedy = "Make it UTF-8 CSV with the columns path and label"
        raise UsageError(f"{file} cannot be used ({error})", remedy) from error
