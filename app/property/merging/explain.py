"""Explain a property: why each source belongs to it, why each value won, and how old each value is.

Explanations are computed from the stored records with the current rules, so they may differ from past decisions.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from app.property.merging.matching import Decision, Key, decide
from app.property.merging.merge import Merged, merge
from app.property.merging.voting import SourceValue
from app.property.record import DERIVED_FIELDS
from app.property.source_record import SourceRecord

_SECONDS_A_DAY = 86_400.0


def explain(
    property_id: str, sources: Sequence[SourceRecord], joined: Collection[str], now: datetime
) -> dict[str, Any]:
    """Return `{"property", "sources": [{"url", "source_kind", "as_of", "age_days", "belongs"}], "values": [{"field",
    "value", "as_of", "age_days", "why", "source_values"}]}` in JSON types.

    `joined` are the URLs of sources that a person assigned to the property. `belongs` is `{"key", "is_same", "why",
    "compared"}`. `source_values` has the value and weight of each source, the winner first.
    """
    merged = merge(sources)
    return {
        "property": property_id,
        "sources": [
            {
                "url": source.url,
                "source_kind": source.source_kind,
                **_age(source.as_of, now),
                "belongs": _belongs(source, sources, is_joined=source.url in joined).as_json(),
            }
            for source in sources
        ],
        "values": [_value(name, merged, now) for name in merged.values],
    }


def _age(as_of: datetime, now: datetime) -> dict[str, Any]:
    days = (now - as_of).total_seconds() / _SECONDS_A_DAY
    return {"as_of": as_of.isoformat(), "age_days": round(max(0.0, days), 2)}


def _belongs(source: SourceRecord, sources: Sequence[SourceRecord], *, is_joined: bool) -> Decision:
    """Return why a source belongs to the property: its match with the merged values of the other sources, or else its
    best match with one of them.
    """
    others = [one for one in sources if one is not source]
    if is_joined:
        return Decision(Key.DECISION, True, False, "joined by a person (see decisions)")
    if not others:
        return Decision(Key.PAGE, True, False, "the only source")
    together = decide(source.values, merge(others).values)
    if together.is_same:
        return together
    single = [found for one in others if (found := decide(source.values, one.values)).is_same]
    if single:
        return max(single, key=lambda found: found.points)
    why = f"found for this property, but its values alone do not prove it: {together.why}"
    return Decision(Key.NONE, False, together.differs, why, together.compared)


def _value(name: str, merged: Merged, now: datetime) -> dict[str, Any]:
    shown = {"field": name, "value": merged.values[name]}
    if name in DERIVED_FIELDS:
        proof = merged.evidence[name]
        inputs = [field for field in re.findall(r"\w+", proof.locator) if field in merged.source_values]
        oldest = min(merged.source_values[field][0].source.as_of for field in inputs)
        return {**shown, **_age(oldest, now), "why": f"computed: {proof.raw}", "inputs": inputs, "source_values": []}
    given = merged.source_values[name]
    values = [_source_value(name, one, now) for one in given]
    return {**shown, **_age(given[0].source.as_of, now), "why": given[0].reason, "source_values": values}


def _source_value(name: str, one: SourceValue, now: datetime) -> dict[str, Any]:
    weight = one.weight
    return {
        "url": one.source.url,
        "source_kind": one.source.source_kind,
        "value": one.source.values[name],
        "verdict": str(one.verdict),
        "reason": one.reason,
        "read_by": str(one.proof.method),
        **_age(one.source.as_of, now),
        "weight": {
            "rank": weight.rank,
            "method": weight.method,
            "confidence": weight.confidence,
            "freshness": round(weight.freshness, 4),
            "fit": round(weight.fit, 4),
            "vote": round(weight.vote, 3),
        },
        "votes": round(one.votes, 3),
        "source_count": one.source_count,
    }
