"""The systemd unit: sound by systemd's own judgement, sandboxed, and in step with the program."""

import shutil
import subprocess
from pathlib import Path

import pytest

from digitd.daemon import STOP_SECONDS
from digitd.errors import ExitCode

UNIT = Path(__file__).parents[2] / "systemd" / "digitd.service"
MOST_EXPOSED = 1.0
TEMPLATE = UNIT.with_name("digitd@.service")
OF_AN_INSTANCE = {
    "# digitd as a service. Install: see README.md beside this file.": (
        "# A second digitd, with folders of its own: digitd@NAME. Held equal to digitd.service by a test."
    ),
    "Description=digitd: reads": "Description=digitd (%i): reads",
    "RequiresMountsFor=/srv/digitd /var/lib/digitd": "RequiresMountsFor=/srv/digitd-%i /var/lib/digitd-%i",
    "/etc/digitd/config.yaml": "/etc/digitd/%i.yaml",
    "NoExecPaths=/srv/digitd /var/lib/digitd": "NoExecPaths=/srv/digitd-%i /var/lib/digitd-%i",
    "StateDirectory=digitd\n": "StateDirectory=digitd-%i\n",
    "systemctl edit digitd,": "systemctl edit digitd@NAME,",
    "ReadWritePaths=/srv/digitd\n": "ReadWritePaths=/srv/digitd-%i\n",
}
"""What is different in the template: names and folders, and nothing else."""

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (Debian package: systemd)"
)


def settings() -> dict[str, str]:
    """The unit's keys; of one that is there several times, the last."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@needs_systemd
@pytest.mark.parametrize(("source", "name"), [(UNIT, "digitd.service"), (TEMPLATE, "digitd@lab.service")])
def test_verify(tmp_path: Path, source: Path, name: str) -> None:
    """systemd finds nothing to complain about."""
    unit = tmp_path / name
    # The program is not installed where the unit expects it.
    unit.write_text(source.read_text(encoding="utf-8").replace("/opt/digitd/bin/digitd", shutil.which("true") or ""))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_security() -> None:
    """What an attacker could reach from inside is rated at most 1.0 of 10."""
    threshold = f"--threshold={int(MOST_EXPOSED * 10)}"
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", threshold, str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_refusals_are_not_retried() -> None:
    """systemd does not start again what a person has to mend."""
    # `run` ends with neither of the last two: they are what `status --check` says of it.
    others = {ExitCode.DONE, ExitCode.BUG, ExitCode.NOT_RUNNING, ExitCode.UNHEALTHY}
    refused = {str(int(code)) for code in ExitCode if code not in others}
    assert set(settings()["RestartPreventExitStatus"].split()) == refused


def test_stopping_has_time() -> None:
    """The daemon gives up waiting for what is in hand well before systemd gives up on the daemon."""
    assert float(settings()["TimeoutStopSec"].removesuffix("s")) >= STOP_SECONDS + 10


def test_template_is_the_unit() -> None:
    """digitd@NAME is sandboxed, watched and restarted as digitd is: only names and folders differ."""
    expected = UNIT.read_text(encoding="utf-8")
    for ours, theirs in OF_AN_INSTANCE.items():
        assert ours in expected, ours
        expected = expected.replace(ours, theirs)
    assert TEMPLATE.read_text(encoding="utf-8") == expected
