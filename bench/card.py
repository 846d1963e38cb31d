"""Write the model card of the bundle that ships from card.md and the bundle's own figures.

python bench/card.py: daemon/digitd/models/default/MODEL_CARD.md; a test holds that it is up to date.
"""

import json
import math
import statistics
import sys
from pathlib import Path
from typing import Any

BUNDLE = Path(__file__).parent.parent / "daemon" / "digitd" / "models" / "default"
TEMPLATE = Path(__file__).parent / "card.md"
CARD = BUNDLE / "MODEL_CARD.md"
T95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Student's t for a 95 % interval of a mean of so many."""


def rendered() -> str:
    """The card as it should be."""
    manifest = json.loads((BUNDLE / "bundle.json").read_text())
    file = BUNDLE / "seeds.json"
    seeds = json.loads(file.read_text()) if file.is_file() else []
    return TEMPLATE.read_text().format_map(_values(manifest) | {"seeds": _of_seeds(seeds)})


def _of_seeds(seeds: list[dict[str, Any]]) -> str:
    """What several seeds read, or that only one was trained."""
    if len(seeds) < 2:
        return (
            "One seed was trained with this code, and named before: by how much the next would differ is not measured."
        )
    shares = [100 * seed["mnist_correct"] / seed["mnist_total"] for seed in seeds]
    half = T95[len(shares)] * statistics.stdev(shares) / math.sqrt(len(shares))
    mean = statistics.mean(shares)
    rows = [
        f"| {seed['seed']} | {seed['mnist_correct']:,} of {seed['mnist_total']:,} | {seed['held_out_float32']:.2%} | "
        f"{seed['held_out_int8']:.2%} | {seed['temperature']:.2f} | {seed['seconds'] / 60:.0f} min |"
        for seed in seeds
    ]
    return (
        f"The same command with {len(seeds)} seeds reads {mean:.2f} % of the test images on average (95 % interval of "
        f"the mean {mean - half:.2f} to {mean + half:.2f} %; from {min(shares):.2f} to {max(shares):.2f} %). "
        "The seed that ships was named before any was trained.\n\n"
        "| seed | MNIST test | held out, float32 | held out, int8 | temperature | trained in |\n"
        "| --- | --- | --- | --- | --- | --- |\n" + "\n".join(rows)
    )


def _values(manifest: dict[str, Any]) -> dict[str, str]:
    training, figures = manifest["training"], manifest["figures"]
    return {
        "name": manifest["name"],
        "version": manifest["version"],
        "parameters": f"{training['parameters']:,}",
        "bytes": f"{manifest['files']['model.tflite']['bytes'] / 1000:,.0f} kB",
        "form": manifest["files"]["model.tflite"]["form"],
        "command": training["command"],
        "epochs": str(training["epochs"]),
        "best_epoch": str(training["best_epoch"]),
        "data_sha256": training["data_sha256"],
        "code_sha256": training["code_sha256"],
        "temperature": f"{manifest['temperature']:.2f}",
        "test": _figure(figures["mnist_test"]),
        "validation": _figure(figures["validation"]),
        "float32": _figure(figures["validation_float32"]),
        "int8": _figure(figures["validation_int8"]),
        "versions": ", ".join(f"{name} {version}" for name, version in sorted(manifest["versions"].items())),
    }


def _figure(figure: dict[str, Any]) -> str:
    low, high = figure["interval"]
    return f"{figure['accuracy']:.2%} ({figure['correct']:,} of {figure['total']:,}; {low:.2%} to {high:.2%})"


if __name__ == "__main__":
    CARD.write_text(rendered())
    print(CARD)
    sys.exit(0)
