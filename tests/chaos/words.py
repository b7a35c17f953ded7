"""Find tracebacks in the fleet's logs, and the explanation of each expected one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_RECORD = re.compile(r"(?m)^(?=\d\d:\d\d:\d\d [A-Z]+: )")
_TRACEBACK = "Traceback (most recent call last):"

#: The log records that may have a traceback, and the reason for each.
EXPLAINED: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(?s)raised unexpected: .*\napp\.errors\.(?!UnexpectedError)\w+: "),
        "Celery tells the reason of a job that ended in the dead letters",
    ),
    (re.compile(r"Task handler raised error: WorkerLostError"), "Celery names the job of a child that was killed"),
    (
        re.compile(r"Failed to retry task .* after worker was lost: OperationalError"),
        "Celery cannot send a killed child's message while the broker is away; recovery sends it",
    ),
    (
        re.compile(r"Couldn't ack .* reason:network:ConnectionError"),
        "Celery cannot acknowledge a message while the broker is away; what comes twice ends at once",
    ),
    (
        re.compile(r"Exception raised outside body: network:ConnectionEr"),
        "Celery cannot keep a task's result while the broker is away; results are in the table",
    ),
    (
        re.compile(r"Error on (?:re)?st(?:art|opp)ing (?:Gossip|Hub|Heart|Events): AttributeError"),
        "Celery closes a connection to a broker that is gone",
    ),
    (
        re.compile(r"Signal handler <function acquire_distributed_beat_lock .* raised"),
        "a beat that starts while the broker is away takes the lock later",
    ),
)


_FRAME = re.compile(r'(?m)^  File "([^"]+)", line ')
_OURS = re.compile(r"/(?:app|tasks|worker|cli|web)/[^/]+(?:/[^/]+)*\.py$")


def tracebacks(logs: Iterable[Path]) -> tuple[Counter[str], Counter[str]]:
    """Return the tracebacks by text: expected ones and those of libraries, and unexpected ones.

    A traceback without a line of the project is listed, but is not a defect: Celery logs such tracebacks when the
    broker is away.
    """
    explained: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for log in logs:
        for record in _records(log):
            if _TRACEBACK not in record:
                continue
            reason = next((why for pattern, why in EXPLAINED if pattern.search(record)), None)
            if reason is None and not _has_our_line(record):
                reason = f"a library's own: {_shown(record)}"
            (others if reason is None else explained)[reason or _shown(record)] += 1
    return explained, others


def _has_our_line(record: str) -> bool:
    paths = [path for path in _FRAME.findall(record) if "site-packages" not in path]
    return any(_OURS.search(path) for path in paths)


def _records(log: Path) -> list[str]:
    return _RECORD.split(log.read_text(encoding="utf-8", errors="replace")) if log.exists() else []


def _shown(record: str) -> str:
    """Return the record's first line and the final exception, without the parts that vary."""
    lines = [line for line in record.strip().splitlines() if line.strip()]
    first, last = lines[0][:160], next((x for x in reversed(lines) if re.match(r"[\w.]+(Error|Exception)\b", x)), "")
    text = re.sub(r"(?:/[\w.-]+){2,}", "…", f"{first} ... {last[:160]}")
    return re.sub(r"0x[0-9a-f]+|[0-9a-f]{16,}|\d{2,}", "#", text)
