"""config.yaml and DIGITD_ variables: every key, every kind of mistake, and where paths count from."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from digitd import config
from digitd.config import load
from digitd.errors import ConfigError, ExitCode
from digitd.intake.ignore import INCLUDE
from digitd.mistakes import all_keys
from digitd.settings import RENAMED, Settings

SHIPPED = Path(__file__).parents[2] / "config.yaml"


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No DIGITD_ variables, and a working directory of its own."""
    for name in os.environ:
        if name.upper().startswith("DIGITD_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a configuration can be written."""
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc" / "config.yaml"


def written(file: Path, text: str) -> Settings:
    """The settings of a file with this text."""
    file.write_text(text, encoding="utf-8")
    return load(file)


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Keys with dots, of nested values."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def test_the_file_that_ships_says_the_defaults() -> None:
    """With config.yaml as it ships everything is as without one, its folder aside."""
    shipped, plain = flat(load(SHIPPED).effective()), flat(load(None).effective())
    here, there = os.fspath(Path.cwd()), os.fspath(SHIPPED.parent)
    moved = {
        key: there + value.removeprefix(here) if isinstance(value, str) and value.startswith(here) else value
        for key, value in plain.items()
    }
    assert shipped == moved


def test_the_file_that_ships_has_every_key_with_a_comment() -> None:
    """No option is missing from it, none is there that does not exist, and each has its comment."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert set(flat(yaml.load(text, config._Loader))) == set(flat(load(None).effective()))
    for line in text.splitlines():
        if re.match(r"  \w+:", line):
            assert " # " in line, line


def test_the_names_of_scans_are_those_that_intake_knows() -> None:
    """The default of inbox.include is written once more for the configuration; both are the same."""
    assert load(None).inbox.include == INCLUDE


def test_without_a_file_paths_count_from_the_working_directory(tmp_path: Path) -> None:
    """Everything is below it."""
    settings = load(None)
    assert settings.inbox.path == tmp_path / "inbox"
    assert settings.outbox.path == tmp_path / "outbox"
    assert settings.state.path == tmp_path / "state"
    assert settings.sources.failed == str(tmp_path / "archive/failed")
    assert settings.model.bundle is None


def test_with_a_file_paths_count_from_its_folder(file: Path) -> None:
    """Relative ones, and only those; `delete` and `keep` are no paths."""
    settings = written(
        file,
        "inbox: {path: in}\noutbox: {path: /srv/out}\nstate: {path: ../state}\n"
        "sources: {accepted: done, review: delete, blank: Keep, failed: /srv/failed}\nmodel: {bundle: b}\n",
    )
    folder = file.parent
    assert settings.inbox.path == folder / "in"
    assert settings.outbox.path == Path("/srv/out")
    assert settings.state.path == folder.parent / "state"
    assert settings.sources.model_dump() == {
        "accepted": str(folder / "done"),
        "review": "delete",
        "blank": "keep",
        "failed": "/srv/failed",
        "verified": str(folder / "archive" / "verified"),
    }
    assert settings.model.bundle == folder / "b"


def test_the_metrics_file_is_in_the_state_folder_unless_it_is_named(file: Path) -> None:
    """By a path that counts like every other; or there is none."""
    assert written(file, "state: {path: st}").textfile == file.parent / "st" / "metrics.prom"
    assert written(file, "metrics: {textfile: a/b.prom}").textfile == file.parent / "a" / "b.prom"
    assert written(file, "metrics: {textfile: off}").textfile is None


def test_a_home_folder_is_found(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the user's home, and a user that does not exist is a folder of that name."""
    monkeypatch.setenv("HOME", "/home/ada")
    assert written(file, "inbox: {path: ~/scans}").inbox.path == Path("/home/ada/scans")
    assert written(file, "inbox: {path: ~nobody-of-this-name/x}").inbox.path.name == "x"


def test_a_relative_file_counts_from_the_working_directory(file: Path) -> None:
    """`-c etc/config.yaml` works, and its paths are absolute all the same."""
    written(file, "inbox: {path: in}")
    assert load(Path("etc/config.yaml")).inbox.path == file.parent / "in"


def test_the_variable_names_the_file_unless_one_is_given(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """-c, else DIGITD_CONFIG, else the defaults; an empty variable is none."""
    other = file.with_name("other.yaml")
    other.write_text("batch: {max_scans: 2}")
    written(file, "batch: {max_scans: 1}")
    monkeypatch.setenv("DIGITD_CONFIG", str(file))
    assert load(None).batch.max_scans == 1
    assert load(other).batch.max_scans == 2
    monkeypatch.setenv("DIGITD_CONFIG", "")
    assert load(None).batch.max_scans == 64


def test_a_file_that_happens_to_lie_there_is_not_read(tmp_path: Path) -> None:
    """A config.yaml in the working directory changes nothing."""
    (tmp_path / "config.yaml").write_text("batch: {max_scans: 1}")
    assert load(None).batch.max_scans == 64


@pytest.mark.parametrize("text", ["", "# nothing\n", "inbox:\n", "inbox: {}\nlog:\n"])
def test_what_is_not_said_has_its_default(file: Path, text: str) -> None:
    """An empty file, and an empty section, are whole ones."""
    assert written(file, text).inbox.settle == 0.5


def test_durations_sizes_and_words_are_read_as_written(file: Path) -> None:
    """Units, `on:`, `off` and numbers are what people mean by them."""
    settings = written(
        file,
        "inbox: {settle: 500ms, rescan: 5m}\noutbox: {json: off, csv: yes}\nstate: {keep: 90d}\n"
        "workers: {on: local, count: 3, memory: 2GiB}\nlimits: {bytes: 1000}\nprofiles: {2024: {digits: 4}}\n",
    )
    assert (settings.inbox.settle, settings.inbox.rescan, settings.state.keep) == (0.5, 300.0, 90 * 86400.0)
    assert (settings.outbox.json_, settings.outbox.csv) == ("off", True)
    assert (settings.workers.on, settings.workers.number, settings.workers.memory) == ("local", 3, 2**31)
    assert settings.limits.bytes == 1000
    assert settings.profiles["2024"].digits == 4


def test_auto_takes_a_worker_for_each_processor(file: Path) -> None:
    """Of those that this process may use."""
    assert written(file, "workers: {count: auto}").workers.number == len(os.sched_getaffinity(0))


NEW_NAMES = {
    "inbox.pause": "inbox.settle",
    "recognition.sure": "recognition.accept",
    "intake": "inbox",
    "output.folder": "outbox.path",
    "output.limit": "limits.bytes",
}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inbox:\n  pause: 1\n", "inbox.pause is now called inbox.settle"),
        ("recognition:\n  sure: 0.9\n", "recognition.sure is now called recognition.accept"),
        ("profiles:\n  forms:\n    sure: 0.9\n", "profiles.forms.sure is now called profiles.forms.accept"),
        ("intake:\n  path: x\n", "intake is now called inbox"),
        ("output:\n  folder: x\n", "output is now called limits.bytes and outbox.path"),
    ],
)
def test_a_key_that_was_renamed_says_its_new_name(
    file: Path, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused, for what it meant may have changed with it; nobody has to look for what it is called now."""
    monkeypatch.setattr("digitd.mistakes.RENAMED", NEW_NAMES)
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert said in str(caught.value)
    assert "nearest" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("DIGITD_INBOX__PAUSE", "inbox.pause is now called inbox.settle"),
        ("DIGITD_OUTPUT__FOLDER", "output.folder is now called outbox.path"),
        ("DIGITD_INTAKE__PATH", "intake is now called inbox"),
    ],
)
def test_so_does_a_variable(variable: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a renamed key, of one in a section that is gone, of a renamed section."""
    monkeypatch.setattr("digitd.mistakes.RENAMED", NEW_NAMES)
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ConfigError) as caught:
        load(None)
    assert said in str(caught.value)


def test_a_renamed_key_leads_to_one_that_is_there() -> None:
    """No old name is a key again, no new one is unknown."""
    known = {*all_keys(), *Settings.model_fields}
    assert set(RENAMED) & known == set()
    assert set(RENAMED.values()) <= known


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("inbx: {}", "inbx", "inbox"),
        ("inbox: {setle: 1}", "inbox.setle", "inbox.settle"),
        ("recognition: {max_scans: 1}", "recognition.max_scans", "batch.max_scans"),
        ("profiles: {a: {layuot: line}}", "profiles.a.layuot", "profiles.a.layout"),
        ("outbox: {jsn: off}", "outbox.jsn", "outbox.json"),
    ],
)
def test_an_unknown_key_names_the_nearest(file: Path, text: str, key: str, near: str) -> None:
    """A typing mistake is an error that says what was probably meant."""
    with pytest.raises(ConfigError) as caught:
        written(file, text)
    assert f"{key} is an unknown key, the nearest known one is {near}" in str(caught.value)
    assert str(file) in str(caught.value)
    assert caught.value.exit_code is ExitCode.CONFIG


@pytest.mark.parametrize(
    ("text", "key", "value", "allowed"),
    [
        ("inbox: {watch: sometimes}", "inbox.watch", "'sometimes'", "'auto', 'native' or 'polling'"),
        ("inbox: {settle: soon}", "inbox.settle", "'soon'", "500ms"),
        ("inbox: {settle: -1}", "inbox.settle", "-1", "500ms"),
        ("inbox: {rescan: 0}", "inbox.rescan", "0", "a duration above 0"),
        ("inbox: {recursive: perhaps}", "inbox.recursive", "'perhaps'", "true or false"),
        ("inbox: {recursive: 1}", "inbox.recursive", "1", "true or false"),
        ("inbox: {path: 5}", "inbox.path", "5", "a folder"),
        ('inbox: {include: "*.png"}', "inbox.include", "'*.png'", 'a list such as ["*.png", "*.jpg"]'),
        ("outbox: {json: csv}", "outbox.json", "'csv'", "'scan', 'lines' or 'off'"),
        ("outbox: {rows: 0}", "outbox.rows", "0", "a whole number above 0"),
        ("sources: {accepted: ''}", "sources.accepted", "''", "a folder, delete or keep"),
        ("batch: {max_scans: many}", "batch.max_scans", "'many'", "a whole number from 1 to 4096"),
        ("batch: {max_scans: true}", "batch.max_scans", "True", "a whole number"),
        ("workers: {count: none}", "workers.count", "'none'", "auto, or a whole number"),
        ("workers: {count: 0}", "workers.count", "0", "from 1 to 256"),
        ("workers: {memory: lots}", "workers.memory", "'lots'", "1GB"),
        ("recognition: {accept: 1.5}", "recognition.accept", "1.5", "a number from 0 to 1"),
        ("recognition: {margin: .nan}", "recognition.margin", "nan", "a number from 0 to 1"),
        ("sources: {accepted: null}", "sources.accepted", "None", "a folder, delete or keep"),
        ("profiles: 3", "profiles", "3", "folder patterns"),
        ("recognition: {layout: poem}", "recognition.layout", "'poem'", "'auto', 'single', 'line' or 'page'"),
        ("profiles: {a: {accept: 2}}", "profiles.a.accept", "2", "a number from 0 to 1"),
        ("limits: {bytes: 0}", "limits.bytes", "0", "greater than 0"),
        ("log: {level: loud}", "log.level", "'loud'", "'debug'"),
        ("inbox: here", "inbox", "'here'", "a section with keys of its own"),
        ("metrics: {textfile: digitd.txt}", "metrics.textfile", "'digitd.txt'", "a file that ends in .prom"),
        ("metrics: {textfile: true}", "metrics.textfile", "True", "auto, off, or a file"),
        ("metrics: {every: 0}", "metrics.every", "0", "a duration above 0"),
        ("metrics: {port: 70000}", "metrics.port", "70000", "a whole number from 1 to 65535"),
        ("metrics: {address: localhost}", "metrics.address", "'localhost'", "an IP address"),
        ("metrics: {labels: {status: x}}", "metrics.labels", "{'status': 'x'}", "that no metric has yet"),
        ("metrics: {labels: {Lab: x}}", "metrics.labels", "{'Lab': 'x'}", "names of lower-case letters"),
    ],
)
def test_a_wrong_value_names_key_value_and_what_is_allowed(
    file: Path, text: str, key: str, value: str, allowed: str
) -> None:
    """One look at the error is enough to correct the file."""
    with pytest.raises(ConfigError) as caught:
        written(file, text)
    assert f"{key} is {value}; allowed: " in str(caught.value)
    assert allowed in str(caught.value)


def test_several_mistakes_are_told_together(file: Path) -> None:
    """Nobody has to run it once for each."""
    with pytest.raises(ConfigError) as caught:
        written(file, "inbox: {watch: x}\nlog: {level: y}\nbatch: {mx_scans: 1}")
    for part in ("inbox.watch", "log.level", "batch.mx_scans"):
        assert part in str(caught.value)


def test_an_outbox_that_publishes_nothing_is_refused(file: Path) -> None:
    """Without JSON and CSV there would be no results."""
    with pytest.raises(ConfigError, match="no result would be published"):
        written(file, "outbox: {json: off, csv: false}")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("inbox: [\n", "is no valid YAML"),
        ("inbox:\n  path: a\n path: b\n", "line 3"),
        ("- a\n- b\n", "no mapping"),
        ("inbox: {path: a}\ninbox: {settle: 1}\n", "the key inbox is there twice"),
    ],
)
def test_a_file_that_is_no_configuration_says_where(file: Path, text: str, what: str) -> None:
    """The line is named where there is one."""
    with pytest.raises(ConfigError, match=what):
        written(file, text)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """Missing, a folder, or no UTF-8: each is an error of configuration."""
    with pytest.raises(ConfigError, match="does not exist"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("# größe\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("name", "value", "section", "key", "meant"),
    [
        ("DIGITD_INBOX__SETTLE", "250ms", "inbox", "settle", 0.25),
        ("DIGITD_INBOX__RECURSIVE", "false", "inbox", "recursive", False),
        ("DIGITD_INBOX__INCLUDE", '["*.png"]', "inbox", "include", ("*.png",)),
        ("DIGITD_OUTBOX__JSON", "lines", "outbox", "json_", "lines"),
        ("DIGITD_OUTBOX__CSV", "off", "outbox", "csv", False),
        ("DIGITD_WORKERS__COUNT", "3", "workers", "count", 3),
        ("DIGITD_RECOGNITION__DIGITS", "null", "recognition", "digits", None),
        ("digitd_log__level", "debug", "log", "level", "debug"),
        ("DIGITD_METRICS__TEXTFILE", "OFF", "metrics", "textfile", "off"),
        ("DIGITD_METRICS__LABELS", '{"service": "lab"}', "metrics", "labels", {"service": "lab"}),
    ],
)
def test_a_variable_wins_over_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, section: str, key: str, meant: object
) -> None:
    """Any key can be overridden, and the others of its section stay as the file says."""
    monkeypatch.setenv(name, value)
    settings = written(
        file,
        "inbox: {settle: 9, path: in}\noutbox: {rows: 7}\nworkers: {count: 1}\n"
        "recognition: {digits: 8}\nlog: {level: error}\n",
    )
    assert getattr(getattr(settings, section), key) == meant
    assert settings.inbox.path == file.parent / "in"
    assert settings.outbox.rows == 7


def test_a_path_in_a_variable_counts_like_one_in_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the file's folder, or from the working directory without one."""
    monkeypatch.setenv("DIGITD_INBOX__PATH", "elsewhere")
    assert written(file, "").inbox.path == file.parent / "elsewhere"
    assert load(None).inbox.path == Path.cwd() / "elsewhere"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DIGITD_INBX__PATH", "x", "Did you mean DIGITD_INBOX__"),
        ("DIGITD_INBOX_PATH", "x", "DIGITD_INBOX_PATH names no section"),
        ("DIGITD_INBOX__PTH", "x", "the environment: inbox.pth is an unknown key"),
        ("DIGITD_INBOX__SETTLE", "soon", "the environment: inbox.settle is 'soon'; allowed: a duration"),
        ("DIGITD_INBOX", "here", "the environment"),
        ("DIGITD_INBOX__INCLUDE", "*.png", "DIGITD_INBOX__INCLUDE is '*.png'; allowed: JSON"),
        ("DIGITD_METRICS__LABELS", "lab", "DIGITD_METRICS__LABELS is 'lab'; allowed: JSON"),
        ("DIGITD_METRICS__LABELS", '{"a": "\udcff"}', "each with a printable text"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    """A variable that digitd cannot use is never passed over."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=re.escape(says)):
        load(None)


def test_settings_do_not_change() -> None:
    """What was loaded holds for as long as the process lives."""
    settings = load(None)
    with pytest.raises(ValueError, match="frozen"):
        settings.batch.max_scans = 1
