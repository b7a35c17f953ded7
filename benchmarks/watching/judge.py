"""Compare the published changes with the planted changes, and count correct, missed, and false ones."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from app.property.storage.watches.models import Change
from benchmarks.watching.run import Simulated
from simulators.county.days import Planted


@dataclass
class Figures:
    homes: int = 0
    pages: int = 0
    planted: int = 0
    told: int = 0
    in_time: int = 0
    in_time_of_look: int = 0
    slowest: timedelta = timedelta(0)
    missed: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    events: int = 0
    false: list[str] = field(default_factory=list)
    over_budget: list[str] = field(default_factory=list)
    put_off: int = 0
    busiest: int = 0
    asked: int = 0
    model_calls: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: int = 0
    wrong_doubles: list[str] = field(default_factory=list)
    refused: int = 0
    jobs: Counter[str] = field(default_factory=Counter)
    unscraped: int = 0
    paused: int = 0
    seconds: float = 0.0

    @property
    def false_share(self) -> float:
        """Return the share of published changes that no change in the county caused."""
        return len(self.false) / self.events if self.events else 0.0


def judge(found: Simulated) -> Figures:
    plan = found.plan
    figures = Figures(
        homes=len(plan.homes),
        pages=len(plan.pages),
        planted=len(plan.planted),
        events=len(found.changes),
        asked=sum(found.pages.values()),
        busiest=max(found.pages.values(), default=0),
        put_off=sum(found.put_off.values()),
        model_calls=sum(calls for _, calls in found.charged.values()),
        refused=found.refused,
        jobs=found.jobs,
        unscraped=len(found.unscraped),
        paused=found.paused,
        seconds=found.seconds,
    )
    behind = _planted(figures, found)
    figures.false = [_event(found, change) + _why(found, change) for change in found.changes if change.id not in behind]
    _budget(figures, found)
    _webhooks(figures, found)
    return figures


def _planted(figures: Figures, found: Simulated) -> set[str]:
    """Judge each planted change, and return the ids of the events that report one. All other events count as false."""
    behind: set[str] = set()
    interval = timedelta(days=found.interval_days)
    for one in found.plan.planted:
        change = next((change for change in found.changes if _is(found, change, one)), None)
        address = found.plan.homes[one.home - 1].address
        about = f"{address}: {one.field} {one.old} -> {one.new} at {one.at:%Y-%m-%d %H:%M}"
        if change is None:
            figures.missed.append(f"{about} ({', '.join(sorted(one.shown))})")
            continue
        behind.add(change.id)
        figures.told += 1
        took = change.published_at - one.at
        figures.slowest = max(figures.slowest, took)
        if took <= interval:
            figures.in_time += 1
        else:
            seen = _days(change.published_at - change.seen_at)
            figures.late.append(f"{about}: reported after {_days(took)}, {seen} after it was first seen; {change.why}"
                                f"{_down(found, one, interval)}")  # fmt: skip
        if change.published_at - change.seen_at <= interval:
            figures.in_time_of_look += 1
    return behind


def _down(found: Simulated, one: Planted, interval: timedelta) -> str:
    """Name the sites that show the change but were down on the last day on which it could be published in time."""
    last = one.at + interval
    down = [
        f"{outage.site} was away from {outage.since:%m-%d %H:%M} to {outage.until:%m-%d %H:%M}"
        for outage in found.plan.outages
        if outage.site in one.shown and outage.since < last and outage.until > last - timedelta(days=1)
    ]
    return f" ({', '.join(down)})" if down else ""


def _is(found: Simulated, change: Change, one: Planted) -> bool:
    home = found.home_of.get(change.property_id)
    return (home, change.field) == (one.home, one.field) and bool(change.new == one.new)


def _event(found: Simulated, change: Change) -> str:
    home = found.home_of.get(change.property_id)
    address = found.plan.homes[home - 1].address if home else change.property_id
    return (
        f"{address}: {change.field} {change.old} -> {change.new} at {change.published_at:%Y-%m-%d %H:%M}, {change.why}"
    )


def _why(found: Simulated, change: Change) -> str:
    home = found.home_of.get(change.property_id)
    flap = next((one for one in found.plan.flapping if (one.home, one.field) == (home, change.field)), None)
    return f" (a page that says {flap.wrong} in every other turn of {flap.hours:g} hours)" if flap else ""


def _budget(figures: Figures, found: Simulated) -> None:
    pages, calls = found.limits
    for day, asked in found.pages.items():
        charged = found.charged.get(day, (0, 0))
        if asked > pages or charged[0] > pages or charged[1] > calls:
            figures.over_budget.append(f"{day}: {asked} pages asked, {charged[0]} charged, {charged[1]} model calls")


def _webhooks(figures: Figures, found: Simulated) -> None:
    """An event may be delivered twice with the same id."""
    wanted = [f"change_{change.id}" for change in found.changes]
    taken = Counter(found.taken)
    figures.lost = [event for event in wanted if not taken[event]]
    figures.doubled = sum(count - 1 for count in taken.values())
    figures.wrong_doubles = [event for event in taken if event not in set(wanted)]


def _days(span: timedelta) -> str:
    return f"{span.total_seconds() / 86_400:.1f} days"
