"""Build the result table: each figure with its target, measured value, and failing cases."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.chaos import words
from tests.chaos.evidence import Evidence
from tests.chaos.plan import REPORT_SECONDS, RUNNING_AGAIN_SECONDS

CONSUMING_SECONDS = 5.0
TAKEOVER_SECONDS = 15.0
#: The job of the poison page, which kills each process that fetches it, runs once and is retried four times.
POISON_RUNS = 5
_NEVER = float("inf")
_BROKER = {"broker_kill": "was killed", "broker_stop": "was stopped for 10 s", "broker_wipe": "was wiped"}


@dataclass(frozen=True)
class Figure:
    """One row of the table. `holds` is None if the figure has no target. `cases` explain a missed target."""

    name: str
    target: str
    seen: str
    holds: bool | None = None
    cases: tuple[str, ...] = ()


def figures(evidence: Evidence) -> list[Figure]:
    return [
        *_jobs(evidence),
        *_stored(evidence),
        *_repeated(evidence),
        _running_again(evidence, "worker", "a whole worker", RUNNING_AGAIN_SECONDS),
        _running_again(evidence, "child", "a child", None),
        *_consuming(evidence),
        *_schedule(evidence),
        *_aftermath(evidence),
    ]


def _count(name: str, cases: list[str], seen: int | None = None) -> Figure:
    number = len(cases) if seen is None else seen
    return Figure(name, "0", str(number), number == 0, tuple(cases))


def _jobs(evidence: Evidence) -> list[Figure]:
    plan, jobs = evidence.plan, [evidence.jobs.get(job_id) for job_id in evidence.accepted]
    done = [job for job in jobs if job is not None and job.state == "done" and job.property_id]
    dead = [job for job in jobs if job is not None and job.state == "failed" and job.error_code and job.error_message]
    lost = tuple(str(job) for job in jobs if job not in done and job not in dead)
    reasons = Counter(job.error_code for job in dead)
    listed = ", ".join(f"{times} {code}" for code, times in reasons.most_common()) or "none"
    due = evidence.expectation.refused
    needless = [str(job) for job in dead if "/poison/" not in job.target and job.target not in due]
    accounted = len(done) + len(dead)
    found = [
        Figure(f"jobs accounted for, of {plan.jobs}", str(plan.jobs), str(accounted), accounted == plan.jobs, lost),
        Figure("of these in dead letters, by reason", "", listed),
        _count("dead letters whose page is good where nothing breaks", needless),
    ]
    return [*found, _poison(evidence)] if plan.poison else found


def _poison(evidence: Evidence) -> Figure:
    deaths = sum(kill.what == "poison" for kill in evidence.ledger.kills)
    job = next((job for job in evidence.jobs.values() if "/poison/" in job.target), None)
    given_up = job is not None and (job.state, job.error_code) == ("failed", "worker_died")
    seen = f"{deaths}, {'given up' if given_up else job}"
    return Figure("processes that the poison page killed", f"{POISON_RUNS}, given up", seen, given_up and deaths == 5)


def _stored(evidence: Evidence) -> list[Figure]:
    pages = len(evidence.without_model)
    twice = [f"{times}x {key}" for key, times in evidence.observations.items() if times > 1]
    surplus = evidence.properties - pages
    unexpected = [f"unexpected {key}" for key in evidence.observations if key not in evidence.expectation.observations]
    missing = [
        f"missing {key}"
        for key in evidence.expectation.observations
        if key not in evidence.observations and evidence.without_model.get(key[0]) is False
    ]
    without_model = sum(evidence.without_model.values())
    return [
        _count("properties or observations stored twice", twice, max(0, surplus) + len(twice)),
        _count("observations that differ from a run without faults", unexpected + missing),
        Figure("properties stored, of pages with a record", "", f"{evidence.properties} of {pages}"),
        Figure("pages stored without the model, with a note", "", str(without_model)),
    ]


def _repeated(evidence: Evidence) -> list[Figure]:
    pages, calls = evidence.ledger.excused()
    fetched = beyond(evidence.fetched, pages)
    paid: Counter[str] = Counter()
    unknown = 0
    for prompt, times in evidence.paid.items():
        url = evidence.expectation.prompts.get(prompt)
        if url is None:
            unknown += times
        else:
            paid[url] += times
    paid_again = beyond(paid, calls)
    cases = _cases(evidence, paid_again)
    return [
        _count("pages fetched again beyond those in flight at a kill", _cases(evidence, fetched), fetched.total()),
        Figure(
            "pages fetched again that were in flight at a kill", "", str(_again(evidence.fetched) - fetched.total())
        ),
        _count("model calls paid again beyond those in flight at a kill", cases, paid_again.total()),
        Figure("model calls paid again that were in flight at a kill", "", str(_again(paid) - paid_again.total())),
        _count("model calls with a question that no page leads to", [], unknown),
    ]


def beyond(times: Mapping[str, int], excused: Counter[str]) -> Counter[str]:
    """Return by URL how many repetitions exceed the excused number. Omit URLs that stay within it."""
    return Counter({url: n - 1 - excused[url] for url, n in times.items() if n - 1 > excused[url]})


def _again(times: Counter[str]) -> int:
    return sum(n - 1 for n in times.values())


def _cases(evidence: Evidence, again: Counter[str]) -> list[str]:
    return [f"{times} too often: {url}\n    {_history(evidence, url)}" for url, times in again.most_common()]


def _history(evidence: Evidence, url: str) -> str:
    """Return when the runs of the page's job began and how its requests ended, in seconds since the start."""
    ids = {job.id for job in evidence.jobs.values() if job.target == url}
    found = [(s.at, f"run of {s.job_id} by {s.owner}") for s in evidence.watch.starts if s.job_id in ids]
    found += [(s.at, f"page {s.outcome}") for s in evidence.served if url.endswith(s.path)]
    found += [(k.at, f"{k.what} killed") for k in evidence.ledger.kills if any(h.target == url for h in k.interrupted)]
    return ", ".join(f"{at - evidence.began:.1f} s {what}" for at, what in sorted(found))


def _running_again(evidence: Evidence, what: str, named: str, limit: float | None) -> Figure:
    waits: list[tuple[float, str]] = []
    for kill in evidence.ledger.kills:
        for interrupted in kill.interrupted if kill.what == what else ():
            at = evidence.watch.first_start(frozenset((interrupted.job_id,)), kill.at)
            waits.append((_NEVER if at is None else at - kill.at, interrupted.target))
    longest = max((wait for wait, _ in waits), default=None)
    name = f"running again after kill -9 of {named} (longest of {len(waits)} jobs)"
    target = f"≤ {limit:.0f} s" if limit else ""
    if longest is None:
        return Figure(name, target, "no job was held", False if limit and what in evidence.plan.faults else None)
    cases = tuple(f"{_seconds(wait)} {url}" for wait, url in sorted(waits, reverse=True))
    return Figure(name, target, _seconds(longest), longest <= limit if limit else None, cases)


def _seconds(wait: float) -> str:
    return "never" if wait == _NEVER else f"{wait:.1f} s"


def _within(name: str, limit: float, waits: list[float]) -> Figure:
    return Figure(name, f"≤ {limit:.0f} s", ", ".join(map(_seconds, waits)), max(waits) <= limit)


def _consuming(evidence: Evidence) -> list[Figure]:
    waits: dict[str, list[float]] = {}
    for probe in evidence.probes:
        wait = _NEVER if probe.ran_at is None else probe.ran_at - probe.since
        waits.setdefault(_BROKER[probe.what], []).append(wait)
    return [
        _within(f"consuming again after the broker {named}", CONSUMING_SECONDS, of_kind)
        for named, of_kind in waits.items()
    ]


def _schedule(evidence: Evidence) -> list[Figure]:
    """Check that key reports came on schedule while a beat could send, and that a beat soon sent tasks again."""
    losses = [("the active one was killed", kill.at, kill.at) for kill in evidence.ledger.kills if kill.what == "beat"]
    losses += [
        (f"the broker {_BROKER[gap.what]}", gap.began, gap.ended) for gap in evidence.away if gap.what in _BROKER
    ]
    missing: list[tuple[float, float]] = []
    waits: dict[str, list[float]] = {}
    for named, began, ended in losses:
        sent_at = evidence.watch.first_sent(ended) or _NEVER
        missing.append((began, sent_at))
        waits.setdefault(named, []).append(sent_at - ended)
    sends = [
        _within(f"a beat sends again after {named}", TAKEOVER_SECONDS, of_kind) for named, of_kind in waits.items()
    ]
    return [_reports(evidence, missing), *sends]


def _reports(evidence: Evidence, missing: list[tuple[float, float]]) -> Figure:
    limit = evidence.plan.late_seconds
    at = [line.at for line in evidence.watch.log_lines if line.report]
    late = [
        (after - before - REPORT_SECONDS - _overlap(before, after, missing), before)
        for before, after in itertools.pairwise(at)
    ]
    cases = tuple(f"{x:.1f} s late at {at - evidence.began:.0f} s" for x, at in late if x > limit)
    worst = max([0.0, *(lateness for lateness, _ in late)]) if late else _NEVER
    seen = f"{len(late) - len(cases)} of {len(late)}, at most {_seconds(worst)} late"
    name = f"key reports on schedule (every {REPORT_SECONDS:.0f} s)"
    return Figure(name, f"all, ≤ {limit:.0f} s late", seen, worst <= limit, cases)


def _overlap(began: float, ended: float, spans: Iterable[tuple[float, float]]) -> float:
    covered, reached = 0.0, began
    for span in sorted(spans):
        start, end = max(span[0], reached), min(span[1], ended)
        if end > start:
            covered, reached = covered + end - start, end
    return covered


def _aftermath(evidence: Evidence) -> list[Figure]:
    unexplained = words.tracebacks(evidence.logs.values())
    done: Counter[str] = Counter(away.what for away in evidence.away)
    faults = ", ".join(f"{name} {times}x" for name, times in sorted(done.items()))
    return [
        _count("processes that ended by themselves", list(evidence.ended)),
        _count("processes left", evidence.left_over),
        _count("tracebacks in the logs without an explanation", [f"{n}x {text}" for text, n in unexplained.items()]),
        _count("faults that found no time", list(evidence.not_done)),
        Figure("faults", "", faults),
        Figure("seconds", "", f"{evidence.seconds:.0f}"),
    ]
