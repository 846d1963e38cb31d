"""RESULTS.md: a section a command, each rewritten by its own command alone; and the machine that the figures are of."""

import os
import platform
import re
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
TITLE = "# Measured"
DAEMON = "The daemon"
RECOGNITION = "Recognition"
SECTIONS = (DAEMON, RECOGNITION)
"""The headings in their order."""


def write(heading: str, body: str) -> None:
    """Put BODY under HEADING in RESULTS.md, and leave the other sections as they are."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    RESULTS.write_text(replaced(text, heading, body), encoding="utf-8")


def replaced(text: str, heading: str, body: str) -> str:
    """TEXT with BODY as the section HEADING, one of SECTIONS. Pure."""
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    found = {name: content.strip("\n") for name, content in zip(parts[1::2], parts[2::2], strict=True)}
    found[heading] = body.strip("\n")
    return "\n\n".join([TITLE, *(f"## {name}\n\n{found[name]}" for name in SECTIONS if name in found)]) + "\n"


def machine() -> str:
    """What the figures were taken on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    cores = len(os.sched_getaffinity(0))
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{model}, {cores} cores, {memory_gb:.0f} GB; Linux {platform.release()}, Python {platform.python_version()}; "
        f"{time.strftime('%Y-%m-%d', time.gmtime())}"
    )
