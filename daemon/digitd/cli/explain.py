"""`digitd explain`: one picture of what became of a page, to see why it was misread."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitd.cli.common import Config, quiet_libraries, settings
from digitd.errors import UsageError
from digitd.settings import Layout

if TYPE_CHECKING:
    from digitd.evaluation.canvas import Picture
    from digitd.results import Outcome
    from digitd.settings import Settings

ENDING = ".explain.png"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "explain",
        help="Show what became of a page: a PNG of its stages, its glyphs, and what the network says of each.",
        epilog="Example: digitd explain scan.jpg  (writes scan.jpg.explain.png)",
    )(explain)


def explain(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    picture: Annotated[
        Path | None,
        typer.Option("--out", metavar="PNG", help=f"The picture; else FILE's name and {ENDING}, in this folder."),
    ] = None,
    page: Annotated[int, typer.Option("--page", min=1, metavar="N", help="Of a scan of many.")] = 1,
    layout: Annotated[
        Layout | None, typer.Option(help="Instead of recognition.layout.", show_choices=True, show_default=False)
    ] = None,
    digits: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Instead of recognition.digits.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a picture that is there.")] = False,
    config: Config = None,
) -> None:
    """Write the picture, and print its path and what was read."""
    from digitd import log, names
    from digitd.evaluation import canvas
    from digitd.evaluation.explain import said

    chosen = settings(context, config)
    log.configure("error", chosen.log.format, clock=chosen.log.time)
    target = Path(f"{file.name}{ENDING}") if picture is None else picture
    if target.suffix.lower() not in ("", ".png"):
        raise UsageError(f"{target} does not end in .png", "The picture is a PNG: name it so with --out")
    if target.exists() and not force:
        raise UsageError(f"{target} exists already", "Name another with --out, or write over it with --force")
    with quiet_libraries():
        drawn, outcome = _drawn(file, page, chosen, layout, digits)
        data = canvas.png(drawn)
    try:
        with open(target, "wb" if force else "xb") as out:
            out.write(data)
    except OSError as error:
        raise UsageError(f"{target} cannot be written ({error.strerror})", "Name another with --out") from error
    print(names.printable(str(target)))
    print(names.printable(said(outcome)))


def _drawn(
    file: Path, number: int, chosen: "Settings", layout: Layout | None, digits: int | None
) -> tuple["Picture", "Outcome"]:
    from digitd import names
    from digitd.evaluation.explain import picture
    from digitd.evaluation.limits import limits_of
    from digitd.evaluation.seen import see
    from digitd.imaging.decode import pages, sheets
    from digitd.imaging.pipeline import ENOUGH
    from digitd.pool.listener import Listener
    from digitd.recognition.bundle import Bundle, shipped
    from digitd.recognition.reader import Options, ScanInput, open_reader

    wanted = chosen.recognition
    options = Options(
        layout if layout is not None else wanted.layout,
        digits if digits is not None else wanted.digits,
        wanted.accept,
        wanted.margin,
    )
    limits = limits_of(chosen)
    name = names.printable(file.name)
    try:
        with open(file, "rb") as scan:
            # One byte more than is allowed is refused, and a huge file is not read to its end for that.
            data = scan.read(limits.bytes + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be opened ({error.strerror})", "Name a scan that can be read") from error
    bundle = Bundle.load(chosen.model.bundle or shipped())
    reader = open_reader(bundle, chosen.model.engine, limits, Listener().listen)
    [outcome] = reader.read([ScanInput(name, data, options)])
    if outcome.status == "failed" and outcome.reason is not None:
        cause, _, remedy = outcome.reason.message.partition(". ")
        raise UsageError(cause, remedy)
    count = len(outcome.pages)
    if number > count:
        raise UsageError(f"{file} has {count} page{'' if count == 1 else 's'}", "Give --page one of them")
    page = next(islice(pages(data, limits), number - 1, None))
    small = next(islice(sheets(data, limits, ENOUGH), number - 1, None)).image
    seen = see(reader, bundle.manifest.classes, page, options, small)
    return picture(name, number, count, seen, outcome), outcome
