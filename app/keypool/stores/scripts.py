"""Build the text of the pool's Lua scripts from the files in `lua/` and the configuration.

Constants that Python also needs are defined in Python and inserted into the text. The text depends only on the
configuration, so that all processes use the same script cached in Redis.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from importlib import resources

from app.keypool import outcomes
from app.keypool.breaker import Policy
from app.keypool.spending import Budget, Cap
from app.keypool.stores import base
from app.keypool.strategies import load_strategy

#: Random seeds are below this prime. Each key's `chance` (`strategies.py`) is computed from a seed.
SEEDS = 65_537
_FOLDER = resources.files("app.keypool.stores").joinpath("lua")
#: The files with functions that all scripts share, in order: each uses only functions of the files before it.
_SHARED = ("names", "meters", "guesses", "buckets", "keys", "tally", "ledger", "leases")
_NAMES = {
    "latest_lease": "c.k.latest_lease",
    "requests_last_hour": "requests_last_hour(c.k, now)",
    "headroom": "headroom(c.b, now)",
    "chance": "chance_of(seed, c.k.position)",
}


@dataclass(frozen=True)
class Script:
    text: str

    @cached_property
    def sha(self) -> str:
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


def load_scripts(strategy: str, policy: Policy, budget: Budget, processes: int = 1) -> dict[str, Script]:
    """Return the scripts for one configuration by their file name in `lua/`, without the suffix.

    This process may use 1/`processes` of what remains of each budget. Raises `ConfigurationError` for an unknown
    strategy.
    """
    shared, score = shared_text(policy, budget, processes), _score(strategy)
    names = {file.name.removesuffix(".lua") for file in _FOLDER.iterdir()} - set(_SHARED)
    texts = {name: _read(name).replace("return SCORE\n", f"return {score}\n") for name in names}
    return {name: Script(f"{shared}\n{text}") for name, text in texts.items()}


def shared_text(policy: Policy, budget: Budget, processes: int = 1) -> str:
    """Return the start of every script: the constants and the shared functions."""
    return "\n".join((_constants(policy, budget, processes), *map(_read, _SHARED)))


def _read(name: str) -> str:
    return _FOLDER.joinpath(f"{name}.lua").read_text(encoding="utf-8")


def _score(strategy: str) -> str:
    return re.sub(r"[a-z_]+", lambda word: _NAMES.get(word[0], word[0]), load_strategy(strategy))


def _constants(policy: Policy, budget: Budget, processes: int) -> str:
    constants: dict[str, object] = {
        **{f.name.upper(): getattr(policy, f.name) for f in fields(policy)},
        "ACCEPTED": outcomes.ACCEPTED,
        "UNBILLED": outcomes.UNBILLED,
        "LEASE_US": base.LEASE_US,
        "SILENT_US": base.SILENT_US,
        "DAY_US": base.DAY_US,
        "SEEDS": SEEDS,
        "PROCESSES": processes,
        "CAP_DAY": budget.day,
        "CAP_KEY_DAY": budget.key_day,
        "CAP_BATCH": budget.batch,
    }
    return "local C = " + _table((name, _in_lua(value)) for name, value in sorted(constants.items()))


def _in_lua(value: object) -> str:
    """Convert a constant to Lua. A set becomes a table that maps each member to true. A limit of None becomes -1."""
    if isinstance(value, Cap):
        return _table((f.name, _in_lua(-1 if (cap := getattr(value, f.name)) is None else cap)) for f in fields(value))
    if isinstance(value, frozenset):
        return _table((str(member), "true") for member in sorted(value))
    return str(value)


def _table(entries: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{name} = {value}" for name, value in entries) + "}"
