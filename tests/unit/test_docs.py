"""The documentation names everything that there is, and nothing that there is not."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
import typer
import yaml
from prometheus_client.parser import text_string_to_metric_families

import monitoring
from digitd import history, results, waiting
from digitd.cli import app, manual
from digitd.errors import DigitdError, ExitCode, ScanError
from digitd.failpoints import Point
from digitd.health import Verdict
from digitd.heartbeat import STATUS_SECONDS
from digitd.pool.interface import BundleReplacedError
from digitd.pool.local import WorkersFailError
from digitd.pool.ray import ClusterError
from digitd.report import Report
from digitd.settings import Settings
from digitd.tally import Tally
from doctables import codes, table

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "daemon" / "digitd"
README, ERRORS, RESULTS, CONFIGURATION, OPERATIONS, GUARANTEES = (
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("errors", "results", "configuration", "operations", "guarantees")),
)
PAGES = sorted(
    {README, ROOT / "CHANGELOG.md", ROOT / "samples" / "README.md", ROOT / "systemd" / "README.md"}
    | set((ROOT / "docs").rglob("*.md"))
)
LEVELS = {"debug", "info", "warning", "error"}
Kind = TypeVar("Kind", bound=DigitdError)


def calls() -> Iterator[ast.Call]:
    """Every call in the package."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def first_text(call: ast.Call) -> str | None:
    """The first argument, where it is a literal text."""
    if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
        return call.args[0].value
    return None


def is_log_call(call: ast.Call) -> bool:
    """Whether it is `self._log.info(...)`, `log.get().info(...)`, or one whose level is chosen by a name."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr in LEVELS and "log" in ast.unparse(function.value)
    return ast.unparse(function) == "say" or ast.unparse(function).startswith("getattr(self._log")


def subclasses(kind: type[Kind]) -> Iterator[type[Kind]]:
    """The class and all below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from subclasses(below)


def literal_reasons() -> set[str]:
    """The codes that are written out in calls of Reason."""
    return {
        code for call in calls() if ast.unparse(call.func).endswith("Reason") and (code := first_text(call)) is not None
    }


def test_every_reason_of_a_failure_is_explained() -> None:
    """docs/errors.md has a row for each code that a failed scan can have, and none else."""
    documented = [codes(row[0])[0] for row in table(ERRORS, "code", "message")]
    assert len(documented) == len(set(documented))
    assert set(documented) == {kind.code for kind in subclasses(ScanError)} | literal_reasons()


def refusals() -> set[tuple[int, str]]:
    """Exit code and name of everything that ends digitd, but for the kinds of wrong usage, which share a name."""
    scans = set(subclasses(ScanError))
    return {
        (int(kind.exit_code), kind.code)
        for kind in subclasses(DigitdError)
        if kind not in scans | {DigitdError} and kind.exit_code is not ExitCode.USAGE
    }


def test_every_exit_code_is_explained() -> None:
    """docs/errors.md has a row for each exit code and each kind of refusal, the README one for each exit code."""
    documented = [(int(row[0]), codes(row[1])[0]) for row in table(ERRORS, "exit code", "name")]
    assert len(documented) == len(set(documented))
    assert set(documented) == refusals() | {(int(code), code.name.lower()) for code in ExitCode}
    assert {WorkersFailError.code, BundleReplacedError.code, ClusterError.code} <= {code for _, code in refusals()}
    assert {int(row[0]) for row in table(README, "exit code", "meaning")} == {int(code) for code in ExitCode}


def settings_keys(model: type[Any] = Settings, prefix: str = "") -> Iterator[str]:
    """Every key with dots."""
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        if hasattr(field.annotation, "model_fields"):
            yield from settings_keys(field.annotation, f"{key}.")
        else:
            yield key


def test_every_key_is_listed_with_its_default() -> None:
    """docs/configuration.md lists each key of config.yaml, with the default that config.yaml has."""
    # All values as they are written: YAML's own `on` would be a truth value.
    shipped = yaml.load((ROOT / "config.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)
    documented = {codes(row[0])[0]: row[1] for row in table(CONFIGURATION, "key", "default")}
    assert set(documented) == set(settings_keys())
    for key, default in documented.items():
        value = shipped
        for part in key.split("."):
            value = value[part]
        if codes(default):
            assert yaml.load(codes(default)[0], yaml.BaseLoader) == value, key


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_key_that_does_not_exist(page: Path) -> None:
    """What looks like a key of config.yaml is one."""
    sections = {key.split(".")[0] for key in settings_keys() if "." in key}
    if page == RESULTS:
        sections -= {"model"}  # a field of the results, too
    named = {
        name
        for name in re.findall(r"`([a-z]+\.[a-z_]+)\b[^`/]*`", page.read_text(encoding="utf-8"))
        if name.split(".")[0] in sections
    }
    files = {"model.tflite", "model.keras", "metrics.prom"}
    assert named <= set(settings_keys()) | files | set(fields(Report))


def test_every_command_and_option_is_listed() -> None:
    """The README lists each command with its own options, and none else."""
    commands = dict(manual.commands(typer.main.get_command(app)))
    documented = {
        " ".join(takewhile(str.islower, codes(row[0])[0].split()[1:])): row
        for row in table(README, "command", "what it does")
    }
    assert set(documented) == set(commands)
    everywhere = {"--config", "-c", "--help", "-h"}
    for name, command in commands.items():
        options = {
            option for parameter in command.params for option in parameter.opts if option.startswith("-")
        } - everywhere
        assert {code for code in codes(documented[name][2]) if code.startswith("-")} == options, name


def test_every_csv_column_is_explained() -> None:
    """docs/results.md explains the columns in their order; the README names them."""
    assert tuple(codes(row[0])[0] for row in table(RESULTS, "column", "meaning")) == results.CSV_COLUMNS
    text = README.read_text(encoding="utf-8")
    assert [column for column in results.CSV_COLUMNS if f"`{column}`" not in text] == []


def test_every_status_is_explained() -> None:
    """The README and docs/results.md have a row for each status."""
    for page in (README, RESULTS):
        assert {codes(row[0])[0] for row in table(page, "status", "meaning")} == {str(each) for each in results.Status}


def fields(kind: type[Any], prefix: str = "") -> Iterator[str]:
    """Every field of a record and of the records in it, with dots."""
    for field in msgspec.structs.fields(kind):
        name = prefix + field.encode_name
        yield name
        inner = msgspec.inspect.type_info(field.type)
        parts = (
            *getattr(inner, "types", ()),
            getattr(inner, "item_type", None),
            getattr(inner, "value_type", None),
            inner,
        )
        for part in parts:
            if isinstance(part, msgspec.inspect.StructType):
                yield from fields(part.cls, f"{name}.")


def test_every_field_of_a_result_is_explained() -> None:
    """docs/results.md has a row for each field of the JSON."""
    documented = [codes(row[0])[0] for row in table(RESULTS, "field", "type")]
    assert len(documented) == len(set(documented))
    assert set(documented) == set(fields(results.Result))


def test_the_examples_are_shown_as_they_are() -> None:
    """docs/results.md shows each file of docs/examples once, to the letter, under a link to it, and no other."""
    page = RESULTS.read_text(encoding="utf-8")
    shown = re.findall(
        r"^\[([^]]+)\]\(examples/\1\): [^`]*(?:`[^`\n]+`[^`]*)*\n\n```[a-z]+\n(.*?)^```$", page, re.S | re.M
    )
    files = {
        file.name: file.read_text(encoding="utf-8") for file in (ROOT / "docs" / "examples").iterdir() if file.is_file()
    }
    assert len(shown) == len(files) == page.count("```") / 2
    assert dict(shown) == files


def test_the_version_of_results_is_told() -> None:
    """docs/results.md says which it is."""
    assert f"it is `{results.SCHEMA}`" in RESULTS.read_text(encoding="utf-8")


def test_every_log_event_is_explained() -> None:
    """docs/operations.md has a row for each event that is logged, with its level and its fields, and none else."""
    fields_of: dict[str, set[str]] = defaultdict(set)
    levels: dict[str, set[str | None]] = defaultdict(set)
    for call in calls():
        if is_log_call(call):
            event = first_text(call)
            assert event is not None, f"an event whose name cannot be found here: {ast.unparse(call)}"
            fields_of[event] |= {
                "exception" if each.arg == "exc_info" else each.arg for each in call.keywords if each.arg
            }
            name = call.func.attr if isinstance(call.func, ast.Attribute) else None
            levels[event].add(name if name in LEVELS else None)
    # Some get fields from a mapping: what was read, the node if there is one, what the standard logging module brings.
    fields_of["scan_published"] |= {"text", "confidence", "ms"}
    fields_of["worker_lost"] |= {"node"}
    fields_of["library_message"] |= {"library", "exception"}
    rows = table(OPERATIONS, "event", "level")
    assert len(rows) == len({row[0] for row in rows})
    assert {codes(row[0])[0]: set(codes(row[2])) for row in rows} == dict(fields_of)
    for event, level, *_ in rows:
        found = levels[codes(event)[0]]
        # Of an event whose level depends on what it tells of, the table says so in words.
        assert level not in LEVELS if None in found else {level} == found, event


def test_every_sample_is_listed() -> None:
    """samples/README.md lists each sample, labels.csv all of them but the one that is cut short."""
    folder = ROOT / "samples"
    there = {
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc", ".csv", ".md"}
    }
    listed = [name for row in table(folder / "README.md", "file", "what it shows") for name in codes(row[0])]
    assert sorted(listed) == sorted(there)
    labelled = {line.split(",")[0] for line in (folder / "labels.csv").read_text(encoding="utf-8").splitlines()[1:]}
    assert labelled == there - {"cut-short.png"}


def test_every_point_at_which_it_can_die_is_documented() -> None:
    """docs/guarantees.md has them all, in the order of the code."""
    assert [codes(row[0])[0] for row in table(GUARANTEES, "point", "what has just happened")] == [*Point]


def test_every_promise_names_tests_that_there_are() -> None:
    """Each promise is held by files below tests/."""
    for promise, _, held in table(GUARANTEES, "promise", "how", "held by"):
        assert codes(held), promise
        assert [name for name in codes(held) if not (ROOT / "tests" / name).exists()] == []


def test_every_metric_is_documented_with_its_type_and_labels() -> None:
    """docs/operations.md has a row for each, and none else."""
    documented = {
        codes(row[0])[0]: (row[1], set(codes(row[2]))) for row in table(OPERATIONS, "metric", "type", "labels")
    }
    found = {}
    for family in text_string_to_metric_families(monitoring.page(Tally(), monitoring.standing())):
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = (family.type, labels)
    assert documented == found


def test_every_field_of_the_status_is_explained() -> None:
    """docs/operations.md has each field of `status --json`, and none else."""
    documented = [code for row in table(OPERATIONS, "field of the status", "meaning") for code in codes(row[0])]
    assert len(documented) == len(set(documented))
    assert set(documented) == set(fields(Report))


def test_every_verdict_is_explained() -> None:
    """docs/errors.md has a row for each verdict, in the order of its gravity but for the first, with its exit code."""
    documented = {codes(row[0])[0]: int(row[1]) for row in table(ERRORS, "verdict", "exit code")}
    assert documented == {str(verdict): int(verdict.exit_code) for verdict in Verdict}
    assert [*documented] == [*Verdict]


def test_the_bounds_of_a_look_are_documented() -> None:
    """docs/operations.md says how far `status` counts, and how often the daemon gives a sign of life."""
    text = " ".join(OPERATIONS.read_text(encoding="utf-8").split())
    for bound in (
        f"counts {waiting.COUNTED_MOST:,} waiting scans",
        f"looks at {waiting.LOOKED_AT_MOST:,} entries",
        f"for {waiting.SECONDS_MOST:.0f} s",
        f"tells the last {history.LOOKED_AT_MOST:,} apart",
        f"the last {history.TIMED_MOST:,} scans",
        f"every {STATUS_SECONDS:.0f} s",
    ):
        assert bound in text
