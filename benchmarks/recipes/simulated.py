"""A simulated model: it answers with the true values that the prompt's text contains, but some answers are wrong.

It knows the meaning of every label, even of labels that no reader knows. A share of its values is wrong: another home's
price, another year's tax, or another row's value, quoted from the page. Its right answers are quoted by the page's own
labels, whether the check knows them or not. Of the possible wrong answers it prefers those that the check accepts, so
this share is the worst case for a recipe.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.property.reading.base import Extraction
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import Prompt, build_prompt
from app.property.reading.model.tokens import count_tokens
from app.property.reading.pipeline import with_model_values
from benchmarks.extraction.mistakes import WRONG
from benchmarks.extraction.passages import MAX_QUOTE_LINES
from benchmarks.recipes.homes import Fact
from benchmarks.recipes.sites import SitePage

_ALIKE = (
    ("BedroomsTotal", "BathroomsTotalInteger", "StoriesTotal", "ParkingTotal"),
    ("ListPrice", "ClosePrice", "TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount", "AssociationFee"),
    ("YearBuilt", "TaxYear"),
    ("Roof", "ConstructionMaterials"),
    ("Heating", "Cooling"),
    ("ListAgentFullName", "ListOfficeName"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a call. `dropped` are rejected fields; `wrong` are the accepted wrong values, by field."""

    extraction: Extraction
    dropped: tuple[str, ...]
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    wrong: dict[str, Any]
    wrong_given: int


def ask(extraction: Extraction, shown: SitePage, *, wrong: float = WRONG) -> Answer:
    """Ask about the open fields of `extraction`, and check the answer as production does."""
    prompt = build_prompt(extraction)
    values, planted = _answers(prompt, shown, wrong)
    candidates, dropped = check_claims(values, prompt)
    answered = with_model_values(extraction, candidates, len(dropped))
    facts = [{"field": name, "value": value, "quote": quote} for name, (value, quote) in values.items()]
    accepted_values = {one.field: one.value for one in candidates}
    return Answer(
        answered,
        tuple(one.field for one in dropped),
        prompt.prompt_tokens,
        prompt.prefix_tokens,
        count_tokens(json.dumps({"facts": facts}, ensure_ascii=False, separators=(",", ":"))),
        {name: value for name, value in planted.items() if accepted_values.get(name) == value},
        len(planted),
    )


def _answers(prompt: Prompt, shown: SitePage, wrong: float) -> tuple[dict[str, tuple[Any, str]], dict[str, Any]]:
    text = _Text(prompt.text)
    home = shown.home
    given, planted = dict[str, tuple[Any, str]](), dict[str, Any]()
    if home is None:
        return given, planted
    facts = {one.field: one for one in (*home.address, *home.facts)}
    for name in prompt.fields:
        fact = facts.get(name)
        quote = text.quote(fact) if fact is not None else None
        if random.Random(f"{shown.url} {name}").random() < wrong:
            slip = _slip(name, fact, shown, text, prompt)
            if slip is not None:
                given[name], planted[name] = slip, slip[0]
                continue
        if fact is not None and quote is not None:
            given[name] = fact.value, quote
    return given, planted


def _slip(name: str, fact: Fact | None, shown: SitePage, text: _Text, prompt: Prompt) -> tuple[Any, str] | None:
    """Return a wrong value of `name` with its quote, if possible one that the check accepts.

    The choice depends only on the host and the field, because a site's markup misleads in the same way on each page.
    """
    found = list[tuple[Any, str]]()
    for one in _beside(name, shown):
        quote = text.quote(one) or text.quote(Fact(name, one.value, one.text))
        if quote is not None and (fact is None or one.value != fact.value):
            found.append((one.value, quote))
    if not found:
        return None
    random.Random(f"{shown.url.split('/')[2]} {name}").shuffle(found)
    return next((slip for slip in found if check_claims({name: slip}, prompt)[0]), found[0])


def _beside(name: str, shown: SitePage) -> Iterator[Fact]:
    if shown.home is None:
        return
    yield from (one for one in shown.home.beside if one.field == name)
    alike = next((group for group in _ALIKE if name in group), ())
    yield from (one for one in shown.home.facts if one.field in alike and one.field != name)


class _Text:
    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._folded = [_folded(line) for line in self._lines]

    def quote(self, fact: Fact) -> str | None:
        """Return the fewest lines that contain the value and its label, in the notation of the page or of its
        embedded data."""
        places = [(fact.label, fact.text), (fact.key, str(fact.raw))] if fact.key else [(fact.label, fact.text)]
        for label, written in places:
            if label and (found := self._passage(_folded(label), _folded(written))):
                return found
        is_telling = len(fact.text) > 3
        return self._passage("", _folded(fact.text)) if is_telling and not fact.label else None

    def _passage(self, label: str, written: str) -> str | None:
        if not written.strip():
            return None
        holding = [at for at, line in enumerate(self._folded) if written in line]
        for many in range(1, MAX_QUOTE_LINES + 1):
            for at in holding:
                for first in range(max(0, at - many + 1), at + 1):
                    window = self._lines[first : first + many]
                    near = "".join(self._folded[first : first + many]).replace(" ", "")
                    if label.replace(" ", "") in near:
                        return "\n".join(window)
        return None


def _folded(text: str) -> str:
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return f" {' '.join(re.findall(r'[^\W_]+', parted)).casefold()} "
