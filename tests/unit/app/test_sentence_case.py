"""Text that a source writes in capitals is shown in sentence case; codes, names, and other text stay as written."""

import pytest

from app.property.presenting.sentence_case import in_sentence_case
from app.property.presenting.words import in_words


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("COMPOSITION SHINGLE", "Composition shingle"),
        ("GABLE", "Gable"),
        ("GAS", "Gas"),
        ("ASPHALT, METAL", "Asphalt, metal"),
        ("BUILT-UP TAR/GRAVEL", "Built-up tar/gravel"),
        ("3-TAB ASPHALT", "3-tab asphalt"),
        ("GATED ENTRY! CALL FIRST", "Gated entry! Call first"),
        ("GATES CLOSED. CALL FIRST", "Gates closed. Call first"),
        ("COMP. SHINGLE", "Comp. shingle"),
        ("OWNER'S GATE", "Owner's gate"),
        ("WITH A PORCH", "With a porch"),
        ("TEJA Y MADERA", "Teja y madera"),
        ("TÔLE ONDULÉE", "Tôle ondulée"),
        ("ШИФЕР И МЕТАЛЛ", "Шифер и металл"),
        ("ΚΕΡΑΜΟΣ", "Κεραμος"),
        ("1ST FLOOR HEAT PUMP", "1st floor heat pump"),
        ("(METAL)", "(Metal)"),
    ],
)  # fmt: skip
def test_capitals_become_a_sentence(written: str, shown: str) -> None:
    assert in_sentence_case(written) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("HVAC", "HVAC"), ("A/C", "A/C"), ("PVC", "PVC"), ("TPO MEMBRANE", "TPO membrane"),
        ("RUBBER EPDM", "Rubber EPDM"), ("CBS CONSTRUCTION", "CBS construction"), ("ZONE R-2", "Zone R-2"),
        ("TYPE III WALL", "Type III wall"), ("PHASE IV", "Phase IV"), ("CENTRAL A/C & HEAT", "Central A/C & heat"),
        ("T&G CEDAR", "T&G cedar"), ("T1-11 SIDING", "T1-11 siding"), ("A-FRAME", "A-frame"),
        ("METAL, U-PANEL", "Metal, U-panel"), ("CLASS A", "Class A"), ("U.S. MADE", "U.S. made"), ("W/D", "W/D"),
        ("R-38 BATTS", "R-38 batts"), ("100AMP SERVICE", "100AMP service"),
    ],
)  # fmt: skip
def test_abbreviations_codes_and_roman_numerals_stay(written: str, shown: str) -> None:
    assert in_sentence_case(written) == shown


@pytest.mark.parametrize(
    "written",
    ["Composition Shingle", "composition shingle", "METAL roof", "eXOTIC", "瓦屋根", "אסבסט",
     "قرميد", "2016", "", "- / -",
     "गैस", "KİREMİT"],
)  # fmt: skip
def test_other_text_stays_as_written(written: str) -> None:
    assert in_sentence_case(written) == written


def test_the_kind_of_a_field_decides() -> None:
    """Names, places, identifiers, and long descriptions stay as the source writes them."""
    assert in_words("Roof", ["COMPOSITION SHINGLE", "METAL"], {}) == "Composition shingle, metal"
    assert in_words("Roof", ["Slate", "METAL"], {}) == "Slate, Metal"
    assert in_words("Heating", ["FORCED AIR", "HVAC"], {}) == "Forced air, HVAC"
    assert in_words("X_AccessNotes", "GATED: CODE AT THE GATE", {}) == "Gated: code at the gate"
    permits = [{"kind": "REROOF", "date": "2016-05-04", "status": "FINALED"}]
    assert in_words("X_Permits", permits, {}) == "May 4, 2016: Reroof, Finaled"
    for name in ("ListAgentFullName", "ListOfficeName", "City", "ParcelNumber", "UnparsedAddress", "SubdivisionName"):
        assert in_words(name, "JANE DOE", {}) == "JANE DOE"
    assert in_words("PublicRemarks", "CALL JANE DOE. " * 20, {}) == "CALL JANE DOE. " * 20
