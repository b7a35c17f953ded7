"""Warn about variables that are probably misspelled settings, such as `OPENAI_APIKEYS`."""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from pathlib import Path

from app.settings import SECRETS_IN_FILES, VARIABLES
from app.settings.sources import ENV_FILE_VARIABLE, NUMBERED, env_file_in_use, given_variables

log = logging.getLogger(__name__)

#: A variable that is never reported, because many other programs use it.
_COMMON = "LOGLEVEL"
#: Words that users may leave out of names, as in `OPENAI_KEY` and `OPENAI_TIMEOUT`.
_LEFT_OUT = frozenset({"API", "BYTES", "DAYS", "MEGABYTES", "SECONDS"})
#: The maximum edit distance of a misspelled name, by the minimum length of the setting's name without `_`. Settings
#: with shorter names are never suggested, because many programs use variables similar to `PORT`.
_EDITS = {8: 1, 12: 2}


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A variable that is set but is not a setting. `meant` is the setting with the most similar name."""

    name: str
    meant: str
    #: The env file that contains the variable, or None if the variable is in the environment.
    file: Path | None = None

    def __str__(self) -> str:
        place = f" in {self.file}" if self.file is not None else ""
        return f"{self.name}{place} is not a setting; did you mean {self.meant}?"


def log_near_misses() -> None:
    """Log a warning for each misspelled setting. Call this once, after logging is configured."""
    for miss in near_misses():
        log.warning("%s", miss)


def near_misses() -> list[NearMiss]:
    """Return the misspelled settings in the environment and the env file. Raises the errors of `env_file_in_use`."""
    file = env_file_in_use()
    here = given_variables(None)
    found = [NearMiss(name, meant) for name, meant in _near(here)]
    rest = {name: value for name, value in given_variables(file).items() if name not in here}
    return found + [NearMiss(name, meant, file) for name, meant in _near(rest)]


def _near(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in given:
        if (meant := meant_by(name)) is not None:
            yield name, meant


def meant_by(name: str) -> str | None:
    """Return the setting whose name is most similar to `name`, given in capitals.

    Return None if `name` is itself a setting, or if no setting is similar.
    """
    if name in _names() or name == _COMMON or NUMBERED.fullmatch(name):
        return None
    close = [(edits, known) for known in _candidates(name) if (edits := _edits(name, known)) is not None]
    return min(close, key=itemgetter(0))[1] if close else _shortened().get(name)


def _edits(name: str, known: str) -> int | None:
    bare, other = name.replace("_", ""), known.replace("_", "")
    allowed = max((edits for length, edits in _EDITS.items() if len(other) >= length), default=-1)
    if abs(len(bare) - len(other)) > allowed:
        return None
    from rapidfuzz.distance import OSA  # noqa: PLC0415 (0.03 s, and few environments need it)

    found = int(OSA.distance(bare, other, score_cutoff=allowed))
    return found if found <= allowed else None


def _candidates(name: str) -> Iterator[str]:
    if (number := re.search(r"(?<!\d)(\d++)$", name)) is not None:
        yield f"OPENAI_API_KEY_{int(number[1])}"
    yield from (known for known in _names() if known[0] == name[0])


@cache
def _shortened() -> dict[str, str]:
    made: dict[str, str] = {}
    for known in sorted(_settings()):
        words = known.split("_")
        for place, word in enumerate(words):
            if word in _LEFT_OUT and place > 0 and len(words) > 2:
                made["_".join(words[:place] + words[place + 1 :])] = known
    return made


@cache
def _settings() -> frozenset[str]:
    return frozenset(VARIABLES) - {"OPENAI_NUMBERED_KEYS"}


@cache
def _names() -> tuple[str, ...]:
    files = {f"{name}_FILE" for name in SECRETS_IN_FILES}
    return tuple(sorted({*_settings(), *files, ENV_FILE_VARIABLE}))
