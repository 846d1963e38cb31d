"""What in an inbox is no scan, by names and modes alone."""

import os
import stat

import pytest

from digitd.intake.ignore import INCLUDE, Once, Rules, Verdict, room_below, type_verdict


@pytest.mark.parametrize(
    "name",
    [
        *("scan" + pattern.removeprefix("*") for pattern in INCLUDE),
        *("SCAN" + pattern.removeprefix("*").upper() for pattern in INCLUDE),
        "a.Png",
        "with space.png",
        "new\nline.png",
        "caf\udce9.png",
        "-rf.png",
        "=1+1.pdf",
        "x.part.png",
        "sub/deeper/scan.TIF",
    ],
)
def test_a_scan_is_a_candidate_whatever_its_case_or_bytes(name: str) -> None:
    """Every included ending counts, in capitals too, under any name and in any folder."""
    assert Rules().verdict(name) is None


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        (".DS_Store", Verdict.SYSTEM),
        ("._scan.png", Verdict.SYSTEM),
        ("THUMBS.DB", Verdict.SYSTEM),
        (".smbdelete12.png", Verdict.SYSTEM),
        (".nfs0000.png", Verdict.SYSTEM),
        (".scan.png", Verdict.HIDDEN),
        ("scan.png.part", Verdict.TEMPORARY),
        ("scan.png.PARTIAL", Verdict.TEMPORARY),
        ("scan.tmp", Verdict.TEMPORARY),
        ("scan.png.crdownload", Verdict.TEMPORARY),
        ("scan.png.filepart", Verdict.TEMPORARY),
        ("scan.png~", Verdict.TEMPORARY),
        ("~$scan.pdf", Verdict.TEMPORARY),
        ("notes.txt", Verdict.NOT_INCLUDED),
        ("png", Verdict.NOT_INCLUDED),
        ("@eaDir/scan.png", Verdict.SYSTEM),
        ("a/__MACOSX/scan.png", Verdict.SYSTEM),
        (".stfolder/scan.png", Verdict.SYSTEM),
        (".git/x/scan.png", Verdict.HIDDEN),
        ("upload.tmp/scan.png", Verdict.TEMPORARY),
    ],
)
def test_what_is_no_scan_is_ignored_with_its_reason(name: str, verdict: Verdict) -> None:
    """Names of systems, of unfinished files, hidden and unwanted ones are told apart, in folders too."""
    assert Rules().verdict(name) is verdict


def test_ignore_patterns_hold_for_files_and_folders() -> None:
    """A pattern of `inbox.ignore` leaves out a file, and a folder with all that is in it, whatever the case."""
    rules = Rules(ignore=["draft*", "[!a-z]_*"])
    assert rules.verdict("Draft1.png") is Verdict.IGNORED
    assert rules.verdict("DRAFTS/scan.png") is Verdict.IGNORED
    assert rules.verdict("1_x.png") is Verdict.IGNORED
    assert rules.folder("drafts") is Verdict.IGNORED
    assert rules.verdict("scan.png") is None


def test_only_what_is_included_is_read() -> None:
    """`inbox.include` replaces the default; with none, nothing is a scan."""
    assert Rules(include=["*.xyz"]).verdict("a.XYZ") is None
    assert Rules(include=["*.xyz"]).verdict("a.png") is Verdict.NOT_INCLUDED
    assert Rules(include=[]).verdict("a.png") is Verdict.NOT_INCLUDED


@pytest.mark.parametrize(
    ("mode", "verdict"),
    [
        (stat.S_IFREG, None),
        (stat.S_IFDIR, None),
        (stat.S_IFLNK, Verdict.LINK),
        (stat.S_IFIFO, Verdict.FIFO),
        (stat.S_IFSOCK, Verdict.SOCKET),
        (stat.S_IFCHR, Verdict.DEVICE),
        (stat.S_IFBLK, Verdict.DEVICE),
    ],
)
def test_only_regular_files_are_opened(mode: int, verdict: Verdict | None) -> None:
    """Links, FIFOs, sockets and devices each have their verdict."""
    assert type_verdict(mode | 0o644) is verdict


def test_the_level_tells_noise_from_what_a_user_should_know() -> None:
    """System, temporary and hidden names are debug, unmatched ones info, special files a warning."""
    assert {verdict: verdict.level for verdict in Verdict} == {
        Verdict.SYSTEM: "debug",
        Verdict.TEMPORARY: "debug",
        Verdict.HIDDEN: "debug",
        Verdict.IGNORED: "info",
        Verdict.NOT_INCLUDED: "info",
        Verdict.LINK: "warning",
        Verdict.FIFO: "warning",
        Verdict.SOCKET: "warning",
        Verdict.DEVICE: "warning",
        Verdict.TOO_DEEP: "warning",
    }


def test_a_thing_is_said_once_and_memory_is_bounded() -> None:
    """The first time is True, later ones False; while as many as are remembered are there, it is silent of others."""
    once = Once(limit=2)
    assert [once.first("a", "x"), once.first("a", "x"), once.first("a", "y")] == [True, False, True]
    assert not once.first("a", "z")
    assert [once.first("a", "x"), once.first("a", "y")] == [False, False]


def test_what_is_there_no_more_gives_way() -> None:
    """What two rescans have not seen is forgotten for something new; what they still see is not."""
    once = Once(limit=2)
    assert once.first("a", "gone") and once.first("a", "stays")
    for _ in range(2):
        once.rescanned()
        assert not once.first("a", "stays")
    assert once.first("a", "new")
    assert not once.first("a", "stays") and not once.first("a", "new")
    assert not once.first("a", "gone")


def test_noise_takes_no_room_from_warnings() -> None:
    """However many things of one kind there are, the first of another is told."""
    once = Once(limit=3)
    for number in range(10):
        once.first("no_include_matches", str(number))
    assert once.first("link", "a.png")
    assert not once.first("link", "a.png")


def test_folders_too_deep_for_a_path_are_left_alone() -> None:
    """Below the longest of the folders that mirror the inbox, the longest name must still make a path."""
    root = "/" + "r" * 99
    room = room_below(["/short", root])
    rules = Rules(room=room)
    assert len(f"{root}/{'f' * room}/{'n' * 255}") == 4095
    for folder in ("d/" * 2000 + "e", "\u00e9" * 2000):
        fits = os.fsdecode(os.fsencode(folder)[-room:])
        assert rules.subfolder(fits) is None and rules.verdict(f"{fits}/a.png") is None
        assert rules.subfolder(f"{fits}x") is Verdict.TOO_DEEP
        assert rules.verdict(f"{fits}x/a.png") is Verdict.TOO_DEEP
    assert rules.verdict("n" * 251 + ".png") is None
    assert rules.subfolder(".hidden") is Verdict.HIDDEN
