"""All settings, grouped by area. No other code reads settings from the environment.

`areas.py` defines the settings of each area, `forms.py` the types of their values, and `sources.py` where values are
read from. `names.py` finds misspelled names. Only the entry points (worker, web, cli), `OpenAIClientManager`, and the
key reloader call `load_settings()`. All other code gets settings as arguments.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from app.errors import ConfigurationError
from app.redaction import header_secrets, protect, url_secrets
from app.settings.areas import (
    AddressSettings,
    AlertSettings,
    Area,
    BudgetSettings,
    ChangesSettings,
    ExportSettings,
    FetchSettings,
    FlowerSettings,
    JobSettings,
    LogSettings,
    OpenAISettings,
    ReadingSettings,
    RetentionSettings,
    SearchSettings,
    StateSettings,
    TraceSettings,
    WatchSettings,
    WebSettings,
)
from app.settings.sources import env_file_in_use, secrets_in_files


class Settings(BaseModel):
    """All settings by area. `make reference` writes `docs/reference/settings.md` from them."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    openai: OpenAISettings
    reading: ReadingSettings
    state: StateSettings
    addresses: AddressSettings
    web: WebSettings
    flower: FlowerSettings
    fetch: FetchSettings
    watch: WatchSettings
    search: SearchSettings
    retention: RetentionSettings
    alert: AlertSettings
    changes: ChangesSettings
    exports: ExportSettings
    budget: BudgetSettings
    jobs: JobSettings
    traces: TraceSettings
    logs: LogSettings

    @classmethod
    def of(cls, env_file: Path | None = None, **given: object) -> Self:
        """Return settings with the `given` values, whose names are the variables' names in lowercase.

        Other values are read from the environment and from `env_file`. Raises `pydantic.ValidationError`, and
        `TypeError` for an unknown name.
        """
        return cls(**_areas(env_file, given))

    def replaced(self, **given: object) -> Self:
        """Return a copy with the `given` values, named as in `of`. The values are not validated."""
        changed: dict[str, dict[str, object]] = {}
        for name, value in given.items():
            area, field = VARIABLES[name.upper()]
            changed.setdefault(area, {})[field] = value
        areas = {area: getattr(self, area).model_copy(update=fields) for area, fields in changed.items()}
        return self.model_copy(update=areas)

    def areas(self) -> Iterator[Area]:
        return (getattr(self, area) for area in AREAS)

    def secrets(self) -> Iterator[str]:
        """Yield every secret value; for URLs and headers, only the secret parts.

        Logins in the URLs of settings that are not secret are included.
        """
        for variable, (area, name) in VARIABLES.items():
            value = getattr(getattr(self, area), name)
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, SecretStr):
                    yield from filter(None, _secrets_of(variable.lower(), one.get_secret_value()))
                elif isinstance(one, str) and "://" in one:
                    yield from filter(None, url_secrets(one))

    def protect_secrets(self) -> None:
        protect(self.secrets())


def _secrets_of(name: str, value: str) -> Iterator[str]:
    if name.endswith(("_url", "_proxy")):
        yield from url_secrets(value, path_too=True)
    elif name.endswith("_headers"):
        yield from header_secrets(value)
    elif name.endswith("_basic_auth"):
        logins = [login.strip() for login in value.split(",")]
        yield from (*logins, *(login.partition(":")[2] for login in logins))
    elif name == "source_secrets":
        yield from (entry.partition("=")[2].strip() for entry in value.split(","))
    else:
        yield value
        yield from (part.strip() for part in value.split(",") if name.endswith("_keys"))


AREAS = {name: cast("type[Area]", field.annotation) for name, field in Settings.model_fields.items()}
#: The area and field of each environment variable. OPENAI_NUMBERED_KEYS stands for OPENAI_API_KEY_1..n.
VARIABLES = {variable: (area, name) for area, kind in AREAS.items() for variable, name in kind.variables()}
DECLARED = {variable: AREAS[area].model_fields[name] for variable, (area, name) in VARIABLES.items()}
#: Each variable whose value may be in a file. The variable NAME_FILE has the path of the file for NAME.
SECRETS_IN_FILES = tuple(variable for kind in AREAS.values() for variable, _ in secrets_in_files(kind))
#: The prefixes of all variables except PORT. Processes that must not see the configuration are started without
#: variables that have these prefixes. `OPENAI_` also covers the SDK's own variables.
VARIABLE_PREFIXES = tuple(sorted({f"{name.split('_')[0]}_" for name in VARIABLES if "_" in name}))
#: Variables that programs may need to run.
_SYSTEM_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


def bare_environment() -> dict[str, str]:
    """Return the environment for a program that must not see the settings of this service."""
    return {name: os.environ[name] for name in _SYSTEM_VARIABLES if name in os.environ}


def load_settings() -> Settings:
    """Return the settings from the environment and the env file (`env_file_in_use`). The environment takes precedence.

    After this call, `app.redaction` redacts the secret values. Raises `ConfigurationError`, which names the first
    invalid variable and never shows a value.
    """
    settings = _loaded(Settings.of)
    settings.protect_secrets()
    return settings


def load_log_settings() -> LogSettings:
    """Return only the settings for logging. Raises `ConfigurationError` if one of these is invalid."""
    return _loaded(lambda file: LogSettings(_env_file=file))


def _areas(env_file: Path | None, given: Mapping[str, object]) -> dict[str, Any]:
    if unknown := {name for name in given if name.upper() not in VARIABLES}:
        raise TypeError(f"unknown settings: {', '.join(sorted(unknown))}")
    chosen: dict[str, dict[str, Any]] = {area: {} for area in AREAS}
    for name, value in given.items():
        area, field = VARIABLES[name.upper()]
        chosen[area][field] = value
    return {area: kind(_env_file=env_file, **chosen[area]) for area, kind in AREAS.items()}


def _loaded[S](load: Callable[[Path | None], S]) -> S:
    try:
        return load(env_file_in_use())
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False, include_context=False)[0]
        name = str(first["loc"][0])
        variable = next(
            variable
            for variable, (area, field) in VARIABLES.items()
            if field == name and AREAS[area].__name__ == exc.title
        )
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(variable, message, "Correct it in the environment or in the env file") from None
