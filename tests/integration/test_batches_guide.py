"""The receiver that docs/batches.md shows takes what is really sent, and nothing else."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr

from app.clock import SystemClock
from app.errors import WebhookError
from app.services.webhooks import Event, build_webhook_sender
from app.settings import Settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = Event("batch_1_2", "batch.completed", datetime(2026, 1, 1, tzinfo=UTC), {"id": "1", "counts": {"done": 3}})


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The guide's program, served as its reader would; -> the URL."""
    guide = (Path(__file__).parents[2] / "docs" / "batches.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", guide, re.S)
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(program, "docs/batches.md", "exec", dont_inherit=True), names)  # noqa: S102 (our own text)
    server = uvicorn.Server(uvicorn.Config(names["app"], host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "the receiver did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/propintel"
    server.should_exit = True
    thread.join(10)


def _send(url: str, secret: str) -> None:
    settings = Settings(
        _env_file=None,
        webhook_secret=SecretStr(secret),
        fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),),
    )
    with build_webhook_sender(settings, SystemClock()) as sender:
        sender.send(url, EVENT)


def test_the_guide_s_receiver_takes_our_webhook_and_refuses_another_s(
    receiver: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _send(receiver, SECRET)
    assert "batch_1_2 1 {'done': 3}" in capsys.readouterr().out
    with pytest.raises(WebhookError, match="HTTP 401"):
        _send(receiver, OTHER)
