"""The example receivers in docs/batches.md and docs/alerts.md accept real events and reject forged ones."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.clock import SystemClock
from app.errors.webhooks import WebhookError
from app.services.delivery.webhooks import Event, WebhookSender
from app.settings import Settings
from simulators.serving import BackgroundServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ALERT = Event(
    "alert_1",
    "alert.fired",
    datetime(2026, 1, 1, tzinfo=UTC),
    {"alerts": [{"severity": "warning", "kind": "key_dead", "message": "refused"}]},
)
EVENT = Event("batch_1_2", "batch.completed", datetime(2026, 1, 1, tzinfo=UTC), {"id": "1", "counts": {"done": 3}})


@pytest.fixture
def receiver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    page, path = request.param
    guide = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", guide, re.S)
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(program, page, "exec", dont_inherit=True), names)  # noqa: S102 (our own text)
    with BackgroundServer(names["app"]) as server:
        yield f"{server.address}{path}"


def _send(url: str, secret: str, event: Event) -> None:
    settings = Settings.of(
        webhook_secret=SecretStr(secret), fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),)
    )
    with closing(WebhookSender(settings, SystemClock())) as sender:
        sender.send(url, event)


@pytest.mark.parametrize(
    ("receiver", "event", "printed"),
    [
        (("batches.md", "/propintel"), EVENT, "batch_1_2 1 {'done': 3}"),
        (("alerts.md", "/propintel-alerts"), ALERT, "alert.fired warning key_dead refused"),
    ],
    indirect=["receiver"],
)
def test_the_guides_receiver_accepts_our_webhook_and_refuses_a_forged_one(
    receiver: str, event: Event, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _send(receiver, SECRET, event)
    assert printed in capsys.readouterr().out
    with pytest.raises(WebhookError, match="HTTP 401"):
        _send(receiver, OTHER, event)
