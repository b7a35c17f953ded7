"""Each line of the contractor's brief is in plain words, and doubtful values are marked."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.property.presenting import words as us
from app.property.presenting.brief import brief, brief_entries
from app.property.presenting.sources import with_source_names

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNTY, PORTAL, ROLL = "https://county.example/parcels/7", "https://homes.example/12", "https://roll.example/7"
NEW, OLD = "2026-02-20T08:00:00+00:00", "2025-12-01T08:00:00+00:00"


def source(url: str, kind: str | None, fetched_at: str = NEW, checked_at: str | None = None) -> dict[str, Any]:
    return {
        "url": url, "final_url": url, "page_url": url, "kind": "record", "source_kind": kind, "fetched_at": fetched_at,
        "checked_at": checked_at, "content_sha256": url, "wanted_model": [], "model_note": None,
    }  # fmt: skip


def proof(value: Any, url: str = COUNTY, confidence: float = 0.97, at: str = NEW, unit: str | None = None) -> Any:
    return {
        "value": value, "raw": f"{value}", "unit": unit, "method": "label", "locator": "/html", "quote": f"{value}",
        "source_url": url, "fetched_at": at, "content_sha256": url, "confidence": confidence,
    }  # fmt: skip


def details(evidence: dict[str, Any], *sources: dict[str, Any], conflicts: Any = (), unverified: Any = ()) -> Any:
    return {
        "property": "p1", "record": {name: one["value"] for name, one in evidence.items()}, "evidence": evidence,
        "sources": list(sources), "conflicts": list(conflicts), "unverified": list(unverified), "replaces": [],
    }  # fmt: skip


ADDRESS = {
    "UnparsedAddress": proof("12 Fictional Ave"), "City": proof("Anytown"), "StateOrProvince": proof("ST"),
    "PostalCode": proof("00000"),
}  # fmt: skip
WHOLE = {
    **ADDRESS,
    "StandardStatus": proof("Active", PORTAL), "ClosePrice": proof(412000), "CloseDate": proof("2019-06-14"),
    "SubdivisionName": proof("Oak Hollow"), "LivingArea": proof(2310, unit="Square Feet"),
    "LivingAreaUnits": proof("Square Feet"), "YearBuilt": proof(1987), "StoriesTotal": proof(1.5),
    "Roof": proof(["Asphalt Shingle"]), "AssociationYN": proof(True), "AssociationFee": proof(45),
    "PowerProductionType": proof(["Photovoltaics"]), "X_AccessNotes": proof("Gated: code at the gate house"),
    "X_EstimatedValueLow": proof(500000, PORTAL), "X_EstimatedValueHigh": proof(540500.5, PORTAL),
    "X_PotentialEquityLow": proof(88000, PORTAL), "X_PotentialEquityHigh": proof(128500.5, PORTAL),
    "X_RoofYear": proof(2016), "X_GoogleEarthUrl": proof("https://earth.google.com/web/search/35.1,-80.8"),
}  # fmt: skip

WHOLE_BRIEF = """\
12 Fictional Ave, Anytown, ST 00000

Roof              Asphalt Shingle, 2016
Square feet       2,310 sq ft
Stories           1.5
Year built        1987
Access notes      Gated: code at the gate house
Solar             yes
HOA               yes, fee $45
Subdivision       Oak Hollow
Last sale         Jun 14, 2019, $412,000
Estimated value   $500,000 to $540,500.50
Potential equity  $88,000 to $128,500.50
For sale          yes

Sources
 1. assessor, read Feb 20, 2026
    https://county.example/parcels/7
 2. portal, read Feb 20, 2026
    https://homes.example/12

Google Earth
    https://earth.google.com/web/search/35.1,-80.8
"""


def lines_of(shown: Any, label: str, width: int = 80) -> list[str]:
    found: list[str] = []
    for line in brief(shown, NOW, 30, width).splitlines():
        if line.startswith(f"{label:18}"):
            found = [line[18:]]
        elif found and line.startswith(" " * 18):
            found.append(line[18:])
        elif found:
            break
    return found


def test_a_property_with_all_values() -> None:
    assert brief(details(WHOLE, source(COUNTY, "assessor"), source(PORTAL, "portal")), NOW, 30) == WHOLE_BRIEF


def test_the_docs_show_a_real_brief() -> None:
    """The example in the docs, up to its first `...`, must be the start of a real brief."""
    page = (Path(__file__).parents[3] / "docs" / "addresses.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```text\n(12 Fictional Ave.*?)\n \.\.\.\n```", page, re.S)
    changed = {
        "StandardStatus": proof("Closed", PORTAL), "StoriesTotal": proof(2),
        "X_EstimatedValueHigh": proof(540000, PORTAL), "X_PotentialEquityHigh": proof(128000, PORTAL),
    }  # fmt: skip
    evidence = {name: one for name, one in {**WHOLE, **changed}.items() if name != "X_AccessNotes"}
    sides = [evidence["LivingArea"], proof(2130, PORTAL, unit="Square Feet")]
    conflict = {"field": "LivingArea", "chosen": 2310, "evidence": sides}
    shown = details(evidence, source(COUNTY, "assessor"), source(PORTAL, "portal"), conflicts=[conflict])
    assert brief(shown, NOW, 30).startswith(example)


def test_a_property_without_values_says_so_in_each_line() -> None:
    unknown = re.sub(r"^(\S.{17}).+$", r"\1not known", WHOLE_BRIEF.split("\n\n")[1], flags=re.M)
    expected = f"Address not known\n\n{unknown}\n\nSources\n\nGoogle Earth\n    not known\n"
    assert brief(details({}), NOW, 30) == expected


def test_a_missing_value_was_not_asked_or_is_not_on_the_page() -> None:
    """A value is not asked if a page still waits for a model; otherwise no page states it."""
    waiting = {**source(PORTAL, "portal"), "wanted_model": ["Roof", "YearBuilt", "ClosePrice"], "model_note": "No key."}
    shown = details({**ADDRESS, "YearBuilt": proof(1987)}, source(COUNTY, "assessor"), waiting)
    assert lines_of(shown, "Roof") == ["not asked"]
    assert lines_of(shown, "Year built") == ["1987"]
    assert lines_of(shown, "Stories") == ["not on the page"]
    assert lines_of(shown, "Last sale") == ["not asked"]
    assert lines_of(shown, "Potential equity") == ["not asked"], "it is computed from a price that was not asked"
    assert lines_of(shown, "Estimated value") == ["not on the page"]
    shown = details({**ADDRESS, "X_RoofYear": proof(2016)}, waiting)
    assert lines_of(shown, "Roof") == ["type not asked, 2016"]
    assert not any(entry.is_known for entry in brief_entries(details(ADDRESS, waiting), NOW, 30))


def test_sources_are_quoted_only_where_they_contradict() -> None:
    conflict = {
        "field": "ClosePrice", "chosen": 412000, "reasons": ["", "of an earlier time", "", ""],
        "evidence": [proof(412000), proof(99000, ROLL), proof(401000, PORTAL), proof(412000, ROLL)],
        "verdicts": ["won", "older", "conflict", "agrees"],
    }  # fmt: skip
    sources = source(COUNTY, None), source(PORTAL, "portal"), source(ROLL, "tax_roll")
    shown = details({**ADDRESS, "ClosePrice": proof(412000)}, *sources, conflicts=[conflict])
    assert lines_of(shown, "Last sale") == [
        "date not on the page, $412,000",
        "[price: in doubt: portal homes.example says $401,000]",
    ]


def test_an_equal_area_in_another_unit_is_no_doubt_and_a_different_one_is_shown_in_square_feet() -> None:
    chosen = proof(1410, unit="Square Feet")
    conflict = {
        "field": "LivingArea", "chosen": 1410,
        "evidence": [chosen, proof(131, PORTAL, unit="Square Meters"), proof(150, ROLL, unit="Square Meters")],
    }  # fmt: skip
    shown = details({"LivingArea": chosen}, source(COUNTY, None), conflicts=[conflict])
    assert lines_of(shown, "Square feet") == [
        "1,410 sq ft",
        "[in doubt: roll.example says 1,615 sq ft (150 square meters)]",
    ]


def test_other_values_beyond_three_are_counted() -> None:
    proofs = [proof(year, f"https://p{year}.example/") for year in (1987, 1981, 1982, 1983, 1984, 1985)]
    conflict = {"field": "YearBuilt", "chosen": 1987, "evidence": proofs}
    marks = lines_of(details({"YearBuilt": proofs[0]}, conflicts=[conflict]), "Year built")
    assert " ".join(marks) == (
        "1987 [in doubt: p1981.example says 1981, p1982.example says 1982, p1983.example says 1983, and 2 more]"
    )


@pytest.mark.parametrize(
    ("confidence", "at", "marks"),
    [
        (0.9, NEW, []),
        (0.89, NEW, ["[unsure: 89 %]"]),
        (0.97, OLD, ["[old: read Dec 1, 2025, 90 days ago]"]),
        (0.5, OLD, ["[unsure: 50 %; old: read Dec 1, 2025, 90 days ago]"]),
    ],
)
def test_uncertain_or_old_values_are_marked(confidence: float, at: str, marks: list[str]) -> None:
    shown = details({"StoriesTotal": proof(2, confidence=confidence, at=at)}, source(COUNTY, "assessor", at))
    assert lines_of(shown, "Stories") == ["2", *marks]


def test_a_value_below_the_limit_counts_as_unknown() -> None:
    """The limit is EXPORT_MIN_CONFIDENCE."""
    shown = details({**ADDRESS, "StoriesTotal": proof(2, confidence=0.49)}, source(COUNTY, "assessor"))
    assert lines_of(shown, "Stories") == ["not known", "[too unsure to show: 49 %]"]
    assert "2" in dict(entry_texts(shown, 0.4))["Stories"]
    sold = details({"ClosePrice": proof(412000, confidence=0.45), "CloseDate": proof("2020-01-02")})
    assert lines_of(sold, "Last sale") == ["Jan 2, 2020, price not known", "[price: too unsure to show: 45 %]"]
    nowhere = details({name: {**proof, "confidence": 0.3} for name, proof in ADDRESS.items()})
    assert brief(nowhere, NOW, 30).startswith("Address not known\n")


def entry_texts(shown: dict[str, Any], min_confidence: float) -> list[tuple[str, str]]:
    return [(entry.line.label, entry.text) for entry in brief_entries(shown, NOW, 30, min_confidence)]


def test_a_page_found_unchanged_is_not_old() -> None:
    shown = details({"StoriesTotal": proof(2, at=OLD)}, source(COUNTY, "assessor", OLD, NEW))
    assert lines_of(shown, "Stories") == ["2"]
    assert " 1. assessor, read Feb 20, 2026" in brief(shown, NOW, 30)


def test_equity_is_no_more_certain_than_its_inputs() -> None:
    conflict = {"field": "ClosePrice", "chosen": 412000, "evidence": [proof(412000), proof(41200, PORTAL)]}
    shown = details(WHOLE, source(COUNTY, "assessor"), conflicts=[conflict])
    assert lines_of(shown, "Potential equity") == [
        "$88,000 to $128,500.50",
        "[in doubt: computed from doubtful values above]",
    ]
    assert lines_of(shown, "Estimated value") == ["$500,000 to $540,500.50"]


def test_a_mark_common_to_all_parts_of_a_line_is_shown_once() -> None:
    ends = {"X_EstimatedValueLow": proof(1, confidence=0.88), "X_EstimatedValueHigh": proof(2, confidence=0.88)}
    assert lines_of(details(ends, source(COUNTY, None)), "Estimated value") == ["1 to 2", "[unsure: 88 %]"]
    ends["X_EstimatedValueHigh"] = proof(2)
    assert lines_of(details(ends, source(COUNTY, None)), "Estimated value") == ["1 to 2", "[low: unsure: 88 %]"]
    hoa = {"AssociationYN": proof(True, confidence=0.5), "AssociationFee": proof(45)}
    assert lines_of(details(hoa, source(COUNTY, None)), "HOA") == ["yes, fee 45", "[unsure: 50 %]"]


def test_unverified_claims_are_listed_separately() -> None:
    claim = {
        "field": "X_RoofYear", "value": 2020, "quote": "reroofed 2020", "url": "https://gone.example/",
        "reported_by": "x", "seen_at": NEW,
    }  # fmt: skip
    text = brief(details(ADDRESS, source(COUNTY, None), unverified=[claim, {**claim, "field": "Media"}]), NOW, 30)
    assert "Roof              not on the page\n" in text
    assert text.partition("For sale          not on the page\n")[2].startswith(
        "\nNot verified: a search answer says so, and its page could not be read\n"
        "  Roof, year: 2020\n    https://gone.example/\n\nSources\n"
    )


@pytest.mark.parametrize("width", [40, 80])
def test_only_urls_are_wider_than_the_terminal(width: int) -> None:
    long = {
        **WHOLE,
        "X_AccessNotes": proof("Gated community, guard on duty; " * 5),
        "Roof": proof(["Concrete tile", "Built-up", "Standing seam metal over the porch"], confidence=0.5),
        "SubdivisionName": proof("x" * 200),
    }
    text = brief(details(long, source(COUNTY + "/y" * 60, "assessor")), NOW, 30, width)
    lines = [line for line in text.splitlines() if "://" not in line]
    assert max(map(len, lines)) <= width
    assert any("/y" * 60 in line for line in text.splitlines()), "a URL is broken"


def test_page_text_cannot_control_the_terminal() -> None:
    shown = details(
        {"SubdivisionName": proof("\x1b[2JOak\r\nHollow\u202e")}, source("https://a.example/\x1b[31m", None)
    )
    assert not set(brief(shown, NOW, 30)) & set("\x1b\r\u202e")


def test_values_are_put_into_words() -> None:
    assert list(map(us.day, ("2019-06-14", "2005-10", "1995", "2019-00-14", "soon"))) == [
        "Jun 14, 2019", "Oct 2005", "1995", "2019", "soon",
    ]  # fmt: skip
    american, german = {"StateOrProvince": "NC", "PostalCode": "28202-1234"}, {"Country": "DE", "PostalCode": "10115"}
    for dollars in ({"X_Currency": "USD"}, {"Country": "US"}, american):
        assert us.money(-12000, dollars) == "-$12,000"
    amounts = [us.money(-12000, record) for record in ({"X_Currency": "EUR"}, {**german, "StateOrProvince": "BE"}, {})]
    assert amounts == ["-12,000 EUR", "-12,000", "-12,000"]
    statuses = {status: us.for_sale(status, {}) for status in ("Active", "Coming Soon", "Pending", "Closed")}
    assert statuses == {
        "Active": "yes", "Coming Soon": "yes (Coming Soon)", "Pending": "no, under contract (Pending)",
        "Closed": "no (Closed)",
    }  # fmt: skip
    for lease in ({"PropertyType": "Residential Lease"}, {"X_PricePeriod": "month"}):
        assert us.for_sale("Active", lease) == "no, for rent (Active)"
    assert [us.solar(parts) for parts in (["Photovoltaics"], ["Solar"], ["Wind", "Solar PV"])] == ["yes"] * 3
    assert us.solar(["Wind"]) == "not stated (power by Wind)"


@pytest.mark.parametrize(
    ("status", "on_site", "words"),
    [
        (None, "Off market", "no (Off market)"),
        (None, "For sale", "yes (For sale)"),
        ("Active", "For sale", "yes"),
        ("Active", "Off market", "not clear (Active, but a site says Off market)"),
        ("Closed", "Off market", "no (Closed)"),
    ],
)
def test_a_home_off_the_market_is_not_for_sale(status: str | None, on_site: str, words: str) -> None:
    """RESO has no status for such a home, so the brief shows the words of the site."""
    values = {"StandardStatus": status, "MlsStatus": on_site}
    shown = details({name: proof(value) for name, value in values.items() if value}, source(COUNTY, None))
    assert lines_of(shown, "For sale") == [words]


def test_hoa_is_shown_in_words() -> None:
    for has, fee, words in (
        (False, None, "no"), (False, 0, "no"), (None, 45, "yes, fee 45"), (None, 0, "not on the page"),
        (True, None, "yes"),
    ):  # fmt: skip
        given = {"AssociationYN": has, "AssociationFee": fee}
        shown = details(
            {name: proof(value) for name, value in given.items() if value is not None}, source(COUNTY, None)
        )
        assert lines_of(shown, "HOA") == [words]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(500000, None, "500,000"), (None, 540000, "540,000"), (5, 5, "5"), (-12000, 3000, "-12,000 to 3,000")],
)
def test_a_range_with_one_end_is_that_end(low: int | None, high: int | None, words: str) -> None:
    ends = {"X_PotentialEquityLow": low, "X_PotentialEquityHigh": high}
    shown = details({name: proof(value) for name, value in ends.items() if value is not None}, source(COUNTY, None))
    assert lines_of(shown, "Potential equity") == [words]


def test_sources_have_their_names_of_the_sources_file() -> None:
    """A source of the last tried sources has the name that it had then, another the name of its URL now."""
    shown = details({**WHOLE, "YearBuilt": proof(1987)}, source(COUNTY, "assessor"), source(PORTAL, "portal"))
    shown["tried"] = [{"source": "Anytown Assessor", "url": COUNTY}]
    named = with_source_names(shown, {PORTAL: "Homes of Anytown", COUNTY: "Renamed"}.get)
    text = brief(named, NOW, 30)
    assert " 1. Anytown Assessor, read Feb 20, 2026\n" in text
    assert " 2. Homes of Anytown, read Feb 20, 2026\n" in text
    assert "name" not in shown["sources"][0]


def test_the_name_of_a_source_replaces_its_host_in_marks() -> None:
    disputed = {
        "field": "YearBuilt", "chosen": 1987, "evidence": [proof(1987), proof(1978, PORTAL)],
        "reasons": ["", "ranks below"], "verdicts": ["won", "conflict"],
    }  # fmt: skip
    shown = details(WHOLE, source(COUNTY, "assessor"), source(PORTAL, "portal"), conflicts=[disputed])
    text = brief(with_source_names(shown, {PORTAL: "Homes of Anytown"}.get), NOW, 30)
    assert "[in doubt: Homes of Anytown says 1978]" in text
    assert "homes.example says" not in text
