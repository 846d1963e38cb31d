"""`digitd evaluate`: how good a bundle is on MNIST's test set or on labelled scans of one's own."""

import importlib.util
import json as jsonlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitd import names
from digitd.cli.common import Config, err, out, quiet_libraries, settings
from digitd.errors import UsageError

if TYPE_CHECKING:
    from digitd.evaluation.figures import Case, Figures
    from digitd.imaging.gray import Gray
    from digitd.settings import Settings

SHOWN = 20
"""Errors that the terminal lists."""
MUCH = 0.05
"""An error above this is rather a percentage without its sign."""
LONG = 200
"""Below so many scans a bar would be gone before it is seen."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "evaluate",
        help="Measure the bundle on a folder: MNIST's idx files, or scans labelled by labels.csv or by name.",
        epilog="Example: digitd evaluate scans/  (scans/hand1-label7.png, scans/date-label12_34.jpg, ...)",
    )(evaluate)


def evaluate(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", show_default=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object with every figure.")] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FOLDER", help="Write pictures and a page there. Needs the extra `train`."),
    ] = None,
    error: Annotated[
        str | None,
        typer.Option(
            "--choose-threshold",
            metavar="ERROR",
            help="Find from which `recognition.accept` on at most this share of the accepted is wrong: 0.3%.",
        ),
    ] = None,
    kept_aside: Annotated[
        bool,
        typer.Option("--kept-aside", help="Only the scans that `digitd train --scans` of this folder keeps aside."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a report that is there.")] = False,
    verified: Annotated[
        bool,
        typer.Option(
            "--verified", help="No folder: how many of the accepted are wrong, by the sample people verified."
        ),
    ] = False,
    config: Config = None,
) -> None:
    """Print what is right, how sure that is, what is accepted and wrong, and what was wrong."""
    from digitd import log

    chosen = settings(context, config)
    log.configure("error", chosen.log.format, clock=chosen.log.time)
    wanted = None if error is None else _share(error)
    if verified:
        if folder is not None or report is not None or error is not None or kept_aside:
            raise UsageError("--verified goes with --json and -c alone", "Leave the folder and the other options out")
        _print_quality(chosen, json)
        return
    if folder is None:
        raise UsageError("a FOLDER is missing", "Name a folder of idx files or of labelled scans, or say --verified")
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", "Name a folder of idx files or of labelled scans")
    if report is not None:
        _prepare(report, force)
    with quiet_libraries():
        figures, picture_of = _measured(folder, chosen, wanted, kept_aside)
        if report is not None:
            from digitd.evaluation.report import write

            written = write(report, figures, picture_of)
    if json:
        print(jsonlib.dumps(figures.plain()))
    else:
        _print(figures)
        if report is not None:
            print(f"\nreport: {written}")


def _print_quality(chosen: "Settings", json: bool) -> None:
    """What people said of the sample of the accepted; nothing is read for it."""
    import msgspec

    from digitd.cli.shown import quality as in_words
    from digitd.database import reading
    from digitd.quality import knows_reviews, quality

    if not chosen.review.sample:
        raise UsageError(
            "review.sample is 0, so none of the accepted are drawn", "Set it, to 0.01 for example, and verify some days"
        )
    with reading(chosen.state.path) as journal:
        found = quality(journal, chosen.review.sample) if journal is not None and knows_reviews(journal) else None
    if found is None:
        raise UsageError(f"{chosen.state.path} has no journal that knows of reviews", "Name the daemon's with -c")
    print(msgspec.json.encode(found).decode() if json else in_words(found))


def _prepare(report: Path, force: bool) -> None:
    """Find out before anything is measured whether a report can be written."""
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError(
            "matplotlib is not installed", "Install digitd with its extra: pip install '.[train]' in its clone"
        )
    from digitd.evaluation.page import FILES

    if not force and (there := [report / name for name in FILES if (report / name).exists()]):
        raise UsageError(f"{there[0]} exists already", "Name another with --report, or write over it with --force")
    try:
        report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {report} cannot be made ({error.strerror})", "Name another") from error


def _share(text: str) -> float:
    """`0.003`, or `0.3%`."""
    bare = text.strip()
    try:
        value = float(bare.removesuffix("%")) / (100 if bare.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise UsageError(f"--choose-threshold {text} is no share of errors", "Say for example 0.003 or 0.3%")
    if value > MUCH:
        sign = "" if bare.endswith("%") or float(bare) * 100 < 1 else f"; {bare} % is written {bare}%"
        print(
            f"digitd: --choose-threshold {bare} lets {100 * value:g} % of the accepted be wrong{sign}", file=sys.stderr
        )
    return value


def _measured(
    folder: Path, chosen: "Settings", error: float | None, kept_aside: bool
) -> tuple["Figures", Callable[["Case"], "Gray | None"]]:
    """The figures, and what gives an error's picture."""
    from digitd.evaluation import images, scans
    from digitd.evaluation.figures import figures
    from digitd.evaluation.limits import limits_of
    from digitd.evaluation.pictures import picture_of_scan
    from digitd.recognition.bundle import Bundle, shipped
    from digitd.recognition.engine import open_engine

    bundle = Bundle.load(chosen.model.bundle or shipped())
    named = (f"{bundle.name} {bundle.version}", bundle.sha256)
    accept, margin = chosen.recognition.accept, chosen.recognition.margin
    if images.is_idx(folder):
        if kept_aside:
            raise UsageError("--kept-aside is for labelled scans", f"{folder} has MNIST's idx files: leave it out")
        pictures, labels = images.test_set(folder)
        if others := scans.count(folder, chosen):
            shown = f"{others:,} scan{'' if others == 1 else 's'} beside them"
            print(
                f"digitd: {names.printable(str(folder))}: only MNIST's idx files are measured, not {shown}",
                file=sys.stderr,
            )
        engine = open_engine(bundle, chosen.model.engine)
        cases = images.cases(engine, bundle, pictures, labels, margin)
        return figures(named, "images", cases, accept, margin, error), lambda case: pictures[int(case.key)]
    of_folder = scans.find(folder, chosen)
    found = of_folder.scans
    if kept_aside:
        found = scans.kept_aside(found, folder)
    reading = scans.cases(found, chosen, bundle, lambda path, why: print(f"digitd: {path}: {why}", file=sys.stderr))
    cases = list(_with_progress(reading, len(found)))
    if not cases:
        raise UsageError(f"no labelled scan in {folder} can be opened any longer", "Evaluate when nobody changes them")
    limits = limits_of(chosen)
    told = figures(named, "scans", cases, accept, margin, error, of_folder.unlabelled)
    return told, lambda case: picture_of_scan(case, limits)


def _with_progress(cases: Iterable["Case"], total: int) -> Iterable["Case"]:
    """The cases, with a bar on a terminal where there are many."""
    if total < LONG or not sys.stderr.isatty():
        return cases
    from rich.progress import track

    return track(cases, "reading", total, console=err(), transient=True)


def _print(found: "Figures") -> None:
    from rich.table import Table
    from rich.text import Text

    from digitd.evaluation import words

    console = out()
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, figure, basis in words.rows(found):
        table.add_row(Text(name, style="bold"), Text(figure), Text(basis, style="dim"))
    console.print(table)
    risks = words.risks(found)
    if risks:
        curve = Table(
            "accepted", "from a confidence of", "wrong of them", box=None, pad_edge=False, header_style="bold"
        )
        for row in risks:
            curve.add_row(*row)
        console.print()
        console.print(curve)
    if found.confusion.mistaken:
        matrix = Table("is \\ read", box=None, pad_edge=False, header_style="bold")
        for read in found.confusion.columns:
            matrix.add_column(read, justify="right")
        for name, counts in zip(found.confusion.rows, found.confusion.counts.tolist(), strict=True):
            matrix.add_row(Text(name, style="bold"), *(f"{count:,}" if count else "." for count in counts))
        console.print()
        console.print(matrix)
    if found.errors:
        errors = Table("wrong", "is", "read as", "confidence", "status", box=None, pad_edge=False, header_style="bold")
        for case in found.errors[:SHOWN]:
            sure = "" if case.confidence is None else f"{case.confidence:.4f}"
            style = "red" if case.status == "accepted" else "yellow"
            errors.add_row(
                Text(case.name),
                words.one_line(case.label),
                words.one_line(case.text),
                sure,
                Text(case.status, style=style),
            )
        console.print()
        console.print(errors)
        if len(found.errors) > SHOWN:
            console.print(f"... and {len(found.errors) - SHOWN:,} more (all of them: --json)")
    if found.choice is not None:
        print()
        for line in words.threshold(found.choice, found):
            print(line)
