"""What people verified, exported as labelled scans: what trains and what is evaluated is what they said."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_rig import Rig, workplace
from desk_rig import fill, settings_of
from digitd import labels, results
from digitd.cli import run
from digitd.evaluation import scans
from digitd.results import Status
from digitd.review.desk import Answer, Desk, Filter, Kind
from digitd.training.scans import is_kept_aside
from digitd.verifying import Verifier

VERIFIED = Filter(statuses=frozenset({Status.VERIFIED}))


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A rig in memory."""
    with workplace() as base:
        yield Rig(base)


def answer(rig: Rig, answers: dict[str, Answer]) -> None:
    """Have what waits verified by its path, as a daemon delivers it."""
    with Desk(settings_of(rig, undo=0)) as desk:
        for item in desk.next("anna", count=1000):
            path = results.path_of(item.result.source)
            if path in answers:
                desk.decide("anna", item.key, answers[path])
    deliver(rig)


def deliver(rig: Rig) -> None:
    """As a daemon does."""
    with rig.open() as delivery:
        delivery.recover()
        Verifier(rig.journal, delivery).deliver_all()
        delivery.close()


def config(rig: Rig) -> str:
    """A config.yaml of the rig."""
    file = rig.base / "config.yaml"
    file.touch()
    return str(file)


def export(rig: Rig, *arguments: str) -> int:
    """Run the command."""
    return run(["corrections", "export", *arguments, "-c", config(rig)])


def labelled(rig: Rig, folder: Path) -> dict[bytes, str]:
    """The scans of a folder as `train --scans` and `evaluate` take them: bytes and label."""
    return {Path(each.target.path).read_bytes(): each.label for each in scans.find(folder, settings_of(rig)).scans}


def test_what_people_said_is_the_label(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Confirmed, corrected, none there; what nobody can read trains nothing, nor what waits still."""
    fill(rig, "a.png", "sub/b.PNG", "c.png", "d.png", "e.png", "f.png")
    answer(
        rig,
        {
            "a.png": Answer(texts=("7",)),
            "sub/b.PNG": Answer(texts=("12\n34",)),
            "c.png": Answer(Kind.NO_DIGITS),
            "d.png": Answer(Kind.UNREADABLE),
            "e.png": Answer(texts=("1?2",)),
        },
    )
    out = rig.base / "own"
    assert export(rig, str(out)) == 0
    assert labelled(rig, out) == {
        rig.contents["a.png"]: "7",
        rig.contents["sub/b.PNG"]: "12\n34",
        rig.contents["c.png"]: "",
    }
    assert "3 labelled scans" in (said := capsys.readouterr().out)
    assert "2 left out: nobody can say what is on them" in said
    with (out / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["source"]: row for row in csv.DictReader(file)}
    assert (rows["sub/b.PNG"]["read_as"], rows["sub/b.PNG"]["answer"]) == ("7", "corrected")


def test_a_fifth_is_kept_aside_on_request(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """The one that training never sees anyway; what an earlier export put among the others moves there."""
    many = {f"{number}.png": Answer(texts=(str(number),)) for number in range(60)}
    fill(rig, *many)
    answer(rig, many)
    own, aside = rig.base / "own", rig.base / "aside"
    assert export(rig, str(own)) == 0
    everything = labelled(rig, own)
    assert export(rig, str(own), "--aside", str(aside)) == 0
    trained, kept = labelled(rig, own), labelled(rig, aside)
    assert trained | kept == everything
    assert len(trained) + len(kept) == len(everything) == 60
    assert kept == {data: label for data, label in everything.items() if is_kept_aside(data)}
    assert 3 < len(kept) < 25
    assert f"{len(kept)} kept aside" in capsys.readouterr().out


def test_an_export_adds_to_an_earlier_one(rig: Rig) -> None:
    """With the label that is right now; one that was taken back goes."""
    fill(rig, "a.png", "b.png", "c.png")
    answer(rig, {"a.png": Answer(texts=("1",)), "b.png": Answer(texts=("2",))})
    out = rig.base / "own"
    assert export(rig, str(out)) == 0
    with Desk(settings_of(rig, undo=0)) as desk:
        for item in desk.search(VERIFIED).items:
            said = Answer(texts=("3",)) if item.result.source.path == "a.png" else Answer(Kind.UNREADABLE)
            desk.take("anna", item.key)
            desk.decide("anna", item.key, said)
    deliver(rig)
    answer(rig, {"c.png": Answer(texts=("5",))})
    assert export(rig, str(out)) == 0
    assert labelled(rig, out) == {rig.contents["a.png"]: "3", rig.contents["c.png"]: "5"}
    assert len(list(out.glob("*.png"))) == 2


def test_no_name_of_a_scan_does_harm(rig: Rig) -> None:
    """Formulas, line feeds, bytes that are no UTF-8: the copies are named by what is in them."""
    hostile = ["=1+1.png", "two\nlines.png", os.fsdecode(b"caf\xe9.png"), '"quoted", comma.png', "-label9.png"]
    fill(rig, *hostile)
    answer(rig, dict.fromkeys(hostile, Answer(texts=("7",))))
    out = rig.base / "own"
    assert export(rig, str(out)) == 0
    assert labelled(rig, out) == {rig.contents[name]: "7" for name in hostile}
    for row in csv.reader((out / "labels.csv").read_text(encoding="utf-8").splitlines()):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


def test_files_that_are_gone_are_counted(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Deleted, or taken away."""
    fill(rig, "a.png", "b.png")
    answer(rig, {"a.png": Answer(texts=("1",)), "b.png": Answer(texts=("2",))})
    (rig.archive / "verified" / "a.png").unlink()
    assert export(rig, str(rig.base / "own")) == 0
    assert "1 labelled scan in" in (said := capsys.readouterr().out)
    assert "1 left out: their files are gone" in said


def test_the_same_bytes_are_there_once(rig: Rig) -> None:
    """A scan that came twice is no more than one to train on; what was said last holds."""
    for name in ("a.png", "b.png"):
        rig.drop(name, b"the same")
    with rig.open() as delivery:
        delivery.deliver([rig.read(name, Status.REVIEW) for name in ("a.png", "b.png")])
        delivery.close()
    answer(rig, {"a.png": Answer(texts=("1",)), "b.png": Answer(texts=("2",))})
    assert export(rig, str(rig.base / "own")) == 0
    assert labelled(rig, rig.base / "own") == {b"the same": "2"}


def test_other_folders_are_left_alone(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """One with something in it, or a labels.csv of somebody's own."""
    fill(rig, "a.png")
    answer(rig, {"a.png": Answer(texts=("1",))})
    (rig.base / "mine").mkdir()
    (rig.base / "mine" / "letter.txt").write_text("dear")
    assert export(rig, str(rig.base / "mine")) == 2
    (rig.base / "mine" / "labels.csv").write_text("path,label\nletter.txt,1\n")
    assert export(rig, str(rig.base / "mine")) == 2
    assert sorted(path.name for path in (rig.base / "mine").iterdir()) == ["labels.csv", "letter.txt"]
    assert export(rig, str(rig.base / "own"), "--aside", str(rig.base / "own")) == 2
    assert "is the same folder" in capsys.readouterr().err


@given(st.lists(st.lists(st.text("0123456789", min_size=1), max_size=3).map("\n".join), min_size=1).map("\f".join))
def test_a_label_reads_as_the_text_again(text: str) -> None:
    """Lines and pages, empty pages too."""
    table = f"path,label\na.png,{labels.written(text)}\n"
    assert labels.in_table(table)["a.png"].label == text
