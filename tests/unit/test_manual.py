"""The manual pages: written from the commands themselves, and well formed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from digitd.cli import app, manual
from digitd.errors import ExitCode

ROOT = Path(__file__).parents[2]
CONFIG = (ROOT / "config.yaml").read_text(encoding="utf-8")
PAGES = [("digitd.1", manual.page), ("digitd.yaml.5", lambda: manual.config_page(CONFIG))]


def plain(page: str) -> str:
    """The page's text without roff's marks."""
    return re.sub(r"\\f[BIR]|\\&", "", page).replace("\\-", "-").replace("\\e", "\\")


def test_every_command_and_option_is_in_it() -> None:
    """Each command has a part of its own, with all of its options."""
    commands = dict(manual.commands(typer.main.get_command(app)))
    parts = dict(re.findall(r"^\.SS ([^\n]+)\n(.*?)(?=^\.S[SH])", manual.page(), re.MULTILINE | re.DOTALL))
    assert set(parts) == set(commands)
    for name, command in commands.items():
        shown = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", " ".join(re.findall(r"\.TP\n(.*)", plain(parts[name])))))
        assert shown == {option for each in command.params for option in each.opts if option.startswith("-")}, name


def test_every_exit_code_is_in_it() -> None:
    """Each is told in a sentence."""
    assert set(manual.endings()) == set(ExitCode)
    assert all(text.endswith(".") and f".B {int(code)}\n" in manual.page() for code, text in manual.endings().items())


def test_its_files_are_the_installers() -> None:
    """What it names are the places that systemd/install uses."""
    script = f'source {ROOT}/systemd/layout.sh; config_of ""; echo "$(srv_of "")/inbox"; state_of ""'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == list(manual.FILES)


def test_the_configuration_is_shown_as_it_is() -> None:
    """digitd.yaml(5) has every line of config.yaml."""
    shown = plain(manual.config_page(CONFIG))
    assert CONFIG in shown


@pytest.mark.parametrize(("name", "write"), PAGES, ids=[name for name, _ in PAGES])
@pytest.mark.parametrize("checker", [["man", "--warnings", "-l"], ["mandoc", "-T", "lint", "-W", "warning"]])
def test_no_formatter_complains(tmp_path: Path, name: str, write: object, checker: list[str]) -> None:
    """man and mandoc find nothing wrong with the pages."""
    if shutil.which(checker[0]) is None:
        pytest.skip(
            f"{checker[0]} is not installed (Debian package: {checker[0]}{'-db' if checker[0] == 'man' else ''})"
        )
    assert callable(write)
    (tmp_path / name).write_text(write(), encoding="utf-8")
    done = subprocess.run(
        [*checker, name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MANWIDTH": "80"},
    )
    complaints = done.stderr if checker[0] == "man" else done.stdout + done.stderr
    assert (done.returncode, complaints) == (0, "")
