"""Unchanged and equal pages cost no second model call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tasks._celery.publish import send_jobs
from tests.plugins.changing_site import ChangingSite
from tests.plugins.simulator_fixtures import SimulatorHandle

pytestmark = pytest.mark.worker

_HOME = {
    "@context": "https://schema.org", "@type": "SingleFamilyResidence", "name": "12 Main St", "identifier": "48213",
    "address": {"@type": "PostalAddress", "streetAddress": "12 Main St", "addressLocality": "Springfield",
                "addressRegion": "IL", "postalCode": "62701"},
    "offers": {"@type": "Offer", "price": 310000, "priceCurrency": "USD"},
}  # fmt: skip


def listing(head: str, token: str) -> str:
    return f"""<!doctype html><html lang="en"><head><title>12 Main St</title>{head}
<script type="application/ld+json">{json.dumps(_HOME)}</script></head><body><h1>12 Main St, Springfield, IL 62701</h1>
<p>$310,000</p><p>The kitchen looks out on a slate roof that was relaid with care.</p><i>{token}</i></body></html>"""


def test_unchanged_and_equal_pages_cost_one_model_call(
    make_fleet: Callable[..., Any], changing_site: ChangingSite, openai_simulator: Callable[..., SimulatorHandle]
) -> None:
    """Ten pages with different bytes declare one canonical URL, which is fetched once. Then all are refreshed."""
    api = openai_simulator([{"key": "sk-simulator-abcdabcdabcdabcdabcdabcdabcd0001", "behavior": "slow", "seconds": 1}])
    canonical = f'<link rel="canonical" href="{changing_site.address}/homes/48213">'
    for n in range(10):
        changing_site.pages[f"/homes/48213?view={n}"] = listing(canonical, f"token {n}")
    targets = [changing_site.address + path for path in changing_site.pages]
    changing_site.pages["/homes/48213"] = listing(canonical, "token")
    fleet = make_fleet(OPENAI_API_KEY=api.keys[0], OPENAI_BASE_URL=api.base_url, FETCH_MIN_DELAY_SECONDS="0")
    fleet.start_worker(concurrency=4)

    def done(refresh: bool) -> list[Any]:
        enqueued = fleet.stores.jobs.enqueue([f"{target}&utm_source=mail" for target in targets], refresh=refresh)
        send_jobs(fleet.app, fleet.stores.jobs, enqueued.jobs)
        return list(fleet.wait_for_state(enqueued.new, "done", "failed", seconds=60))

    first = done(refresh=False)
    assert [job.error for job in first] == [None] * 10
    assert sorted(str(job.page_from) for job in first) == ["same_page"] * 9 + ["site"]
    assert len({job.property_id for job in first}) == 1
    assert api.stats()["totals"]["requests"] == 1
    assert len(changing_site.asked) == 11, "a job that waited for another job's result fetched its page again"
    assert len(fleet.stores.properties.get(first[0].property_id)["sources"]) == 1

    again = done(refresh=True)
    assert [job.error for job in again] == [None] * 10
    assert {str(job.page_from) for job in again} <= {"unchanged", "same_page"}
    assert [request.status for request in changing_site.asked[11:]] == [304] * 11
    assert api.stats()["totals"]["requests"] == 1, "an unchanged page was sent to the model"
    assert (
        fleet.stores.properties.get(first[0].property_id)["record"]
        == fleet.stores.properties.get(again[0].property_id)["record"]
    )
