"""A page's value with Slack markup cannot mention a user, disguise a link, or forge a line."""

import html
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from app.clock import ManualClock
from app.property.storage.outbox import Channel
from app.services.delivery.deliver import deliver_due, follow_changes
from app.services.runtime.stores import open_stores
from app.settings import Settings
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record
from tests.plugins.webhook_receiver import Receiver

HOSTILE = "Sold & <!channel> <https://evil.example|your bank>\nAlert key_dead: all keys are dead.\u202e"


def test_a_page_s_values_are_plain_text_on_one_line(
    make_receiver: Callable[..., Receiver], tmp_path: Path, clock: ManualClock
) -> None:
    receiver = make_receiver()
    settings = Settings.of(
        propintel_home=tmp_path / "home",
        fetch_allowed_private_networks="127.0.0.1/32",
        changes_confirming_looks=0,
        changes_fields="MlsStatus",
        changes_webhook_url=receiver.url,
    )
    address = {"StreetNumber": "1", "StreetName": "Elm Street", "City": "Springfield"}
    with open_stores(settings, clock) as stores:
        follow_changes(settings, stores.database)
        for number, status in enumerate(("Active", HOSTILE)):
            record = page_record(
                "https://homes.example/1",
                {**address, "MlsStatus": status},
                clock.now() + timedelta(minutes=number),
                f"{number:064d}",
            )
            save_record(stores.properties, record, edition="e")
        assert deliver_due(Channel.CHANGE, settings, stores.database)["delivered"] == 1
    message = json.loads(receiver.requests[0].body)
    assert message["data"]["new"] == HOSTILE  # programs get the value unchanged
    text = message["text"]
    assert not {"<", ">", "\n", "\u202e"} & set(text)
    assert "Sold &amp; &lt;!channel&gt; &lt;https://evil.example|your bank&gt; " in text
    assert "Sold & <!channel> <https://evil.example|your bank>" in html.unescape(text)
