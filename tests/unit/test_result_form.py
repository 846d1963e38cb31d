"""The form of results changes only with its version: tests/fixtures/result-forms has every version that there was.

Who adds a field writes the new form beside the old ones, under the next version; a form that was released stays.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from digitd import results

FORMS = Path(__file__).parents[1] / "fixtures" / "result-forms"
Form = dict[str, Any]
HOW = (
    "the form of results is another than that of its version. Raise digitd.results.SCHEMA (docs/results.md says whether"
    " to a minor or a major version), and write the form that this prints to a new file for it: PYTHONPATH=daemon:tests"
    " python -c 'import json; from unit.test_result_form import form; print(json.dumps(form(), indent=2))'"
)


def form() -> Form:
    """The form that results have now: every field with its type and whether it is always there, in JSON and in CSV."""
    schema = results.json_schema()
    fields = dict(_fields(schema, {"$ref": schema["$ref"]}, ""))
    return {"status": schema["$defs"]["Status"]["enum"], "fields": fields, "columns": list(results.CSV_COLUMNS)}


def _fields(schema: dict[str, Any], kind: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for part in (kind, kind.get("items") or {}):
        if "$ref" not in part:
            continue
        record = schema["$defs"][part["$ref"].rpartition("/")[2]]
        for name, inner in record.get("properties", {}).items():
            always = name in record["required"] or "default" in inner
            yield f"{prefix}{name}", _type(schema, inner) + ("" if always else ", not always there")
            for each in inner.get("anyOf", [inner]):
                yield from _fields(schema, each, f"{prefix}{name}.")


def _type(schema: dict[str, Any], kind: dict[str, Any]) -> str:
    if "anyOf" in kind:
        return " or ".join(_type(schema, each) for each in kind["anyOf"])
    if "$ref" in kind:
        return str(schema["$defs"][kind["$ref"].rpartition("/")[2]].get("type", "string"))
    if "prefixItems" in kind:
        return f"array of {len(kind['prefixItems'])}"
    return str(kind["type"])


def may_become(old: Form, new: Form) -> bool:
    """Whether a minor version is enough: all that there was is there as it was, and what is new stands behind it."""
    return (
        old["fields"].items() <= new["fields"].items()
        and set(old["status"]) <= set(new["status"])
        and new["columns"][: len(old["columns"])] == old["columns"]
    )


def version(name: str) -> tuple[int, int]:
    """Major and minor."""
    major, minor = name.split(".")
    return int(major), int(minor)


def released() -> dict[str, Form]:
    """Every form by its version, in order."""
    files = sorted(FORMS.glob("*.json"), key=lambda file: version(file.stem))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def test_the_form_is_that_of_its_version() -> None:
    """A field, a column or a status that comes, goes or changes takes another version."""
    forms = released()
    assert list(forms)[-1] == results.SCHEMA, HOW
    assert forms[results.SCHEMA] == form(), HOW


def test_versions_follow_their_rules() -> None:
    """A minor version only adds; whatever else takes a major one."""
    forms = list(released().items())
    for (old, before), (new, after) in pairwise(forms):
        assert before != after, f"{new} is no other form than {old}"
        if version(old)[0] == version(new)[0]:
            assert may_become(before, after), f"{new} breaks {old}: it must be {version(old)[0] + 1}.0"


@pytest.mark.parametrize(
    ("what", "key", "value"),
    [
        ("fields", "note", "string"),
        ("fields", "source.owner", "string or null, not always there"),
        ("status", None, "archived"),
        ("columns", None, "note"),
    ],
)
def test_what_a_minor_version_may_bring(what: str, key: str | None, value: str) -> None:
    """New fields anywhere, new statuses, new columns behind the others."""
    new = deepcopy(form())
    if key is None:
        new[what].append(value)
    else:
        new[what][key] = value
    assert may_become(form(), new)
    assert not may_become(new, form())


@pytest.mark.parametrize(
    ("key", "value"),
    [("confidence", "string"), ("text", "string, not always there"), ("pages.glyphs.box", "array of 5")],
)
def test_another_type_takes_a_major_version(key: str, value: str) -> None:
    """So does a field that is not always there any more."""
    assert key in form()["fields"]
    new = deepcopy(form())
    new["fields"][key] = value
    assert not may_become(form(), new)


def test_columns_in_another_order_take_a_major_version() -> None:
    """Somebody may count them."""
    new = deepcopy(form())
    new["columns"].insert(1, "note")
    assert not may_become(form(), new)


def test_each_result_says_its_version() -> None:
    """In its first field, so that a consumer can refuse what it does not know."""
    assert next(iter(form()["fields"])) == "schema"
