"""`digitd review`: the page at which people verify what digitd is not sure of."""

from typing import Annotated

import typer

from digitd.cli.common import Config, settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "review",
        help="Serve the page at which people verify what digitd is not sure of, until Ctrl-C.",
        epilog="Example: digitd review  (prints the address, and opens it where there is a browser)",
    )(review)


def review(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, metavar="N", help="Instead of review.port; 0: any that is free.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open none; the address is printed anyway.")] = False,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Make the addresses anew: those that people have are refused then.")
    ] = False,
    config: Config = None,
) -> None:
    """Print the addresses, one to verify and one to look only, and serve."""
    from digitd import log
    from digitd.review import serving, tokens
    from digitd.review.app import Review
    from digitd.review.desk import Desk

    chosen = settings(context, config)
    log.configure(chosen.log.level, chosen.log.format, clock=chosen.log.time)
    with (
        serving.listening(chosen.review.host, chosen.review.port if port is None else port) as listens,
        Desk(chosen) as desk,
    ):
        known = tokens.kept(chosen.state.path, anew=new_token)
        app = Review(chosen, desk).guarded_app(known, listens.getsockname()[1])

        def ready() -> None:
            print(f"review     {serving.address_of(listens, known.review)}")
            print(f"look only  {serving.address_of(listens, known.look)}", flush=True)
            if not no_browser and serving.has_browser():
                serving.open_browser(serving.address_of(listens, app.ticket()))

        serving.serve(app, listens, ready)
