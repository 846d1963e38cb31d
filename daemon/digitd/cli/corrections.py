"""`digitd corrections export`: what people verified, as labelled scans."""

from pathlib import Path
from typing import Annotated

import typer

from digitd.cli.common import Config, settings
from digitd.errors import FolderError, UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    corrections = typer.Typer(
        name="corrections", help="What people verified, for the next network.", no_args_is_help=True
    )
    corrections.command(
        "export",
        help="Write the scans that people verified to a folder, labelled as `train --scans` and `evaluate` take them.",
        epilog="Example: digitd corrections export own/ && digitd train --scans own/ --out bundle/",
    )(export)
    app.add_typer(corrections)


def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", show_default=False)],
    aside: Annotated[
        Path | None,
        typer.Option(
            "--aside",
            metavar="FOLDER",
            help="Put a fifth there instead, always the same: to evaluate on, not to train.",
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Print how many were written, and what was left out."""
    from digitd.corrections import export as write
    from digitd.database import reading
    from digitd.quality import knows_reviews

    chosen = settings(context, config)
    if aside is not None and aside.absolute() == folder.absolute():
        raise UsageError("--aside is the same folder", "Name another: what is evaluated must not be trained on")
    with reading(chosen.state.path) as journal:
        if journal is None or not knows_reviews(journal):
            raise UsageError(f"{chosen.state.path} has no journal that knows of reviews", "Name the daemon's with -c")
        try:
            done = write(journal, chosen, folder, aside)
        except OSError as error:
            raise FolderError(
                f"{error.filename or folder} cannot be read or written ({error.strerror})",
                "Give yourself the right to read the archive and to write the folder, or make room",
            ) from error
    print(f"{done.written:,} labelled scan{'' if done.written == 1 else 's'} in {folder}")
    if aside is not None:
        print(f"{done.aside:,} kept aside in {aside}")
    for why, count in done.left_out.items():
        print(f"{count:,} left out: {why}")
