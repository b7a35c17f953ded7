"""Configure the logging of a process. Secrets are redacted in every line (`app.redaction`).

Modules log with `logging.getLogger(__name__)`. Only worker, web, and cli call `configure_logging`. A line shows the
job, batch, and key that it belongs to, which are bound with `structlog.contextvars`. Control characters are escaped, so
text from pages and callers cannot start a new line or move the cursor.
"""

from __future__ import annotations

import logging
import re
import reprlib
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, BinaryIO, Literal, TextIO

import structlog

from app.printable import escaped, escaped_json
from app.redaction import redact

LogFormat = Literal["auto", "json", "text"]

log = logging.getLogger(__name__)

#: Library loggers that log too much below WARNING, or repeat this project's lines.
_NOISY = ("httpx2", "httpcore2", "openai", "asyncio", "alembic", "urllib3", "requests")
#: Fields of library records that are not logged: Celery's `data` and uvicorn's `color_message` repeat the message.
_IGNORED_FIELDS = frozenset({"data", "color_message", "taskName"})
_RECORD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | _IGNORED_FIELDS | {"message", "asctime"}
#: The fields that text lines show. Text lines without a job also show the task. JSON lines show all fields.
_TEXT_FIELDS = ("job", "batch", "key", "request_id")
_ID = re.compile(r"[0-9a-f]{32}")
_SHORT_ID_LENGTH = 8


class RedactedRecord(logging.LogRecord):
    """A log record whose texts are redacted for every handler, including handlers of libraries.

    If the format string does not fit the arguments, the message contains both in redacted form.
    """

    __slots__ = ("_exc_text", "_stack_info")

    def getMessage(self) -> str:  # noqa: N802 (the library's name)
        try:
            text = super().getMessage()
        except Exception:  # noqa: BLE001 (a `__str__` may raise anything)
            text = f"{self.msg} {self.args!r}"
        return redact(text)

    @property
    def exc_text(self) -> str | None:
        return self._exc_text

    @exc_text.setter
    def exc_text(self, text: str | None) -> None:
        self._exc_text = text and redact(text)

    @property
    def stack_info(self) -> str | None:
        return self._stack_info

    @stack_info.setter
    def stack_info(self, text: str | None) -> None:
        self._stack_info = text and redact(text)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    extra = {name: value for name, value in record.__dict__.items() if name not in _RECORD_FIELDS}
    return {**structlog.contextvars.get_contextvars(), **extra}


class _JsonFormatter(logging.Formatter):
    _render = structlog.processors.JSONRenderer(ensure_ascii=False)

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            "pid": record.process,
        }
        for name, value in _fields(record).items():
            fields.setdefault(name, value)
        if text := _traceback(record):
            fields["exception"] = text
        if record.stack_info:
            fields["stack"] = record.stack_info
        return escaped_json(redact(str(self._render(None, "", fields))))


def _traceback(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[0] is not None:
        return "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return record.exc_text or ""


def _indented(text: str) -> str:
    """Indent each line of a traceback, so that no line of it looks like a log line."""
    return "\n".join(f"  {escaped(line)}" for line in text.split("\n"))


class _TextFormatter(logging.Formatter):
    """Formats a record as `time LEVEL: message`, the context, and an indented traceback. The whole text is redacted."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s: %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (as above)
        message = super().formatMessage(record)
        return message + "".join(_shown(_fields(record), message))

    def format(self, record: logging.LogRecord) -> str:
        record.message, record.asctime = record.getMessage(), self.formatTime(record, self.datefmt)
        below = (_traceback(record), record.stack_info)
        return redact("\n".join([escaped(self.formatMessage(record)), *(_indented(text) for text in below if text)]))


def _shown(fields: Mapping[str, Any], message: str) -> list[str]:
    names = _TEXT_FIELDS if "job" in fields else ("task", *_TEXT_FIELDS)
    found = [(name, str(fields[name])) for name in names if fields.get(name)]
    return [
        f" {name}={text[:_SHORT_ID_LENGTH] if _ID.fullmatch(text) else text}"
        for name, text in found
        if text not in message
    ]


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (as above)
        """Report a lost line without the record's arguments, which the base class would print unredacted."""
        try:
            sys.stderr.write(redact(f"A log line of {record.name} is lost: {traceback.format_exc(limit=1)}"))
        except (OSError, ValueError):
            return


def configure_logging(*, level: int | str = logging.INFO, log_format: LogFormat = "text") -> None:
    """Send all logs, warnings, and uncaught exceptions of this process to stderr. Redact everything written to stderr.

    `log_format` "auto" means text on a terminal and JSON otherwise. The root logger's handlers are replaced, and the
    stream handlers of other loggers are removed. Safe to call again.
    """
    as_json = log_format == "json" or (log_format == "auto" and not _is_terminal(sys.stderr))
    guard_stderr()
    handler = _Handler(plain_stderr())
    handler.setFormatter(_JsonFormatter() if as_json else _TextFormatter())
    logging.setLogRecordFactory(RedactedRecord)
    _drop_other_handlers()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    sys.unraisablehook = _log_unraisable


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _drop_other_handlers() -> None:
    """Let loggers with their own stream handlers (uvicorn, tornado) use the root logger's handler instead."""
    for logger in list(logging.root.manager.loggerDict.values()):
        if not isinstance(logger, logging.Logger):
            continue
        own = [handler for handler in logger.handlers if isinstance(handler, logging.StreamHandler)]
        for handler in own:
            logger.removeHandler(handler)
            logger.propagate = True


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log.critical("Uncaught exception: the process ends", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    name = args.thread.name if args.thread is not None else "?"
    log.error("Uncaught exception: thread %s ends", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


def _log_unraisable(args: sys.UnraisableHookArgs) -> None:
    """Log an exception that Python could not raise, such as one in a finalizer.

    The object concerned is logged as text, because a reference to it could keep it alive.
    """
    where = f"{args.err_msg or 'Exception ignored in'}: {_BRIEF.repr(args.object)}"
    error = args.exc_value or args.exc_type()
    log.error("Uncaught exception: %s", where, exc_info=(type(error), error, args.exc_traceback))


_BRIEF = reprlib.Repr(maxother=200, maxstring=200)


class _GuardedBytes:
    def __init__(self, inner: BinaryIO) -> None:
        self._inner = inner

    def write(self, data: bytes) -> int:
        text = bytes(data).decode("utf-8", "surrogateescape")
        self._inner.write(redact(text).encode("utf-8", "surrogateescape"))
        return len(data)

    def writelines(self, lines: Iterable[bytes]) -> None:
        self.write(b"".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _GuardedStream:
    def __init__(self, inner: TextIO) -> None:
        self.inner = inner

    def write(self, text: str) -> int:
        self.inner.write(redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    @property
    def buffer(self) -> _GuardedBytes:
        return _GuardedBytes(self.inner.buffer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def guard_stderr() -> None:
    """Redact all output to stderr, such as the traceback of a crashing Celery process.

    Programs that may write to stderr before `configure_logging` runs must call this function first.
    """
    if sys.stderr is not None and not isinstance(sys.stderr, _GuardedStream):
        sys.stderr = _GuardedStream(sys.stderr)


def plain_stderr() -> TextIO:
    """Return stderr without redaction, for code that redacts its output itself."""
    return sys.stderr.inner if isinstance(sys.stderr, _GuardedStream) else sys.stderr
