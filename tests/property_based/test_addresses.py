"""Each address has exactly one canonical form and one key, and different addresses are never confused."""

from dataclasses import replace

from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.errors.targets import InvalidTargetError
from app.property.address import Address, address_key, compare, normalize, read_target, spell_target
from app.property.address.tables import DIRECTIONALS, ordinal_words, suffixes, unit_designators
from app.property.urls.targets import address_of_target, is_address, normalize_target
from app.property.values.places import US_CODES
from tests.plugins.examples import drawn

#: Street names that cannot be misread as another part of an address.
_PLAIN = ("MAIN", "OAK HOLLER", "WILLOW", "QUINCY", "DR JONES", "SAINT ANNE", "1ST", "42ND", "K", "ELMWOOD", "LA VETA")
_TOWNS = ("ANYTOWN", "SALEM", "NEW HAVEN", "WEST ALLIS", "SAINT PAUL", "BEND", "LONG BEACH", "COUNCIL BLUFFS")
_SUFFIXES: dict[str, list[str]] = {}
for _word, _abbreviation in suffixes().items():
    _SUFFIXES.setdefault(_abbreviation, []).append(_word)
_LABELS = ("APT", "APARTMENT", "UNIT", "#", "Apt. #", "unit no.")
_NUMBERS = st.one_of(
    st.integers(1, 99_999).map(str),
    st.integers(1, 9_999).map(lambda n: f"{n}B"),
    st.integers(1, 9_999).map(lambda n: f"{n} 1/2"),
    st.integers(1, 999).map(lambda n: f"{n}-{n + 2}"),
)
_DIRECTIONS = st.sampled_from(["", "N", "S", "E", "W", "NE", "SW"])
_UNITS = st.one_of(st.just(""), st.integers(1, 999).map(str), st.integers(1, 99).map(lambda n: f"{n}C"), st.just("A"))
_ZIPS = st.from_regex(r"\A[0-9]{5}\Z")


@st.composite
def parts(draw: st.DrawFn) -> Address:
    name, suffix = draw(st.sampled_from(_PLAIN)), draw(st.sampled_from(sorted(_SUFFIXES)))
    before, after = draw(_DIRECTIONS), draw(_DIRECTIONS)
    return Address(
        street_number=draw(_NUMBERS),
        street_name=" ".join(part for part in (before, name, suffix, after) if part),
        unit=draw(_UNITS) or None,
        city=draw(st.sampled_from(_TOWNS)),
        state=draw(st.sampled_from(sorted(US_CODES))),
        postal_code=draw(_ZIPS),
        country="US",
    )


def _line(address: Address) -> str:
    unit = f" UNIT {address.unit}" if address.unit else ""
    return f"{address.street_number} {address.street_name}{unit}, {address.city}, {address.state} {address.postal_code}"


@st.composite
def other_spelling(draw: st.DrawFn, address: Address) -> str:
    assert address.street_name is not None
    words = address.street_name.split()
    long = {short: word for word, short in DIRECTIONALS.items() if len(word) > 2}
    suffix = max(place for place, word in enumerate(words) if word in _SUFFIXES)
    for place, word in enumerate(words):
        if place == suffix:
            words[place] = draw(st.sampled_from(_SUFFIXES[word]))
        elif word in long and draw(st.booleans()):
            words[place] = long[word]
    unit = f"{draw(st.sampled_from(['', ',']))} {draw(st.sampled_from(_LABELS))} {address.unit}" if address.unit else ""
    plus_four = draw(st.sampled_from(["", "-1234"]))
    ending = draw(st.sampled_from(["", ", USA", " ", "\n"]))
    comma = draw(st.sampled_from([", ", ",", "\n", " , "]))
    place_comma = draw(st.sampled_from([", ", " "]))
    street = f"{address.street_number}  {' '.join(words)}{draw(st.sampled_from(['', '.']))}{unit}"
    text = f"{street}{comma}{address.city}{place_comma}{address.state} {address.postal_code}{plus_four}{ending}"
    return draw(st.sampled_from([text, text.lower(), text.title(), text.upper()]))


@given(st.data(), parts())
@drawn(400)
def test_all_spellings_of_an_address_are_one_target_with_one_key(data: st.DataObject, address: Address) -> None:
    spelling = data.draw(other_spelling(address))
    target = normalize_target(spelling)
    assert target == normalize_target(_line(address))
    assert address_key(address_of_target(target)) == address_key(address)
    assert compare(address_of_target(target), address) == "same"


@given(parts())
@drawn(400)
def test_the_canonical_spelling_is_stable(address: Address) -> None:
    target = normalize_target(_line(address))
    assert normalize_target(target) == target
    assert is_address(target)
    read = address_of_target(target)
    for name in ("street_number", "street_name", "unit", "city", "state", "postal_code"):
        assert getattr(read, name) == getattr(address, name)
    assert normalize(normalize(address)) == normalize(address)


@given(st.data(), parts())
@drawn(400)
def test_another_number_unit_or_zip_code_is_another_address(data: st.DataObject, address: Address) -> None:
    field = data.draw(st.sampled_from(["street_number", "unit", "postal_code", "state"]))
    strategy = {
        "street_number": _NUMBERS,
        "unit": _UNITS.map(lambda unit: unit or None),
        "postal_code": _ZIPS,
        "state": st.sampled_from(sorted(US_CODES)),
    }[field]
    other = replace(address, **{field: data.draw(strategy)})
    assume(getattr(other, field) != getattr(address, field))
    assert compare(address, other) != "same"
    assert compare(other, address) == compare(address, other)
    assert normalize_target(_line(address)) != normalize_target(_line(other))
    if field != "state":
        assert address_key(address) != address_key(other)


@given(st.data(), parts())
@drawn(300)
def test_a_misspelled_street_never_makes_two_numbers_equal(data: st.DataObject, address: Address) -> None:
    number = data.draw(st.integers(1, 9_999))
    misspelled = replace(address, street_name=f"WILOW {data.draw(st.sampled_from(sorted(_SUFFIXES)))}")
    one, other = replace(misspelled, street_number=str(number)), replace(address, street_number=str(number + 2))
    assert compare(one, other) == "different"


@given(st.text(max_size=120))
@example("12 N N N, X, IL")
@example("12 ST ST ST 00000")
@drawn(500)
def test_any_text_is_a_canonical_target_or_is_refused(text: str) -> None:
    _check_canonical_or_refused(text)


_TOKENS = st.sampled_from(
    [
        *("12", "12B", "1/2", "100-102", "ONE", "#", "&", "-", ",", ",", ".", "'", "42", "2ND", "FIRST", "HUNDRED"),
        *("N", "SOUTH", "NE", "NO", "E", "ST", "AVE", "AVENUE", "ROAD", "HIGHWAY", "US", "STATE", "COUNTY", "CR"),
        *("OLD", "LOOP", "I", "FM", "KY", "IL", "CT", "NEW YORK", "WASHINGTON", "GEORGIA", "USA", "GERMANY", "CANADA"),
        *("APT", "UNIT", "BLDG", "FLOOR", "REAR", "LOT", "KEY", "PH", "STE", "SAINT", "MT", "FT", "MAIN", "OAK", "THE"),
        *("PO BOX", "BOX", "RR", "HC", "SPRINGFIELD", "PARK", "HILL", "62701", "00000", "62701-1234", "4", "B", "MLK"),
    ]
)


@given(st.lists(_TOKENS, min_size=2, max_size=14).map(" ".join))
@drawn(1_500)
def test_address_words_in_any_order_are_a_canonical_target_or_are_refused(text: str) -> None:
    _check_canonical_or_refused(text)


def _check_canonical_or_refused(text: str) -> None:
    try:
        target = normalize_target(text)
    except InvalidTargetError:
        return
    assert normalize_target(target) == target
    assert normalize_target(f"  {target} ") == target
    if is_address(target):
        address = address_of_target(target)
        assert address == read_target(text) or address == address_of_target(spell_target(text))
        assert address.street
        if address.street_number and (address.city or address.postal_code):
            key = address_key(address)
            assert key == address_key(read_target(target.lower()))


def test_an_ordinal_in_words_equals_the_one_in_digits() -> None:
    for word, number in ordinal_words().items():
        ending = "TH" if number // 10 % 10 == 1 else {1: "ST", 2: "ND", 3: "RD"}.get(number % 10, "TH")
        in_words = spell_target(f"7 {word} Ave, Salem, OR 97301")
        assert in_words == spell_target(f"7 {number}{ending} Avenue, Salem, OR 97301")


def test_every_designator_of_a_unit_is_recognized() -> None:
    for word in unit_designators():
        one, other = (read_target(f"7 Elm St {word} {n}, Salem, OR 97301") for n in (3, 4))
        assert one.street_name == other.street_name == "ELM ST", word
        assert one.unit != other.unit, word
