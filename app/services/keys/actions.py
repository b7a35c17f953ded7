"""What an operator does with one key: found by its mask or id, done for the whole fleet, and written down.

The key comes first: a database that is away must not keep a leaked key in use. Then the log line is the only record,
and the answer says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from app.errors.keys import AmbiguousKeyError, KeyStoreUnavailableError, UnknownKeyError
from app.errors.storage import StoreError
from app.keypool.snapshots import Action, KeySnapshot
from app.property.storage import audit
from app.property.storage.database import Database
from app.redaction import redact
from app.services.keys.view import KeyView

log = logging.getLogger(__name__)

#: the longest reason and name of who acts; what is longer is cut
MOST_CHARACTERS = 500
#: an id is named by so many of its digits at least
SHORTEST_ID = 4
_MOST_MASKS = 20

_SAID = {
    ("disable", "done"): "is disabled: it gets no new request until it is enabled, those under way finish",
    ("disable", "nothing"): "was disabled already",
    ("enable", "done"): "is enabled, with the health that it had",
    ("enable", "nothing"): "was not disabled",
    ("probe", "done"): "may be tried with the next request",
    ("probe", "under_way"): "is being tried already",
}
#: why a probe changed nothing, by the key's state; in any other its wait was over anyway
_NOT_PROBED = {
    "disabled": "is disabled, and is not tried before it is enabled",
    "closed": "is healthy: there is nothing to try",
    "cooling": "rests after a 429, which a probe does not shorten",
    "draining": "is not configured here, and needs no probe",
}


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an action; `recorded_at` is None if the database did not take it down."""

    key_id: str
    mask: str
    action: str
    outcome: str
    state: str
    recorded_at: datetime | None

    @property
    def sentence(self) -> str:
        """For people, with the key's state where the words do not say it."""
        said = _SAID.get((self.action, self.outcome)) or _NOT_PROBED.get(
            self.state, "may be tried with the next request anyway"
        )
        shown = "" if self.state in said or self.outcome == "under_way" else f" (state: {self.state})"
        return f"OpenAI key {self.mask} {said}{shown}."

    def as_json(self) -> dict[str, Any]:
        """The shape that the doors show: JSON types only."""
        return {
            "key": self.key_id,
            "mask": self.mask,
            "action": self.action,
            "outcome": self.outcome,
            "state": self.state,
            "message": self.sentence,
            "recorded_at": self.recorded_at.isoformat() if self.recorded_at else None,
        }


def act(
    view: KeyView, database: Callable[[], Database], name: str, action: Action, *, who: str, reason: str = ""
) -> Done:
    """Do `action` with the key that `name` means, say so in the log and in the audit log of the `database`.

    `name` is a mask, an id, or the beginning of an id. Raises `UnknownKeyError` or `AmbiguousKeyError`, and
    `KeyStoreUnavailableError` if the fleet cannot be told; then nothing is written down.
    """
    try:
        key = find_key(view.snapshots(), name)
        acted = view.act(key.key_id, action)
    except redis.RedisError as exc:
        raise KeyStoreUnavailableError(type(exc).__name__) from exc
    done = {
        "action": str(action),
        "key_id": key.key_id,
        "mask": key.mask,
        "outcome": acted.effect,
        "state": acted.state,
    }
    return Done(**done, recorded_at=_recorded(database, {**done, "who": _line(who), "reason": _line(reason)}))


def find_key(known: Sequence[KeySnapshot], name: str) -> KeySnapshot:
    """The one key that `name` means. Raises `UnknownKeyError` or `AmbiguousKeyError`, which list what there is."""
    wanted = name.strip()
    for key in known:
        if wanted in (key.mask, key.key_id):
            return key
    found = [key for key in known if len(wanted) >= SHORTEST_ID and key.key_id.startswith(wanted.lower())]
    if len(found) > 1:
        raise AmbiguousKeyError(redact(wanted), _listed(found))
    if not found:
        raise UnknownKeyError(redact(wanted), _listed(known) or "none is configured")
    return found[0]


def _listed(keys: Sequence[KeySnapshot]) -> str:
    shown = ", ".join(f"{key.mask} ({key.key_id})" for key in keys[:_MOST_MASKS])
    return shown + (f" and {len(keys) - _MOST_MASKS} more" if len(keys) > _MOST_MASKS else "")


def _line(text: str) -> str:
    """`text` on one line, without a secret that was pasted into it."""
    return redact(" ".join(text.split()))[:MOST_CHARACTERS]


def _recorded(database: Callable[[], Database], deed: Mapping[str, str]) -> datetime | None:
    """The log first: it needs nobody. A warning, so that no usual LOG_LEVEL leaves it out."""
    said = {**deed, "why": f" ({deed['reason']})" if deed["reason"] else ""}
    fields = {"key": deed["mask"], **{name: deed[name] for name in ("action", "who", "reason", "outcome")}}
    log.warning("Key action: %(action)s %(mask)s by %(who)s: %(outcome)s%(why)s", said, extra=fields)
    try:
        opened = database()
        at = opened.clock.now()
        with opened.writing() as connection:
            audit.record(connection, at, area="key", **deed)
    except StoreError as exc:
        log.error("The key action is in the log only, the database did not take it down: %s", redact(str(exc)))
        return None
    return at
