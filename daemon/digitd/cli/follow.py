"""`digitd status --watch`: the report again and again, in place on a terminal, one after the other elsewhere."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from digitd.cli import shown
from digitd.cli.common import out

if TYPE_CHECKING:
    from digitd.report import Report


def follow(look: "Callable[[], Report]", pause: float, *, json: bool) -> None:
    """Show what LOOK gives, every PAUSE seconds, until Ctrl-C."""
    try:
        if json:
            while True:
                shown.print_json(look())
                time.sleep(pause)
        elif out().is_terminal:
            _live(look, pause)
        else:
            while True:
                for sentence in shown.sentences(look()):
                    print(sentence)
                print(flush=True)
                time.sleep(pause)
    except KeyboardInterrupt:
        return


def _live(look: "Callable[[], Report]", pause: float) -> None:
    from rich.live import Live
    from rich.text import Text

    with Live(console=out(), auto_refresh=False) as live:
        while True:
            live.update(Text("\n".join(shown.sentences(look()))), refresh=True)
            time.sleep(pause)
