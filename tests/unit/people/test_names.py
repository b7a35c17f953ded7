"""The common forms of a person's name are found, but not the names of other people."""

import pytest

from app.errors.purging import InvalidPersonError
from app.property.people import finder_of, parse_name


def without(name: str, text: str) -> str:
    found = finder_of(parse_name(name)).without(text)
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Call Jane Doe now", "Call [removed] now"),
        ("JANE DOE, jane doe", "[removed], [removed]"),
        ("Doe, Jane", "[removed]"),
        ("Owner: DOE JANE Q & ROE JOHN", "Owner: [removed] & ROE JOHN"),
        ("Jane Q. Doe and Jane R Doe", "[removed] and [removed]"),
        ("Jane\u00a0Doe or Jan&eacute; D\u00f6e or J\\u0061ne D%6Fe", "[removed] or [removed] or [removed]"),
        ("https://x.example/agents/jane-doe/12", "https://x.example/agents/[removed]/12"),
        ("jane.doe@x.example, janedoe@x.example", "[removed]@x.example, [removed]@x.example"),
        ("<i class='first'>Jane</i> <b>Doe</b>", "<i class='first'>[removed]</i> <b></b>"),
        ('{"firstName":"Jane","lastName":"Doe"}', '{"firstName":"[removed]","lastName":""}'),
        (
            '{"lastName": "Doe", "middleName": "Q", "firstName": "Jane"}',
            '{"lastName": "[removed]", "middleName": "", "firstName": ""}',
        ),
        ('<img alt="Jane Doe">', '<img alt="[removed]">'),
        ("Owner: DOE JOHN A & JANE Q", "Owner: DOE JOHN A & [removed]"),
        ("<td>DOE JOHN &amp; JANE</td><td>12 MAIN ST</td>", "<td>DOE JOHN &amp; [removed]</td><td>12 MAIN ST</td>"),
        ("DOE JOHN & JANE TRUSTEES", "DOE JOHN & [removed] TRUSTEES"),
        ("Doe, John and Jane", "Doe, John and [removed]"),
        ("sold by Jane and John Doe.", "sold by [removed] and John Doe."),
        ("Jane Q. & John R. Doe", "[removed]. & John R. Doe"),
    ],
)
def test_a_name_is_found_in_any_common_form(text: str, left: str) -> None:
    assert without("Jane Doe", text) == left


@pytest.mark.parametrize(
    "text",
    [
        "Jane Doe-Smith",
        "Mary-Jane Doe",
        "Mary Jane Doe",
        "Jane Quincy Doe",
        "bought by Jane. Doe Street is quiet",
        "Doe Jane",
        "Agents: Jane | Doe",
        "Jane, Doe and others",
        "12 Jane Doe Street",
        "J. Doe, Janet Doe, Jane Doerr, Ms. Doe",
        "https://x.example/agents/doe-jane",
        "DOE JOHN & JANE ROE",
        "DOE JOHN & ROE JANE",
        "Jane and the Doe family",
        "Jane, John & Mary Doe-Smith; Jane Roe and John Doe",
        "ask Jane & see Doe Street",
    ],
)
def test_another_person_s_name_is_not_found(text: str) -> None:
    assert without("Jane Doe", text) == text


@pytest.mark.parametrize("name", ["John Quincy Doe", "Doe, John Quincy", "Dr. JOHN Quincy DOE"])
def test_a_given_middle_name_is_required(name: str) -> None:
    """The middle name's initial suffices. The names of other people called John Doe are not removed."""
    text = "John Doe; John Q. Doe; John Quincy Doe; DOE JOHN Q; John R. Doe"
    assert without(name, text) == "John Doe; [removed]; [removed]; [removed]; John R. Doe"


def test_a_given_initial_matches_every_name_with_that_letter() -> None:
    text = "John Quincy Doe; John Robert Doe; John Doe"
    assert without("John Q. Doe", text) == "[removed]; John Robert Doe; John Doe"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("José García Márquez", "Jose\u0301 Garc&iacute;a M%C3%A1rquez"),
        ("Garcia Marquez, Jose", "GARCÍA MÁRQUEZ, JOSÉ"),
        ("Conan O'Brien", "Conan O&rsquo;Brien"),
        ("Conan OBrien", "Conan O’BRIEN"),
        ("Anne-Marie Jones", "Anne Marie Jones"),
        ("Maria de la Cruz", "DE LA CRUZ, MARIA"),
        ("Øyvind Åsen", "Oyvind Asen"),
        ("Jane Doe Jr.", "Jane Doe, Jr."),
    ],
)
def test_accents_apostrophes_and_hyphens_are_ignored(name: str, text: str) -> None:
    assert without(name, text).strip(".") == "[removed]"


def test_the_name_is_removed_from_json_keys_and_values() -> None:
    finder = finder_of(parse_name("Jane Doe"))
    value = {"by Jane Doe": [1, None, {"event": "sold to DOE JANE", "price": 2.5}]}
    assert finder.is_in(value)
    assert finder.without(value) == {"by [removed]": [1, None, {"event": "sold to [removed]", "price": 2.5}]}
    assert not finder.is_in(finder.without(value))


@pytest.mark.parametrize("text", ["Cher", "", "Dr. Quackenbush", "Ottilie Q", "12 34", "a b c d e f g"])
def test_an_invalid_name_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidPersonError) as caught:
        parse_name(text)
    assert not text or text not in str(caught.value)
