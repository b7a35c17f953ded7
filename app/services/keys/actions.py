"""Perform operators' actions on keys: find the key, act for all processes, and record the action.

The action is recorded after it is performed, because an unavailable database must not keep a leaked key in use. If the
database is unavailable, the log line is the only record, and the result's `recorded_at` is None.
"""

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

#: Operators' names and reasons are cut to this length.
MOST_CHARACTERS = 500
#: Minimum length of a name that is matched with the end of a mask or the beginning of a key id.
SHORTEST_PART = 4
_MOST_MASKS = 20

_OUTCOMES = {
    ("disable", "done"): "is disabled: it gets no new requests until it is enabled; open requests finish",
    ("disable", "nothing"): "was disabled already",
    ("enable", "done"): "is enabled, in its previous state",
    ("enable", "nothing"): "was not disabled",
    ("probe", "done"): "may be tried with the next request",
    ("probe", "under_way"): "is being tried already",
}
#: Explains, by the key's state, why a probe changed nothing.
_NOT_PROBED = {
    "disabled": "is disabled, and is not tried before it is enabled",
    "closed": "is healthy: there is nothing to try",
    "cooling": "waits after a 429, which a probe does not shorten",
    "draining": "is not configured here, and needs no probe",
}


@dataclass(frozen=True, slots=True)
class Done:
    key_id: str
    mask: str
    action: str
    outcome: str
    state: str
    recorded_at: datetime | None

    @property
    def sentence(self) -> str:
        """The result as a sentence. The key's state is appended unless the sentence already contains it."""
        outcome = _OUTCOMES.get((self.action, self.outcome)) or _NOT_PROBED.get(
            self.state, "may be tried with the next request anyway"
        )
        shown = "" if self.state in outcome or self.outcome == "under_way" else f" (state: {self.state})"
        return f"OpenAI key {self.mask} {outcome}{shown}."

    def as_json(self) -> dict[str, Any]:
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
    """Perform `action` on the key `name`, and record it in the log and in the database's audit log.

    `name` is the same as for `find_key`. Raises `UnknownKeyError`, `AmbiguousKeyError`, or `KeyStoreUnavailableError`.
    After an error, nothing is recorded.
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
    """Return the key with the mask or id `name`, or else the only key whose mask ends or whose id begins with `name`.

    Raises `UnknownKeyError` or `AmbiguousKeyError`.
    """
    wanted = name.strip()
    for key in known:
        if wanted in (key.mask, key.key_id):
            return key
    found = [key for key in known if len(wanted) >= SHORTEST_PART and _has_part(key, wanted)]
    if len(found) > 1:
        raise AmbiguousKeyError(redact(wanted), _listed(found))
    if not found:
        raise UnknownKeyError(redact(wanted), _listed(known) or "none is configured")
    return found[0]


def _has_part(key: KeySnapshot, part: str) -> bool:
    return key.mask.partition("#")[0].endswith(part) or key.key_id.startswith(part.lower())


def _listed(keys: Sequence[KeySnapshot]) -> str:
    shown = ", ".join(f"{key.mask} ({key.key_id})" for key in keys[:_MOST_MASKS])
    return shown + (f" and {len(keys) - _MOST_MASKS} more" if len(keys) > _MOST_MASKS else "")


def _line(text: str) -> str:
    return redact(" ".join(text.split()))[:MOST_CHARACTERS]


def _recorded(database: Callable[[], Database], entry: Mapping[str, str]) -> datetime | None:
    """Log the entry as a warning, so that no common LOG_LEVEL hides it, and store it in the database."""
    arguments = {**entry, "why": f" ({entry['reason']})" if entry["reason"] else ""}
    fields = {"key": entry["mask"], **{name: entry[name] for name in ("action", "who", "reason", "outcome")}}
    log.warning("Key action: %(action)s %(mask)s by %(who)s: %(outcome)s%(why)s", arguments, extra=fields)
    try:
        opened = database()
        at = opened.clock.now()
        with opened.writing() as connection:
            audit.record(connection, at, area="key", **entry)
    except StoreError as exc:
        log.error("The database did not record the key action, which is only in the log: %s", redact(str(exc)))
        return None
    return at
