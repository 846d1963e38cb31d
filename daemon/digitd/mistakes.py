"""What is wrong in a configuration, in words: the key, the value, and the remedy. Pure."""

import difflib
from collections.abc import Iterable, Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from digitd.errors import ConfigError
from digitd.settings import RENAMED, Profile, Section, Settings

_FOLDER = "a folder"
_PROBABILITY = "a number from 0 to 1"
_WHOLE = "a whole number above 0"
_TARGET = "a folder, delete or keep"
EXPECTED = {
    "inbox.path": _FOLDER,
    "inbox.recursive": "true or false",
    "inbox.rescan": "a duration above 0, such as 30 or 5m",
    "outbox.path": _FOLDER,
    "outbox.csv": "true or false",
    "outbox.every": "a duration above 0, such as 10 or 5m",
    "outbox.rows": _WHOLE,
    "sources.accepted": _TARGET,
    "sources.review": _TARGET,
    "sources.blank": _TARGET,
    "sources.failed": _TARGET,
    "state.path": _FOLDER,
    "state.keep": "a duration above 0, such as 90d",
    "batch.max_scans": "a whole number from 1 to 4096",
    "workers.address": "auto, local, or HOST:PORT of the cluster's head",
    "workers.count": "auto, or a whole number from 1 to 256",
    "workers.timeout": "a duration above 0, such as 60 or 5m",
    "workers.memory": "a size above 0, such as 1GB",
    "model.bundle": "a folder, or null",
    "recognition.digits": f"{_WHOLE}, or null",
    "recognition.accept": _PROBABILITY,
    "recognition.margin": _PROBABILITY,
    "profiles": "folder patterns, each with recognition settings",
    "limits.pages": _WHOLE,
    "limits.marks": _WHOLE,
    "metrics.textfile": "auto, off, or a file that ends in .prom",
    "metrics.every": "a duration above 0, such as 15 or 1m",
    "metrics.port": "a whole number from 1 to 65535, or null",
    "metrics.address": "an IP address of this machine, such as 127.0.0.1 or ::1",
    "metrics.labels": "names of lower-case letters, digits and _ that no metric has yet, each with a printable text",
}
"""What a key's value may be, where pydantic's own words would not tell a person."""


def explain(error: ValidationError, where: str) -> ConfigError:
    """What is wrong in WHERE: each key, its value, and what is allowed or which key was meant."""
    allowed: dict[str, list[str]] = {}
    for details in error.errors():
        problem, expected = _problem(details)
        if expected not in allowed.setdefault(problem, []):
            allowed[problem].append(expected)
    sentences = [problem + " or ".join(expected) for problem, expected in allowed.items()]
    return ConfigError(f"{where}: " + "; ".join(sentences), "Correct this, then try `digitd check`")


def _problem(details: ErrorDetails) -> tuple[str, str]:
    """What is wrong, and what would be right."""
    location = [str(part) for part in details["loc"] if not _is_union_branch(part)]
    key = ".".join(location)
    if details["type"] == "extra_forbidden":
        if now := renamed(key):
            return f"{key} is now called ", now
        near = _nearest_key(location)
        return f"{key} is an unknown key", f", the nearest known one is {near}" if near else ""
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    rule = f"recognition.{location[-1]}" if location[0] == "profiles" and len(location) > 2 else key
    if rule in EXPECTED:
        message = EXPECTED[rule]
    elif details["type"] == "model_type":
        message = "a section with keys of its own"
    elif details["type"] == "tuple_type":
        message = 'a list such as ["*.png", "*.jpg"]'
    shown = details["input"]
    if isinstance(shown, dict) and rule not in EXPECTED:
        return f"{key}: ", message
    return f"{key} is {shown!r}; allowed: ", message


def renamed(key: str) -> str | None:
    """What a key or a section that had this name is called now; None: nothing ever had it."""
    parents, _, name = key.rpartition(".")
    if parents.startswith("profiles."):
        now = RENAMED.get(f"recognition.{name}")
        return now and f"{parents}.{now.rpartition('.')[2]}"
    # Of a section that is gone the keys may have gone to several others.
    below = sorted({new for old, new in RENAMED.items() if old.startswith(f"{key}.")})
    return RENAMED.get(key) or " and ".join(below) or None


def _is_union_branch(part: int | str) -> bool:
    # Pydantic puts the branch of a union into the location: ('workers', 'count', 'constrained-int').
    return isinstance(part, str) and (part == "constrained-int" or part.startswith(("literal[", "function-")))


def _nearest_key(location: list[str]) -> str | None:
    *parents, name = location
    if parents and parents[0] == "profiles":
        near = nearest(name, Profile.model_fields)
        return ".".join([*parents, near]) if near else None
    elsewhere = [key for key in all_keys() if key.split(".")[-1] == name]
    if len(elsewhere) == 1:
        return elsewhere[0]
    siblings = {key.split(".")[-1]: key for key in all_keys() if key.split(".")[:-1] == parents}
    if not parents:
        siblings = {section: section for section in Settings.model_fields}
    near = nearest(name, siblings)
    return siblings[near] if near else nearest(".".join(location), all_keys())


def all_keys() -> Iterator[str]:
    """Every key of config.yaml, with dots."""
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            for key, inner in section.model_fields.items():
                yield f"{name}.{inner.alias or key}"
        else:
            yield name


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of KNOWN that NAME was most likely meant to be."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None
