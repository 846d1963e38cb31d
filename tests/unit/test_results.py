"""The records as JSON and as CSV, whatever the names and texts in them are."""

import base64
import csv
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from delivery_rig import MODEL, OUTCOMES
from digitd import results
from digitd.results import CSV_COLUMNS, Alternative, Answer, Glyph, Reading, Reason, Result, Status, Verified

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "result.schema.json"

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PROBABILITIES = st.floats(0, 1)
GLYPHS = st.builds(
    Glyph,
    digit=st.sampled_from("0123456789?"),
    confidence=PROBABILITIES,
    box=st.tuples(*[st.integers(0, 10_000)] * 4),
    alternatives=st.lists(st.builds(Alternative, st.sampled_from("0123456789"), PROBABILITIES), max_size=2).map(tuple),
)
READINGS = st.builds(
    Reading,
    page=st.integers(1, 99),
    width=st.integers(1, 10_000),
    height=st.integers(1, 10_000),
    text=TEXTS,
    confidence=st.none() | PROBABILITIES,
    glyphs=st.lists(GLYPHS, max_size=2).map(tuple),
)
PATHS = st.lists(
    st.binary(min_size=1, max_size=40).filter(lambda raw: b"/" not in raw and b"\0" not in raw), min_size=1, max_size=3
).map(lambda parts: os.fsdecode(b"/".join(parts)))
SOURCES = st.builds(
    results.source_of,
    PATHS,
    st.none() | st.just("a" * 64),
    st.integers(0, 2**40),
    st.floats(-1e18, 1e18),
)
RESULTS = st.builds(
    Result,
    schema=st.just(results.SCHEMA),
    id=st.uuids().map(str),
    source=SOURCES,
    received=st.just("2026-01-01T00:00:00.000Z"),
    recognised=st.just("2026-01-01T00:00:00.000Z"),
    status=st.sampled_from(Status),
    reason=st.none() | st.builds(Reason, TEXTS, TEXTS),
    supersedes=st.just(msgspec.UNSET) | st.uuids().map(str),
    verified=st.just(msgspec.UNSET)
    | st.builds(Verified, st.none() | TEXTS, st.just("2026-01-01T00:00:00.000Z"), st.sampled_from(Answer)),
    text=TEXTS,
    confidence=st.none() | PROBABILITIES,
    pages=st.lists(READINGS, max_size=3).map(tuple),
    model=st.just(MODEL),
)


def result(path: str = "sub/x.png", status: Status = Status.ACCEPTED) -> Result:
    """A result of one scan."""
    outcome = OUTCOMES[status]
    source = results.source_of(path, "f" * 64, 3, 1_790_000_000.0)
    return Result("1.0", "an id", source, "then", "later", status, outcome.reason, outcome.text, None, (), MODEL)


@given(RESULTS)
def test_json_comes_back_as_it_was(record: Result) -> None:
    """One line of UTF-8, that any JSON reader takes, and that is the same record again."""
    line = results.to_json(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert results.from_json(line) == record
    assert json.loads(line)["source"]["path"] == record.source.path


@given(st.lists(RESULTS, max_size=3))
@example([result("=1+1.png"), result("'=1+1.png"), result("''.png"), result('"\r\n,.png'), result("\t@x/-y.png")])
def test_csv_comes_back_as_it_was(records: list[Result]) -> None:
    """A row a page (one for a scan without), with the same values but for the apostrophe before a formula."""
    rows = list(csv.reader(io.StringIO(results.to_csv(records).decode("utf-8"), newline=""), strict=True))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) - 1 == sum(max(1, len(record.pages)) for record in records)
    expected = iter(rows[1:])
    for record in records:
        for page in record.pages or (None,):
            row = dict(zip(CSV_COLUMNS, next(expected), strict=True))
            assert not [cell for cell in row.values() if cell.startswith(results.FORMULA_STARTS)]
            assert row["id"] == record.id
            for column, value in (
                ("source_path", record.source.path),
                ("source_name", record.source.name),
                ("text", record.text if page is None else page.text),
            ):
                assert results.of_cell(row[column]) == value
                guarded = value.lstrip("'").startswith(results.FORMULA_STARTS)
                assert row[column] == ("'" + value if guarded else value)
            assert row["page"] == ("" if page is None else str(page.page))
            assert row["pages"] == str(len(record.pages))


@pytest.mark.parametrize(
    "name", ["=1+1.png", "+1.png", "-1.png", "@sum.png", "\tx.png", "\rx.png", "\n=x.png", "\uff1dx.png", "'=x.png"]
)
def test_a_formula_gets_an_apostrophe(name: str) -> None:
    """No cell of a spreadsheet computes anything."""
    (row,) = results.csv_rows(result(name))
    assert row[CSV_COLUMNS.index("source_name")] == f"'{name}"


def test_a_failed_scan_has_one_row_with_its_reason() -> None:
    """Its page is empty, its pages are 0."""
    (row,) = results.csv_rows(result(status=Status.FAILED))
    cells = dict(zip(CSV_COLUMNS, row, strict=True))
    assert (cells["status"], cells["reason"], cells["text"], cells["page"], cells["pages"]) == (
        "failed",
        "not_an_image",
        "",
        "",
        "0",
    )


def test_a_name_that_is_no_utf8_is_there_exactly() -> None:
    """Its text spells the bytes out, and name_bytes and path_bytes have them; other names have neither."""
    source = results.source_of(os.fsdecode(b"sub\xfe/a\xff.png"), None, 1, 0.0)
    assert (source.name, source.path) == (r"a\xff.png", r"sub\xfe/a\xff.png")
    assert isinstance(source.name_bytes, str)
    assert base64.b64decode(source.name_bytes) == b"a\xff.png"
    assert isinstance(source.path_bytes, str)
    assert base64.b64decode(source.path_bytes) == b"sub\xfe/a\xff.png"
    assert b"_bytes" not in results.to_json(result())


@pytest.mark.parametrize(
    ("seconds", "stamp"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_790_000_000.123, "2026-09-21T14:13:20.123Z"),
        (-1.5, "1969-12-31T23:59:58.500Z"),
        (1e18, "9999-12-31T23:59:59.000Z"),
        (-1e18, "0001-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_rfc_3339_in_utc(seconds: float, stamp: str) -> None:
    """To the millisecond; times that no calendar has are its nearest."""
    assert results.timestamp(seconds) == stamp


@given(st.floats(allow_nan=False))
def test_any_time_has_a_stamp(seconds: float) -> None:
    """Whatever a file's mtime is, it can be written, and read again."""
    assert datetime.fromisoformat(results.timestamp(seconds)).tzinfo == UTC


def test_what_is_no_result_is_an_error() -> None:
    """A torn file is not taken for a result."""
    whole = results.to_json(result())
    for data in (b"", b"{}", whole[:-10], b"null"):
        with pytest.raises(msgspec.MsgspecError):
            results.from_json(data)


def test_the_published_schema_is_the_one_of_the_records() -> None:
    """docs/result.schema.json is generated; where this fails, run the command that the failure shows."""
    command = (
        f"python -c 'import json, digitd.results as r; print(json.dumps(r.json_schema(), indent=2))' > {SCHEMA_FILE}"
    )
    generated = json.loads(json.dumps(results.json_schema()))
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == generated, command


@given(RESULTS)
def test_every_result_keeps_to_the_schema(record: Result) -> None:
    """A validator of JSON Schema 2020-12 accepts whatever is published."""
    VALIDATOR.validate(json.loads(results.to_json(record)))


def test_the_schema_refuses_what_is_no_result() -> None:
    """It says more than that a result is an object."""
    good = json.loads(results.to_json(result()))
    changes: list[dict[str, object]] = [{"status": "perhaps"}, {"confidence": "high"}, {"pages": None}, {"source": {}}]
    for change in changes:
        assert not VALIDATOR.is_valid(good | change)
    jsonschema.Draft202012Validator.check_schema(results.json_schema())


VALIDATOR = jsonschema.Draft202012Validator(results.json_schema())
