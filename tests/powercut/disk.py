"""A model of a disk: which file operations were done in which order, and what a file system may keep of them. Pure.

It is the weakest file system that POSIX allows, but for one thing: a rename is atomic, as on every journalling one.
Names and bytes are kept or lost apart from each other, and names in any order, until a sync covers them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from os.path import dirname
from typing import Literal

from powercut.operations import File, Named, Operation, Synced, Timed, Torn, Written, torn_bytes


@dataclass
class Tree:
    """Folders, and files by path."""

    folders: set[str] = field(default_factory=set)
    names: dict[str, int] = field(default_factory=dict)

    def apply(self, done: Named) -> None:
        """Do an operation on names."""
        match done.kind:
            case "mkdir":
                self.folders.add(done.path)
            case "create":
                self.names[done.path] = done.file
            case "rename":
                self.names[done.new] = self.names.pop(done.path)
            case "unlink":
                del self.names[done.path]

    def copy(self) -> "Tree":
        """Another one like it."""
        return Tree(set(self.folders), dict(self.names))


class Disk:
    """What was done since everything was durable: START, with its FILES."""

    def __init__(self, start: Tree, files: dict[int, File]) -> None:
        self.start, self.files = start, dict(files)
        self.now = start.copy()
        self.log: list[Operation] = []
        self._root: dict[int, str] = {}
        self._touched: dict[str, int] = {}

    def name(
        self, kind: Literal["mkdir", "create", "rename", "unlink"], path: str, new: str = "", file: int = -1
    ) -> None:
        """Note an operation on names that was done."""
        touched = {path, new} - {""}
        needs = frozenset(self._touched[place] for place in touched if place in self._touched)
        done = Named(kind, path, new, file, needs, self._touched.get(dirname(new or path), -1))
        self.now.apply(done)
        self._touched.update(dict.fromkeys(touched, len(self.log)))
        self.log.append(done)

    def new_file(self, path: str, root: str, given: File | None = None) -> int:
        """Note that a file was made on the file system ROOT; one that was GIVEN is durable at once, with its name."""
        number = max(self.files, default=0) + 1
        self.files[number] = given or File()
        self._root[number] = root
        self.name("create", path, file=number)
        return number

    def durable(self) -> list[tuple[frozenset[int], frozenset[int]]]:
        """For a cut before each operation, and after the last: which operations on names, and which on bytes and times,
        it cannot undo any more."""
        names: set[int] = set()
        contents: set[int] = set()
        found: list[tuple[frozenset[int], frozenset[int]]] = [(frozenset(), frozenset())]
        for number, done in enumerate(self.log):
            if isinstance(done, Named) and done.file >= 0 and self.files[done.file].given is not None:
                names |= self.closed([number])
            elif isinstance(done, Synced):
                for i, earlier in enumerate(self.log[: done.before]):
                    if isinstance(earlier, Named) and _covers(done, earlier):
                        names |= self._before(i)
                contents |= {
                    i
                    for i, earlier in enumerate(self.log[: done.before])
                    if isinstance(earlier, Written | Timed)
                    and (earlier.file == done.file or (done.root and self._root.get(earlier.file) == done.root))
                }
            found.append((frozenset(self._found(names)), frozenset(contents)))
        return found

    def closed(self, names: Iterable[int]) -> set[int]:
        """These, and all that they need, folders too."""
        found: set[int] = set()
        left = list(names)
        while left:
            number = left.pop()
            if number not in found:
                found.add(number)
                done = self._named(number)
                left.extend(done.needs | {done.inside} - {-1})
        return found

    def _before(self, number: int) -> set[int]:
        """This, and what was done to the same names before."""
        return {number}.union(*(self._before(earlier) for earlier in self._named(number).needs))

    def _found(self, names: set[int]) -> set[int]:
        """Those whose folder is not lost, nor what they need."""
        kept = {-1}
        for number in sorted(names):
            done = self._named(number)
            if done.inside in kept and done.needs <= kept:
                kept.add(number)
        return kept - {-1}

    def without(self, names: Iterable[int], lost: int) -> set[int]:
        """These but for LOST, and for all that need it."""
        gone = {lost}
        for number in sorted(names):
            if (self._named(number).needs | {self._named(number).inside}) & gone:
                gone.add(number)
        return set(names) - gone

    def tree(self, names: Iterable[int]) -> Tree:
        """The folders and files if of all operations on names just these were kept."""
        tree = self.start.copy()
        for number in sorted(names):
            tree.apply(self._named(number))
        return tree

    def content(self, file: int, at: int, durable: frozenset[int], torn: Torn) -> File:
        """A file as a cut before operation AT leaves it, with what was not synced of it TORN.

        Times are always kept: a torn file with the right time is the worse one.
        """
        kept, lost, mtime_ns = self.files[file].data, b"", self.files[file].mtime_ns
        for number, done in enumerate(self.log[:at]):
            if isinstance(done, Written) and done.file == file:
                kept, lost = (kept + done.data, lost) if number in durable else (kept, lost + done.data)
            elif isinstance(done, Timed) and done.file == file:
                mtime_ns = done.mtime_ns
        return File(kept + torn_bytes(lost, torn), mtime_ns, self.files[file].given)

    def _named(self, number: int) -> Named:
        done = self.log[number]
        assert isinstance(done, Named)
        return done


def _covers(sync: Synced, earlier: Named) -> bool:
    places = [place for place in (earlier.path, earlier.new) if place]
    if sync.folder:
        return any(dirname(place) == sync.folder for place in places)
    return bool(sync.root) and any(place.startswith(f"{sync.root}/") for place in places)
