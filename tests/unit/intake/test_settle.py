"""When a file's writer is done, by values: a fake clock, a fake folder."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitd.intake.settle import JUMP, LINGER, YOUNG, HintKind, Ready, Settler, Stamp

SETTLE, REOPEN = 0.5, 5.0
NEVER = float("inf")
EPOCH = 1_790_000_000.0
MOVED, CLOSED, CREATED, FOUND = HintKind.MOVED, HintKind.CLOSED, HintKind.CREATED, HintKind.FOUND


@dataclass
class World:
    """A folder of files and the two clocks."""

    time: float = 1000.0
    jumped: float = 0.0
    files: dict[str, Stamp] = field(default_factory=dict)
    inode: int = 0
    broken: bool = False

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return EPOCH + self.time + self.jumped

    def stat(self, path: str) -> Stamp | None:
        if self.broken:
            raise OSError(5, "Input/output error")
        return self.files.get(path)

    def write(self, path: str, size: int | None = None, *, fresh: bool = False, nlink: int = 1) -> None:
        """Write to a file, now; a fresh one has a new inode."""
        old = self.files.get(path)
        if old is None or fresh:
            self.inode += 1
        ns = round(self.wall() * 1e9)
        inode = self.inode if old is None or fresh else old.inode
        self.files[path] = Stamp(size if size is not None else (old.size if old else 0) + 7, ns, inode, 1, ns, nlink)

    def touch(self, path: str, mtime: float) -> None:
        """Set a file's mtime, seconds since 1970; ctime becomes now."""
        self.files[path] = self.files[path]._replace(mtime_ns=round(mtime * 1e9), ctime_ns=round(self.wall() * 1e9))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def settler(world: World) -> Settler:
    return make(world)


def make(world: World, capacity: int = 100, skew: float = 0.0) -> Settler:
    return Settler(SETTLE, REOPEN, now=world.now, wall=world.wall, stat=world.stat, capacity=capacity, skew=skew)


def paths(ready: list[Ready]) -> list[str]:
    return sorted(each.path for each in ready)


def wait(world: World, settler: Settler, most: float = 60.0) -> tuple[object, list[str]]:
    """Follow next_due() until something is ready: after how many seconds, and what."""
    started = world.time
    for _ in range(1000):
        if ready := settler.due():
            return world.time - started, paths(ready)
        due = settler.next_due()
        if due - started > most:
            break
        world.time = max(due, world.time + 1e-6)
    return world.time - started, []


@pytest.mark.parametrize(
    ("name", "kind", "seconds"),
    [
        ("a.png", MOVED, 0.0),
        ("a.TIF", MOVED, 0.0),
        ("a.pdf", MOVED, 0.0),
        ("a.png", CLOSED, LINGER),
        ("a.tiff", CLOSED, REOPEN),
        ("a.PDF", CLOSED, REOPEN),
        ("a.png", CREATED, REOPEN),
        ("a.tif", CREATED, REOPEN),
        ("a.png", FOUND, SETTLE),
        ("a.pdf", FOUND, REOPEN),
    ],
)
def test_each_hint_has_its_wait(world: World, settler: Settler, name: str, kind: HintKind, seconds: float) -> None:
    """A new file is ready after what its hint and its name call for, and only once."""
    world.write(name)
    assert settler.hint(name, kind)
    after, ready = wait(world, settler)
    assert ready == [name]
    assert after == pytest.approx(seconds, abs=1e-3)
    assert settler.due() == [] and settler.next_due() == NEVER and len(settler) == 0


@pytest.mark.parametrize("name", ["a.png", "b.tif"])
def test_a_hard_link_waits_as_a_found_file_does(world: World, settler: Settler, name: str) -> None:
    """A file that has other names gives no close: unchanged for `settle` does, for a TIFF `reopen`."""
    world.write(name, nlink=2)
    settler.hint(name, CREATED)
    after, ready = wait(world, settler)
    assert ready == [name]
    assert after == pytest.approx(SETTLE if name == "a.png" else REOPEN, abs=1e-3)


def test_a_hard_link_whose_other_name_is_gone_is_known_by_its_times(world: World, settler: Settler) -> None:
    """Content older than its place in the folder was not written there: `settle` does."""
    world.write("a.png")
    world.touch("a.png", world.wall() - 100)
    settler.hint("a.png", CREATED)
    assert wait(world, settler)[0] == pytest.approx(SETTLE, abs=1e-3)


def test_an_empty_file_waits_for_its_content(world: World, settler: Settler) -> None:
    """A file closed while empty was only touched: its writer is waited for."""
    world.write("a.png", size=0)
    settler.hint("a.png", CLOSED)
    world.time += 1
    assert settler.due() == []
    world.write("a.png", size=9)
    settler.hint("a.png", CLOSED)
    assert wait(world, settler) == (pytest.approx(LINGER, abs=1e-3), ["a.png"])


@pytest.mark.parametrize(("name", "age"), [("a.png", SETTLE), ("a.tif", REOPEN)])
def test_a_backlog_is_not_made_to_wait(world: World, settler: Settler, name: str, age: float) -> None:
    """At start-up a file that is older than its wait is ready at once; a younger one waits for the rest of it."""
    world.write(name)
    world.write("younger-" + name)
    world.time += age + 0.1
    world.write("younger-" + name)
    world.time += age - 0.2
    settler.hint(name, FOUND)
    settler.hint("younger-" + name, FOUND)
    assert paths(settler.due()) == [name]
    assert wait(world, settler) == (pytest.approx(0.2, abs=1e-3), ["younger-" + name])


def test_a_listed_file_that_is_old_enough_is_not_looked_at_twice(world: World, settler: Settler) -> None:
    """What was just found to be unchanged for long is ready with that stamp; asked for later it is looked at again."""
    for name in ("at-once.png", "later.png"):
        world.write(name)
    world.time += SETTLE
    assert settler.found("at-once.png", world.files["at-once.png"])
    world.broken = True
    assert paths(settler.due()) == ["at-once.png"]
    world.broken = False
    assert settler.found("later.png", world.files["later.png"])
    world.time += 1
    world.write("later.png")
    assert settler.due() == []


@pytest.mark.parametrize("short", [0.001, 0.03, 0.05])
def test_a_listed_file_that_becomes_old_enough_is_looked_at_again(world: World, settler: Settler, short: float) -> None:
    """However short the rest of its wait: its writer, who is about to pause for nearly as long, writes in it."""
    world.write("a.png")
    world.time += SETTLE - short
    assert settler.found("a.png", world.files["a.png"])
    assert settler.due() == []
    world.time += short / 2
    world.write("a.png")
    world.time += short / 2 + 1e-4
    assert settler.due() == []
    world.time += SETTLE - short
    assert settler.due() == []
    assert wait(world, settler)[1] == ["a.png"]


@pytest.mark.parametrize("mtime", [0.0, EPOCH + 10**9, -5.0])
def test_a_senseless_mtime_falls_back_to_looking(world: World, settler: Settler, mtime: float) -> None:
    """A file from 1970 or from the future is watched by the monotonic clock."""
    world.write("a.png")
    world.touch("a.png", mtime)
    settler.hint("a.png", FOUND)
    assert wait(world, settler) == (pytest.approx(SETTLE, abs=1e-3), ["a.png"])


def test_times_of_a_clock_that_was_never_set_are_not_believed(world: World, settler: Settler) -> None:
    """A file whose every time lies in 1970 may be new: it is watched."""
    world.write("a.png")
    world.files["a.png"] = world.files["a.png"]._replace(mtime_ns=1, ctime_ns=1)
    settler.hint("a.png", FOUND)
    assert settler.due() == []
    assert wait(world, settler)[1] == ["a.png"]


def test_a_jump_of_the_clock_makes_no_file_old(world: World, settler: Settler) -> None:
    """After the wall clock was set forward, ages count for nothing until `reopen` has passed."""
    world.write("a.png")
    world.jumped += 3600
    settler.hint("a.png", FOUND)
    assert settler.due() == []
    assert wait(world, settler)[0] == pytest.approx(SETTLE, abs=1e-3)
    world.time += REOPEN
    settler.hint("a.png", FOUND)
    assert paths(settler.due()) == ["a.png"]


def test_a_server_whose_clock_is_behind_is_allowed_for(world: World) -> None:
    """With `skew`, a file must be that much older before its age is believed."""
    settler = make(world, skew=60.0)
    world.write("a.png")
    world.time += 10
    settler.hint("a.png", FOUND)
    assert settler.due() == []
    assert wait(world, settler)[0] == pytest.approx(SETTLE, abs=1e-3)


def test_a_growing_file_waits_on(world: World, settler: Settler) -> None:
    """Each change starts the wait again."""
    world.write("a.png")
    settler.hint("a.png", FOUND)
    for _ in range(20):
        world.time += SETTLE * 0.9
        world.write("a.png")
        assert settler.due() == []
    assert wait(world, settler)[1] == ["a.png"]


def test_a_scanner_that_reopens_its_tiff_restarts_the_pause(world: World, settler: Settler) -> None:
    """Page after page, each within `reopen` of the last close: one scan, when all are there."""
    for _ in range(3):
        world.write("a.tif")
        settler.hint("a.tif", CLOSED)
        world.time += 4.0
        assert settler.due() == []
    assert wait(world, settler)[0] == pytest.approx(1.0, abs=1e-3)


def test_a_late_created_does_not_delay_what_was_moved_in(world: World, settler: Settler) -> None:
    """What is known stays known: created or found after moved changes nothing, for the same bytes."""
    world.write("a.tif")
    settler.hint("a.tif", MOVED)
    settler.hint("a.tif", CREATED)
    settler.hint("a.tif", FOUND)
    assert paths(settler.due()) == ["a.tif"]


def test_a_found_file_does_not_make_an_open_one_ready_sooner(world: World, settler: Settler) -> None:
    """A rescan that comes upon a file in the making leaves its wait as it is."""
    world.write("a.png")
    settler.hint("a.png", CREATED)
    world.time += 1
    settler.hint("a.png", FOUND)
    assert settler.due() == []
    assert wait(world, settler)[0] == pytest.approx(REOPEN - 1, abs=1e-3)


def test_an_event_that_tells_of_a_writer_outweighs_a_listing(world: World, settler: Settler) -> None:
    """A file that a rescan found a moment before its creation was told is waited for as an open one."""
    world.write("a.png")
    settler.hint("a.png", FOUND)
    settler.hint("a.png", CREATED)
    assert wait(world, settler)[0] == pytest.approx(REOPEN, abs=1e-3)


def test_a_name_rewritten_in_place_is_not_ready_before_its_close(world: World, settler: Settler) -> None:
    """A writer that begins anew after the close, or takes the name of a file moved in, is waited for."""
    for kind in (CLOSED, MOVED):
        world.write("a.png", size=50, fresh=True)
        settler.hint("a.png", kind)
        world.write("a.png", size=10)
        assert settler.due() == []
        world.time += 1
        assert settler.due() == []
        world.write("a.png", size=60)
        settler.hint("a.png", CLOSED)
        ready = wait(world, settler)
        assert ready == (pytest.approx(LINGER, abs=1e-3), ["a.png"])


def test_a_new_file_under_the_inode_of_a_moved_one_starts_anew(world: World, settler: Settler) -> None:
    """Inodes are reused at once: created with other bytes is another file, whatever was known."""
    world.write("a.png", size=50)
    settler.hint("a.png", MOVED)
    world.time += 0.01
    world.write("a.png", size=3)
    settler.hint("a.png", CREATED)
    assert settler.due() == []
    assert wait(world, settler)[0] == pytest.approx(REOPEN, abs=1e-3)


def test_times_set_after_the_close_come_with_the_stamp(world: World, settler: Settler) -> None:
    """copy2 sets the mtime after it closed: the file is ready a moment later, with the times it keeps."""
    world.write("a.png")
    settler.hint("a.png", CLOSED)
    world.time += LINGER / 2
    world.touch("a.png", EPOCH - 500)
    world.time += LINGER / 2 + 1e-6
    assert settler.due() == []
    world.time += LINGER + 1e-6
    (ready,) = settler.due()
    assert ready.stamp == world.files["a.png"]


def test_a_file_that_is_gone_is_forgotten(world: World, settler: Settler) -> None:
    """Deleted before its hint, or while it waits: nothing is ready, nothing is kept."""
    assert settler.hint("a.png", MOVED)
    world.write("b.png")
    settler.hint("b.png", MOVED)
    del world.files["b.png"]
    assert settler.due() == [] and len(settler) == 0 and settler.next_due() == NEVER


def test_a_disk_that_fails_for_a_while_loses_nothing(world: World, settler: Settler) -> None:
    """While stat fails a waiting file waits on, and a hint says that it was not taken."""
    world.write("a.png")
    settler.hint("a.png", MOVED)
    world.broken = True
    assert settler.due() == []
    assert not settler.hint("b.png", MOVED)
    assert not settler.retry("b.png", 1)
    assert settler.next_due() >= world.time + SETTLE
    world.broken = False
    assert wait(world, settler)[1] == ["a.png"]


def test_memory_is_bounded(world: World) -> None:
    """Beyond its capacity a Settler says no, and stays of one size under any number of hints."""
    settler = make(world, capacity=10)
    for k in range(20):
        world.write(f"{k}.png")
        assert settler.hint(f"{k}.png", CREATED) == (k < 10)
    for _ in range(1000):
        settler.hint("3.png", CLOSED)
    assert len(settler) == 10 and len(settler._checks) <= 2 * 10 + 65
    for k in range(1000):
        settler.young(f"{k}", Stamp(1, 0, k, 1, 0, 1))
    assert len(settler._cut_short) <= 10


def test_due_gives_no_more_than_asked(world: World, settler: Settler) -> None:
    """With a limit the rest stays, and is due now."""
    for k in range(5):
        world.write(f"{k}.png")
        settler.hint(f"{k}.png", MOVED)
    assert len(settler.due(2)) == 2
    assert settler.next_due() <= world.time and len(settler) == 3
    assert len(settler.due()) == 3


def test_a_scan_cut_short_is_offered_again(world: World, settler: Settler) -> None:
    """retry() gives it back after its pause if nothing changed, and as soon as its writer closes it if so."""
    world.write("a.png")
    assert settler.retry("a.png", 2.0) and "a.png" in settler
    assert wait(world, settler) == (pytest.approx(2.0, abs=1e-3), ["a.png"])
    settler.retry("a.png", 2.0)
    world.write("a.png")
    settler.hint("a.png", CLOSED)
    assert wait(world, settler) == (pytest.approx(LINGER, abs=1e-3), ["a.png"])
    settler.retry("a.png", 2.0)
    settler.forget("a.png")
    assert wait(world, settler)[1] == []


def test_a_scan_is_young_until_unchanged_for_thirty_seconds(world: World, settler: Settler) -> None:
    """By its times where they can be trusted, whatever a restart forgets."""
    world.write("a.png")
    world.time += YOUNG - 0.1
    assert settler.young("a.png", world.files["a.png"])
    world.time += 0.2
    assert not settler.young("a.png", world.files["a.png"])


def test_a_scan_from_the_future_does_not_stay_young_for_ever(world: World, settler: Settler) -> None:
    """Where its times are senseless, the thirty seconds count from the first question, anew for new bytes."""
    world.write("a.png")
    world.touch("a.png", EPOCH + 10**8)
    stamp = world.files["a.png"]
    assert settler.young("a.png", stamp)
    world.time += YOUNG - 0.1
    assert settler.young("a.png", stamp)
    world.time += 0.2
    assert not settler.young("a.png", stamp)
    changed = stamp._replace(size=99)
    assert settler.young("a.png", stamp)
    assert settler.young("a.png", changed)
    world.time += YOUNG - 1
    assert settler.young("a.png", changed)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.sampled_from([0.001, 0.02, 0.3, 0.6, 3.0, 6.0])),
        st.tuples(st.just("write"), st.booleans()),
        st.tuples(st.just("hint"), st.sampled_from(list(HintKind))),
        st.tuples(st.just("gone"), st.none()),
        st.tuples(st.just("jump"), st.sampled_from([-7200.0, 0.05, 7200.0])),
    ),
    max_size=40,
)


@settings(max_examples=1000, deadline=None)
@given(STEPS, st.sampled_from(["a.png", "a.tif"]))
def test_whatever_happens_a_file_is_ready_when_unchanged_and_then_once(
    steps: list[tuple[str, object]], name: str
) -> None:
    """Under any interleaving: never while it changed within the wait, always in the end, with its last stamp."""
    world = World()
    settler = make(world)
    changed = done = float("-inf")

    def check(ready: list[Ready]) -> None:
        for each in ready:
            assert each.stamp == world.files[name]
            assert changed <= done or world.time - changed >= SETTLE - JUMP - 1e-6

    for action, value in steps:
        match action, value:
            case "pass", float(seconds):
                world.time += seconds
                check(settler.due())
            case "jump", float(seconds):
                world.jumped += seconds
            case "write", bool(fresh):
                world.write(name, fresh=fresh)
                changed = world.time
                world.time += 1e-4
            case "hint", HintKind() as kind:
                if kind is FOUND and name in world.files:
                    settler.found(name, world.files[name])
                else:
                    settler.hint(name, kind)
                if kind in (MOVED, CLOSED) and name in world.files:
                    done = world.time
            case _:
                world.files.pop(name, None)
    world.write(name)
    changed = world.time
    settler.hint(name, FOUND)
    assert name in settler
    since = world.time
    assert wait(world, settler)[1] == [name]
    assert world.time - since <= 2 * REOPEN + 2
    assert settler.next_due() == NEVER


def test_what_is_taken_away_is_told(world: World) -> None:
    """A file that waited, or of which an event spoke, and is no more; a listing alone does not count."""
    gone: list[str] = []
    settler = Settler(SETTLE, REOPEN, now=world.now, wall=world.wall, stat=world.stat, on_gone=gone.append)
    world.write("waited.png")
    settler.hint("waited.png", FOUND)
    del world.files["waited.png"]
    settler.hint("event.png", CLOSED)
    settler.hint("listed.png", FOUND)
    world.time += REOPEN
    assert settler.due() == []
    assert sorted(gone) == ["event.png", "waited.png"]
