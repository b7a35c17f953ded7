"""The Lua scripts of the Redis store: their text, put together from the files in `lua/` and our own numbers.

Every number that both sides need is written once, in Python, and goes into the text; so processes with the same
configuration share one script, known to the server by its hash.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, fields
from functools import cached_property
from importlib import resources

from app.keypool import admission, buckets
from app.keypool.breaker import Policy
from app.keypool.stores import memory, tally, verdict
from app.keypool.stores.base import DISABLED_RETRY_US, LEASE_US, SILENT_US, Budget, Cap
from app.keypool.stores.state import FIRST_QUOTA_PROBE_US, LONGEST_QUOTA_PROBE_US
from app.keypool.strategies import strategy_in_lua

#: What nobody has touched for a week is forgotten: health, figures, limits.
_TTL_MS = 7 * 86_400_000
#: What was spent is kept a little longer than anybody asks for it.
_SPENT_TTL_MS = 35 * 86_400_000
#: Whom an operator has disabled is kept so long after any process has registered its keys.
_DISABLED_TTL_MS = 400 * 86_400_000
#: A key that no process has registered for so long leaves the index; every process registers its keys each hour.
_UNREGISTERED_US = 3 * 3_600_000_000
#: How many keys one admission looks at, if one of them can go now.
_MOST_CANDIDATES = 8

_FROM_BUCKETS = (
    "SCHEDULE_RESERVE",
    "GATE_RESERVE",
    "LONGEST_RESERVE_S",
    "LATE_NOISE_US",
    "EARLY_STEP",
    "CAPACITY_STEP",
    "WAVERING",
    "GROWTH",
    "CUT",
    "STEADY_US",
    "SLOWING",
    "SLOWEST",
    "JITTER_US",
    "JITTER_GROWTH",
    "JITTER_DECAY",
    "LONGEST_JITTER_US",
    "RATIO_STEP",
    "SAMPLE_STEP",
    "SAMPLE_REQUESTS",
    "SMALLEST_RATIO",
    "LARGEST_RATIO",
    "ROUNDED_US",
)
_NAMES = {
    "turn": "c.k.turn",
    "requests_last_hour": "requests_last_hour(c.k, now)",
    "headroom": "headroom(c.b, now)",
    "chance": "chance_of(c.k.position)",
}
_FROM_ADMISSION = ("WORTH_WAITING_US", "LOOK_AGAIN_US", "LOOK_AGAIN_LATER_US", "ANSWER_US")
_FROM_MEMORY = ("SHORT_COOLDOWN_US", "LONGEST_DEFERRAL_US")


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
    give_back: Script
    settle: Script
    spend: Script
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
    shared = "\n".join((_constants(policy, budget), _read("buckets"), _read("keys")))
    texts = {f.name: _read(f.name) for f in fields(Scripts)}
    texts["acquire"] = texts["acquire"].replace("return SCORE\n", f"return {_score(strategy)}\n")
    return Scripts(**{name: Script(f"{shared}\n{text}") for name, text in texts.items()})


def _read(name: str) -> str:
    return resources.files("app.keypool.stores").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def _score(strategy: str) -> str:
    """The expression over what `acquire.lua` knows of a candidate `c`; what it does not name costs nothing."""
    return re.sub(r"[a-z_]+", lambda word: _NAMES.get(word[0], word[0]), strategy_in_lua(strategy))


def _constants(policy: Policy, budget: Budget) -> str:
    numbers: dict[str, object] = {
        **{f.name.upper(): getattr(policy, f.name) for f in fields(policy)},
        **{name: getattr(buckets, name) for name in _FROM_BUCKETS},
        **{name: getattr(admission, name) for name in _FROM_ADMISSION},
        **{name: getattr(memory, name) for name in _FROM_MEMORY},
        **dict(zip(("REQUESTS_DEAD", "REQUESTS_DEAD_SHARE"), buckets.REQUESTS_DEAD, strict=True)),
        **dict(zip(("TOKENS_DEAD", "TOKENS_DEAD_SHARE"), buckets.TOKENS_DEAD, strict=True)),
        "FIRST_QUOTA_PROBE_US": FIRST_QUOTA_PROBE_US,
        "LONGEST_QUOTA_PROBE_US": LONGEST_QUOTA_PROBE_US,
        "DEFAULT_COOLDOWN_US": verdict.DEFAULT_COOLDOWN_US,
        "LONGEST_SATURATION_US": tally.LONGEST_SATURATION_US,
        "DISABLED_RETRY_US": DISABLED_RETRY_US,
        "DISABLED_TTL_MS": _DISABLED_TTL_MS,
        "LEASE_US": LEASE_US,
        "SILENT_US": SILENT_US,
        "UNREGISTERED_US": _UNREGISTERED_US,
        "TTL_MS": _TTL_MS,
        "SPENT_TTL_MS": _SPENT_TTL_MS,
        "MOST_CANDIDATES": _MOST_CANDIDATES,
        "CAP_DAY": _cap(budget.day),
        "CAP_KEY_DAY": _cap(budget.key_day),
        "CAP_BATCH": _cap(budget.batch),
    }
    return "local C = {" + ", ".join(f"{name} = {value}" for name, value in sorted(numbers.items())) + "}"


def _cap(cap: Cap) -> str:
    values = {f.name: getattr(cap, f.name) for f in fields(cap)}
    return "{" + ", ".join(f"{name} = {-1 if value is None else value}" for name, value in values.items()) + "}"
