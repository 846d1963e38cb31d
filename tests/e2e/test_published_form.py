"""What a real daemon publishes keeps to docs/result.schema.json, whatever the status and the output."""

import json
from functools import cache
from typing import Any

import jsonschema
import pytest

from digitd import results
from e2e.harness import ROOT, STATUSES, House
from e2e.outboxes import DROPPED, of_every_status, verified


@cache
def validator() -> jsonschema.Draft202012Validator:
    """Of the published schema."""
    schema = json.loads((ROOT / "docs" / "result.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module", params=["scan", "lines"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house with a result of every status, as JSON files or as JSON Lines, and as CSV."""
    return verified(of_every_status(tmp_path_factory.mktemp("form") / "house", request.param))


def lines(house: House) -> list[bytes]:
    """Every result, as it is in its file."""
    files = [file for file in sorted(house.outbox.rglob("*.json*")) if not file.name.startswith(".")]
    found = [line for file in files for line in file.read_bytes().splitlines(keepends=True)]
    assert len(found) == len(DROPPED) + 1
    return found


def test_every_result_keeps_to_the_schema(published: House) -> None:
    """Each status is among them, each is one line and says the version of its form."""
    seen = set()
    for line in lines(published):
        result = json.loads(line)
        validator().validate(result)
        assert result["schema"] == results.SCHEMA
        assert line.endswith(b"}\n")
        seen.add(result["status"])
    assert seen == {*STATUSES, "verified"} == set(results.Status)


def test_no_result_has_a_field_that_the_schema_does_not_know(published: House) -> None:
    """The schema lets unknown ones pass, for a minor version may add some; of this version there are none."""
    schema = results.json_schema()

    def check(value: Any, record: str) -> None:
        known = schema["$defs"][record]["properties"]
        assert set(value) <= set(known)
        for name, inner in known.items():
            for kind in inner.get("anyOf", [inner]):
                below = kind.get("$ref") or (kind.get("items") or {}).get("$ref", "")
                target = below.rpartition("/")[2]
                if value.get(name) and "properties" in schema["$defs"].get(target, {}):
                    for each in value[name] if isinstance(value[name], list) else [value[name]]:
                        check(each, target)

    for line in lines(published):
        check(json.loads(line), "Result")


def test_the_csv_says_the_same(published: House) -> None:
    """Joined by id, every cell is what the JSON has; a name that is a formula has an apostrophe before it."""
    by_id = {result["id"]: result for result in map(json.loads, lines(published))}
    rows = published.rows()
    assert {row["id"] for row in rows} == set(by_id)
    for row in rows:
        result = by_id[row["id"]]
        page = next((page for page in result["pages"] if str(page["page"]) == row["page"]), None)
        source, model = result["source"], result["model"]
        guard = "'" if source["name"].startswith("=") else ""
        confidence = page["confidence"] if page else None
        assert row == {
            "id": result["id"],
            "status": result["status"],
            "reason": result["reason"]["code"] if result["reason"] else "",
            "text": page["text"] if page else "",
            "confidence": "" if confidence is None else str(confidence),
            "page": str(page["page"]) if page else "",
            "pages": str(len(result["pages"])),
            "source_name": guard + source["name"],
            "source_path": guard + source["path"],
            "source_sha256": source["sha256"],
            "received": result["received"],
            "recognised": result["recognised"],
            "model_name": model["name"],
            "model_version": model["version"],
            "model_sha256": model["sha256"],
            "supersedes": result.get("supersedes", ""),
            "verified_by": "'=Anna" if "verified" in result else "",
            "verified_at": result["verified"]["at"] if "verified" in result else "",
            "verified_answer": result["verified"]["answer"] if "verified" in result else "",
        }
