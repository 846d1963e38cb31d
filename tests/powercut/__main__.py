"""`make powercut`: every state that a power cut may leave, on every way of a scan. Exit code 1 if a promise broke."""

import random
import time

import structlog

from delivery_rig import workplace
from powercut.campaign import campaign
from powercut.cuts import Kind
from ways import OUTPUTS, SOURCES


def main() -> int:
    """Cut on all ways, print what came of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    states = twice = bad = 0
    begin = time.monotonic()
    for sources in SOURCES:
        for json, csv in OUTPUTS:
            with workplace() as place, workplace("other") as elsewhere:
                tally = campaign(place, elsewhere, (sources, json, csv), None, random.Random(0))
            states, twice, bad = states + tally.states.total(), twice + tally.twice, bad + len(tally.broken)
            kinds = ", ".join(f"{tally.states[kind]} {kind}" for kind in Kind)
            way = f"sources {sources}, json {json}, csv {'on' if csv else 'off'}"
            print(f"{way}: {kinds}; {tally.twice} cut twice; broken: {tally.broken or 'nothing'}", flush=True)
    took = time.monotonic() - begin
    print(f"{states:,} states after a cut, {twice:,} after a second one, in {took:.0f} s: {bad} with a broken promise")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
