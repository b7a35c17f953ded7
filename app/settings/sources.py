"""Sources of settings besides the environment: the env file, numbered variables, and files with secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dotenv import dotenv_values
from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from app.errors import ConfigurationError

if TYPE_CHECKING:
    from app.settings.areas import Area

ENV_FILE_VARIABLE = "PROPINTEL_ENV_FILE"
NUMBERED = re.compile(r"OPENAI_API_KEY_(\d+)")


def env_file_in_use(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the absolute path of the env file, which is the value of `PROPINTEL_ENV_FILE` or else `.env`.

    Return None if the variable is empty or /dev/null, or if it is not set and `.env` does not exist. Raises
    `ConfigurationError` if the file cannot be read.
    """
    named = environ.get(ENV_FILE_VARIABLE)
    if named is not None and named.strip() in ("", os.devnull):
        return None
    path = Path(".env" if named is None else named.strip()).expanduser().absolute()
    if named is None and not os.path.exists(path):  # noqa: PTH110 (`Path.exists` raises where the folder is closed)
        return None
    if (problem := _unreadable(path)) is not None:
        remedy = f"Correct the path or the file, or set {ENV_FILE_VARIABLE} to nothing to read no file"
        raise ConfigurationError(ENV_FILE_VARIABLE, f"{path} {problem}", remedy)
    return path


def _unreadable(path: Path) -> str | None:
    try:
        if path.is_fifo():
            return "is a pipe, but an env file is read several times"
        path.read_text(encoding="utf-8")
    except OSError as exc:
        return f"cannot be read ({exc.strerror or type(exc).__name__})"
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    return None


def given_variables(env_file: Path | None) -> dict[str, str]:
    """Return the variables that are set and not blank, with their names in capitals.

    The environment takes precedence over `env_file`.
    """
    from_file = dotenv_values(env_file, encoding="utf-8") if env_file is not None else {}
    return {name.upper(): value for name, value in {**from_file, **os.environ}.items() if value and value.strip()}


class OtherVariables(PydanticBaseSettingsSource):
    """Reads OPENAI_API_KEY_1..n in the order of their numbers, and secrets from files.

    If a secret NAME is not set, it is read from the file at the path NAME_FILE. OPENAI_API_KEYS_FILE and
    SOURCE_SECRETS_FILE are not read here. They are settings of their own, because their files have one secret per line
    and are read again while the process runs.
    """

    def __init__(self, settings_cls: type[BaseSettings], env_file: object) -> None:
        super().__init__(settings_cls)
        self._env_file = Path(env_file) if isinstance(env_file, str | Path) else None

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 (the base class asks for it)
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        given = given_variables(self._env_file)
        named = _named_files(cast("type[Area]", self.settings_cls), given)
        found: dict[str, Any] = {name: SecretStr(_text_of(variable, path)) for variable, name, path in named}
        keys = {int(match[1]): SecretStr(text) for name, text in given.items() if (match := NUMBERED.fullmatch(name))}
        if keys and "numbered_keys" in self.settings_cls.model_fields:
            found["numbered_keys"] = [keys[number] for number in sorted(keys)]
        return found


def _named_files(area: type[Area], given: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for variable, name in secrets_in_files(area):
        if variable not in given and (path := given.get(f"{variable}_FILE")):
            yield variable, name, path


def files_with_secrets(areas: Iterable[Area], env_file: Path | None) -> list[Path]:
    """Return the env file and all files with secrets that the settings name."""
    found, given = [env_file], given_variables(env_file)
    for area in areas:
        kind = type(area)
        own = (name for name in kind.model_fields if name.endswith("_file") and _holds_secrets(kind, name))
        found += [getattr(area, name) for name in own]
        found += [Path(path) for _, _, path in _named_files(kind, given)]
    return [path.expanduser() for path in found if path is not None]


def _holds_secrets(area: type[Area], name: str) -> bool:
    """Return whether the field `name` is the path of a file with secrets, such as OPENAI_API_KEYS_FILE."""
    secret = area.model_fields.get(name.removesuffix("_file"))
    return secret is not None and secret.annotation == SecretStr | None


def secrets_in_files(area: type[Area]) -> Iterator[tuple[str, str]]:
    """Yield each variable whose value may be in a file at the path NAME_FILE, and the variable's field."""
    for variable, name in area.variables():
        if area.model_fields[name].annotation == SecretStr | None and f"{name}_file" not in area.model_fields:
            yield variable, name


def _text_of(variable: str, path: str) -> str:
    remedy = f"Correct {variable}_FILE, or the file's mode and owner"
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else "it is not text"
        raise ConfigurationError(f"{variable}_FILE", f"{path} cannot be read ({reason})", remedy) from None
    if not text:
        raise ConfigurationError(f"{variable}_FILE", f"{path} is empty", remedy)
    return text
