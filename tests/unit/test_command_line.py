"""The command line as a whole: what stands before the commands, and how it ends."""

import pytest

from digitd import __version__, cli
from digitd.errors import ExitCode


def test_the_version_needs_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`digitd --version` prints it and is done."""
    assert cli.run(["--version"]) == ExitCode.DONE
    assert capsys.readouterr().out == f"digitd {__version__}\n"


def test_an_unknown_option_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with the exit code for usage, and names the option."""
    assert cli.run(["read", "--colour"]) == ExitCode.USAGE
    assert "--colour" in capsys.readouterr().err
