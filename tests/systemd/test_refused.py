"""A start that is refused: one sentence, the same wherever a person looks, an exit code, and no second try."""

import pytest

from systemd.machine import Service

REFUSED = {
    "usage": ("2", "ExecStart=\nExecStart=/opt/digitd/bin/digitd run --colour", None),
    "configuration": ("3", "", ("accept: 0.98", "acept: 0.98")),
    "folders": ("4", "", ("path: /srv/digitd/inbox ", "path: /srv/digitd/inbxo ")),
    "bundle": ("5", "", ("bundle: null", "bundle: /nowhere")),
    "engine": ("5", "", ("engine: litert", "engine: tensorflow")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_told_once_and_not_tried_again(service: Service, case: str) -> None:
    """`systemctl status` has the sentence of the journal, and that is what `digitd run` says on a terminal."""
    code, lines, change = REFUSED[case]
    if lines:
        service.drop_in("refused", lines)
    if change is not None:
        service.configure(change)
    service.ctl("stop")
    since = service.cursor()
    assert service.ctl("start", check=False).returncode != 0
    assert (service.show("ActiveState"), service.show("Result")) == ("failed", "exit-code")
    assert (service.show("ExecMainStatus"), service.show("NRestarts")) == (code, "0")
    log = service.entries(since=since)
    (error,) = [each for each in log if each["SYSLOG_IDENTIFIER"] == "digitd" and int(each["PRIORITY"]) < 4]
    sentence = error["MESSAGE"].removeprefix("digitd: ")
    assert "\n" not in sentence
    # systemd shows the status in quotes, and escapes what is in it.
    assert service.show("StatusText") == sentence
    assert sentence in service.status()
    assert not [each for each in log if "Scheduled restart job" in each["MESSAGE"]]
    options = "--colour" if case == "usage" else "-c /etc/digitd/config.yaml"
    command = f"runuser -u digitd -- script -qec '/opt/digitd/bin/digitd run {options}' /dev/null"
    shown = service.machine.run("sh", "-c", command)
    assert shown.returncode == int(code)
    told = [line for line in shown.stdout.splitlines() if line.startswith("digitd: ")]
    assert told == [f"digitd: {sentence}"]


def test_two_of_them_on_one_state(service: Service) -> None:
    """The second is refused with a code of its own, and the first works on."""
    second = service.machine.run(
        "runuser", "-u", "digitd", "--", "/opt/digitd/bin/digitd", "run", "-c", "/etc/digitd/config.yaml"
    )
    assert second.returncode == 6
    assert service.show("MainPID") in second.stderr
    assert service.show("ActiveState") == "active"
