"""Log output for every process: one configuration, and a filter through which no OpenAI key passes.

Modules log through `logging.getLogger(__name__)`; only a door calls `configure_logging`.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from urllib.parse import urlsplit

import structlog

#: OpenAI keys as they are issued (`sk-`, `sk-proj-`, `sk-svcacct-`, `sk-admin-`, `sess-`), Bearer values of any kind,
#: JSON Web Tokens wherever they stand (someone may send one in a query string, which the access log shows).
#: Masks (`sk-proj-abc...xyz1`) are shorter than the 16 characters asked for and pass.
_KEY_LIKE = re.compile(
    r"\b(?:sk|sess)-[A-Za-z0-9_-]{16,}|(?<=Bearer )[A-Za-z0-9._~+/=-]{8,}|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9._-]*"
)
_REDACTED = "[redacted]"


def redact(text: str) -> str:
    """`text` without anything that looks like an OpenAI key or a bearer token."""
    return _KEY_LIKE.sub(_REDACTED, text)


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL: all of a webhook's that may be shown, since its path often is a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class RedactingFilter(logging.Filter):
    """Cleans the message, its arguments and the traceback of every record, whichever library logged it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)).rstrip())
            record.exc_info = None
        return True


def _add_cleaned_traceback(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """The filter has turned a traceback into text; here it becomes a field."""
    record: logging.LogRecord = event["_record"]
    if record.exc_text:
        event["exception"] = record.exc_text
    return event


def _formatter(*, as_json: bool) -> logging.Formatter:
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_cleaned_traceback,
    ]
    if not as_json:
        return logging.Formatter("%(asctime)s %(levelname)s: %(message)s", "%H:%M:%S")
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def configure_logging(*, level: int = logging.INFO, as_json: bool = False) -> None:
    """Send all logs to stderr, one line each. Replaces the handlers of the root logger; safe to call again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(as_json=as_json))
    handler.addFilter(RedactingFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx2", "httpcore2", "openai", "asyncio", "alembic"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
