"""A GIS query without street and unit returns every parcel with the house number.

Each address must get its own parcel, and not a neighbor's or another unit's.
"""

from pathlib import Path

import pytest

from app.services.runtime.resources import open_resources
from benchmarks.county.run import settings_for
from simulators.county.homes import Home
from simulators.county.serving import RunningCounty
from simulators.county.sites import GIS, LAYER, Page

#: House numbers with several parcels, such as 12 Fictional Ave, St, and Ct, 88 N and S Main St, and 8 condominiums.
_NUMBERS = ("12", "88", "215", "300")
_WHERE = "SITUS_ADDR%20LIKE%20%27{street_number}%20%25%27%20AND%20SITUS_ZIP%20%3D%20%27{postal_code}%27"
_TEMPLATE = "{root}{layer}/query?where={where}&outFields=*&returnCentroid=true&outSR=4326&f=json"


def _of_gis(running: RunningCounty, home: Home) -> Page | None:
    return next((page for page in running.county.pages[home.number] if page.site is GIS), None)


@pytest.mark.timeout(900)
def test_each_address_gets_its_own_parcel_from_a_shared_response(tmp_path: Path) -> None:
    with RunningCounty() as running:
        settings = settings_for(running, None, tmp_path)
        url = _TEMPLATE.format(root=running.roots["gis"], layer=LAYER, where=_WHERE)
        area = '[[area]]\nname = "Example County"\nstate = "ST"\n[[area.source]]\nname = "GIS"\nkind = "gis"\n'
        (tmp_path / "sources.toml").write_text(f'{area}url = "{url}"\n')
        homes = [home for home in running.county.homes if str(home.house) in _NUMBERS and _of_gis(running, home)]
        assert len(homes) > 12
        found: dict[int, str] = {}
        with open_resources(settings) as resources:
            for home in homes:
                outcome = resources.scraper.scrape(home.address)
                (gis,) = [one for one in outcome.tried if one["source"] == "GIS"]
                assert gis["outcome"] == "used", (home.address, gis)
                found[home.number] = outcome.property_id
            assert len(set(found.values())) == len(homes)
            for home in homes:
                page, shown = _of_gis(running, home), resources.properties.get(found[home.number])
                assert page is not None
                assert len(shown["sources"]) == 1
                for name in ("ParcelNumber", "YearBuilt", "LivingArea", "Latitude", "TaxAssessedValue", "ClosePrice"):
                    assert shown["record"].get(name) == page.says[name], (home.address, name)
                for proof in shown["evidence"].values():
                    assert proof["source_url"].startswith(f"{running.roots['gis']}{LAYER}/query")
