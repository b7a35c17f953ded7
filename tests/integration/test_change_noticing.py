"""A second fetch confirms a change even if the site answers 304. A new layout alone is not a change."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.property.merging import change_confirmation
from app.property.storage.watches.changes import ChangeStore
from app.services.runtime.resources import Resources, open_resources
from app.settings import Settings
from tests.integration.test_page_cache_service import listing
from tests.plugins.changing_site import ChangingSite


@pytest.fixture
def service(tmp_path: Path, openai_simulator: Any, changing_site: ChangingSite) -> Iterator[Resources]:
    api = openai_simulator()
    settings = Settings.of(
        propintel_home=tmp_path / "home",
        fetch_allowed_private_networks="127.0.0.0/8",
        openai_api_key=SecretStr(api.keys[0]),
        openai_base_url=api.base_url,
        fetch_min_delay_seconds=0,
        changes_confirming_looks=1,
    )
    with open_resources(settings) as resources:
        yield resources


def changes_of(service: Resources) -> list[tuple[str, object, object]]:
    return [(one.field, one.old, one.new) for one in ChangeStore(service.database).since().changes]


def test_an_unchanged_response_confirms_a_change_without_a_download(
    service: Resources, changing_site: ChangingSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        change_confirmation, "FIRST_LOOK", timedelta(milliseconds=1)
    )  # by default, a second fetch confirms a change only after five minutes
    url = f"{changing_site.address}/h/48213"
    for price in (310_000, 299_000, 299_000):
        assert changes_of(service) == []
        changing_site.pages["/h/48213"] = listing(price=price)
        service.scraper.scrape(url, refresh=True)
    assert changing_site.statuses("/h/48213") == [200, 200, 304]
    assert changes_of(service) == [("ListPrice", 310_000, 299_000)]


def test_a_page_with_a_new_layout_and_the_same_values_reports_no_change(
    service: Resources, changing_site: ChangingSite
) -> None:
    url = f"{changing_site.address}/h/48213"
    layouts = [
        listing(),
        listing(body="Seen by 17 today."),
        listing().replace("<p>$310,000</p>", "<div>Price <b>USD 310,000.00</b></div>"),
        listing(head="<style>p {color: red}</style>", body="Seen by 18 today."),
    ]
    for text in layouts:
        changing_site.pages["/h/48213"] = text
        service.scraper.scrape(url, refresh=True)
    assert changing_site.statuses("/h/48213") == [200] * 4
    assert changes_of(service) == []
