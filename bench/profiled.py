"""Where a scan's time goes: all processes of a drain sampled, and the samples told apart by stage; writes a picture.

python bench/profiled.py --name now [--beside FILE]: needs py-spy on the PATH. Figures go to bench/profile-NAME.json,
the picture, with those of FILE beside them, to docs/pictures/profile.png. Samples tell shares; the milliseconds are the
processor's, of a drain without the sampling.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import processes
import workloads
from workloads import Workload

ROOT = Path(__file__).parents[1]
HZ = 400
COUNTS = {workloads.SMALL: 15_000, workloads.PAGE: 500, workloads.PHOTOGRAPH: 60}

STAGES = (
    ("decode", r"imaging/(decode|colour|formats|tiff|pdf|pnm|deep)\.py"),
    ("normalise", r"imaging/normalise\.py"),
    (
        "segment",
        r"imaging/(segment|candidates|lines|pieces|components|opened|touching|cuts|seams|bays|spans|signs)\.py",
    ),
    ("clean", r"imaging/"),
    ("network", r"recognition/(litert|engine|second_look)\.py"),
    ("judge", r"recognition/"),
    ("read file, hash", r"pool/worker\.py"),
    ("between processes", r"(pool/|multiprocessing/connection)"),
    ("find, settle, order", r"digitd/(supply|vigil|intake/)"),
    ("publish", r"digitd/outbox\.py"),
    ("file", r"digitd/(archive|tickets)\.py"),
    ("roll CSV", r"digitd/rolling\.py"),
    ("journal", r"digitd/(journal|database|migrate|syncing|tables|forgetting|kept)\.py"),
    ("log", r"(digitd/log\.py|structlog/)"),
    ("make the record", r"digitd/(delivery|results|names|findings|dispatch)\.py"),
    ("start, end, loop", r""),
)
"""A sample belongs to the stage of the innermost of its frames that is of one."""


def stage_of(stack: str) -> str:
    """The stage of a sample, its frames from the outermost to the innermost, with `;` between them. Pure."""
    for frame in reversed(stack.split(";")):
        for name, pattern in STAGES[:-1]:
            if re.search(pattern, frame):
                return name
    return STAGES[-1][0]


def shares(samples: str) -> dict[str, float]:
    """The share of each stage in py-spy's raw output. Pure."""
    counts: Counter[str] = Counter()
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        counts[stage_of(stack)] += int(count)
    total = sum(counts.values())
    return {name: counts[name] / total for name, _ in STAGES}


def profiled(work: Path, load: Workload, count: int) -> dict[str, float]:
    """Milliseconds of a processor a scan, by stage."""
    file = _filled(work / f"sampled-{count}", load, count)
    raw = work / "raw.txt"
    command = ["py-spy", "record", "--subprocesses", "--rate", str(HZ), "--format", "raw", "--output", str(raw), "--"]
    subprocess.run([*command, *processes.command("run", "--once", "-c", str(file))], check=True, capture_output=True)
    file = _filled(work / f"plain-{count}", load, count)
    process = subprocess.Popen(processes.command("run", "--once", "-c", str(file)), stderr=subprocess.DEVNULL)
    with processes.busy(process.pid) as seconds:
        process.wait()
    taken = sum(seconds.values())
    return {name: share * taken / count * 1000 for name, share in shares(raw.read_text()).items()}


def _filled(place: Path, load: Workload, count: int) -> Path:
    file = processes.config(place)
    (place / "inbox").rmdir()
    load.write(place / "inbox", count)
    os.sync()
    return file


def draw(figures: dict[str, dict[str, dict[str, float]]], target: Path) -> None:
    """Bars of stages, one a profile, beside each other for each workload."""
    import matplotlib.pyplot as plt

    names = list(next(iter(figures.values())))
    colours = plt.get_cmap("tab20").colors  # type: ignore[attr-defined]
    plot, axes = plt.subplots(1, len(names), figsize=(4 * len(names) + 3, 6), layout="constrained")
    for axis, load in zip(axes, names, strict=True):
        for place, profile in enumerate(figures.values()):
            bottom = 0.0
            for colour, (stage, _) in zip(colours, STAGES, strict=False):
                height = profile[load][stage]
                axis.bar(place, height, 0.6, bottom, color=colour, label=stage if not place else None)
                if height > 0.03 * sum(profile[load].values()):
                    axis.text(place, bottom + height / 2, f"{height:.2g}", ha="center", va="center", fontsize=8)
                bottom += height
            axis.text(place, bottom, f"{bottom:.3g} ms", ha="center", va="bottom", weight="bold")
        axis.set_xticks(range(len(figures)), list(figures))
        axis.set_title(load, fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("milliseconds of a processor a scan")
    handles, labels = axes[0].get_legend_handles_labels()
    plot.legend(handles[::-1], labels[::-1], loc="outside right center", frameon=False)
    plot.savefig(target, dpi=110)


def _all(work: Path) -> Iterator[tuple[str, dict[str, float]]]:
    for load, count in COUNTS.items():
        yield load.name, profiled(work, load, count)


def main() -> int:
    """Sample, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="what the profile is called in the picture")
    parser.add_argument("--beside", type=Path, action="append", default=[], help="an earlier profile's figures")
    chosen = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="digitd-profile-"))
    try:
        figures = dict(_all(work))
    finally:
        shutil.rmtree(work)
    target = ROOT / "bench" / f"profile-{chosen.name}.json"
    target.write_text(json.dumps(figures, indent=1) + "\n")
    earlier = {file.stem.removeprefix("profile-"): json.loads(file.read_text()) for file in chosen.beside}
    draw(earlier | {chosen.name: figures}, ROOT / "docs" / "pictures" / "profile.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
