"""Advise operators what to fix first, and whether more keys or quota would help."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal

from app.plurals import counted
from app.property.storage.keys.history import KeyHistoryStore
from app.property.storage.keys.usage import HOUR, Demand, hour_of
from app.services.reports.key_report.view import KeyView, PoolView, named

#: Saturation for a smaller share of the observed time is ignored.
SATURATED = 0.01
#: From this share of the observed time on, saturation is a warning.
_WARNING_SHARE = 0.10
_DAY = timedelta(hours=24)
_HOUR_S = 3600.0
_UNIT_WORDS = {"requests": "requests per minute", "tokens": "tokens per minute"}


@dataclass(frozen=True, slots=True)
class Advice:
    """Advice: a stable `code`, a `sentence` for people, and the `numbers` behind the sentence (JSON values)."""

    code: str
    severity: Literal["info", "warning"]
    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The basis of advice. `demand` is the demand by model in the time `observed`, the last 24 hours or less."""

    keys: tuple[KeyView, ...]
    demand: Mapping[str, Demand]
    observed: timedelta


def gather(view: PoolView, history: KeyHistoryStore) -> Evidence:
    began_at, first = history.began_at() or view.at, hour_of(view.at) - _DAY + HOUR
    return Evidence(view.keys, history.demand(first), view.at - max(first, began_at))


def advise(evidence: Evidence) -> list[Advice]:
    """Return advice, about failing keys first and about capacity last."""
    if not evidence.keys:
        return []
    saturated = list(_saturation(evidence))
    return [
        *_mend_first(evidence),
        *_disabled(evidence),
        *_budget(evidence),
        *_forbidden(evidence),
        *saturated,
        *_capacity(evidence, bool(saturated)),
    ]


def _mend_first(evidence: Evidence) -> Iterator[Advice]:
    out = [key for key in evidence.keys if key.is_out]
    if out:
        masks = [key.mask for key in out]
        sentence = (
            f"{len(out)} of {counted(len(evidence.keys), 'key')} are out of rotation ({named(masks)}): fix them first."
        )
        numbers = {"out": len(out), "keys": len(evidence.keys), "masks": masks[:20]}
        yield Advice("mend_keys_first", "warning", sentence, numbers)


def _disabled(evidence: Evidence) -> Iterator[Advice]:
    masks = [key.mask for key in evidence.keys if key.is_disabled]
    if masks:
        word = "is" if len(masks) == 1 else "are"
        sentence = f"{len(masks)} of {counted(len(evidence.keys), 'key')} {word} disabled by an operator "
        sentence += f"({named(masks)}): enable them when they are wanted again."
        numbers = {"disabled": len(masks), "keys": len(evidence.keys), "masks": masks[:20]}
        yield Advice("keys_disabled", "info", sentence, numbers)


def _budget(evidence: Evidence) -> Iterator[Advice]:
    refused = sum(demand.refusals.get("budget", 0) for demand in evidence.demand.values())
    if refused:
        sentence = f"A budget stopped {counted(refused, 'request')} in {_span(evidence)}: more keys do not help, "
        sentence += "a higher BUDGET_* or fewer fields for the model do."
        yield Advice("budget_stops", "warning", sentence, {"refused": refused})


def _forbidden(evidence: Evidence) -> Iterator[Advice]:
    for model, demand in sorted(evidence.demand.items()):
        if refused := demand.refusals.get("forbidden", 0):
            was = counted(refused, "request was", "requests were")
            sentence = f"No key may use {model or 'no model'}: {was} refused in {_span(evidence)}. "
            sentence += "Give a project access to it, or set OPENAI_MODEL to another."
            yield Advice("model_forbidden", "warning", sentence, {"model": model, "refused": refused})


def _saturation(evidence: Evidence) -> Iterator[Advice]:
    for model, demand in sorted(evidence.demand.items()):
        times = (("requests", demand.saturated_requests_us), ("tokens", demand.saturated_tokens_us))
        for unit, us in times:
            share = min(1.0, us / 1_000_000 / _seconds(evidence))
            if share >= SATURATED:
                sentence = f"{model or 'Requests without a model'}: the pool was saturated for {share:.0%} of "
                sentence += f"{_span(evidence)}, by its {_UNIT_WORDS[unit]}."
                numbers = {"model": model, "unit": unit, "share": round(share, 4), "seconds": round(us / 1_000_000, 1)}
                numbers["found_no_capacity"] = demand.refusals.get("no_capacity", 0)
                yield Advice("saturated", "warning" if share >= _WARNING_SHARE else "info", sentence, numbers)


def _capacity(evidence: Evidence, saturated: bool) -> Iterator[Advice]:
    keys, groups = len(evidence.keys), len({key.group for key in evidence.keys})
    numbers = {"keys": keys, "limit_groups": groups}
    span = _span(evidence)
    if not any(demand.sent or demand.refusals for demand in evidence.demand.values()):
        yield Advice("idle", "info", f"No request was made in {span}, so there is no advice on capacity.", numbers)
    elif not saturated:
        sentence = f"The pool was saturated for less than {SATURATED:.0%} of {span}: it needs no more keys or quota."
        yield Advice("enough", "info", sentence, numbers)
    elif all(key.is_in_rotation for key in evidence.keys):  # if keys fail, fixing them may be enough
        shared = f"; your {counted(keys, 'key')} are in {counted(groups, 'limit group')}" if groups < keys else ""
        sentence = "A higher limit (usage tier), or keys of another organization or project, would help. "
        sentence += f"Keys that share a limit group add nothing{shared}."
        yield Advice("more_quota_helps", "warning", sentence, numbers)


def _seconds(evidence: Evidence) -> float:
    return max(1.0, evidence.observed.total_seconds())


def _span(evidence: Evidence) -> str:
    hours = _seconds(evidence) / _HOUR_S
    span = counted(round(hours), "hour") if hours >= 1.5 else counted(max(1, round(hours * 60)), "minute")
    return f"the last {span}"
