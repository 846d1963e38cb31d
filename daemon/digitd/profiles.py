"""Which recognition settings hold for a scan: the general ones, and what its folder's profiles change. Pure."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

from digitd.settings import Profile, Recognition


def chooser(general: Recognition, profiles: Mapping[str, Profile]) -> Callable[[str], Recognition]:
    """A function from a folder (relative to the inbox, "" for the inbox itself) to its settings.

    A pattern holds for the folders it matches and those below; of several, the later in the file wins.
    """

    def holds(pattern: str, folder: str) -> bool:
        # With the slash, `forms/*` holds for the scans in `forms` itself: so it is meant.
        return fnmatchcase(folder, pattern.strip("/")) or fnmatchcase(f"{folder}/", pattern.lstrip("/"))

    @lru_cache(maxsize=4096)
    def choose(folder: str) -> Recognition:
        parts = folder.split("/")
        parents = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        changes: dict[str, object] = {}
        for pattern, profile in profiles.items():
            if any(holds(pattern, parent) for parent in parents):
                changes |= profile.model_dump(exclude_none=True)
        return general.model_copy(update=changes)

    return choose
