"""config.yaml and DIGITD_* variables -> one frozen settings object; an error names key, value and remedy."""

import difflib
import os
import re
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from digitd.errors import ConfigError
from digitd.units import duration, size

ENV_PREFIX = "DIGITD_"
ENV_CONFIG = "DIGITD_CONFIG"
ENV_DELIMITER = "__"

Seconds = Annotated[float, BeforeValidator(duration)]
PositiveSeconds = Annotated[float, BeforeValidator(duration), Field(gt=0)]
Bytes = Annotated[int, BeforeValidator(size), Field(gt=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
Layout = Literal["auto", "single", "line", "page"]

KEEP = "keep"
DELETE = "delete"
MOVE_NOWHERE = frozenset({DELETE, KEEP})


def _folder_or_word(target: str) -> str:
    if target.lower() in MOVE_NOWHERE:
        return target.lower()
    if not target.strip():
        raise ValueError("a folder, delete or keep")
    return target


Target = Annotated[str, AfterValidator(_folder_or_word)]


class Section(BaseModel):
    """A group of keys: frozen, and nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Inbox(Section):
    """Where scans are dropped, and when one counts as whole."""

    path: Path = Path("inbox")
    recursive: bool = True
    watch: Literal["auto", "native", "polling"] = "auto"
    settle: Seconds = 0.5
    reopen: Seconds = 5.0
    rescan: PositiveSeconds = 30.0
    include: tuple[str, ...] = (
        "*.png",
        "*.jpg",
        "*.jpeg",
        "*.tif",
        "*.tiff",
        "*.bmp",
        "*.webp",
        "*.pgm",
        "*.ppm",
        "*.pbm",
        "*.pnm",
        "*.pdf",
    )
    ignore: tuple[str, ...] = ()


class Outbox(Section):
    """Where results appear."""

    path: Path = Path("outbox")
    # `json` in the file; pydantic keeps the bare name for its own method.
    json_: Literal["scan", "lines", "off"] = Field(default="scan", alias="json")
    csv: bool = True
    every: PositiveSeconds = 10.0
    rows: int = Field(default=10_000, gt=0)

    @model_validator(mode="after")
    def _publishes_something(self) -> Self:
        if self.json_ == "off" and not self.csv:
            raise ValueError("json is off and csv is false, so no result would be published; turn one on")
        return self


class Sources(Section):
    """What becomes of a scan's file once its result is recorded: a folder, `delete` or `keep`."""

    accepted: Target = "archive/accepted"
    review: Target = "archive/review"
    blank: Target = "archive/blank"
    failed: Target = "archive/failed"


class State(Section):
    """The folder of the journal and the lock."""

    path: Path = Path("state")
    keep: PositiveSeconds = 90 * 86400.0


class Batch(Section):
    """How many scans a worker takes at once."""

    max_scans: int = Field(default=64, gt=0, le=4096)


class Workers(Section):
    """The processes that read."""

    on: Literal["local"] = "local"
    count: Literal["auto"] | Annotated[int, Field(gt=0, le=256)] = "auto"
    timeout: PositiveSeconds = 60.0
    memory: Bytes = 10**9

    @property
    def number(self) -> int:
        """How many workers: as configured, or one for each processor this process may use."""
        return len(os.sched_getaffinity(0)) if self.count == "auto" else self.count


class ModelChoice(Section):
    """Which trained network reads, and what runs it. No bundle: the one that ships."""

    bundle: Path | None = None
    engine: Literal["litert", "tensorflow"] = "litert"


class Recognition(Section):
    """How a page is read, and from when a reading is sure."""

    layout: Layout = "auto"
    digits: int | None = Field(default=None, gt=0)
    accept: Probability = 0.9
    margin: Probability = 0.5


class Profile(Section):
    """Recognition settings that differ in the folders a pattern matches."""

    layout: Layout | None = None
    digits: int | None = Field(default=None, gt=0)
    accept: Probability | None = None
    margin: Probability | None = None


class LimitsOfAScan(Section):
    """What one scan may cost; above it, it fails with a reason."""

    bytes: Bytes = 64 * 10**6
    pixels: Bytes = 100 * 10**6
    pages: int = Field(default=100, gt=0)


class Log(Section):
    """What is logged, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Settings(BaseSettings):
    """Every option. Paths are absolute once `load` has returned it."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        env_parse_none_str="null",
    )

    inbox: Inbox = Inbox()
    outbox: Outbox = Outbox()
    sources: Sources = Sources()
    state: State = State()
    batch: Batch = Batch()
    workers: Workers = Workers()
    model: ModelChoice = ModelChoice()
    recognition: Recognition = Recognition()
    profiles: dict[str, Profile] = {}
    limits: LimitsOfAScan = LimitsOfAScan()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        return env_settings, init_settings

    def effective(self) -> dict[str, Any]:
        """Every option as plain values, for the log and for `digitd check`."""
        return self.model_dump(mode="json", by_alias=True)


def load(file: Path | None) -> Settings:
    """Read the settings of FILE, else of $DIGITD_CONFIG, else the defaults.

    Relative paths count from the file's folder, without a file from the working directory.
    ConfigError names the key, the value, and what is allowed.
    """
    if file is None and os.environ.get(ENV_CONFIG):
        file = Path(os.environ[ENV_CONFIG])
    overridden = _checked_variables()
    values = {} if file is None else _read(file)
    where = " and ".join([*([f"{file}"] if file else []), *(["the environment"] if overridden else [])])
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise _explain(error, where) from error
    except SettingsError as error:
        raise ConfigError(f"{where}: {error}", "Write lists in DIGITD_ variables as JSON") from error
    base = Path.cwd() if file is None else file.absolute().parent
    return _absolute(settings, base)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError as error:
        raise ConfigError(f"{file} does not exist", "Name an existing file with -c, or leave -c out") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}", "Make it a readable UTF-8 file") from error
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = "" if line is None else f", line {line + 1}"
        raise ConfigError(
            f"{file}{place} is no valid YAML: {getattr(error, 'problem', None) or error}",
            "Compare its indentation and colons with the config.yaml that ships",
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{file} is no mapping of keys to values", "Begin it with a section such as `inbox:`")
    for section, value in content.items():
        if value is None and section in Settings.model_fields:
            content[section] = {}
    return content


class _Loader(yaml.SafeLoader):
    """YAML as people read it: `on` and `off` are words, every key is one, and none is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value} is there twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return {str(key): value for key, value in super().construct_mapping(node, deep).items()}


_BOOL = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile("(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def _checked_variables() -> list[str]:
    """The DIGITD_ variables that override something. ConfigError for one that names no section."""
    overriding = []
    for name in os.environ:
        if not name.upper().startswith(ENV_PREFIX) or name.upper() == ENV_CONFIG:
            continue
        section = name[len(ENV_PREFIX) :].lower().split(ENV_DELIMITER)[0]
        if section not in Settings.model_fields:
            near = _nearest(section, Settings.model_fields)
            hint = f"Did you mean {ENV_PREFIX}{near.upper()}__...?" if near else "Remove the variable"
            raise ConfigError(f"the environment variable {name} names no section of config.yaml", hint)
        overriding.append(name)
    return overriding


def _explain(error: ValidationError, where: str) -> ConfigError:
    allowed: dict[str, list[str]] = {}
    for details in error.errors():
        problem, expected = _problem(details)
        allowed.setdefault(problem, []).append(expected)
    sentences = [problem + " or ".join(expected) for problem, expected in allowed.items()]
    return ConfigError(f"{where}: " + "; ".join(sentences), "Correct this, then try `digitd check`")


def _problem(details: ErrorDetails) -> tuple[str, str]:
    """What is wrong, and what would be right."""
    location = [str(part) for part in details["loc"] if not _is_union_branch(part)]
    key = ".".join(location)
    if details["type"] == "extra_forbidden":
        near = _nearest_key(location)
        return f"{key} is an unknown key", f", the nearest known one is {near}" if near else ""
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if details["type"] == "model_type":
        message = "a section with keys of its own"
    elif details["type"] == "tuple_type":
        message = 'a list such as ["*.png", "*.jpg"]'
    shown = details["input"]
    if isinstance(shown, dict):
        return f"{key}: ", message
    return f"{key} is {shown!r}; allowed: ", message


def _is_union_branch(part: int | str) -> bool:
    # Pydantic puts the branch of a union into the location: ('workers', 'count', 'constrained-int').
    return isinstance(part, str) and (part == "constrained-int" or part.startswith(("literal[", "function-")))


def _nearest_key(location: list[str]) -> str | None:
    *parents, name = location
    if parents and parents[0] == "profiles":
        near = _nearest(name, Profile.model_fields)
        return ".".join([*parents, near]) if near else None
    elsewhere = [key for key in _all_keys() if key.split(".")[-1] == name]
    if len(elsewhere) == 1:
        return elsewhere[0]
    siblings = {key.split(".")[-1]: key for key in _all_keys() if key.split(".")[:-1] == parents}
    if not parents:
        siblings = {section: section for section in Settings.model_fields}
    near = _nearest(name, siblings)
    return siblings[near] if near else _nearest(".".join(location), _all_keys())


def _all_keys() -> Iterator[str]:
    """Every key of config.yaml, with dots."""
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            for key, inner in section.model_fields.items():
                yield f"{name}.{inner.alias or key}"
        else:
            yield name


def _nearest(name: str, known: Iterable[str]) -> str | None:
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None


def _absolute(settings: Settings, base: Path) -> Settings:
    def at(path: Path) -> Path:
        return Path(os.path.abspath(base / os.path.expanduser(path)))

    sources = {
        status: target if target in MOVE_NOWHERE else str(at(Path(target)))
        for status, target in settings.sources.model_dump().items()
    }
    bundle = settings.model.bundle
    return settings.model_copy(
        update={
            "inbox": settings.inbox.model_copy(update={"path": at(settings.inbox.path)}),
            "outbox": settings.outbox.model_copy(update={"path": at(settings.outbox.path)}),
            "state": settings.state.model_copy(update={"path": at(settings.state.path)}),
            "sources": Sources(**sources),
            "model": settings.model.model_copy(update={"bundle": None if bundle is None else at(bundle)}),
        }
    )
