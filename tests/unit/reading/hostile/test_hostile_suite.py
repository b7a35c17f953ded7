"""A hostile page changes nothing: its record equals the honest page's record.

The values are equal, and the same values are doubtful. If the attacker's text is hidden, the prompt is equal too. Each
attack lists its exceptions. Visible text that the attacker adds to the description stays there. A fact that only markup
states may be stored as doubtful if the page neither shows nor denies the fact. A status that markup denies becomes
doubtful but keeps its value.
"""

from functools import cache

import pytest

from app.property.reading.base import Extraction
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import Prompt, build_prompt
from app.property.reading.pipeline import extract, with_model_values
from app.property.reading.ranking import LEAST_SURE
from tests.unit.reading.hostile.attacks import ATTACKS, HIDDEN, LIES, MARKUP, VISIBLE, Attack
from tests.unit.reading.hostile.honest import HONEST
from tests.unit.reading.hostile.obedient import OBEDIENT


@cache
def _honest(name: str) -> tuple[Extraction, Prompt]:
    extraction = extract(HONEST[name].page())
    return extraction, build_prompt(extraction)


def _attacked(name: str, attack: Attack) -> tuple[Extraction, Prompt]:
    extraction = extract(HONEST[name].page(**attack.writes))
    assert extraction.notes == ()
    return extraction, build_prompt(extraction)


def _trusted(extraction: Extraction, attack: Attack) -> dict[str, tuple[object, bool]]:
    """Return each value and whether it is trusted, without the description if people see the attacker's words."""
    left_out = {"PublicRemarks"} if attack.visible else set()
    return {
        name: (value, extraction.record.evidence[name].confidence >= LEAST_SURE)
        for name, value in extraction.record.values.items()
        if name not in left_out
    }


def _check(found: Extraction, honest: Extraction, attack: Attack) -> None:
    expected, read = _trusted(honest, attack), _trusted(found, attack)
    for name in attack.flags - set(expected):
        value_and_trust = read.pop(name, None)
        assert value_and_trust is None or not value_and_trust[1], name
    for name in attack.doubts & set(expected):
        assert read[name][0] == expected[name][0]
        del read[name], expected[name]
    assert read == expected
    assert found.kind == honest.kind


@pytest.mark.parametrize("name", HONEST)
def test_the_honest_page_is_read(name: str) -> None:
    """Without this test, a page from which nothing is read would pass all other tests."""
    extraction, prompt = _honest(name)
    assert {field: extraction.record.values.get(field) for field in HONEST[name].says} == HONEST[name].says
    assert prompt.fields, "no field is left to ask a model for"


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("attack", HIDDEN)
def test_hidden_text_is_neither_read_nor_sent(attack: str, name: str) -> None:
    found, prompt = _attacked(name, HIDDEN[attack])
    honest, honest_prompt = _honest(name)
    _check(found, honest, HIDDEN[attack])
    assert prompt.messages == honest_prompt.messages
    assert prompt.schema == honest_prompt.schema


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("attack", MARKUP)
def test_markup_that_contradicts_the_page_is_not_trusted(attack: str, name: str) -> None:
    _check(_attacked(name, MARKUP[attack])[0], _honest(name)[0], MARKUP[attack])


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("attack", VISIBLE)
def test_visible_instructions_are_not_facts(attack: str, name: str) -> None:
    found, prompt = _attacked(name, VISIBLE[attack])
    _check(found, _honest(name)[0], VISIBLE[attack])
    assert f"</{prompt.messages[1]['content'][1:14]}>" not in prompt.text


@pytest.mark.parametrize("model", OBEDIENT)
@pytest.mark.parametrize("name", HONEST)
def test_a_model_that_obeys_the_page_changes_nothing(name: str, model: str) -> None:
    """A lie is dropped, or accepted with low confidence because it is in text that the page does not show."""
    honest = _honest(name)[0]
    for title, attack in ATTACKS.items():
        found, prompt = _attacked_once(name, title)
        candidates, dropped = check_claims(OBEDIENT[model](prompt), prompt)
        after = with_model_values(found, candidates, len(dropped))
        try:
            _check(after, honest, attack)
        except AssertionError as exc:
            raise AssertionError(f"{title}: {exc}") from exc
        weak = {candidate.field for candidate in candidates if candidate.unshown}
        assert set(LIES) & ({lie.field for lie in dropped} | weak) == set(prompt.fields) & set(LIES), title


@cache
def _attacked_once(name: str, title: str) -> tuple[Extraction, Prompt]:
    return _attacked(name, ATTACKS[title])
