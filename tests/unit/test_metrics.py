"""The metrics: names and values, the file, the port, and that nothing about them can harm the daemon."""

import ctypes
import errno
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from prometheus_client.parser import text_string_to_metric_families

from digitd.exposition import families, names_of
from digitd.metrics import Metrics
from digitd.results import Model
from digitd.settings import TAKEN_LABELS, Settings, State
from digitd.settings import Metrics as Chosen
from digitd.standing import Standing
from digitd.tally import Tally
from monitoring import page, standing

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "docs" / "monitoring"
ALERTS, DASHBOARD = MONITORING / "alerts.yaml", MONITORING / "dashboard.json"

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian package: prometheus)"
)


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What Prometheus' own parser makes of it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    """One sample's value."""
    return samples(text)[name, frozenset(labels.items())]


def test_what_was_counted_and_how_it_stands_is_told() -> None:
    """Each by its value, in base units."""
    tally = Tally()
    tally.publish("accepted", None, 999.0, 999.3)
    tally.publish("failed", "empty", 900.0, 999.5)
    tally.batches.observe(0.2)
    tally.lost["timeout"] += 1
    tally.pauses += 1
    text = page(tally, standing())
    assert value(text, "digitd_scans_total", status="accepted") == 1
    assert value(text, "digitd_scans_total", status="blank") == 0
    assert value(text, "digitd_scan_reasons_total", reason="empty") == 1
    assert value(text, "digitd_scan_latency_seconds_bucket", le="0.25") == 0
    assert value(text, "digitd_scan_latency_seconds_bucket", le="0.5") == 1
    assert value(text, "digitd_scan_latency_seconds_bucket", le="+Inf") == 2
    assert value(text, "digitd_scan_latency_seconds_count") == 2
    assert value(text, "digitd_batch_duration_seconds_sum") == 0.2
    assert value(text, "digitd_workers_lost_total", cause="timeout") == 1
    assert value(text, "digitd_delivery_pauses_total") == 1
    assert value(text, "digitd_scans_waiting") == 7
    assert value(text, "digitd_scans_waiting_more") == 1
    assert value(text, "digitd_oldest_waiting_seconds") == 100
    assert value(text, "digitd_scans_in_hand") == 3
    assert value(text, "digitd_scans_undelivered") == 2
    assert value(text, "digitd_delivery_paused") == 1
    assert value(text, "digitd_config_last_reload_successful") == 1
    assert value(text, "digitd_inbox_watched") == 1
    assert value(text, "digitd_watcher_mode", mode="polling") == 1
    assert value(text, "digitd_watcher_mode", mode="native") == 0
    assert value(text, "digitd_workers", state="ready") == 1
    assert value(text, "digitd_resident_memory_bytes", process="workers") == 150e6
    assert value(text, "digitd_journal_size_bytes") == 4096
    assert value(text, "digitd_disk_free_bytes", folder="state") == 20
    assert value(text, "digitd_disk_size_bytes", folder="inbox") == 100
    assert value(text, "digitd_disk_free_inodes", folder="inbox") == 5
    assert ("digitd_disk_free_inodes", frozenset({("folder", "state")})) not in samples(text)
    assert value(text, "digitd_start_time_seconds") == 500
    assert value(text, "digitd_heartbeat_timestamp_seconds") == 1000
    assert value(text, "digitd_last_published_timestamp_seconds") == 999.5
    assert 'model="digits",model_sha256="' + "0" * 64 in text


def test_an_inbox_that_is_not_watched_has_no_mode() -> None:
    """Nor is anything waiting as old as a clock that was set back would have it."""
    text = page(Tally(), standing(mode=None, oldest=2000.0))
    assert value(text, "digitd_inbox_watched") == 0
    assert value(text, "digitd_watcher_mode", mode="native") == value(text, "digitd_watcher_mode", mode="polling") == 0
    assert value(text, "digitd_oldest_waiting_seconds") == 0


def test_labels_of_the_configuration_are_on_every_sample_and_hide_none() -> None:
    """Two digitds of one machine are told apart; a name that a metric has for itself is refused beforehand."""
    text = page(Tally(), standing(), service="lab")
    assert all(dict(labels)["service"] == "lab" for _, labels in samples(text))
    own = {name for _, labels in samples(page(Tally(), standing())) for name, _ in labels}
    assert own | {"job", "instance"} == TAKEN_LABELS


def test_no_label_can_grow_without_bound() -> None:
    """However many scans come, the number of samples stays what it was at the start."""
    tally = Tally()
    before = len(samples(page(tally, standing())))
    for number in range(1000):
        tally.publish("failed", "empty", float(number), number + 1.0)
    assert len(samples(page(tally, standing()))) == before < 150


def test_names_and_units_follow_the_conventions() -> None:
    """Base units, counters that end in _total and nothing else that does, and a sentence of help for each."""
    for family in families(Tally(), standing(), {}):
        assert re.fullmatch("digitd_[a-z_]+", family.name)
        assert not re.search("_(total|count|sum|bucket|ms|millis|minutes|hours|kb|mb|percent)$", family.name)
        assert family.documentation.endswith(".")
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


def test_a_bundle_with_a_name_that_is_no_text_breaks_nothing() -> None:
    """It is shown escaped."""
    text = page(Tally(), standing(model=Model("a\udcff\n", '"', "0" * 64)))
    [build] = [dict(labels) for name, labels in samples(text) if name == "digitd_build_info"]
    assert (build["model"], build["model_version"]) == ("a\\xff\\n", '"')


@needs_promtool
def test_promtool_finds_nothing_to_complain_about() -> None:
    """Names, units and help texts follow Prometheus' conventions."""
    text = page(Tally(), standing(), service="lab")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def shown() -> set[str]:
    """Every name that there is."""
    return names_of(families(Tally(), standing(), {}))


def named(expression: str) -> set[str]:
    """The metrics of digitd's in an expression of PromQL; a histogram's parts stand for it."""
    found = re.findall(r"\bdigitd_[a-z_]+\b", expression)
    return {re.sub(r"_seconds_(bucket|count|sum)$", "_seconds", name) for name in found}


def expressions(value: Any) -> Iterator[str]:
    """Every `expr`, and every query of a variable, however deep in a dashboard."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in {"expr", "query"} and isinstance(inner, str):
                yield inner
            yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)


def test_every_metric_in_the_alerts_exists() -> None:
    """And each alert has a severity, a sentence, and what to do."""
    [group] = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    assert len(group["rules"]) >= 8
    for rule in group["rules"]:
        assert named(rule["expr"]), rule["alert"]
        assert named(rule["expr"]) <= shown(), rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert {"summary", "description"} <= rule["annotations"].keys()


def test_every_metric_on_the_dashboard_exists() -> None:
    """Each panel shows one at least."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len(panels) >= 10
    for panel in panels:
        assert set().union(*map(named, expressions(panel))), panel["title"]
    assert set().union(*map(named, expressions(board))) <= shown()


@needs_promtool
def test_promtool_takes_the_alerts() -> None:
    """Rules and expressions are right by Prometheus' own judgement, the dashboard's expressions too."""
    done = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


MINUTES = 8 * 60
# Each minute of eight hours: a daemon that does well (1), and what is different where an alert is to be raised.
WELL = {
    "digitd_heartbeat_timestamp_seconds": "0+60x480",
    "digitd_start_time_seconds": "5x480",
    "digitd_delivery_paused": "0x480",
    "digitd_inbox_watched": "1x480",
    "digitd_config_last_reload_successful": "1x480",
    "digitd_oldest_waiting_seconds": "20x480",
    "digitd_scans_waiting": "100x480",
    'digitd_scans_total{status="accepted"}': "0+10x480",
    'digitd_scans_total{status="review"}': "0+1x480",
    'digitd_scans_total{status="failed"}': "0+0.05x480",
    'digitd_workers{state="ready"}': "2x480",
    'digitd_workers{state="wanted"}': "2x480",
    'digitd_workers_lost_total{cause="died"}': "0x480",
    'digitd_disk_free_bytes{folder="state"}': "2e10x480",
    'digitd_disk_size_bytes{folder="state"}': "1e11x480",
    'digitd_disk_free_inodes{folder="state"}': "1e6x480",
}
ILL = {
    "DigitdNotRunning": {"digitd_heartbeat_timestamp_seconds": "0+60x470 28200x10"},
    "DigitdGone": {"digitd_heartbeat_timestamp_seconds": "0x10"},
    "DigitdDeliveryPaused": {"digitd_delivery_paused": "0x470 1x10"},
    "DigitdReloadRefused": {"digitd_config_last_reload_successful": "1x470 0x10"},
    "DigitdInboxNotWatched": {"digitd_inbox_watched": "1x470 0x10"},
    "DigitdScansWaitTooLong": {"digitd_oldest_waiting_seconds": "0x400 0+60x80"},
    "DigitdBacklogGrows": {"digitd_scans_waiting": "0x300 0+50x180"},
    "DigitdScansFail": {'digitd_scans_total{status="failed"}': "0+2x480"},
    "DigitdManyToReview": {'digitd_scans_total{status="review"}': "0+20x480"},
    "DigitdWorkersMissing": {'digitd_workers{state="ready"}': "2x470 1x10"},
    "DigitdWorkersLost": {'digitd_workers_lost_total{cause="died"}': "0x440 0+1x40"},
    "DigitdRestarts": {"digitd_start_time_seconds": "5x440 6+60x40"},
    "DigitdDiskAlmostFull": {'digitd_disk_free_bytes{folder="state"}': "2e10x460 4e9x20"},
    "DigitdInodesAlmostGone": {'digitd_disk_free_inodes{folder="state"}': "1e6x460 100x20"},
}


@needs_promtool
def test_each_alert_is_raised_by_what_it_is_for_and_by_nothing_else(tmp_path: Path) -> None:
    """Prometheus itself plays eight hours of a daemon that does well, and of one ill in each way: one alert each."""
    [group] = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    assert [rule["alert"] for rule in group["rules"]] == [*ILL]
    tests = [
        {
            "name": name,
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in (WELL | changed).items()],
            "promql_expr_test": [
                {
                    "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": f"{MINUTES}m",
                    "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1}] if changed else [],
                }
            ],
        }
        for name, changed in {"well": {}, **ILL}.items()
    ]
    played = {"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(played))
    command = ["promtool", "test", "rules", str(tmp_path / "test.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_takes_the_dashboards_expressions(tmp_path: Path) -> None:
    """With Grafana's variables filled in."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    rules = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$__[a-z_]+", "5m", expression).replace("$instance", "a")}
        for number, expression in enumerate(expressions(board["panels"]))
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    command = ["promtool", "check", "rules", str(tmp_path / "rules.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


Make = Callable[..., Metrics]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Metrics of a configuration whose state is the folder of this test."""
    made: list[Metrics] = []

    def build(tally: Tally | None = None, now: Callable[[], Standing] = standing, **chosen: Any) -> Metrics:
        made.append(Metrics(configured(tmp_path, **chosen), tally or Tally(), now))
        return made[-1]

    yield build
    for each in made:
        if each._server is not None:
            # Here it is waited for: nothing is left behind.
            each._server._end()


def configured(state: Path, **chosen: Any) -> Settings:
    """A configuration."""
    return Settings(state=State(path=state), metrics=Chosen(**chosen))


def test_the_file_appears_whole_and_readable_for_all(make: Make, tmp_path: Path) -> None:
    """In the state folder, under no name that node_exporter would read half written, whatever the umask."""
    before = os.umask(0o077)
    try:
        make().tick(0.0)
    finally:
        os.umask(before)
    assert [path.name for path in tmp_path.glob("[!.]*")] == ["metrics.prom"]
    assert stat.S_IMODE((tmp_path / "metrics.prom").stat().st_mode) == 0o644
    assert value((tmp_path / "metrics.prom").read_text(), "digitd_scans_waiting") == 7


def test_it_is_written_so_often_and_no_oftener(make: Make) -> None:
    """What happens between two turns costs nothing but the counting."""
    looks = []

    def look() -> Standing:
        looks.append(1)
        return standing()

    metrics = make(now=look, every=15)
    for now in (0.0, 1.0, 14.9, 15.0, 16.0, 31.0):
        metrics.tick(now)
    assert len(looks) == 3
    assert metrics.next_due() == 46.0


def test_without_a_file_and_a_port_nothing_is_ever_due(make: Make, tmp_path: Path) -> None:
    """`textfile: off` and no port: no look, no file."""
    metrics = make(textfile="off")
    assert metrics.next_due() == float("inf")
    metrics.tick(1e9)
    metrics.close()
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_cannot_be_written_is_one_warning_and_no_harm(make: Make, tmp_path: Path) -> None:
    """It is said once, tried again, and written as soon as that is possible; no half of it is left."""
    metrics = make(textfile=str(tmp_path / "away" / "digitd.prom"), every=1)
    with structlog.testing.capture_logs() as logged:
        for now in (0.0, 1.0, 2.0):
            metrics.tick(now)
        assert [each["event"] for each in logged] == ["metrics_not_written"]
        (tmp_path / "away").mkdir()
        metrics.tick(3.0)
        assert (tmp_path / "away" / "digitd.prom").read_text()
        shutil.rmtree(tmp_path / "away")
        metrics.tick(4.0)
    assert [each["event"] for each in logged] == ["metrics_not_written"] * 2
    assert logged[0]["log_level"] == "warning"


def test_a_disk_that_is_full_leaves_the_last_figures(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no room even for what was written before: those that were whole stay."""
    tally = Tally()
    metrics = make(tally, every=1)
    metrics.tick(0.0)
    tally.publish("accepted", None, None, 1.0)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, structlog.testing.capture_logs() as logged:
        patched.setattr("os.write", full)
        metrics.tick(1.0)
    assert [(each["event"], each["error"]) for each in logged] == [
        ("metrics_not_written", "[Errno 28] No space left on device")
    ]
    assert value((tmp_path / "metrics.prom").read_text(), "digitd_scans_total", status="accepted") == 0
    metrics.tick(2.0)
    assert value((tmp_path / "metrics.prom").read_text(), "digitd_scans_total", status="accepted") == 1


def test_two_files_change_places_and_take_no_more_room(make: Make, tmp_path: Path) -> None:
    """From the second turn on nothing is made, and nothing grows: a full disk takes it."""
    tally = Tally()
    metrics = make(tally, every=1)
    metrics.tick(0.0)
    metrics.tick(1.0)
    before = {(path.stat().st_ino, path.stat().st_size) for path in tmp_path.iterdir()}
    assert len(before) == 2
    for now in range(2, 5):
        for _ in range(10**now):
            tally.publish("failed", "empty", 1.0, 2.0)
        first = (tmp_path / "metrics.prom").stat().st_ino
        metrics.tick(float(now))
        assert (tmp_path / "metrics.prom").stat().st_ino != first
    assert {(path.stat().st_ino, path.stat().st_size) for path in tmp_path.iterdir()} == before
    assert value((tmp_path / "metrics.prom").read_text(), "digitd_scans_total", status="failed") == 11100


def test_a_file_system_that_cannot_exchange_two_names_renames(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NFS and others: the file is whole all the same."""

    class Poor:
        @staticmethod
        def renameat2(*_: object) -> int:
            ctypes.set_errno(errno.EINVAL)
            return -1

    monkeypatch.setattr("digitd.fs._libc", Poor)
    metrics = make(every=1)
    for now in range(3):
        metrics.tick(float(now))
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.prom"]
    assert value((tmp_path / "metrics.prom").read_text(), "digitd_scans_waiting") == 7


def test_nothing_is_written_through_a_link(make: Make, tmp_path: Path) -> None:
    """Whoever may write in the collector's folder gets no other file overwritten."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".metrics.prom.tmp").symlink_to(victim)
    with structlog.testing.capture_logs() as logged:
        make().tick(0.0)
    assert [each["event"] for each in logged] == ["metrics_not_written"]
    assert victim.read_text() == "mine"


def test_a_disk_that_fails_a_look_is_no_harm_either(make: Make) -> None:
    """An I/O error while the journal is measured is said like one while the file is written."""

    def look() -> Standing:
        raise OSError(5, "Input/output error")

    with structlog.testing.capture_logs() as logged:
        make(now=look).tick(0.0)
    assert [each["event"] for each in logged] == ["metrics_not_written"]


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nothing listens at."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as listener:
        listener.bind((address, 0))
        return int(listener.getsockname()[1])


def fetched(url: str, **headers: str) -> tuple[str, str]:
    """What a scrape gets: the text and its type."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.read().decode(), answer.headers["Content-Type"]


def test_the_port_serves_what_was_last_taken(make: Make) -> None:
    """In both of Prometheus' formats, and no file is needed for it."""
    port = free_port()
    tally = Tally()
    metrics = make(tally, textfile="off", port=port, every=1)
    metrics.tick(0.0)
    text, kind = fetched(f"http://127.0.0.1:{port}/metrics")
    assert kind.startswith("text/plain")
    assert value(text, "digitd_scans_waiting") == 7
    tally.publish("blank", None, None, 1.0)
    metrics.tick(1.0)
    text, kind = fetched(f"http://127.0.0.1:{port}/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert 'digitd_scans_total{status="blank"} 1.0' in text
    assert text.endswith("# EOF\n")


def test_it_listens_at_the_address_alone_that_is_configured(make: Make) -> None:
    """127.0.0.1 by default: another address of this machine refuses."""
    port = free_port()
    metrics = make(port=port)
    metrics.tick(0.0)
    assert metrics._server is not None
    assert metrics._server.server_address == ("127.0.0.1", port)
    with socket.socket() as asking, pytest.raises(ConnectionRefusedError):
        asking.connect(("127.0.0.2", port))


def test_a_port_that_is_taken_is_one_warning_and_is_tried_again(make: Make) -> None:
    """The daemon goes on, and serves once the port is free."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        metrics = make(port=port, every=1)
        with structlog.testing.capture_logs() as logged:
            metrics.tick(0.0)
            metrics.tick(1.0)
        assert [each["event"] for each in logged] == ["metrics_not_served"]
        assert "Address already in use" in logged[0]["error"]
    metrics.tick(2.0)
    assert "digitd_build_info" in fetched(f"http://127.0.0.1:{port}/metrics")[0]


def test_a_caller_who_says_nothing_holds_up_neither_the_daemon_nor_its_end(make: Make) -> None:
    """Figures go on being taken, and the end does not wait for it."""
    port = free_port()
    metrics = make(port=port, every=1)
    metrics.tick(0.0)
    with socket.create_connection(("127.0.0.1", port)):
        metrics.tick(1.0)
        metrics.close()


def test_another_configuration_takes_over_and_the_counts_go_on(make: Make, tmp_path: Path) -> None:
    """Counters survive it; the port and the file are the new ones."""
    tally = Tally()
    first, second = free_port(), free_port()
    metrics = make(tally, port=first)
    tally.publish("accepted", None, None, 1.0)
    metrics.tick(0.0)
    old = metrics._server
    metrics.configure(configured(tmp_path, port=second, textfile=str(tmp_path / "other.prom")))
    metrics.tick(1.0)
    assert value((tmp_path / "other.prom").read_text(), "digitd_scans_total", status="accepted") == 1
    assert "digitd_scans_total" in fetched(f"http://127.0.0.1:{second}/")[0]
    assert old is not metrics._server
    # Else its figures would grow old, and alert.
    assert [file.name for file in tmp_path.rglob("*metrics*") if file.is_file()] == []
