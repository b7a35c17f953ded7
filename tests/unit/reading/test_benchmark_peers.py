"""The comparison with other tools maps their schema.org values to the project's fields."""

from pathlib import Path

import pytest

from benchmarks.extraction import peers
from benchmarks.extraction.peers import compare
from benchmarks.extraction.peers.schema_org import record
from benchmarks.extraction.prompts import Prompts
from benchmarks.extraction.run import Run
from benchmarks.extraction.scorer import Report
from benchmarks.results import BenchmarkError

ROOT = Path(peers.__file__).parents[3]
HOME = {
    "@type": "SingleFamilyResidence", "numberOfBedrooms": 3, "numberOfBathroomsTotal": "2", "yearBuilt": "1987",
    "address": {
        "@type": "PostalAddress", "streetAddress": "12 Main St", "addressLocality": "Springfield",
        "addressRegion": "IL", "postalCode": "62701", "addressCountry": {"@type": "Country", "name": "United States"},
    },
    "geo": {"@type": "GeoCoordinates", "latitude": "39.8", "longitude": -89.65},
    "floorSize": {"@type": "QuantitativeValue", "value": "1,410", "unitCode": "FTK"},
}  # fmt: skip
_AVAILABLE = {"priceCurrency": "USD", "availability": "https://schema.org/InStock"}
OFFER = {"@type": "Product", "sku": "L-17", "offers": {"@type": "Offer", "price": "310000", **_AVAILABLE}}
AGENT = {"@type": "RealEstateAgent", "name": "Larkspur Homes", "address": {"streetAddress": "1 Office Park"}}


def test_json_ld_of_a_home_is_mapped_and_its_address_goes_before_the_agent_s() -> None:
    assert record({"json-ld": [AGENT, {"@graph": [OFFER, HOME]}]}) == {
        **{"ListingId": "L-17", "ListPrice": 310000, "X_Currency": "USD", "StandardStatus": "Active", "Country": "US"},
        **{"PropertySubType": "Single Family Residence", "UnparsedAddress": "12 Main St", "City": "Springfield"},
        **{"StateOrProvince": "IL", "PostalCode": "62701", "Latitude": 39.8, "Longitude": -89.65, "BedroomsTotal": 3},
        **{"BathroomsTotalInteger": 2, "YearBuilt": 1987, "LivingArea": 1410, "LivingAreaUnits": "Square Feet"},
        "ListOfficeName": "Larkspur Homes",
    }


def test_without_their_environment_the_benchmark_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "PEERS_PYTHON", tmp_path / "python")
    with pytest.raises(BenchmarkError, match="make bench-extraction-peers"):
        compare.compare(Run([], {}, {}), Report(), Prompts([]))
