"""In real workers, a retry of an address job requests only the sources that failed."""

from typing import Any

import pytest
from sqlalchemy import update

from app.property.storage.jobs.models import Job as JobRow
from simulators.serving import BackgroundServer
from tests.plugins.address_world import Place, assessor, tax_roll

pytestmark = pytest.mark.worker
FIRST, LAST = "12 FICTIONAL AVE, ANYTOWN, ST 00000", "14 FICTIONAL AVE, ANYTOWN, ST 00001"
SOURCES = """[[area]]
name = "Example"
state = "ST"
[[area.source]]
name = "Tax roll"
kind = "tax_roll"
url = "{root}/bill/{{parcel_number:bare}}"
[[area.source]]
name = "Assessor"
kind = "assessor"
url = "{root}/record/{{postal_code}}"
"""


def test_only_the_failed_source_is_requested_again_and_the_last_attempt_ends_without_it(
    make_fleet: Any, openai_simulator: Any
) -> None:
    """Only one of two tax bills recovers. The other job's fifth and last attempt stores the page that works."""
    api = openai_simulator()
    county = Place({"/record/00000": (200, assessor()), "/record/00001": (200, assessor(LAST, "0012-0036"))})
    bills = ["/bill/00120034", "/bill/00120036"]
    county.pages |= dict.fromkeys(bills, (500, "<title>500</title>"))
    county.meanwhile[bills[0]] = lambda: (
        county.asked[bills[0]] == 2 and county.pages.update({bills[0]: (200, tax_roll())})
    )
    with BackgroundServer(county.app) as server:
        fleet = make_fleet(OPENAI_API_KEY=api.keys[0], OPENAI_BASE_URL=api.base_url, FETCH_MIN_DELAY_SECONDS="0")
        (fleet.home / "sources.toml").write_text(SOURCES.format(root=server.address))
        ids = fleet.send(FIRST, LAST)
        with fleet.stores.database.writing() as connection:
            connection.execute(update(JobRow).where(JobRow.id == ids[1]).values(attempts=4))
        fleet.start_worker()
        first, last = fleet.wait_for_state(ids, "done", "failed", seconds=60)
    assert (first.state, first.error, first.attempts) == ("done", None, 2)
    assert (last.state, last.attempts) == ("done", 5), last.error
    assert county.asked == {"/record/00000": 1, bills[0]: 2, "/record/00001": 1, bills[1]: 1}
    found = fleet.stores.properties.get(first.property_id)
    assert {"YearBuilt": 1987, "TaxAssessedValue": 350_000}.items() <= found["record"].items()
    assert {source["source_kind"] for source in found["sources"]} == {"assessor", "tax_roll"}
    assert api.stats()["totals"]["requests"] <= 2
    again = fleet.stores.jobs.enqueue(["12 Fictional Avenue, Anytown, ST 00000"])
    assert (again.new, again.duplicates) == ([], 1), "another spelling of the address was not recognized"
