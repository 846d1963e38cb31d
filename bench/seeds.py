"""Train the default network with several seeds, and keep what each read of MNIST's test set beside the bundle.

python bench/seeds.py --mnist FOLDER --work FOLDER [--seeds 1 2 3 4 5] [--jobs 1]: bundles go to WORK/seed-N; those that
are there already are taken as they are. One figure of one seed is luck: their mean and spread are the network's.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SEEDS_FILE = Path(__file__).parent.parent / "daemon" / "digitd" / "models" / "default" / "seeds.json"


def trained(seed: int, mnist: Path, work: Path, jobs: int) -> dict[str, Any]:
    """The figures of the bundle of that seed, which is trained unless it is there."""
    bundle = work / f"seed-{seed}"
    if not (bundle / "bundle.json").is_file():
        environment = dict(os.environ)
        if jobs > 1:
            # Beside each other, networks on one thread each are done sooner than on all processors in turn.
            environment |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
        command = [sys.executable, "-m", "digitd", "train", "--preset", "default", "--data", str(mnist)]
        log = work / f"seed-{seed}.log"
        with log.open("w") as output:
            subprocess.run(
                [*command, "--seed", str(seed), "--out", str(bundle)],
                check=True,
                env=environment,
                stdout=output,
                stderr=output,
            )
    manifest = json.loads((bundle / "bundle.json").read_text())
    figures, training = manifest["figures"], manifest["training"]
    return {
        "seed": seed,
        "mnist_correct": figures["mnist_test"]["correct"],
        "mnist_total": figures["mnist_test"]["total"],
        "held_out": figures["validation"]["accuracy"],
        "held_out_float32": figures["validation_float32"]["accuracy"],
        "held_out_int8": figures["validation_int8"]["accuracy"],
        "temperature": manifest["temperature"],
        "seconds": training["seconds"],
        "data_sha256": training["data_sha256"],
        "code_sha256": training["code_sha256"],
        "model_sha256": manifest["files"]["model.tflite"]["sha256"],
    }


def main() -> int:
    """Train what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True, help="a folder of MNIST's idx files")
    parser.add_argument("--work", type=Path, required=True, help="where the bundles go")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--jobs", type=int, default=1, help="so many at a time")
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    mnist, work = chosen.mnist.absolute(), chosen.work.absolute()
    with ThreadPoolExecutor(chosen.jobs) as pool:
        rows = list(pool.map(lambda seed: trained(seed, mnist, work, chosen.jobs), chosen.seeds))
    codes = {row["code_sha256"] for row in rows}
    if len(codes) > 1:
        print(f"The bundles in {work} are of {len(codes)} states of the code: train them anew", file=sys.stderr)
        return 1
    SEEDS_FILE.write_text(json.dumps(rows, indent=2) + "\n")
    for row in rows:
        print(f"seed {row['seed']}: {row['mnist_correct']} of {row['mnist_total']}, held out {row['held_out']:.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
