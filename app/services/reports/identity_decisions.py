"""Make and log identity decisions: split, join, and undo. Callers must check permissions.

All functions raise `NotFoundError` for an unknown id, and errors of the database. `split`, `join`, and `undo` raise
`IdentityDecisionError` if the decision is not possible.
"""

import logging
from collections.abc import Sequence
from typing import Any

from app.errors.pages import IdentityDecisionError
from app.property.merging.explain import explain
from app.property.storage.database import Database
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import IdentityDecision
from app.redaction import redact

log = logging.getLogger(__name__)

#: Maximum length of a reason, which the API and the web pages check.
MOST_CHARACTERS = 500


def split(database: Database, property_id: str, urls: Sequence[str], *, who: str, reason: str = "") -> IdentityDecision:
    return _logged(DecisionStore(database).split(property_id, urls, who=who, reason=redact(reason)))


def join(database: Database, property_id: str, other_id: str, *, who: str, reason: str = "") -> IdentityDecision:
    return _logged(DecisionStore(database).join(property_id, other_id, who=who, reason=redact(reason)))


def undo(database: Database, decision_id: str, *, who: str, property_id: str | None = None) -> IdentityDecision:
    """Undo a decision. If `property_id` is given, the decision must be about that property."""
    store = DecisionStore(database)
    if property_id is not None and not any(decision.id == decision_id for decision in store.of(property_id)):
        raise IdentityDecisionError(property_id, f"decision {decision_id} is not on this property")
    return _logged(store.undo(decision_id, who=who))


def explanation(database: Database, property_id: str) -> dict[str, Any]:
    """Explain why each source belongs to the property and why each value was chosen. List all identity decisions."""
    home, sources, joined = PropertyStore(database).sources_of(property_id)
    explained = explain(home, sources, joined, database.clock.now())
    made = DecisionStore(database).of(property_id)
    return {**explained, "decisions": [one.as_json() for one in made]}


def _logged(decision: IdentityDecision) -> IdentityDecision:
    log.info(
        "%s of properties %s and %s%s by %s",
        *(decision.kind, decision.property_id, decision.other_id, " undone" if decision.undone_at else ""),
        decision.undone_by or decision.who,
    )
    return decision
