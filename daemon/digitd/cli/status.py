"""`digitd status`, `digitd check` and `digitd retry`: how it goes, whether it can, and once more."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from digitd.cli import shown
from digitd.cli.common import Config, out, settings
from digitd.cli.follow import follow
from digitd.errors import UsageError

if TYPE_CHECKING:
    from digitd.report import Report
    from digitd.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        "status",
        help="Tell whether the daemon runs and does well, what waits, what was read, and what failed and why.",
        epilog="Example: digitd status --json | jq .waiting",
    )(status)
    app.command(
        "check",
        help="Check configuration, folders, bundle, a worker and libraries as `run` would; nothing is changed.",
        epilog="Example: digitd check -c config.yaml && systemctl restart digitd",
    )(check)
    app.command(
        "retry",
        help="Move failed scans back to the inbox: all, or those whose path or name matches a pattern.",
        epilog="Example: digitd retry 'scan_00*.png'",
    )(retry)


def status(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, with --watch one a line.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, live on a terminal, until Ctrl-C.")] = False,
    every: Annotated[str, typer.Option(metavar="DURATION", help="How often --watch looks again.")] = "2s",
    check: Annotated[
        bool, typer.Option("--check", help="One line; exit with 0 if it does well, 7 if it does not run, else with 8.")
    ] = False,
    max_wait: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Not healthy either if a scan has waited for longer.")
    ] = None,
    config: Config = None,
) -> None:
    """Print how it goes."""
    from digitd.report import health, report

    chosen = settings(context, config)
    patience = None if max_wait is None else _seconds("--max-wait", max_wait)
    if check:
        if json or watch:
            raise UsageError("--check goes with neither --json nor --watch", "Choose one of them")
        found = health(chosen, patience)
        print(shown.line(found))
        raise typer.Exit(found.verdict.exit_code)
    pause = _seconds("--every", every)

    def look() -> "Report":
        return report(chosen, patience)

    if watch:
        follow(look, pause, json=json)
    elif json:
        shown.print_json(look())
    else:
        for sentence in shown.sentences(look()):
            out().print(sentence, soft_wrap=True)


def _seconds(option: str, written: str) -> float:
    from digitd.units import duration

    try:
        seconds = duration(written)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise UsageError(f"{option} is {written}; allowed: a duration above 0, such as 30 or 5m", "Correct it")
    return seconds


def check(context: typer.Context, config: Config = None) -> None:
    """Print what `run` would work with; a DigitdError tells what it would refuse."""
    from digitd.database import FILE_NAME, reading
    from digitd.lock import holder_of
    from digitd.marks import Marks
    from digitd.migrate import outlook
    from digitd.preflight import check_folders
    from digitd.recognition.bundle import Bundle, shipped
    from digitd.versions import libraries

    chosen = settings(context, config)
    print("configuration  good")
    check_folders(chosen, make=False)
    Marks(chosen).refuse_others()
    with reading(chosen.state.path) as opened:  # what is wrong with it is said as `run` would
        journal = "none yet" if opened is None else outlook(opened, chosen.state.path / FILE_NAME)
    print(f"inbox          {chosen.inbox.path}")
    print(f"outbox         {chosen.outbox.path}")
    print(f"state          {chosen.state.path}")
    print(f"journal        {journal}")
    bundle = Bundle.load(chosen.model.bundle or shipped())
    print(
        f"bundle         {bundle.name} {bundle.version}, sha256 {bundle.sha256[:16]}..., engine {chosen.model.engine}"
    )
    _tell_metrics(chosen)
    _load_a_worker(chosen)
    print(f"worker         has loaded the network with {chosen.model.engine}")
    for library, version in libraries().items():
        print(
            f"library        {library} {version or 'not installed (needed by `train` and `engine: tensorflow` alone)'}"
        )
    holder = holder_of(chosen.state.path)
    running = "not running" if holder is None else f"running, process {holder.pid}"
    print(f"daemon         {running}")


def _tell_metrics(chosen: "Settings") -> None:
    """Where the figures go. That they cannot is no reason not to start, but one to know of."""
    from digitd import fs

    file, port = chosen.textfile, chosen.metrics.port
    print(f"metrics        {file or 'to no file'}, {f'{chosen.metrics.address} port {port}' if port else 'no port'}")
    folder = None if file is None else file.parent
    if folder is not None and folder != chosen.state.path and (refused := fs.writable_folder(str(folder))) is not None:
        print(f"digitd: metrics.textfile: {folder} cannot be written ({refused.strerror})", file=sys.stderr)


def _load_a_worker(chosen: "Settings") -> None:
    """Load the bundle as the daemon's workers do: engine and libraries are tried, not only looked for."""
    from digitd import names
    from digitd.pool.local import LocalPool
    from digitd.workers import check_extra, is_noise, setup_of

    def say_output(_: int, line: str) -> None:
        if not is_noise(line):
            print(f"digitd: {names.printable(line)}", file=sys.stderr)

    check_extra(chosen)
    workers = chosen.workers
    pool = LocalPool(setup_of(chosen), 1, workers.timeout, workers.memory, say_output, lambda *_: None)
    try:
        pool.start()
        while not pool.ready:
            pool.poll(None)
    finally:
        pool.stop()


def retry(
    context: typer.Context,
    patterns: Annotated[list[str] | None, typer.Argument(metavar="[PATTERN]...", show_default=False)] = None,
    config: Config = None,
) -> None:
    """Print each scan that went back."""
    from digitd import names
    from digitd.retry import retry as return_failed

    count = 0
    for returned in return_failed(settings(context, config), patterns or []):
        count += 1
        print(f"{names.printable(returned.was)} -> inbox as {names.printable(returned.now)}")
    print(f"{count} failed scan{'' if count == 1 else 's'} back in the inbox")
