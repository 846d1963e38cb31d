"""Every option, its type and its default: frozen, and nothing unknown in it."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from digitd.units import duration, size

ENV_PREFIX = "DIGITD_"
ENV_DELIMITER = "__"

RENAMED: dict[str, str] = {}
"""Keys that have another name now, or a place in another section: old -> new, with dots; a whole section likewise.

The old name is refused, with the new one beside it. None has been renamed so far."""

Seconds = Annotated[float, BeforeValidator(duration)]
PositiveSeconds = Annotated[float, BeforeValidator(duration), Field(gt=0)]


def _no_switch(value: object) -> object:
    """Python takes true for 1; a person who writes `true` for a number means something else."""
    if isinstance(value, bool):
        raise ValueError("a whole number")
    return value


def _no_number(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError("true or false")
    return value


Whole = Annotated[int, BeforeValidator(_no_switch)]
Switch = Annotated[bool, BeforeValidator(_no_number)]
Bytes = Annotated[int, BeforeValidator(size), Field(gt=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
Layout = Literal["auto", "single", "line", "page"]

KEEP = "keep"
DELETE = "delete"
MOVE_NOWHERE = frozenset({DELETE, KEEP})
VERIFIED = "verified"
"""The one status whose sources come from the archive's other folders, and not from the inbox."""


def _folder_or_word(target: str) -> str:
    if target.lower() in MOVE_NOWHERE:
        return target.lower()
    if not target.strip():
        raise ValueError("a folder, delete or keep")
    return target


Target = Annotated[str, AfterValidator(_folder_or_word)]

AUTO, OFF, LOCAL = "auto", "off", "local"
PROM = ".prom"
"""What node_exporter's textfile collector takes: files that end so."""
TEXTFILE_NAME = f"metrics{PROM}"
# Names that Prometheus, or a metric of digitd's, has for itself.
TAKEN_LABELS = frozenset({
    *("status", "reason", "cause", "state", "folder", "process", "mode", "le", "job", "instance"),
    *("version", "python", "engine", "model", "model_version", "model_sha256"),
})  # fmt: skip


def _textfile(where: object) -> object:
    if isinstance(where, str) and where.lower() in {AUTO, OFF}:
        return where.lower()
    if not isinstance(where, str) or not where.endswith(PROM) or where.endswith(f"/{PROM}") or where == PROM:
        raise ValueError("auto, off, or a file that ends in .prom")
    return where


def _address(address: str) -> str:
    ipaddress.ip_address(address)
    return address


def _cluster(address: str) -> str:
    if address.lower() in {AUTO, LOCAL}:
        return address.lower()
    if not re.fullmatch(r"[^\s/@]+:[0-9]{1,5}", address):
        raise ValueError("auto, local, or HOST:PORT of the cluster's head")
    return address


def _labels(labels: dict[str, str]) -> dict[str, str]:
    for name, text in labels.items():
        if not re.fullmatch("[a-z][a-z0-9_]*", name) or name in TAKEN_LABELS or not text.isprintable():
            raise ValueError(
                "names of lower-case letters, digits and _ that no metric has yet, each with a printable text"
            )
    return labels


Textfile = Annotated[str, BeforeValidator(_textfile)]


class Section(BaseModel):
    """A group of keys: frozen, and nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Inbox(Section):
    """Where scans are dropped, and when one counts as whole."""

    path: Path = Path("inbox")
    recursive: Switch = True
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
    csv: Switch = True
    every: PositiveSeconds = 10.0
    rows: Whole = Field(default=10_000, gt=0)

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
    verified: Target = "archive/verified"

    @property
    def stay(self) -> bool:
        """Whether every source stays in the inbox."""
        return {target for status, target in self.model_dump().items() if status != VERIFIED} == {KEEP}

    @property
    def folders(self) -> dict[str, str]:
        """Status -> the folder that sources move to, if they move. Where no other does, none comes to be `verified`."""
        moving = {status: target for status, target in self.model_dump().items() if target not in MOVE_NOWHERE}
        return moving if moving.keys() - {VERIFIED} else {}


class State(Section):
    """The folder of the journal and the lock."""

    path: Path = Path("state")
    keep: PositiveSeconds = 90 * 86400.0


class Batch(Section):
    """How many scans a worker takes at once."""

    max_scans: Whole = Field(default=64, gt=0, le=4096)


class Workers(Section):
    """The processes that read."""

    on: Literal["local", "ray"] = "local"
    address: Annotated[str, AfterValidator(_cluster)] = AUTO
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
    digits: Whole | None = Field(default=None, gt=0)
    accept: Probability = 0.98
    margin: Probability = 0.5


class Profile(Section):
    """Recognition settings that differ in the folders a pattern matches."""

    layout: Layout | None = None
    digits: Whole | None = Field(default=None, gt=0)
    accept: Probability | None = None
    margin: Probability | None = None


class LimitsOfAScan(Section):
    """What one scan may cost; above it, it fails with a reason."""

    bytes: Bytes = 64 * 10**6
    pixels: Bytes = 100 * 10**6
    pages: Whole = Field(default=100, gt=0)
    # 20,000 marks take some seconds a page to part, before any is read; A2 in 4 mm squares has 16,000 of them.
    marks: Whole = Field(default=5000, gt=0, le=20_000)


class Log(Section):
    """What is logged, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"
    time: Literal["utc", "local"] = "utc"


class Metrics(Section):
    """Where Prometheus finds figures."""

    textfile: Textfile = AUTO
    every: PositiveSeconds = 15.0
    port: Annotated[Whole, Field(ge=1, le=65535)] | None = None
    address: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    labels: Annotated[dict[str, str], AfterValidator(_labels)] = {}


class Review(Section):
    """The page on which people verify what was read."""

    host: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    port: Annotated[Whole, Field(ge=0, le=65535)] = 8417
    failed: Switch = False
    # A quarter: of more, no draw is kept (tables.LOTS).
    sample: Annotated[float, Field(ge=0, le=0.25)] = 0.0
    lease: PositiveSeconds = 300.0
    undo: Seconds = 5.0
    keep: PositiveSeconds = 365 * 86400.0

    @property
    def kinds(self) -> tuple[str, ...]:
        """The statuses of which people are shown every scan."""
        return ("review", "failed") if self.failed else ("review",)


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
    metrics: Metrics = Metrics()
    review: Review = Review()

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

    @property
    def mirrors(self) -> list[str]:
        """The folders below which the inbox's subfolders are made again."""
        return [os.fspath(self.outbox.path), *self.sources.folders.values()]

    @property
    def textfile(self) -> Path | None:
        """The file that the metrics are written to; None: to none."""
        if self.metrics.textfile == OFF:
            return None
        return self.state.path / TEXTFILE_NAME if self.metrics.textfile == AUTO else Path(self.metrics.textfile)

    def effective(self) -> dict[str, Any]:
        """Every option as plain values, for the log and for `digitd check`."""
        return self.model_dump(mode="json", by_alias=True)
