"""`digitd status`, `digitd check` and `digitd retry`: how it goes, whether it can, and once more."""

import importlib.metadata
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from digitd.cli.common import Config, out, settings

if TYPE_CHECKING:
    from digitd.report import Report
    from digitd.settings import Settings

LIBRARIES = (
    "numpy",
    "opencv-python-headless",
    "ai-edge-litert",
    "tensorflow",
    "watchdog",
    "structlog",
    "PyYAML",
    "pypdfium2",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        "status",
        help="Tell whether the daemon runs, what waits, what was read today, and what failed and why.",
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
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: Config = None,
) -> None:
    """Print how it goes."""
    from digitd.report import report

    now = report(settings(context, config))
    if json:
        import msgspec

        sys.stdout.buffer.write(msgspec.json.encode(now) + b"\n")
        return
    for line in _sentences(now):
        out().print(line, soft_wrap=True)


def _sentences(now: "Report") -> list[str]:
    from digitd import names

    running = f"running (process {now.pid}) since {now.since}" if now.running else "not running"
    waiting = "the inbox cannot be listed" if now.waiting is None else f"{now.waiting:,} waiting"
    if now.waiting and now.oldest_waiting_seconds is not None:
        waiting += f", the oldest for {now.oldest_waiting_seconds:,.0f} s"
    today = ", ".join(f"{count:,} {status}" for status, count in now.by_status.items() if count)
    lines = [
        f"digitd     {running}",
        f"inbox      {waiting} in {names.printable(now.inbox)}",
        f"today      {now.read_today:,} read" + (f": {today}" if today else ""),
        f"rate       {now.scans_per_second:,} scans a second over the last minute",
        f"last read  {now.last_read or 'never'}",
    ]
    if now.trouble:
        lines.insert(1, f"waits for  {names.printable(now.trouble)}")
    if now.unpublished:
        lines.append(f"to publish {now.unpublished:,} recorded and not yet published")
    lines += [
        f"{'failures' if place == 0 else '':10} {failure.when}  {names.printable(failure.message)}"
        for place, failure in enumerate(now.failures)
    ]
    return lines


def check(context: typer.Context, config: Config = None) -> None:
    """Print what `run` would work with; a DigitdError tells what it would refuse."""
    from digitd.journal import reading
    from digitd.lock import holder_of
    from digitd.preflight import check_folders
    from digitd.recognition.bundle import Bundle, shipped

    chosen = settings(context, config)
    print("configuration  good")
    check_folders(chosen, make=False)
    with reading(chosen.state.path):
        pass  # it is opened and looked into; what is wrong with it is said as `run` would
    print(f"inbox          {chosen.inbox.path}")
    print(f"outbox         {chosen.outbox.path}")
    print(f"state          {chosen.state.path}")
    bundle = Bundle.load(chosen.model.bundle or shipped())
    print(
        f"bundle         {bundle.name} {bundle.version}, sha256 {bundle.sha256[:16]}..., engine {chosen.model.engine}"
    )
    _load_a_worker(chosen)
    print(f"worker         has loaded the network with {chosen.model.engine}")
    for library in LIBRARIES:
        try:
            version = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed (needed by `train` and `engine: tensorflow` alone)"
        print(f"library        {library} {version}")
    holder = holder_of(chosen.state.path)
    running = "not running" if holder is None else f"running, process {holder.pid}"
    print(f"daemon         {running}")


def _load_a_worker(chosen: "Settings") -> None:
    """Load the bundle as the daemon's workers do: engine and libraries are tried, not only looked for."""
    from digitd import names
    from digitd.pool.local import LocalPool
    from digitd.workers import is_noise, setup_of

    def say_output(_: int, line: str) -> None:
        if not is_noise(line):
            print(f"digitd: {names.printable(line)}", file=sys.stderr)

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
