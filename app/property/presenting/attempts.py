"""Say in words what happened at the sources of an address. URLs are left to the details."""

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from app.property.presenting.missing import some_of
from app.property.storage.jobs.models import OTHER, OUTSIDE, SAME_PAGE, SEARCHED, SKIPPED, UNCITED, UNKNOWN, USED

#: The source name of the web search.
WEB_SEARCH = "web search"
#: A source's attempt as JSON (`JobAttempt.as_json`).
Attempt = Mapping[str, Any]


class Result(Enum):
    """What came of a source: a short text, and the verb phrase for one source and for several.

    Of a source with several pages, the first result in this order counts. The last ones mean that nothing was asked.
    """

    USED = "used", "was used", "were used"
    SAME_PAGE = "same page as another source", "has the page of another source", "have the page of another source"
    BLOCKED = "blocked", "blocked the request", "blocked the request"
    UNREACHABLE = "not reached", "could not be reached", "could not be reached"
    ERROR = "error", "has a page that could not be read", "have a page that could not be read"
    ROBOTS = "refused by robots.txt", "is closed by robots.txt", "are closed by robots.txt"
    OTHER = "another address", "has a page of another address", "have a page of another address"
    UNKNOWN = (
        "unclear",
        "has a page that may be about another property",
        "have pages that may be about another property",
    )
    SEVERAL = "search results", "shows several properties", "show several properties"
    OUTSIDE = "not allowed", "has a page outside the allowed domains", "have pages outside the allowed domains"
    NO_PROPERTY = (
        "no such property",
        "answered that it has no such property",
        "answered that they have no such property",
    )
    SEARCHED = "searched", "found no page", "found no page"
    SKIPPED = "not asked", "was not asked", "were not asked"

    @property
    def short(self) -> str:
        return str(self.value[0])


_RESULTS: Mapping[str, Result] = {
    USED: Result.USED,
    SAME_PAGE: Result.SAME_PAGE,
    OTHER: Result.OTHER,
    UNKNOWN: Result.UNKNOWN,
    OUTSIDE: Result.OUTSIDE,
    UNCITED: Result.SEARCHED,
    SEARCHED: Result.SEARCHED,
    SKIPPED: Result.SKIPPED,
    "no_such_property": Result.NO_PROPERTY,
    "page_gone": Result.NO_PROPERTY,
    "search_page": Result.SEVERAL,
    "robots_disallowed": Result.ROBOTS,
    "page_blocked": Result.BLOCKED,
    **dict.fromkeys(
        ("name_not_resolved", "connection_failed", "fetch_timeout", "http_status_transient"), Result.UNREACHABLE
    ),
    **dict.fromkeys(
        ("out_of_time", "host_busy", "page_under_way", "invalid_target", "blocked_address", "blocked_port"),
        Result.SKIPPED,
    ),
}
_STATUS = re.compile(r"HTTP (\d{3})\b")
_GONE, _REFUSED = ("404", "410"), ("401", "403", "407", "451")
_URL = re.compile(r"\w://\S")
#: Results that need no reason in a summary.
_PLAIN = (Result.USED, Result.SAME_PAGE, Result.ROBOTS, Result.BLOCKED, Result.SEVERAL, Result.SEARCHED)


def result_of(attempt: Attempt) -> Result:
    outcome, status = attempt["outcome"], _status(attempt)
    if outcome == "http_status":
        return Result.NO_PROPERTY if status in _GONE else Result.BLOCKED if status in _REFUSED else Result.ERROR
    return _RESULTS.get(outcome, Result.ERROR)


def used_count(attempts: Iterable[Attempt]) -> tuple[int, int]:
    """Return the number of sources with a used page, and the number of all sources."""
    by_source = _by_source(attempts)
    return sum(result is Result.USED for result, _ in by_source.values()), len(by_source)


def sources_in_words(attempts: Iterable[Attempt]) -> str:
    """Group sources by result: `5 asked: 3 answered that they have no such property: A, B, C; ...`.

    If all have no such property, their names are omitted.
    """
    groups = _groups(attempts)
    skipped = groups.pop(Result.SKIPPED, {})
    asked = sum(map(len, groups.values()))
    if asked and set(groups) == {Result.NO_PROPERTY}:
        answer = "it answered that it has" if asked == 1 else "all answered that they have"
        parts = [f"{asked} asked: {answer} no such property"]
        skipped.pop(WEB_SEARCH, None)
    else:
        phrases = "; ".join(_phrase(result, sources) for result, sources in groups.items())
        parts = [f"{asked} asked: {phrases}"] if asked else []
    if skipped:
        parts.append(f"not asked: {_names(skipped)}")
    return "; ".join(parts) or "no source is configured for it"


def failures_in_words(attempts: Iterable[Attempt]) -> list[str]:
    """Return a line for each result of sources that were asked in vain: `no page of A, B: not reached`."""
    groups = _groups(attempts)
    for result in (Result.USED, Result.SAME_PAGE, Result.SEARCHED, Result.SKIPPED):
        groups.pop(result, None)
    return [
        f"no page of {some_of(list(sources))}: {result.short}"
        + "".join(f" ({reason})" for reason in sources.values() if reason and len(sources) == 1)
        for result, sources in groups.items()
    ]


def _groups(attempts: Iterable[Attempt]) -> dict[Result, dict[str, str]]:
    """Return the names of sources by result, each with the reason of its result."""
    by_source = _by_source(attempts)
    return {
        wanted: {name: _reason(result, one) for name, (result, one) in by_source.items() if result is wanted}
        for wanted in Result
        if any(result is wanted for result, _ in by_source.values())
    }


def _by_source(attempts: Iterable[Attempt]) -> dict[str, tuple[Result, Attempt]]:
    """Return for each source its result, and the attempt with that result."""
    order = list(Result)
    found: dict[str, tuple[Result, Attempt]] = {}
    for attempt in attempts:
        result, name = result_of(attempt), attempt["source"]
        if name not in found or order.index(result) < order.index(found[name][0]):
            found[name] = (result, attempt)
    return found


def _phrase(result: Result, sources: Mapping[str, str]) -> str:
    _, one, several = result.value
    return f"{len(sources)} {one if len(sources) == 1 else several}: {_names(sources)}"


def _names(sources: Mapping[str, str]) -> str:
    return some_of([f"{name} ({reason})" if reason else name for name, reason in sources.items()])


def _reason(result: Result, attempt: Attempt) -> str:
    if status := _status(attempt):
        return f"HTTP {status}"
    if result in (Result.ERROR, Result.UNREACHABLE):
        return str(attempt["outcome"]).replace("_", " ")
    text = str(attempt["detail"] or "").rstrip(".")
    return "" if result in _PLAIN or result is Result.NO_PROPERTY or _URL.search(text) else text


def _status(attempt: Attempt) -> str:
    """Return the HTTP status of a failed request, or ""."""
    match = _STATUS.search(attempt["detail"] or "") if attempt["outcome"].startswith("http_status") else None
    return match[1] if match else ""
