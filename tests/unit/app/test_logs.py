"""All logs share one configuration: line format, bound context, and redaction."""

import io
import json
import logging
import logging.handlers
import queue
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from structlog.contextvars import bound_contextvars

from app.logs import LogFormat, configure_logging
from app.redaction import protect

_KEY = "sk-proj-" + "A1b2C3d4" * 6
_PASSWORD = "correct horse/battery:staple"
_BOTH = pytest.mark.parametrize("log_format", ["text", "json"])


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Lines:
    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured
        self._said = ""

    def getvalue(self) -> str:
        self._said += self._captured.readouterr().err
        return self._said


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    protect([_PASSWORD])
    return Lines(capsys)


def _last(lines: Lines) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return line


def _use(secret: str) -> None:
    raise ValueError(f"bad header Bearer {secret}")


def _clean(stream: Lines | io.StringIO, times: int = 1) -> str:
    written = stream.getvalue()
    assert _KEY not in written
    assert _PASSWORD not in written
    assert written.count("[redacted]") >= times
    return written


# --- the format of a line


def test_text_has_the_format_of_the_specification(lines: Lines) -> None:
    configure_logging()
    logging.getLogger("app.keypool.pool").info("Using OpenAI key: %s", "sk-proj-abc...xyz1")
    assert lines.getvalue()[len("00:00:00 ") :] == "INFO: Using OpenAI key: sk-proj-abc...xyz1\n"


def test_a_json_line_has_the_message_as_its_event(lines: Lines) -> None:
    configure_logging(log_format="json")
    logging.getLogger("app.x").warning("Grüße %s", "7", extra={"pages": 3})
    line = _last(lines)
    assert (line["event"], line["level"], line["logger"], line["pages"]) == ("Grüße 7", "warning", "app.x", 3)
    assert line["timestamp"].endswith("+00:00")


def test_auto_is_text_on_a_terminal_and_json_elsewhere(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging(log_format="auto")
    logging.getLogger("x").warning("to a file")
    assert _last(lines)["event"] == "to a file"
    monkeypatch.setattr(sys, "stderr", terminal := _Terminal())
    configure_logging(log_format="auto")
    logging.getLogger("x").warning("to a person")
    assert terminal.getvalue().endswith("WARNING: to a person\n")


def test_lines_have_the_bound_context_and_a_terminal_shows_it_briefly(lines: Lines) -> None:
    """On a terminal, the message comes first, ids are short, and a value in the message is not repeated."""
    bound = {"job": "ab12" * 8, "batch": "cd34" * 8, "key": "sk-abc...wxyz", "task_id": "ab12" * 8}
    with bound_contextvars(**bound):
        configure_logging(log_format="json")
        logging.getLogger("x").warning("said")
        assert bound.items() <= _last(lines).items()
        configure_logging()
        logging.getLogger("x").warning("said")
        logging.getLogger("x").warning("with sk-abc...wxyz")
    logging.getLogger("x").warning("after it")
    written = [line.split("WARNING: ")[1] for line in lines.getvalue().splitlines()[1:]]
    assert written == [
        "said job=ab12ab12 batch=cd34cd34 key=sk-abc...wxyz",
        "with sk-abc...wxyz job=ab12ab12 batch=cd34cd34",
        "after it",
    ]


def test_context_and_extra_cannot_overwrite_a_line_s_own_fields(lines: Lines) -> None:
    configure_logging(log_format="json")
    with bound_contextvars(event="forged", level="debug"):
        logging.getLogger("x").warning("real", extra={"logger": "forged", "timestamp": "never"})
    line = _last(lines)
    assert (line["event"], line["level"], line["logger"]) == ("real", "warning", "x")
    assert line["timestamp"] != "never"


# --- redaction


@_BOTH
def test_messages_arguments_extra_and_context_are_redacted(lines: Lines, log_format: LogFormat) -> None:
    configure_logging(log_format=log_format)
    log = logging.getLogger("somebody.else")
    log.warning(f"in the message {_KEY} {_PASSWORD}")
    log.warning("in an argument %s and %r", _KEY, {"authorization": f"Bearer {_PASSWORD}"})
    with bound_contextvars(job=f"bound {_KEY}", key=f"bound {_PASSWORD}"):
        log.warning("in the context", extra={"headers": {"x-api-key": _KEY}, "password": _PASSWORD})
    _clean(lines, times=6)


@_BOTH
def test_tracebacks_and_stacks_are_redacted(lines: Lines, log_format: LogFormat) -> None:
    configure_logging(log_format=log_format)
    log = logging.getLogger("somebody.else")
    try:
        try:
            _use(_KEY)
        except ValueError as exc:
            raise RuntimeError(_PASSWORD) from exc
    except RuntimeError:
        log.exception("in a traceback")
    assert "_use" in _clean(lines, times=2)


def _log_a_stack(log: logging.Logger, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"log.warning('in a stack', stack_info=True), '{_KEY}'")
    exec(compile(script.read_text(), script, "exec"), {"log": log})  # noqa: S102 (a file with a key)


@_BOTH
def test_a_stack_that_shows_a_line_with_a_secret_is_redacted(
    lines: Lines, tmp_path: Path, log_format: LogFormat
) -> None:
    configure_logging(log_format=log_format)
    _log_a_stack(logging.getLogger("x"), tmp_path)
    assert "stack_info=True" in _clean(lines)


def test_a_line_with_wrong_arguments_is_shown_without_a_secret(lines: Lines) -> None:
    """Python's own error report would show the message and its arguments without redaction."""
    configure_logging()
    logging.getLogger("x").warning("%d pages", _KEY)
    assert "%d pages" in _clean(lines)
    assert "Logging error" not in lines.getvalue()


def test_a_line_that_cannot_be_formatted_says_so_without_a_secret(lines: Lines) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError(_KEY)

    configure_logging(log_format="json")
    logging.getLogger("x").warning("odd", extra={"field": Broken()})
    assert "A log line of x is lost" in _clean(lines)


def test_a_library_s_own_handler_writes_through_ours(lines: Lines) -> None:
    """Some loggers, such as uvicorn's, have a handler and do not propagate to the root logger."""
    elsewhere = io.StringIO()
    library = logging.getLogger("library.with.a.handler")
    library.addHandler(logging.StreamHandler(elsewhere))
    library.propagate = False
    configure_logging(log_format="json")
    library.warning("with %s", _KEY)
    assert elsewhere.getvalue() == ""
    assert _last(lines)["event"] == "with [redacted]"


def test_a_handler_added_later_gets_no_secret_either(lines: Lines, tmp_path: Path) -> None:
    configure_logging()
    elsewhere = io.StringIO()
    library = logging.getLogger("library.that.comes.later")
    handler = logging.StreamHandler(elsewhere)
    handler.setFormatter(logging.Formatter("%(message)s"))
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    library.handlers[:] = [handler, logging.handlers.QueueHandler(records)]
    library.propagate = False
    try:
        _use(_KEY)
    except ValueError:
        library.exception("with %s", _PASSWORD)
    _log_a_stack(library, tmp_path)
    handler.handle(records.get_nowait())
    handler.handle(records.get_nowait())
    library.handlers.clear()
    assert "_use" in _clean(elsewhere, times=6)


def test_warnings_are_logged_and_redacted(lines: Lines) -> None:
    configure_logging(log_format="json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        configure_logging(log_format="json")
        warnings.warn(f"deprecated: {_KEY}", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert _last(lines)["logger"] == "py.warnings"
    _clean(lines)


def test_an_uncaught_exception_of_a_process_or_thread_is_one_redacted_line(lines: Lines) -> None:
    configure_logging(log_format="json")
    try:
        _use(_KEY)
    except ValueError as exc:
        sys.excepthook(type(exc), exc, exc.__traceback__)
    line = _last(lines)
    assert line["level"] == "critical"
    assert "_use" in line["exception"]
    thread = threading.Thread(target=_use, args=(_KEY,), name="worker-bee")
    thread.start()
    thread.join()
    assert "worker-bee" in _last(lines)["event"]
    assert len(_clean(lines, times=2).splitlines()) == 2


class _Dying:
    """Python reports an exception in a finalizer only to `sys.unraisablehook`."""

    def __del__(self) -> None:
        raise ValueError(f"refused {_KEY}")

    def __repr__(self) -> str:
        raise ValueError(_KEY)


@_BOTH
def test_an_exception_in_a_finalizer_is_logged_and_redacted(lines: Lines, log_format: LogFormat) -> None:
    configure_logging(log_format=log_format)
    dying = _Dying()
    del dying
    written = _clean(lines)
    assert "Uncaught exception: Exception ignored" in written
    assert "refused [redacted]" in written
    assert not [line for line in written.splitlines() if line.startswith("Exception ignored")], "not logged"


def test_every_way_to_write_to_stderr_is_redacted(lines: Lines) -> None:
    configure_logging()
    sys.stderr.writelines([f"one {_PASSWORD}\n", f"two {_KEY[:20]}", f"{_KEY[20:]}\n"])
    sys.stderr.buffer.write(f"bytes {_KEY}\n".encode())
    sys.stderr.buffer.writelines([f"bytes {_KEY[:20]}".encode(), f"{_KEY[20:]}\n".encode()])
    print("printed", _KEY, file=sys.stderr, flush=True)  # noqa: T201 (as a library does)
    assert "two [redacted]\n" in _clean(lines, times=5)


# --- no message spans two lines

_FORGED = "x\n00:00:00 CRITICAL: forged\r\x1b[2J\x1b[31m\x9b1A\u2028\u202etxet\x85 job=\t\x00"


def _hostile(log: logging.Logger) -> None:
    log.warning("title %s", _FORGED)
    with bound_contextvars(job=_FORGED):
        log.warning("bound")
    log.warning("extra", extra={"field": _FORGED})
    try:
        raise ValueError(_FORGED)
    except ValueError:
        log.exception("traceback")
    log.warning("stack", stack_info=True)


def test_hostile_text_starts_no_new_line_and_moves_no_cursor(lines: Lines) -> None:
    configure_logging()
    _hostile(logging.getLogger("x"))
    written = lines.getvalue()
    assert not set(written) & set("\r\x1b\x9b\u2028\u202e\x85\t\x00")
    begun = [line for line in written.split("\n") if line and not line.startswith("  ")]
    assert [line.split()[2] for line in begun] == ["title", "bound", "extra", "traceback", "stack"]
    assert r"title x\n00:00:00 CRITICAL: forged\r\x1b[2J\x1b[31m\x9b1A\u2028\u202etxet\x85 job=\t\x00" in written


def test_hostile_text_stays_inside_its_json_document_unchanged(lines: Lines) -> None:
    configure_logging(log_format="json")
    _hostile(logging.getLogger("x"))
    written = lines.getvalue()
    assert not set(written) & set("\r\x1b\x9b\u2028\u202e\x85\t\x00")
    documents = [json.loads(line) for line in written.splitlines()]
    assert [document["event"].split()[0] for document in documents] == ["title", "bound", "extra", "traceback", "stack"]
    assert documents[0]["event"] == f"title {_FORGED}"
    assert documents[1]["job"] == documents[2]["field"] == _FORGED
    assert f"ValueError: {_FORGED}" in documents[3]["exception"]
