"""The Lua scripts of the Redis store: their text, put together from the files in `lua/` and our own numbers.

Every number that both sides need is written once, in Python, and goes into the text; so processes with the same
configuration share one script, known to the server by its hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from importlib import resources

from app.keypool import admission, buckets, estimates, guesses, limits, meters, outcomes
from app.keypool.breaker import Policy
from app.keypool.spending import Budget, Cap
from app.keypool.stores import acquire, base, ledger, memory, state, tally, verdict
from app.keypool.strategies import strategy_in_lua

#: What nobody has touched for a week is forgotten: health, figures, limits.
_TTL_MS = 7 * 86_400_000
#: What was spent is kept a little longer than anybody asks for it.
_SPENT_TTL_MS = 35 * 86_400_000
#: Whom an operator has disabled is kept so long after any process has registered its keys.
_DISABLED_TTL_MS = 400 * 86_400_000
#: A key that no process has registered for so long leaves the index; every process registers its keys each hour.
_UNREGISTERED_US = 3 * 3_600_000_000
#: How many models are known at a time.
_MOST_MODELS = 100
#: So long it is remembered what was told of a lease, in case that the reply was lost.
_REPLY_LOST_MS = 120_000
#: How many keys one admission looks at, if one of them can go now.
_MOST_CANDIDATES = 8

#: Where the rules are whose numbers the scripts need.
_RULES = (limits, meters, guesses, buckets, estimates, admission, base, ledger, tally, state, acquire, memory, verdict)
#: What all scripts begin with, each part after those that it builds on.
_SHARED = ("names", "meters", "guesses", "buckets", "estimates", "keys", "tally", "ledger", "leases")
_NAMES = {
    "turn": "c.k.turn",
    "requests_last_hour": "requests_last_hour(c.k, now)",
    "headroom": "headroom(c.b, now)",
    "chance": "chance_of(c.k.position)",
}


@dataclass(frozen=True)
class Script:
    """One script's text, and the hash by which the server knows it."""

    text: str

    @cached_property
    def sha(self) -> str:
        """SHA-1 of the text, as EVALSHA wants it."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Scripts:
    """All scripts of a store; one file in `lua/` each."""

    acquire: Script
    confirm: Script
    undo: Script
    give_back: Script
    settle: Script
    end_stream: Script
    register: Script
    snapshot: Script
    figures: Script
    beat: Script
    alone: Script
    act: Script
    charge_bulk: Script
    settle_bulk: Script


def load_scripts(strategy: str, policy: Policy, budget: Budget) -> Scripts:
    """The scripts for one configuration. Raises `ConfigurationError` for an unknown strategy."""
    shared = "\n".join((_constants(policy, budget), *map(_read, _SHARED)))
    texts = {f.name: _read(f.name) for f in fields(Scripts)}
    texts["acquire"] = texts["acquire"].replace("return SCORE\n", f"return {_score(strategy)}\n")
    return Scripts(**{name: Script(f"{shared}\n{text}") for name, text in texts.items()})


def _read(name: str) -> str:
    return resources.files("app.keypool.stores").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def _score(strategy: str) -> str:
    """The expression over what `acquire.lua` knows of a candidate `c`; what it does not name costs nothing."""
    return re.sub(r"[a-z_]+", lambda word: _NAMES.get(word[0], word[0]), strategy_in_lua(strategy))


def _constants(policy: Policy, budget: Budget) -> str:
    constants: dict[str, object] = {
        **{name: value for rules in _RULES for name, value in vars(rules).items() if _is_constant(name, value)},
        **{f.name.upper(): getattr(policy, f.name) for f in fields(policy)},
        "ACCEPTED": outcomes.ACCEPTED,
        "UNBILLED": outcomes.UNBILLED,
        "DISABLED_TTL_MS": _DISABLED_TTL_MS,
        "UNREGISTERED_US": _UNREGISTERED_US,
        "TTL_MS": _TTL_MS,
        "SPENT_TTL_MS": _SPENT_TTL_MS,
        "MOST_CANDIDATES": _MOST_CANDIDATES,
        "MOST_MODELS": _MOST_MODELS,
        "REPLY_LOST_MS": _REPLY_LOST_MS,
        "CAP_DAY": budget.day,
        "CAP_KEY_DAY": budget.key_day,
        "CAP_BATCH": budget.batch,
    }
    return "local C = " + _table((name, _in_lua(value)) for name, value in sorted(constants.items()))


def _is_constant(name: str, value: object) -> bool:
    """True for a number, and for a number of requests or tokens with a share."""
    return name.isupper() and not name.startswith("_") and isinstance(value, int | float | tuple)


def _in_lua(value: object) -> str:
    """A set is a table whose values are true, and a cap that there is not is -1."""
    if isinstance(value, Cap):
        return _table((f.name, _in_lua(-1 if (cap := getattr(value, f.name)) is None else cap)) for f in fields(value))
    if isinstance(value, frozenset):
        return _table((str(member), "true") for member in sorted(value))
    if isinstance(value, tuple):
        return "{" + ", ".join(map(_in_lua, value)) + "}"
    return str(value)


def _table(entries: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{name} = {value}" for name, value in entries) + "}"
