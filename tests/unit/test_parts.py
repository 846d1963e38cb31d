"""Results in parts: each scan in one of them, also where a run is cut off, and no more in memory than is in hand."""

import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from digitd import fs
from digitd.bulk import Target, Unopened
from digitd.catalogue import Catalogue
from digitd.errors import AlreadyRunningError, FolderError, UsageError
from digitd.parts import Parts
from digitd.results import Model, Result, Status, from_json, source_of

ROWS = 3
MODEL = Model("default", "1", "0" * 64)
MANY = 100_000
MOST_BYTES = 10 << 20


class CutOffError(Exception):
    """Stands for a kill, at an instant that a test chooses."""


def blank(name: str) -> Result:
    """The result of a scan without digits."""
    return Result("1.0", name, source_of(name, None, 1, 0.0), "then", "later", Status.BLANK, None, "", None, (), MODEL)


def reading(targets: Iterable[Target]) -> Iterator[Result | Unopened]:
    """What comes of each; one whose name begins with `gone` is not there."""
    for each in targets:
        yield Unopened(each.path, "it is no longer there") if each.name.startswith("gone") else blank(each.name)


def run(folder: Path, names: Iterable[str], ending: str = ".jsonl") -> list[str]:
    """Read what is new of these into FOLDER; gives the names of what was read."""
    with Catalogue.opened(folder, ending) as catalogue:
        parts = Parts(folder, catalogue, ending, ROWS)
        parts.recover()
        catalogue.add(Target(f"/scans/{name}", name) for name in names)
        return [each.source.path for each in parts.write(reading) if isinstance(each, Result)]


def told(folder: Path) -> dict[str, list[str]]:
    """The names in each part."""
    return {
        part.name: [from_json(line).source.path for line in part.read_bytes().splitlines()]
        for part in sorted(folder.glob("results-*.jsonl"))
    }


def test_parts_of_so_many_scans(tmp_path: Path) -> None:
    """Numbered from 1, in the order found; the last one has what is left, and nothing else lies beside them."""
    assert run(tmp_path / "out", "abcdefg") == list("abcdefg")
    assert told(tmp_path / "out") == {
        "results-000001.jsonl": ["a", "b", "c"],
        "results-000002.jsonl": ["d", "e", "f"],
        "results-000003.jsonl": ["g"],
    }
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*told(tmp_path / "out"), ".digitd-read.sqlite3"}


def test_what_is_new_comes_in_more_parts(tmp_path: Path) -> None:
    """A run on the same files reads nothing, be the parts taken away; what was added is read, and nothing else."""
    run(tmp_path, "abc")
    (tmp_path / "results-000001.jsonl").unlink()
    assert run(tmp_path, "abc") == []
    assert told(tmp_path) == {}
    assert run(tmp_path, "azbyc") == ["z", "y"]
    assert told(tmp_path) == {"results-000002.jsonl": ["z", "y"]}


def test_tables_have_a_header_each(tmp_path: Path) -> None:
    """And a row a scan that has no pages."""
    run(tmp_path, "abcd", ".csv")
    parts = [part.read_bytes().split(b"\r\n") for part in sorted(tmp_path.glob("results-*.csv"))]
    assert [len(lines) for lines in parts] == [5, 3]
    assert all(lines[0].startswith(b"id,status,") and lines[-1] == b"" for lines in parts)


def test_what_was_not_there_is_tried_again(tmp_path: Path) -> None:
    """A file that went before it was read has no result, makes no part, and is read when it is there again."""
    assert run(tmp_path, ["gone-1", "a", "gone-2"]) == ["a"]
    assert run(tmp_path, ["gone-3"]) == []
    assert told(tmp_path) == {"results-000001.jsonl": ["a"]}
    with Catalogue.opened(tmp_path, ".jsonl") as catalogue:
        catalogue.add([Target("/scans/gone-1", "back"), Target("/scans/a", "a")])
        assert [each.target.name for each in catalogue.waiting()] == ["back"]


@pytest.mark.parametrize("step", ["rename_noreplace", "sync_folder", "done"])
@pytest.mark.parametrize("after", [False, True])
def test_cut_off_at_a_step(step: str, after: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before and after each step of each part: the next run goes on, and no result is doubled or missing."""
    owner = Catalogue if step == "done" else fs
    real = getattr(owner, step)
    for time in range(1, 8):
        left = time

        def cut(*arguments: object, **more: object) -> object:
            nonlocal left
            left -= 1
            if left == 0 and not after:
                raise CutOffError
            value = real(*arguments, **more)
            if left == 0:
                raise CutOffError
            return value

        folder = tmp_path / str(time)
        monkeypatch.setattr(owner, step, cut)
        try:
            run(folder, "abcdefgh")
        except CutOffError:
            pass
        monkeypatch.setattr(owner, step, real)
        run(folder, "abcdefgh")
        assert [name for names in told(folder).values() for name in names] == list("abcdefgh")


def test_two_at_a_time(tmp_path: Path) -> None:
    """The second is told that another one reads there; one that ended is in nobody's way."""
    with Catalogue.opened(tmp_path, "json"), pytest.raises(AlreadyRunningError, match="another digitd reads into"):
        run(tmp_path, "a")
    with Catalogue.opened(tmp_path, "json"):
        pass


def test_results_that_were_read_otherwise_are_not_mixed(tmp_path: Path) -> None:
    """Another format, model or recognition: both are told."""
    run(tmp_path, "a")
    with pytest.raises(UsageError, match=r"read otherwise \(\.jsonl; now \.csv\)"):
        run(tmp_path, "b", ".csv")


def test_a_part_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    """It is named, before anything is read for nothing."""
    (tmp_path / "results-000001.jsonl").write_text("precious", encoding="utf-8")
    with pytest.raises(FolderError, match=r"results-000001\.jsonl is there"):
        run(tmp_path, "abc")
    assert (tmp_path / "results-000001.jsonl").read_text(encoding="utf-8") == "precious"


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """A file in its place, and an index that is none."""
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="cannot be made"):
        run(tmp_path / "file", "a")
    (tmp_path / ".digitd-read.sqlite3").write_bytes(b"no index" * 1000)
    with pytest.raises(FolderError, match="cannot be used"):
        run(tmp_path, "a")


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    """A hundred thousand files: their names are on the disk, and no more in memory than are noted at once."""
    with Catalogue.opened(tmp_path, "json") as catalogue:
        tracemalloc.start()
        try:
            catalogue.add(Target(f"/scans/{number:040}.png", f"{number:040}.png") for number in range(MANY))
            assert sum(1 for _ in catalogue.waiting()) == catalogue.left == MANY
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
        finally:
            tracemalloc.stop()
