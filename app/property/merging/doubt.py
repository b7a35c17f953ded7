"""Report doubts about a value: contradicting sources, a low confidence, or an age beyond the freshness limit.

Properties have the form that `PropertyStore.get` returns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.property.merging.agreement import same_value
from app.property.record import UNIT_OF, PageKind
from app.property.source_record import SourceRecord

UNSURE_BELOW = 0.9
#: Default of EXPORT_MIN_CONFIDENCE.
MIN_CONFIDENCE = 0.5


@dataclass(frozen=True, slots=True)
class Other:
    """The evidence of a source that contradicts the chosen value. `reason` says why the source's value lost ("" if
    unknown).
    """

    proof: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """`others` are contradicting sources, the strongest first. `confidence` is None unless it is low, and `read_at` is
    None unless the value is old.
    """

    others: tuple[Other, ...]
    confidence: float | None
    read_at: datetime | None


def doubt_about(shown: Mapping[str, Any], name: str, now: datetime, fresh_days: float) -> Doubt | None:
    """Return the doubts about the property's value of the field `name`, or None if there are none."""
    proof = shown["evidence"][name]
    read_at = as_of(shown, proof)
    doubt = Doubt(
        others=tuple(others(shown, name)),
        confidence=proof["confidence"] if proof["confidence"] < UNSURE_BELOW else None,
        read_at=read_at if now - read_at > timedelta(days=fresh_days) else None,
    )
    return doubt if doubt.others or doubt.confidence is not None or doubt.read_at is not None else None


def without_improbable(shown: Mapping[str, Any], min_confidence: float) -> Mapping[str, Any]:
    """Return the property without values whose confidence is below `min_confidence`, 0 to 1.

    They stay in `evidence`. If there are any, `below_confidence` lists their fields.
    """
    below = [name for name, proof in shown["evidence"].items() if proof["confidence"] < min_confidence]
    if not below:
        return shown
    record = {name: value for name, value in shown["record"].items() if name not in below}
    return {**shown, "record": record, "below_confidence": below}


def others(shown: Mapping[str, Any], name: str) -> list[Other]:
    """Return the sources that contradict the chosen value. Older values, and the same value in another unit or
    spelling, do not count.
    """
    found = next((conflict for conflict in shown["conflicts"] if conflict["field"] == name), None)
    if found is None:
        return []
    chosen, *rest = found["evidence"]
    reasons = found.get("reasons") or [""] * len(found["evidence"])
    verdicts = found.get("verdicts") or ["conflict"] * len(found["evidence"])
    return [
        Other(proof, reason)
        for proof, reason, verdict in zip(rest, reasons[1:], verdicts[1:], strict=True)
        if verdict == "conflict" and not says_the_same(name, chosen, proof)
    ]


def says_the_same(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two pieces of evidence (as JSON) agree on the field `name`, in any unit or spelling."""
    return same_value(name, _alone(name, one), _alone(name, other))


def as_of(shown: Mapping[str, Any], proof: Mapping[str, Any]) -> datetime:
    """Return when the value was last confirmed: when its page was last read or found unchanged."""
    same = (source for source in shown["sources"] if source["content_sha256"] == proof["content_sha256"])
    moments = [proof["fetched_at"], *(source["checked_at"] for source in same if source["checked_at"])]
    return max(map(datetime.fromisoformat, moments))


def source_of(shown: Mapping[str, Any], url: str) -> Mapping[str, Any] | None:
    """Return the source that has `url` as any of its URLs, or None."""
    for source in shown["sources"]:
        if url in (source["url"], source["final_url"], source["page_url"]):
            found: Mapping[str, Any] = source
            return found
    return None


def _alone(name: str, proof: Mapping[str, Any]) -> SourceRecord:
    values = {name: proof["value"]}
    if name in UNIT_OF and proof.get("unit"):
        values[UNIT_OF[name]] = proof["unit"]
    url, at = proof["source_url"], datetime.fromisoformat(proof["fetched_at"])
    return SourceRecord(url, url, PageKind.RECORD, proof["content_sha256"], at, values, {})
