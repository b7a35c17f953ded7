"""Find unexpected tracebacks in the fleet's logs."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_RECORD = re.compile(r"(?m)^(?=\d\d:\d\d:\d\d [A-Z]+: )")
_TRACEBACK = "Traceback (most recent call last):"
#: Tracebacks in these log records are expected.
_EXPLAINED = re.compile(
    # a job failed with one of the project's own errors
    r"(?s)raised unexpected: .*\napp\.errors\.(?!UnexpectedError)\w+: "
    r"|Task handler raised error: WorkerLostError"  # a child was killed
    # The next four occur while the broker is down. No work is lost, because the results are in the database.
    r"|Failed to retry task .* after worker was lost: OperationalError"
    r"|Couldn't ack .* reason:network:ConnectionError"
    r"|Exception raised outside body: network:ConnectionEr"
    r"|Error on (?:re)?st(?:art|opp)ing (?:Gossip|Hub|Heart|Events): AttributeError"
    r"|Signal handler <function acquire_distributed_beat_lock .* raised"  # a beat could not take the lock
)
_FRAME = re.compile(r'(?m)^  File "([^"]+)", line ')
_OURS = re.compile(r"(?!.*site-packages).*/(?:app|tasks|worker|cli|web)/.+\.py$")


def tracebacks(logs: Iterable[Path]) -> Counter[str]:
    """Return how often each unexplained traceback occurs.

    A traceback without a frame in the project's code does not count, because Celery logs many while the broker is down.
    """
    return Counter(
        _shown(record)
        for log in logs
        for record in _records(log)
        if _TRACEBACK in record and not _EXPLAINED.search(record) and any(map(_OURS.match, _FRAME.findall(record)))
    )


def _records(log: Path) -> list[str]:
    return _RECORD.split(log.read_text(encoding="utf-8", errors="replace")) if log.exists() else []


def _shown(record: str) -> str:
    lines = [line for line in record.strip().splitlines() if line.strip()]
    first, last = lines[0][:160], next((x for x in reversed(lines) if re.match(r"[\w.]+(Error|Exception)\b", x)), "")
    text = re.sub(r"(?:/[\w.-]+){2,}", "…", f"{first} ... {last[:160]}")
    return re.sub(r"0x[0-9a-f]+|[0-9a-f]{16,}|\d{2,}", "#", text)
