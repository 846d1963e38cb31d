"""What `make dist` makes: a wheel that works alone, and a source archive that has all that it takes to make it."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from e2e.harness import ROOT
from e2e.installing import LIBRARIES, build

PACKAGE = ROOT / "daemon" / "digitd"
SAMPLE, TEXT = "line-postcode.png", "10115"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both, built anew: the wheel from the source archive."""
    out = tmp_path_factory.mktemp("dist")
    build(out)
    return out


def only(folder: Path, pattern: str) -> Path:
    """The one file of that name."""
    (file,) = folder.glob(pattern)
    return file


def test_the_wheel_has_the_whole_package_and_nothing_else(dist: Path) -> None:
    """Every source, the bundle, the mark of types and the licence are in it; no cache and no test is."""
    with zipfile.ZipFile(only(dist, "*.whl")) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        others = {name.split(".dist-info/")[1] for name in wheel.namelist() if ".dist-info/" in name}
    ours = {
        f"digitd/{file.relative_to(PACKAGE)}"
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert names == ours
    assert {"digitd/py.typed", "digitd/models/default/bundle.json", "digitd/models/default/model.tflite"} <= names
    assert others == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def test_the_source_archive_makes_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    """Byte for byte what the clone makes; and the installer is in it, and can be run."""
    build(tmp_path, "--wheel")
    digests = {hashlib.sha256(only(folder, "*.whl").read_bytes()).hexdigest() for folder in (dist, tmp_path)}
    assert len(digests) == 1
    with tarfile.open(only(dist, "*.tar.gz")) as archive:
        members = {member.name.split("/", 1)[1]: member for member in archive.getmembers()}
    assert {"LICENSE", "README.md", "config.yaml", "requirements.lock", "tests/ways.py", "samples/labels.csv"} <= set(
        members
    )
    assert all(members[f"systemd/{name}"].mode & 0o111 for name in ("install", "uninstall", "digitd", "deb/build"))
    assert [name for name in members if "__pycache__" in name or name.endswith((".pyc", ".png.json"))] == []


def test_the_wheel_alone_reads_a_scan(dist: Path, tmp_path: Path) -> None:
    """Installed into an environment of its own and run elsewhere, it reads a sample with its bundle."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    site = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    wheel = only(dist, "*.whl")
    # pip of these tests, and their libraries: nothing is fetched, and digitd itself comes from the wheel.
    install = ["-m", "pip", "--python", str(python), "install", "--no-index", "--no-deps", "--quiet", str(wheel)]
    env = {key: value for key, value in os.environ.items() if not key.startswith(("DIGITD_", "PYTHON"))}
    subprocess.run([sys.executable, *install], check=True, env=env, cwd=tmp_path)
    (site / "libraries.pth").write_text("\n".join(LIBRARIES) + "\n")
    (tmp_path / SAMPLE).write_bytes((ROOT / "samples" / SAMPLE).read_bytes())
    command = [str(tmp_path / "venv" / "bin" / "digitd"), "read", "--format", "json", SAMPLE]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["text"] == TEXT
    asked = [str(python), "-c", "import digitd; print(digitd.__file__)"]
    where = subprocess.run(asked, capture_output=True, text=True, check=True, env=env, cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(site)
