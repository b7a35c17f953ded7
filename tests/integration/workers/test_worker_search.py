"""In a real worker, a search's listings join the search's batch, whose callback is sent after the last listing."""

import json
from collections import Counter
from typing import Any

import pytest

from app.property.storage.jobs.models import JobState
from simulators.county.serving import RunningCounty
from simulators.county.sites import HEARTH, slug
from tasks._celery.submission import submit_targets

pytestmark = pytest.mark.worker


def test_a_search_scrapes_each_listing_once_and_its_batch_ends_after_them(make_fleet: Any, make_receiver: Any) -> None:
    """A second search for the same homes finds fresh stored pages and requests none of them."""
    receiver = make_receiver()
    with RunningCounty() as county:
        fleet = make_fleet(FETCH_MIN_DELAY_SECONDS="0")
        root = county.roots["hearth"]
        expected = {
            root + page.path for page in county.county.of_site(HEARTH) if slug(page.home.town.name) == "farview"
        }
        fleet.start_worker(pool="threads", concurrency=4)
        fleet.start_beat()

        def search(callback: str | None) -> Any:
            return submit_targets(
                fleet.stores.jobs,
                fleet.app,
                fleet.settings,
                [f"{root}/homes/st/farview"],
                priority=5,
                refresh=False,
                callback_url=callback,
            )

        first = search(receiver.url)
        fleet.until(lambda: len(receiver.requests) == 1, 80)
        jobs = fleet.stores.jobs.list(batch=first.batch, limit=200)
        assert {job.target for job in jobs if job.found_by == first.new[0]} == expected
        assert Counter(job.state for job in jobs) == {JobState.DONE: len(expected) + 1}
        assert fleet.job(first.new[0]).search["taken"] == len(expected)
        assert json.loads(receiver.requests[0].body)["data"]["targets"] == len(expected) + 1

        asked = county.server.asked["hearth"]
        second = search(None)
        (again,) = fleet.wait_for_state(second.new, "done")
        assert again.search["left_out"]["fresh"] == len(expected)
        assert county.server.asked["hearth"] - asked == again.search["pages"]
        assert len(fleet.stores.jobs.list(batch=second.batch)) == 1
