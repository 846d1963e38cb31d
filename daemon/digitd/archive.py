"""Filing sources: a scan's file moves to where its status sends it, is deleted, or stays. Nothing is overwritten."""

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum

from digitd import failpoints, fs, names, tickets
from digitd.failpoints import Point
from digitd.settings import DELETE, KEEP, MOVE_NOWHERE, VERIFIED
from digitd.tables import Identity


class Filed(StrEnum):
    """What became of a source."""

    MOVED = "moved"
    DELETED = "deleted"
    KEPT = "kept"
    GONE = "gone"
    REPLACED = "replaced"


class Archive:
    """Where sources go, by status: TARGETS has an absolute folder, `delete` or `keep` for each."""

    def __init__(self, inbox: str, targets: Mapping[str, str]) -> None:
        self._inbox = inbox
        self._targets = dict(targets)
        # Folders that were made in this life, and whose own names are not durable yet.
        self._made: set[str] = set()
        # Targets that lie on another file system than something that was filed there.
        self._across: set[str] = set()

    def retarget(self, targets: Mapping[str, str]) -> None:
        """Send sources elsewhere from now on."""
        self._targets = dict(targets)

    def folder_of(self, status: str) -> str | None:
        """Where sources of this status move to; None where they do not move."""
        target = self._targets[status]
        return None if target in MOVE_NOWHERE else target

    def target_of(self, status: str) -> str:
        """A folder, `delete` or `keep`."""
        return self._targets[status]

    @property
    def read_folders(self) -> list[str]:
        """Where sources may lie that digitd itself has filed."""
        of_read = (target for status, target in self._targets.items() if status != VERIFIED)
        return [target for target in dict.fromkeys(of_read) if target not in MOVE_NOWHERE]

    def keeps(self, status: str) -> bool:
        """Whether sources of this status stay in the inbox."""
        return self._targets[status] == KEEP

    @property
    def folders(self) -> set[str]:
        """Every folder in which filing changes something: where sources move to, and where they leave."""
        changing = {target for status, target in self._targets.items() if target != KEEP and status != VERIFIED}
        # What people verified leaves the other folders of the archive, and never the inbox.
        verified = {self._targets.get(VERIFIED, KEEP)} - MOVE_NOWHERE if self.read_folders else set()
        return (changing - {DELETE}) | verified | ({self._inbox} if changing else set())

    def file(
        self,
        source: Identity,
        status: str,
        key: str,
        planned: str | None,
        plan: Callable[[str], None],
        ticket: bytes | None,
        device: int | None = None,
        *,
        first: bool = False,
    ) -> Filed:
        """Send a source where its status sends it; safe to repeat after a crash at any point.

        FIRST: it was not tried before, so no crash has left anything half done.

        PLAN is called with the target before a copy to another file system begins; PLANNED is what it was called with
        before a crash. TICKET, where there is one, is written beside the moved file. DEVICE is the one that its folder
        was on when it was read, if that is known: a source is not gone where another one is there now, or none.
        OSError where it fails.
        """
        path = f"{self._inbox}/{source.path}"
        target = self._targets[status]
        hidden = _claimed(path, key)
        if first and ticket is None and target != KEEP and target not in self._across:
            done = self._file_at_once(path, hidden, source, target)
            if done is Filed.GONE:
                self._refuse_unmounted(path, device)
            if done is not None:
                return done
            try:
                return self._file_by_steps(source, status, key, planned, plan, ticket, device)
            except OSError:
                # However long it takes until it can be filed, it is to be seen.
                with suppress(FileNotFoundError):
                    _shown(hidden, path)
                raise
        return self._file_by_steps(source, status, key, planned, plan, ticket, device)

    def _file_by_steps(
        self,
        source: Identity,
        status: str,
        key: str,
        planned: str | None,
        plan: Callable[[str], None],
        ticket: bytes | None,
        device: int | None,
    ) -> Filed:
        path = os.path.join(self._inbox, source.path)
        target = self._targets[status]
        hidden = _claimed(path, key)
        left = self._is(hidden, source, moved=True)
        if left is Filed.KEPT and target != KEEP:
            # A crash came between the claim and the removal: this is the source, whatever has its name now.
            here, path = Filed.KEPT, hidden
        else:
            if left is not Filed.GONE:
                _put_back(hidden, path)
            here = self._is(path, source)
        if target == KEEP:
            return here
        if here is Filed.GONE:
            self._refuse_unmounted(path, device)
        if target == DELETE:
            return here if here is not Filed.KEPT else self._remove(path, source, key)
        folder = os.path.join(target, fs.free_folder(target, os.path.dirname(source.path)))
        if here is not Filed.KEPT:
            if ticket is not None and (filed := self._filed(folder, source, planned)) is not None:
                tickets.mend(filed, key, ticket)
            _tidy(folder, os.path.basename(source.path), key, planned, ticket)
            return here
        filed = self._move(path, source, folder, key, planned, plan, ticket)
        if filed is Filed.GONE:
            self._refuse_unmounted(path, device)
        return filed

    def _file_at_once(self, path: str, hidden: str, source: Identity, target: str) -> Filed | None:
        """File it in the usual case, with nothing looked at that the doing of it tells.

        None if this is not one: it is left as it was, or under its hidden name.
        """
        # That alone is not told by doing it: another file of the same size and time, which is known by its inode, and
        # that only under its own name; and a folder is not to be moved, not even for a moment.
        if self._is(path, source) is not Filed.KEPT:
            return None
        if (claimed := claim(path, hidden, lambda: self._is_claimed(hidden, source))) is not Filed.KEPT:
            return claimed
        if target == DELETE:
            return _remove_claimed(hidden)
        try:
            fs.rename_noreplace(hidden, f"{target}/{source.path}")
        except OSError as error:
            # Its name is taken, its folder is missing, or it is another file system: all of that takes longer, and
            # goes on from the hidden name. Given back in between, it would be a new file to all who watch.
            if error.errno == errno.EXDEV:
                self._across.add(target)
            return None
        failpoints.reached(Point.MOVED)
        return Filed.MOVED

    def _refuse_unmounted(self, path: str, device: int | None) -> None:
        """OSError where a source is away and not gone: it would come back with its folder, and be read again."""
        if device is not None and self.device_of(os.path.dirname(path)) != device:
            why = "its folder was unmounted or taken away before it could be filed; it is filed when that is back"
            raise OSError(errno.ENODEV, why, path)

    def device_of(self, folder: str) -> int | None:
        """What a folder of the inbox lies on, or the nearest one that is left of those that it is in; None: no inbox.

        OSError where that cannot be told.
        """
        folder = os.path.join(self._inbox, folder)
        while len(folder.rstrip("/")) >= len(self._inbox.rstrip("/")):
            try:
                return os.stat(folder).st_dev
            except (FileNotFoundError, NotADirectoryError):
                folder = os.path.dirname(folder.rstrip("/"))
        return None

    def reclaim(
        self, wanted: Callable[[str], bool], identities: Callable[[list[str]], Mapping[str, Identity]]
    ) -> list[str]:
        """See to the sources that a crash left under a hidden name, but for those whose key is WANTED.

        One that is what IDENTITIES (keys to identities) says was to be removed, and is. Any other was never read: it is
        given back, under its name if that is free and known. Gives where those are now, relative to the inbox.
        """
        if not self.folders:
            return []
        left = {}
        for folder, file in fs.files_below(self._inbox):
            key = names.claimed_key(file)
            if key is not None and not wanted(key):
                left[os.path.join(folder, file)] = key
        known = identities(list(left.values())) if left else {}
        back = []
        for hidden, key in left.items():
            source = known.get(key)
            if source is not None and self._is(hidden, source, moved=True) is Filed.KEPT:
                fs.unlink_if_there(hidden)
                continue
            folder, file = os.path.split(hidden)
            ending = os.path.splitext(file)[1]
            name = f"recovered-{key}{ending}" if source is None else os.path.basename(source.path)
            back.append(os.path.relpath(_put_back(hidden, os.path.join(folder, name)), self._inbox))
        return back

    def _move(
        self,
        path: str,
        source: Identity,
        folder: str,
        key: str,
        planned: str | None,
        plan: Callable[[str], None],
        ticket: bytes | None,
    ) -> Filed:
        self._made |= fs.make_folders(folder)
        name = os.path.basename(source.path)
        if planned is not None and self._copied(planned, key, source):
            if ticket is not None:
                tickets.mend(planned, key, ticket)
            fs.sync_name(planned, self._made)
            self._remove(path, source, key)
            return Filed.MOVED
        filed, hidden = None, _claimed(os.path.join(self._inbox, source.path), key)
        while filed is None:
            target = _free_target(folder, name, ticket)
            if ticket is not None:
                tickets.write(target, key, ticket)
                failpoints.reached(Point.TICKET_WRITTEN)
            # Where this raises, the ticket stays: the source may have come to lie beside it, and the next try knows it.
            filed = self._move_to(target, path, source, key, plan)
            if filed is not Filed.MOVED and ticket is not None:
                tickets.drop(target, ticket)
            if filed is None:
                # It has its name again, unless that was taken, too.
                path = hidden if os.path.lexists(hidden) else os.path.join(self._inbox, source.path)
        return filed

    def _move_to(self, target: str, path: str, source: Identity, key: str, plan: Callable[[str], None]) -> Filed | None:
        """None if the target's name was taken meanwhile."""
        hidden = _claimed(os.path.join(self._inbox, source.path), key)
        if (
            path != hidden
            and (claimed := claim(path, hidden, lambda: self._is_claimed(hidden, source))) is not Filed.KEPT
        ):
            return claimed
        try:
            fs.rename_noreplace(hidden, target)
            failpoints.reached(Point.MOVED)
            return Filed.MOVED
        except OSError as error:
            # However long it takes until it can be filed, it is to be seen.
            there = _shown(hidden, os.path.join(self._inbox, source.path))
            if isinstance(error, FileExistsError):
                return None
            if error.errno != errno.EXDEV:
                raise
            return self._copy(there, source, target, key, plan)

    def _copy(self, path: str, source: Identity, target: str, key: str, plan: Callable[[str], None]) -> Filed | None:
        plan(target)
        failpoints.reached(Point.COPY_PLANNED)
        temporary = os.path.join(os.path.dirname(target), names.temporary(key))
        try:
            fs.copy_durably(path, temporary)
            failpoints.reached(Point.COPIED)
        except FileNotFoundError:
            if os.path.lexists(path):
                raise
            return Filed.GONE
        here = self._is(path, source, moved=path != os.path.join(self._inbox, source.path))
        if here is not Filed.KEPT:
            os.unlink(temporary)
            return here
        try:
            fs.rename_noreplace(temporary, target)
        except FileExistsError:
            os.unlink(temporary)
            return None
        failpoints.reached(Point.COPY_IN_PLACE)
        fs.sync_name(target, self._made)
        # It has its copy, whatever is found in its place now.
        self._remove(path, source, key)
        return Filed.MOVED

    def _remove(self, path: str, source: Identity, key: str) -> Filed:
        """Remove a source, or what a crash left of it under its hidden name."""
        hidden = _claimed(os.path.join(self._inbox, source.path), key)
        if path == hidden:
            os.unlink(path)
            return Filed.DELETED
        return take_away(path, hidden, lambda: self._is_claimed(hidden, source))

    def _is_claimed(self, hidden: str, source: Identity) -> bool:
        return self._is(hidden, source, moved=True) is Filed.KEPT

    def _copied(self, planned: str, key: str, source: Identity) -> bool:
        """Whether the copy was whole and in place before the crash."""
        temporary = os.path.join(os.path.dirname(planned), names.temporary(key))
        if os.path.lexists(temporary):
            os.unlink(temporary)
            return False
        try:
            status = os.lstat(planned)
        except FileNotFoundError:
            return False
        return fs.is_same_file(status, status.st_ino, source.size, source.mtime_ns)

    def _filed(self, folder: str, source: Identity, planned: str | None) -> str | None:
        """Where a source that has left the inbox lies in FOLDER of the archive; None if it is not found there."""
        if planned is not None:
            return planned if self._is(planned, source, moved=True) is Filed.KEPT else None
        try:
            with os.scandir(folder) as entries:
                # By its number, not by its name: of that there may be a hundred thousand.
                places = [entry.path for entry in entries if fs.folded(entry.inode()) == fs.folded(source.inode)]
        except FileNotFoundError:
            return None
        return next((place for place in places if self._is(place, source) is Filed.KEPT), None)

    @staticmethod
    def _is(path: str, source: Identity, *, moved: bool = False) -> Filed:
        """KEPT if PATH is still the file that was read, else what it is instead."""
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return Filed.GONE
        # Some file systems (mergerfs, sshfs) make the inode of the name: a moved file has another one.
        inode = status.st_ino if moved else source.inode
        same = fs.is_same_file(status, inode, source.size, source.mtime_ns)
        return Filed.KEPT if same else Filed.REPLACED


def take_away(path: str, hidden: str, is_it: Callable[[], bool]) -> Filed:
    """Remove a file that others may replace at any moment, by a `claim`. DELETED, GONE or REPLACED."""
    if (claimed := claim(path, hidden, is_it)) is not Filed.KEPT:
        return claimed
    return _remove_claimed(hidden)


def _remove_claimed(hidden: str) -> Filed:
    os.unlink(hidden)
    failpoints.reached(Point.REMOVED)
    return Filed.DELETED


def claim(path: str, hidden: str, is_it: Callable[[], bool]) -> Filed:
    """Take a file that others may replace at any moment; KEPT if it has the name HIDDEN now, else GONE or REPLACED.

    Nothing is moved away or removed by its own name: what got the hidden one is looked at, and if IS_IT says no, it
    goes back.
    """
    try:
        fs.rename_noreplace(path, hidden)
        failpoints.reached(Point.CLAIMED)
    except FileNotFoundError:
        return Filed.GONE
    if is_it():
        return Filed.KEPT
    _put_back(hidden, path)
    return Filed.REPLACED


def _claimed(path: str, key: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/{names.claimed(key, name)}"


def _free_target(folder: str, name: str, ticket: bytes | None) -> str:
    """Where a file of this name can go without overwriting anything, its ticket beside it."""

    def taken(number: int) -> bool:
        target = os.path.join(folder, names.numbered(name, number))
        return os.path.lexists(target) or not (ticket is None or tickets.is_free(target, ticket))

    return os.path.join(folder, names.numbered(name, names.first_free(taken)))


def _shown(hidden: str, path: str) -> str:
    """Give a claimed file its name again, if that is free; gives the path that it has then."""
    try:
        fs.rename_noreplace(hidden, path)
    except FileExistsError:
        return hidden
    return path


def _put_back(moved: str, path: str) -> str:
    """Return a file that was moved by mistake to its name, or, if that was taken once more, to one beside it.

    Gives the path that it has then.
    """
    folder, name = os.path.split(path)
    number = 0
    while True:
        number += 1
        back = os.path.join(folder, names.numbered(name, number))
        try:
            fs.rename_noreplace(moved, back)
        except FileExistsError:
            continue
        return back


def _tidy(folder: str, name: str, key: str, planned: str | None, ticket: bytes | None) -> None:
    """Remove what a crash left in the archive of a source that is not to be filed any more, as far as that goes."""
    with suppress(OSError):
        for place in {folder, folder if planned is None else os.path.dirname(planned)}:
            fs.unlink_if_there(os.path.join(place, names.temporary(key)))
            fs.unlink_if_there(tickets.temporary_of(place, key))
        if ticket is not None:
            tickets.drop(_free_target(folder, name, ticket), ticket)
