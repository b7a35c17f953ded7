"""Where settings come from beside the environment and the dotenv file: numbered variables, and files with secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from app.errors import ConfigurationError

_NUMBERED = re.compile(r"OPENAI_API_KEY_(\d+)")


class _Variables(PydanticBaseSettingsSource):
    """A source that looks through all variables that are set."""

    def __init__(self, settings_cls: type[BaseSettings], env_file: object) -> None:
        super().__init__(settings_cls)
        self._env_file = env_file

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 (the base class asks for it)
        return None, field_name, False

    def _given(self) -> dict[str, str]:
        """The variables that are set and not blank, in capitals; the environment wins over the dotenv file."""
        from_file = dotenv_values(self._env_file) if isinstance(self._env_file, str | Path) else {}
        return {name.upper(): value for name, value in {**from_file, **os.environ}.items() if value and value.strip()}


class NumberedKeys(_Variables):
    """Collects OPENAI_API_KEY_1..n, in the order of their numbers."""

    def __call__(self) -> dict[str, Any]:
        found = {int(match[1]): text for name, text in self._given().items() if (match := _NUMBERED.fullmatch(name))}
        return {"openai_numbered_keys": [SecretStr(found[n]) for n in sorted(found)]} if found else {}


class SecretFiles(_Variables):
    """`NAME_FILE`, for every secret NAME that is not set itself: a file that holds the value, as secret mounts do.

    OPENAI_API_KEYS_FILE and SOURCE_SECRETS_FILE are no such variables but settings of their own: they hold one secret a
    line, and are read again.
    """

    def __call__(self) -> dict[str, Any]:
        given = self._given()
        named = {
            name: given.get(f"{name.upper()}_FILE")
            for name in secrets_in_files(self.settings_cls)
            if name.upper() not in given
        }
        return {name: SecretStr(_text_of(name.upper(), path)) for name, path in named.items() if path}


def secrets_in_files(cls: type[BaseSettings]) -> Iterator[str]:
    """The settings that may be read from a file that `NAME_FILE` names: the secret ones that are a single text."""
    for name, field in cls.model_fields.items():
        if field.annotation == SecretStr | None and f"{name}_file" not in cls.model_fields:
            yield name


def _text_of(variable: str, path: str) -> str:
    """What the file holds, without the line's end that editors leave. Raises `ConfigurationError` if it is nothing."""
    remedy = f"Correct {variable}_FILE, or the file's mode and owner"
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else "it is no text"
        raise ConfigurationError(f"{variable}_FILE", f"{path} cannot be read ({reason})", remedy) from None
    if not text:
        raise ConfigurationError(f"{variable}_FILE", f"{path} is empty", remedy)
    return text
