"""Other tools read the same pages: schema.org values are mapped completely, and the worker answers line by line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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
    "@type": "SingleFamilyResidence",
    "address": {
        "@type": "PostalAddress",
        "streetAddress": "12 Main St",
        "addressLocality": "Springfield",
        "addressRegion": "IL",
        "postalCode": "62701",
        "addressCountry": {"@type": "Country", "name": "United States"},
    },
    "geo": {"@type": "GeoCoordinates", "latitude": "39.8", "longitude": -89.65},
    "numberOfBedrooms": 3,
    "numberOfBathroomsTotal": "2",
    "yearBuilt": "1987",
    "floorSize": {"@type": "QuantitativeValue", "value": "1,410", "unitCode": "FTK"},
}
OFFER = {
    "@type": "Product",
    "sku": "L-17",
    "offers": {
        "@type": "Offer",
        "price": "310000",
        "priceCurrency": "USD",
        "availability": "https://schema.org/InStock",
    },
}
AGENT = {"@type": "RealEstateAgent", "name": "Larkspur Homes", "address": {"streetAddress": "1 Office Park"}}


def test_json_ld_of_a_home_is_mapped_and_its_address_goes_before_the_agent_s() -> None:
    assert record({"json-ld": [AGENT, {"@graph": [OFFER, HOME]}]}) == {
        "ListingId": "L-17",
        "ListPrice": 310000,
        "X_Currency": "USD",
        "StandardStatus": "Active",
        "PropertySubType": "Single Family Residence",
        "UnparsedAddress": "12 Main St",
        "City": "Springfield",
        "StateOrProvince": "IL",
        "PostalCode": "62701",
        "Country": "US",
        "Latitude": 39.8,
        "Longitude": -89.65,
        "BedroomsTotal": 3,
        "BathroomsTotalInteger": 2,
        "YearBuilt": 1987,
        "LivingArea": 1410,
        "LivingAreaUnits": "Square Feet",
        "ListOfficeName": "Larkspur Homes",
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            {"microdata": [{"type": "https://schema.org/House", "properties": {"yearBuilt": "1931"}}]},
            {"PropertySubType": "Single Family Residence", "YearBuilt": 1931},
        ),
        ({"rdfa": [{"http://schema.org/price": [{"@value": "450,000"}]}]}, {"ListPrice": 450000}),
        ({"opengraph": [{"properties": [("og:locality", "Millbrook"), ("og:latitude", "44.1")]}]},
         {"City": "Millbrook", "Latitude": 44.1}),
        ({"json-ld": [{"@type": "House", "floorSize": "131 m²", "lotSize": {"value": 2, "unitText": "acres"}}]},
         {"PropertySubType": "Single Family Residence", "LivingArea": 131, "LivingAreaUnits": "Square Meters",
          "LotSizeArea": 2, "LotSizeUnits": "Acres"}),
        ({}, {}),
    ],
)  # fmt: skip
def test_every_syntax_is_mapped(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert record(found) == expected


def test_the_worker_reports_its_version_and_answers_each_page(tmp_path: Path) -> None:
    """The worker runs in an interpreter that can only import the benchmarks, not the application."""
    pages = []
    for name, plain in (("a", False), ("b", True)):
        path = tmp_path / name
        path.write_text(f"<p>{name}</p>", "utf-8")
        pages.append(json.dumps({"path": str(path), "url": "https://x.example/", "json": plain}))
    code = (
        "import sys; sys.modules['app'] = None\n"
        "from benchmarks.extraction.peers.worker import main; sys.exit(main('nothing'))"
    )
    command = [sys.executable, "-c", code]
    asked = "\n".join(pages)
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True, cwd=ROOT, timeout=300)
    version, first, second = map(json.loads, done.stdout.splitlines())
    assert version == {"version": ""}
    assert (first["text"], second) == ("<p>a</p>", {"text": "<p>b</p>"})
    assert first["cpu_ms"] >= 0


def test_without_their_environment_the_benchmark_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "PEERS_PYTHON", tmp_path / "python")
    with pytest.raises(BenchmarkError, match="make bench-extraction-peers"):
        compare.compare(Run([], {}, {}), Report(), Prompts([]))
