"""config.yaml and DIGITD_* variables -> one frozen settings object; an error names key, value and remedy."""

import json
import os
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_settings import SettingsError

from digitd.errors import ConfigError
from digitd.mistakes import explain, nearest, renamed
from digitd.settings import AUTO, ENV_DELIMITER, ENV_PREFIX, MOVE_NOWHERE, OFF, Settings, Sources

ENV_CONFIG = "DIGITD_CONFIG"
# Variables that hold more than one value.
_AS_JSON = ("__INCLUDE", "__IGNORE", "_PROFILES", "__LABELS")


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
        raise explain(error, where) from error
    except SettingsError as error:
        raise _no_json(overridden, error) from error
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
        key = name[len(ENV_PREFIX) :].lower().replace(ENV_DELIMITER, ".")
        section = key.split(".")[0]
        if section not in Settings.model_fields:
            near = nearest(section, Settings.model_fields)
            hint = f"Did you mean {ENV_PREFIX}{near.upper()}__...?" if near else "Remove the variable"
            for old in (key, section):
                if now := renamed(old):
                    hint = f"{old} is now called {now} in config.yaml: rename the variable likewise"
                    break
            raise ConfigError(f"the environment variable {name} names no section of config.yaml", hint)
        overriding.append(name)
    return overriding


def _no_json(overriding: list[str], error: SettingsError) -> ConfigError:
    """Which variable has a list or mapping that is no JSON."""
    for name in overriding:
        try:
            json.loads(os.environ[name])
        except ValueError:
            if name.upper().endswith(_AS_JSON):
                return ConfigError(
                    f"{name} is {os.environ[name]!r}; allowed: JSON",
                    'Write lists as ["*.png", "*.jpg"] and mappings as {"forms": {"digits": 8}}',
                )
    return ConfigError(f"the environment: {error}", "Write lists and mappings in DIGITD_ variables as JSON")


def _absolute(settings: Settings, base: Path) -> Settings:
    def at(path: Path) -> Path:
        return Path(os.path.abspath(base / os.path.expanduser(path)))

    sources = {
        status: target if target in MOVE_NOWHERE else str(at(Path(target)))
        for status, target in settings.sources.model_dump().items()
    }
    bundle = settings.model.bundle
    textfile = settings.metrics.textfile
    if textfile not in {AUTO, OFF}:
        textfile = str(at(Path(textfile)))
    return settings.model_copy(
        update={
            "inbox": settings.inbox.model_copy(update={"path": at(settings.inbox.path)}),
            "outbox": settings.outbox.model_copy(update={"path": at(settings.outbox.path)}),
            "state": settings.state.model_copy(update={"path": at(settings.state.path)}),
            "sources": Sources(**sources),
            "model": settings.model.model_copy(update={"bundle": None if bundle is None else at(bundle)}),
            "metrics": settings.metrics.model_copy(update={"textfile": textfile}),
        }
    )
