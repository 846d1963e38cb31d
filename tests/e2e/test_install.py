"""systemd/install and systemd/uninstall, into another root folder: what they make, keep, and take away."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from digitd.config import load
from e2e.harness import ROOT
from e2e.installing import build, need_a_system_python, script

OFFLINE = ("--", "--no-index", "--no-deps")
FOLDERS = {"srv/digitd": 0o2750} | {f"srv/digitd/{name}": 0o2770 for name in ("inbox", "outbox", "archive")}
OF_ALL = (
    "opt/digitd",
    "usr/local/bin/digitd",
    "usr/local/share/bash-completion/completions/digitd",
    "usr/local/share/zsh/site-functions/_digitd",
    "usr/local/share/fish/vendor_completions.d/digitd.fish",
    "usr/local/share/man/man1/digitd.1",
    "usr/local/share/man/man5/digitd.yaml.5",
    "etc/systemd/system/digitd.service",
    "etc/systemd/system/digitd@.service",
    "etc/systemd/system/multi-user.target.wants/digitd.service",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of this tree."""
    out = tmp_path_factory.mktemp("wheel")
    build(out, "--wheel")
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Iterator[tuple[Path, str]]:
    """A root folder with digitd installed, and what was said."""
    need_a_system_python()
    root = tmp_path_factory.mktemp("root")
    done = script("install", "--root", root, "--wheel", wheel, *OFFLINE)
    assert done.returncode == 0, done.stdout + done.stderr
    yield root, done.stdout
    shutil.rmtree(root)


@pytest.fixture
def root(first: tuple[Path, str], tmp_path: Path) -> Iterator[Path]:
    """A copy of it to change."""
    copy = tmp_path / "root"
    subprocess.run(["cp", "-a", first[0], copy], check=True)
    yield copy
    shutil.rmtree(copy)


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The source of a version whose configuration has another default."""
    source = tmp_path / "newer"
    source.mkdir()
    shutil.copytree(ROOT / "systemd", source / "systemd")
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, source)
    config = (ROOT / "config.yaml").read_text(encoding="utf-8")
    (source / "config.yaml").write_text(config.replace("rescan: 30", "rescan: 40"), encoding="utf-8")
    return source


def files(folder: Path) -> set[str]:
    """All below it."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def version(root: Path) -> str:
    """The version in use; the only one that is there."""
    (only,) = (root / "opt/digitd/versions").iterdir()
    assert os.readlink(root / "opt/digitd/bin") == f"versions/{only.name}/bin"
    return only.name


def test_what_is_installed(first: tuple[Path, str]) -> None:
    """Program, command, completion, pages, units and folders are there, each was announced, and the unit is enabled."""
    root, said = first
    there = files(root)
    assert [path for path in OF_ALL if path not in there] == []
    assert [
        path for path in ("/opt/digitd", "/etc/digitd/config.yaml", "digitd(1)", "not started") if path not in said
    ] == []
    for folder, mode in FOLDERS.items():
        assert stat.S_IMODE((root / folder).stat().st_mode) == mode, folder
    user = (root / "etc/passwd").read_text().split(":")
    assert user[0] == "digitd" and (root / "srv/digitd/inbox").stat().st_uid == int(user[2])
    program = (root / "opt/digitd/bin/digitd").read_bytes()
    assert program.startswith(b"#!/opt/digitd/versions/") and str(root).encode() not in program
    assert (root / "usr/local/share/zsh/site-functions/_digitd").read_text().startswith("#compdef digitd\n")
    assert "digitd evaluate" in (root / "usr/local/share/man/man1/digitd.1").read_text()


@pytest.mark.parametrize("instance", ["", "lab"])
def test_the_configuration_is_the_shipped_one_with_other_folders(tmp_path: Path, instance: str) -> None:
    """All keys but the folders have the values of config.yaml, and no folder was forgotten."""
    arguments = ["--print-config", *(["--instance", instance] if instance else [])]
    (tmp_path / "config.yaml").write_text(script("install", *arguments).stdout)
    ours, shipped = load(tmp_path / "config.yaml").model_dump(), load(ROOT / "config.yaml").model_dump()
    suffix = f"-{instance}" if instance else ""
    for part, name in (("inbox", "inbox"), ("outbox", "outbox"), ("state", None)):
        wanted = f"/var/lib/digitd{suffix}" if name is None else f"/srv/digitd{suffix}/{name}"
        assert str(ours[part].pop("path")) == wanted
        del shipped[part]["path"]
    sources = {status: str(folder) for status, folder in ours.pop("sources").items()}
    assert sources == {status: f"/srv/digitd{suffix}/archive/{status}" for status in shipped.pop("sources")}
    assert ours == shipped


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    """It says what would be made, and makes nothing."""
    done = script("install", "--dry-run", "--root", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "/opt/digitd" in done.stdout and "Nothing was changed" in done.stdout
    assert files(tmp_path) == set()


def test_again_over_itself(root: Path, wheel: Path) -> None:
    """Nothing is built anew, an edited configuration stays as it is, and a missing folder is made again."""
    config = root / "etc/digitd/config.yaml"
    config.write_text(config.read_text() + "# ours\n")
    (root / "srv/digitd/outbox").rmdir()
    (root / "srv/digitd/inbox").chmod(0o2775)
    program = (root / "opt/digitd" / "versions" / version(root) / ".whole").stat()
    done = script("install", "--root", root, "--wheel", wheel, *OFFLINE)
    assert done.returncode == 0, done.stderr
    assert "Nothing had changed" in done.stdout
    assert (root / "opt/digitd" / "versions" / version(root) / ".whole").stat().st_ino == program.st_ino
    assert config.read_text().endswith("# ours\n") and files(config.parent) == {"config.yaml"}
    assert (root / "srv/digitd/outbox").is_dir()
    assert stat.S_IMODE((root / "srv/digitd/inbox").stat().st_mode) == 0o2775


def test_what_was_cut_off_is_finished(root: Path, wheel: Path) -> None:
    """A run that ended after it had put a program in use is noticed by the next, which restarts what runs."""
    mark = root / "opt/digitd/.unfinished"
    mark.touch()
    done = script("install", "--root", root, "--wheel", wheel, *OFFLINE)
    assert done.returncode == 0, done.stderr
    assert "Nothing had changed" not in done.stdout and not mark.exists()


def test_an_upgrade_keeps_the_configuration(root: Path, wheel: Path, newer: Path) -> None:
    """The program is replaced, the old one removed, and the new configuration lies beside the one that is in use."""
    config, before, old = root / "etc/digitd/config.yaml", (root / "etc/digitd/config.yaml").read_text(), version(root)
    done = script("install", "--root", root, "--wheel", wheel, *OFFLINE, source=newer)
    assert done.returncode == 0, done.stderr
    assert version(root) != old
    assert config.read_text() == before and f"{config.name}.new" in done.stdout
    assert "rescan: 40" in config.with_name("config.yaml.new").read_text()


def test_a_failed_upgrade_leaves_the_old_program(root: Path, newer: Path, tmp_path: Path) -> None:
    """A wheel that cannot be installed is refused in a line with cause and remedy; what was in use is so still."""
    old, broken = version(root), tmp_path / "digitd-9.0.0-py3-none-any.whl"
    broken.write_bytes(b"torn")
    done = script("install", "--root", root, "--wheel", broken, *OFFLINE, source=newer)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("digitd install: pip cannot install it") and "goes on" in done.stderr
    assert version(root) == old and (root / "opt/digitd/versions" / old / ".whole").exists()


def test_a_second_instance(root: Path, wheel: Path) -> None:
    """It has folders and a configuration of its own, is enabled, and is taken off without the first."""
    done = script("install", "--root", root, "--wheel", wheel, "--instance", "lab", *OFFLINE)
    assert done.returncode == 0, done.stderr
    assert {"lab.yaml", "config.yaml"} == files(root / "etc/digitd")
    assert {"inbox", "outbox", "archive"} == files(root / "srv/digitd-lab")
    wants = root / "etc/systemd/system/multi-user.target.wants"
    assert files(wants) == {"digitd.service", "digitd@lab.service"}
    done = script("uninstall", "--root", root, "--instance", "lab", "--purge")
    assert done.returncode == 0, done.stderr
    assert files(wants) == {"digitd.service"} and not (root / "srv/digitd-lab").exists()
    assert not (root / "var/lib/digitd-lab").exists() and files(root / "etc/digitd") == {"config.yaml"}
    assert version(root)


def test_uninstalling_leaves_the_data(root: Path) -> None:
    """All is gone but configuration, state, scans and results; with --purge these too, and the user."""
    (root / "srv/digitd/outbox/scan.png.json").write_text("{}")
    kept = {"etc/digitd/config.yaml", "srv/digitd/outbox/scan.png.json", "var/lib/digitd"}
    done = script("uninstall", "--root", root)
    assert done.returncode == 0, done.stderr
    assert {path for path in (*OF_ALL, *kept) if os.path.lexists(root / path)} == kept
    assert not [path for path in (root / "usr/local/share").rglob("*") if path.is_dir() and path.name != "man"]
    dry = script("uninstall", "--root", root, "--purge", "--dry-run")
    assert (
        "removed     /srv/digitd, with its files: 1" in dry.stdout
        and (root / "srv/digitd/outbox/scan.png.json").exists()
    )
    done = script("uninstall", "--root", root, "--purge")
    assert done.returncode == 0, done.stderr
    # passwd- and the like are the copies that the tools of the user database keep.
    assert [path for path in files(root) if "digitd" in path] == []
    assert "digitd" not in (root / "etc/passwd").read_text() + (root / "etc/group").read_text()


@pytest.mark.parametrize(
    ("name", "arguments", "cause"),
    [
        ("install", ["--wheel", "no.whl"], "is no wheel of digitd"),
        ("install", ["--python", "/usr/bin/no-python"], "no Python"),
        ("install", ["--instance", "../etc"], "cannot name an instance"),
        ("install", ["--instance", "config"], "cannot name an instance"),
        ("install", ["--root", "/no/such/root"], "is no folder"),
        ("install", ["--colour"], "no option --colour"),
        ("uninstall", ["--colour"], "no option --colour"),
        ("uninstall", ["--root"], "needs a value"),
    ],
)
def test_what_cannot_work_is_refused_in_a_line(name: str, arguments: list[str], cause: str) -> None:
    """Cause and remedy in one line, before anything is changed."""
    done = script(name, *arguments)
    assert done.returncode in (1, 2) and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"digitd {name}: ") and cause in line and line.count(". ") >= 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("name", ["install", "uninstall"])
def test_without_root_nothing_is_done(tmp_path: Path, name: str) -> None:
    """Another user is told so, after what would be done was said."""
    command = ["setpriv", "--reuid=65534", "--clear-groups", str(ROOT / "systemd" / name), "--root", "/tmp"]
    if subprocess.run([*command, "--dry-run"], capture_output=True, check=False).returncode != 0:
        pytest.skip("nobody may not look into this clone")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 1
    assert (
        done.stderr == f"digitd {name}: only root may do that. Run it with sudo, or look at it first with --dry-run.\n"
    )
