"""The model's cost in three ways: asking on every page, with recipes, and with crawl4ai's cached schema.

For each template, crawl4ai's `JsonCssExtractionStrategy.generate_schema` (0.9.2) sends one page's cleaned HTML and its
instructions to a model. The answer is a schema of CSS selectors, which then reads the template's pages without a model.
All assumptions favor crawl4ai: each template needs one call, a redesign is noticed on its first page, and the selectors
find every value of a field that the first page shows in a separate element.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.keypool.pricing import make_pricing
from app.property.reading.model.tokens import count_tokens
from benchmarks.recipes.layouts import IN_SCRIPTS, SHOWN
from benchmarks.recipes.run import Outcome, Tokens
from benchmarks.recipes.sites import SitePage

#: The default of OPENAI_MODEL. Costs are computed with its prices.
MODEL = "gpt-4.1-mini"
#: Sizes in tokens (o200k): crawl4ai's instructions, each field in the answered schema, and the rest of that schema.
_INSTRUCTIONS, _PER_FIELD, _AROUND = 4_100, 40, 60
_HEAD = re.compile(r"<head>.*?</head>|<script\b.*?</script>", re.DOTALL)
_KEPT = re.compile(r'\s(?!(?:id|class|name|type|value|data-[\w-]+)=)[\w-]+="[^"]*"')


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars and model calls per 1,000 pages, and the share of the pages' values that is read correctly."""

    usd: float
    calls: float
    read: float


def of_every(outcomes: Sequence[Outcome]) -> Cost:
    right = sum(one.every.right for one in outcomes)
    return _cost([one.every_tokens for one in outcomes], right, outcomes)


def of_recipes(outcomes: Sequence[Outcome]) -> Cost:
    return _cost([one.tokens for one in outcomes], sum(one.judged.right for one in outcomes), outcomes)


def of_schema(outcomes: Sequence[Outcome], known: Sequence[Outcome] | None = None) -> Cost:
    """Return the cost of crawl4ai's schemas, made from each template's first page.

    The share of correct values is an upper bound. If `known` is given, count only these pages, and not the calls that
    made the schemas.
    """
    first: dict[tuple[int, str], SitePage] = {}
    for one in outcomes:
        if one.nth:
            first.setdefault((one.site, one.page.template), one.page)
    calls = [_schema_call(page) for page in first.values() if page.content_type == "text/html"]
    asked = outcomes if known is None else known
    read = sum(_readable(one.page, first[one.site, one.page.template]) for one in asked if one.nth)
    return _cost(calls if known is None else [], read, asked)


def _cost(calls: Sequence[Tokens], right: int, outcomes: Sequence[Outcome]) -> Cost:
    price = make_pricing()
    made = [one for one in calls if one.prompt]
    microusd = sum(price(MODEL, one.prompt, one.completion, cached=one.cached) for one in made)
    pages = max(1, len(outcomes))
    stated = sum(one.judged.stated for one in outcomes)
    return Cost(microusd / 1e6 * 1_000 / pages, len(made) * 1_000 / pages, right / max(1, stated))


def _schema_call(page: SitePage) -> Tokens:
    """Return the tokens of one call: the prompt (instructions, cleaned HTML, JSON example) and the answered schema."""
    html = _KEPT.sub("", _HEAD.sub("", page.text))
    fields = _shown_alone(page)
    return Tokens(_INSTRUCTIONS + count_tokens(html) + 8 * len(fields), 0, _AROUND + _PER_FIELD * len(fields))


def _readable(page: SitePage, first: SitePage) -> int:
    return len(_shown_alone(page) & _shown_alone(first)) if page.content_type == "text/html" else 0


def _shown_alone(page: SitePage) -> frozenset[str]:
    """Return the fields whose values have separate elements, and are not only in JSON, scripts, or prose."""
    if page.home is None:
        return frozenset()
    names = {one.field for one in page.home.facts}
    if page.layout == "prose":
        names &= {"ListPrice"}
    elif page.layout in IN_SCRIPTS:
        names &= SHOWN
    return frozenset(names | {one.field for one in page.home.address})


def by_template(outcomes: Iterable[Outcome]) -> dict[tuple[int, str], list[Outcome]]:
    found: dict[tuple[int, str], list[Outcome]] = defaultdict(list)
    for one in outcomes:
        if one.nth:
            found[one.site, one.page.template].append(one)
    return found
