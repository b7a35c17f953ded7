"""Find current problems of the key pool.

A budget alert stays until the end of the day. Otherwise, corrections of the
budget's usage could resolve and raise it repeatedly. The pool counts failures, so that a short failure between two
evaluations is not missed. Each failure remains an alarm for `HELD`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from app.plurals import counted
from app.property.storage.keys.alerts import Alarm, Severity
from app.property.storage.keys.tables import Alert
from app.services.reports.key_report.view import BudgetUse, KeyView, PoolView, named

HELD = timedelta(minutes=1)
#: With a new day or a new cap, a firing budget alert stays until the usage is below this share of the threshold.
_STAYS_FROM = 0.8
#: From this share on, a budget counts as used up. Because of rounding, the share may stay below 1.
_ALL = 0.9995
POOL = "pool"


class Kind(StrEnum):
    """The kinds of alerts, whose names metrics, webhooks, and the runbook (docs/alerts.md) use."""

    CIRCUIT_OPEN = "circuit_open"
    KEY_DEAD = "key_dead"
    QUOTA_GONE = "quota_gone"
    KEY_OLD = "key_old"
    BUDGET_NEARLY_SPENT = "budget_nearly_spent"
    NO_HEALTHY_KEY = "no_healthy_key"


#: Kind and subject, which identify an alert among the firing ones.
Name = tuple[str, str]


def find_alarms(
    view: PoolView, key_age_days: float, budget_share: float, firing: Collection[Alert] = ()
) -> list[Alarm]:
    """Return all current problems, one alarm per kind and subject.

    A budget raises an alarm once its used share (0 to 1) reaches `budget_share`. `firing` are the alerts that fire now.
    """
    before = {(alert.kind, alert.subject): alert for alert in firing}
    return [
        *_no_healthy_key(view),
        *_circuits(view),
        *_dead(view),
        *_out_of_quota(view),
        *_budgets(view, budget_share, before),
        *_old(view, key_age_days),
    ]


def _no_healthy_key(view: PoolView) -> Iterator[Alarm]:
    """A key that waits after a 429 counts as healthy."""
    if view.keys and not any(key.is_in_rotation for key in view.keys):
        states = sorted({key.state for key in view.keys})
        is_only, count = len(view.keys) == 1, counted(len(view.keys), "OpenAI key")
        none = "The only OpenAI key is not" if is_only else f"None of the {count} is"
        every = "The only OpenAI key is" if is_only else f"All {count} are"
        state = (
            f"{every} disabled by an operator" if states == ["disabled"] else f"{none} healthy ({', '.join(states)})"
        )
        message = f"{state}: no model calls are made."
        yield Alarm(Kind.NO_HEALTHY_KEY, POOL, Severity.CRITICAL, message, {"keys": len(view.keys), "states": states})


def _circuits(view: PoolView) -> Iterator[Alarm]:
    for key in view.keys:
        if key.state in ("open", "half_open") or _just(key.opened_at, view.at):
            message = (
                f"Circuit breaker opened for OpenAI key {key.mask}: its requests fail; it is probed automatically."
            )
            yield Alarm(Kind.CIRCUIT_OPEN, key.mask, Severity.WARNING, message, {"key": key.mask, "state": key.state})


def _dead(view: PoolView) -> Iterator[Alarm]:
    for key in view.keys:
        if key.state == "dead" or _just(key.died_at, view.at):
            message = f"OpenAI key {key.mask} was refused (401): out of rotation until it is replaced."
            yield Alarm(Kind.KEY_DEAD, key.mask, Severity.WARNING, message, {"key": key.mask})


def _out_of_quota(view: PoolView) -> Iterator[Alarm]:
    out: dict[str, list[KeyView]] = {}
    for key in view.keys:
        if key.state == "no_quota" or _just(key.quota_gone_at, view.at):
            out.setdefault(key.group, []).append(key)
    for group, keys in out.items():
        masks = [key.mask for key in keys]
        message = f"OpenAI key {masks[0]} has no quota left: it is out of rotation."
        if len(masks) > 1:
            message = (
                f"Limit group {group} has no quota left: its {len(masks)} OpenAI keys ({named(masks)}) are out of "
            )
            message += "rotation."
        subject = masks[0] if group == keys[0].key_id else group
        yield Alarm(Kind.QUOTA_GONE, subject, Severity.WARNING, message, {"group": group, "keys": masks})


def _budgets(view: PoolView, threshold: float, firing: Mapping[Name, Alert]) -> Iterator[Alarm]:
    """Yield an alarm for each daily cap that is nearly used up, or one for all keys if the cap is per key.

    The alarm is critical if the cap is used up or has caused a rejected request. For a cap per key, this must be true
    for every key. An alarm, and its severity, stay for the rest of the UTC day unless the cap changes.
    """
    for budget, unit in dict.fromkeys((use.budget, use.unit) for use in view.budgets):
        subject = f"{budget} {unit}"
        uses = [use for use in view.budgets if (use.budget, use.unit) == (budget, unit)]
        before = firing.get((Kind.BUDGET_NEARLY_SPENT, subject))
        held = _of_today(before, uses[0].cap, view.at)
        least = threshold * (_STAYS_FROM if before is not None else 1.0)
        near = [use for use in uses if use.stopped or use.share >= least]
        if near or held is not None:
            spent = held is Severity.CRITICAL or all(use.stopped or use.share >= _ALL for use in uses)
            yield _budget(subject, near or [max(uses, key=lambda use: use.share)], view.at, all_spent=spent)


def _of_today(alert: Alert | None, cap: float, now: datetime) -> Severity | None:
    if alert is None or (alert.details.get("day"), alert.details.get("cap")) != (_day(now), cap):
        return None
    return Severity(alert.severity)


def _budget(subject: str, uses: Sequence[BudgetUse], at: datetime, *, all_spent: bool) -> Alarm:
    worst = max(uses, key=lambda use: use.share)
    masks = [use.mask for use in uses if use.mask]
    whose = f"The daily budget of OpenAI key {named(masks)}" if masks else "The daily budget"
    what = f"{worst.used:,.2f} of {worst.cap:,.2f} US dollars"
    if worst.unit != "usd":
        what = f"{worst.used:,.0f} of {worst.cap:,.0f} {worst.unit}"
    end = "nearly spent"
    if worst.share >= _ALL:
        end = "used up: no calls are made before midnight UTC"
    elif all_spent:
        end = "spent: requests that need more than the rest are not made before midnight UTC"
    message = f"{whose} is {end} ({what}, {min(worst.share, 1.0):.0%})."
    details = {"unit": worst.unit, "used": worst.used, "cap": worst.cap, "keys": masks, "day": _day(at)}
    severity = Severity.CRITICAL if all_spent else Severity.WARNING
    return Alarm(Kind.BUDGET_NEARLY_SPENT, subject, severity, message, details)


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def _old(view: PoolView, days: float) -> Iterator[Alarm]:
    for key in view.keys:
        if key.first_seen_at is not None and view.at - key.first_seen_at > timedelta(days=days):
            age = (view.at - key.first_seen_at).days
            message = f"OpenAI key {key.mask} is {counted(age, 'day')} old, rotate keys every "
            message += f"{counted(days, 'day')}: add a new one first."
            details = {"key": key.mask, "first_seen_at": key.first_seen_at.isoformat(), "days": age}
            yield Alarm(Kind.KEY_OLD, key.mask, Severity.WARNING, message, details)


def _just(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and now - moment < HELD
