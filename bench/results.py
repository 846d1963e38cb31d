"""RESULTS.md and RELIABILITY.md: a section a command, each rewritten by its own command alone; and the machine."""

import os
import platform
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paper:
    """A file of results: its title, what stands before all sections, and their headings in order."""

    path: Path
    title: str
    foreword: str
    sections: tuple[str, ...]


DAEMON = "The daemon"
RECOGNITION = "Recognition"
DESK = "The review page"
RESULTS = Paper(Path(__file__).parent / "RESULTS.md", "Measured", "", (DAEMON, DESK, RECOGNITION))

CHAOS = "Chaos"
POWERCUT = "Power cuts"
HOSTILE = "Hostile files"
FLOOD = "A flood"
BACKLOG = "A backlog"
FULL_DISK = "A full disk"
REMEMBERED = "A long memory"
SOAK = "Long life"
RELIABILITY = Paper(
    Path(__file__).parent / "RELIABILITY.md",
    "How reliable",
    "Each section says which command wrote it. What is promised, and the tests behind it: "
    "[docs/guarantees.md](../docs/guarantees.md).",
    (CHAOS, POWERCUT, HOSTILE, FLOOD, BACKLOG, FULL_DISK, REMEMBERED, SOAK),
)


@dataclass(frozen=True)
class Row:
    """A line of a table: what, what is asked of it, what was measured, and whether that is so (None: nothing asked)."""

    what: str
    target: str
    measured: str
    good: bool | None


def table(rows: Iterable[Row], target: str) -> str:
    """ROWS as Markdown, TARGET being the heading of what is asked."""
    lines = [f"| what | {target} | measured | |", "| --- | --- | --- | --- |"]
    for row in rows:
        verdict = "" if row.good is None else "yes" if row.good else "**no**"
        lines.append(f"| {row.what} | {row.target} | {row.measured} | {verdict} |")
    return "\n".join(lines)


def write(heading: str, body: str, paper: Paper = RESULTS) -> None:
    """Put BODY under HEADING, and leave the other sections as they are."""
    text = paper.path.read_text(encoding="utf-8") if paper.path.exists() else ""
    paper.path.write_text(replaced(text, heading, body, paper), encoding="utf-8")
    print(f"written to {paper.path}")


def keep(heading: str, rows: Iterable[Row], command: str) -> bool:
    """Print ROWS, which COMMAND measured, and write them into RELIABILITY.md; whether all is as it must be."""
    rows = list(rows)
    text = table(rows, "must be")
    print(text)
    write(heading, f"`{command}` wrote this section.\n\n{machine()}\n\n{text}", RELIABILITY)
    return all(row.good is not False for row in rows)


def replaced(text: str, heading: str, body: str, paper: Paper = RESULTS) -> str:
    """TEXT with BODY as the section HEADING, one of the paper's. Pure."""
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    found = {name: content.strip("\n") for name, content in zip(parts[1::2], parts[2::2], strict=True)}
    found[heading] = body.strip("\n")
    foreword = [paper.foreword] if paper.foreword else []
    sections = [f"## {name}\n\n{found[name]}" for name in paper.sections if name in found]
    return "\n\n".join([f"# {paper.title}", *foreword, *sections]) + "\n"


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
