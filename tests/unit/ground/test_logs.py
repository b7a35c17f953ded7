"""No OpenAI key leaves through the log, whoever logs it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from app.logs import configure_logging, redact

_KEY = "sk-proj-" + "A1b2C3d4" * 6


@pytest.fixture(autouse=True)
def _restore_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def _use_key(secret: str) -> None:
    raise ValueError(f"bad header Bearer {secret}")


@pytest.mark.parametrize("as_json", [False, True])
def test_keys_are_removed_from_messages_arguments_and_tracebacks(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    configure_logging(as_json=as_json)
    log = logging.getLogger("somebody.else")
    log.warning(f"in the message {_KEY}")
    log.warning("in an argument %s and %r", _KEY, {"authorization": f"Bearer {_KEY}"})
    try:
        _use_key(_KEY)
    except ValueError:
        log.exception("in a traceback")
    out = capsys.readouterr()
    assert out.out == ""
    assert _KEY not in out.err
    assert out.err.count("[redacted]") >= 4
    assert "_use_key" in out.err


def test_masks_pass() -> None:
    assert redact("Using OpenAI key: sk-proj-abc...xyz1") == "Using OpenAI key: sk-proj-abc...xyz1"


def test_json_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(as_json=True)
    logging.getLogger("app.x").warning("Grüße %s", "7")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["logger"]) == ("Grüße 7", "warning", "app.x")
