"""From figures to `docs/benchmarks/watching.md`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.watching.judge import Figures
from benchmarks.workers.tables import prose, table

_ABOUT = """
`make bench-watch` measures this page: {days} simulated days of a county with {homes} watched properties ({pages} pages
at two portals and an assessor), each refreshed every {interval} days within {budget} pages and {calls} model calls a
day. The clock is moved by hand; tick, tasks, fetcher, extractors, database (SQLite), model step and webhooks are the
workers' own, in one process without a broker; sites, receiver and the OpenAI simulator are real servers on loopback.
{planted} changes are planted, {flapping} pages say another price in every other turn of half an hour to 50 hours, one
page in twenty has another body at every look, the second site follows a change up to 18 hours late, and sites are down
(503) or show a wall for an hour to two days, eight times. The webhook's receiver is down from noon to midnight, and of
every seven messages that it takes the answer to one is lost. Seed {seed}; {machine}; {seconds:.0f} seconds.

Two runs of one seed differ, as the fetcher's pace follows the latency that it meets: a page that is down when its watch
is due, or whose refresh the day's budget puts off, is told late. Nine runs of nine states of the code gave 146 to 150
of 150 in time and 0 to 2 false events.
"""
_MOST_TOLD = 12


def write_report(figures: Figures, *, docs: Path, **about: object) -> None:
    """Write `watching.md` below `docs`."""
    text = _ABOUT.format(
        homes=figures.homes, pages=figures.pages, planted=figures.planted, seconds=figures.seconds, **about
    )
    sections = ["# Watched properties, simulated", prose(text), table(("figure", "target", "measured"), _rows(figures))]
    sections += _told(figures) or ["Nothing is amiss."]
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "watching.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


_ON_FLAPPING = """
{count} of them are on pages that say one thing by turns. A page that no other source denied is believed after three
further looks within minutes to hours; one whose turns are longer than that, and whose first turn is seen, is told once.
"""


def _rows(one: Figures) -> list[tuple[str, str, str]]:
    days = one.slowest.total_seconds() / 86_400
    jobs = " · ".join(f"{count:,} {state}" for state, count in sorted(one.jobs.items()))
    return [
        ("planted changes reported", "100 %", f"{one.told} of {one.planted}"),
        ("of these within one interval of the page's change", "100 %", f"{one.in_time} of {one.planted}"),
        ("of these within one interval of the first look that shows it", "", f"{one.in_time_of_look} of {one.planted}"),
        ("slowest, from the page's change to the event", "", f"{days:.1f} days"),
        ("false change events", "≤ 1 %", f"{len(one.false)} of {one.events} ({100 * one.false_share:.1f} %)"),
        ("days on which the budget was exceeded", "0", str(len(one.over_budget))),
        ("pages asked for in all · on the busiest day", "", f"{one.asked:,} · {one.busiest:,}"),
        ("model calls of watches", "", f"{one.model_calls:,}"),
        ("watches that waited for the next day (watch-days)", "", f"{one.put_off:,}"),
        ("webhook deliveries lost", "0", str(len(one.lost))),
        ("delivered more than once, with the same id", "", str(one.doubled)),
        ("delivered that are no change of the feed", "0", str(len(one.wrong_doubles))),
        ("deliveries that the receiver refused", "", f"{one.refused:,}"),
        ("runs of jobs, by how they ended", "", jobs),
        ("watches paused", "", str(one.paused)),
    ]


def _told(one: Figures) -> list[str]:
    parts: Sequence[tuple[str, Sequence[str]]] = (
        ("Changes that were not reported", one.missed),
        ("Changes that were reported later than one interval", one.late),
        ("False events", one.false),
        ("Days over the budget", one.over_budget),
        ("Events that the webhook's receiver never got", one.lost),
    )
    sections = [part for title, told in parts if told for part in _section(title, told)]
    flaps = sum("in every other turn" in told for told in one.false)
    return [*sections, prose(_ON_FLAPPING.format(count=flaps))] if flaps else sections


def _section(title: str, told: Sequence[str]) -> list[str]:
    more = [f"- and {len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    return [f"## {title}", "\n".join([*(f"- {one}" for one in told[:_MOST_TOLD]), *more])]
