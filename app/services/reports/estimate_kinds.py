"""Of which kinds the targets of an estimate are, and what each kind is judged by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from app.property.recipes.recipe import recipe_host
from app.property.sources.config import Source, Sources
from app.property.storage.engine import Database
from app.property.storage.forecast import Took, addresses_took, pages_took
from app.property.urls.targets import address_of_target, host_of_target, is_address
from app.services.reports.estimate_basis import LEAST_HISTORY, Basis, BasisFrom, measured

#: The labelled pages of real sites: a prompt has 3,391 tokens on average, an answer with a fact for each label that is
#: missing 302.
_TYPICAL = Took(calls=1, input_tokens=3_391, output_tokens=302)
#: what every question begins with, as far as OpenAI caches it: 1,024 tokens and then steps of 128
#: (https://platform.openai.com/docs/guides/prompt-caching)
CACHED_TOKENS = 1_024
#: what a search is taken to find, and the most that it does: cited pages that are read
_PAGES_OF_SEARCH, _MOST_PAGES_OF_SEARCH = 2, 6
#: pages that stand for those of learned hosts
_SAMPLES = 100
#: with so many sources of its own an address is not searched for
_ENOUGH_SOURCES = 2
#: What a search finds counts as input; for small models that is a block of 8,000 tokens
#: (https://developers.openai.com/api/docs/pricing, "Web search"; 2026-11). The fee for the tool is among the prices.
_SEARCH_TOKENS = 8_000


def bases_of(
    database: Database,
    model: str,
    sources: Sources,
    targets: Sequence[str],
    *,
    has_keys: bool,
    shares: Mapping[str, float],
) -> tuple[Basis, ...]:
    """What the URLs among `targets` are judged by, and what the addresses of each set of `sources` are; without keys
    no model is asked, whatever was done before. `shares` are those of pages without a model, of hosts that were
    learned. Raises `StoreError`.
    """
    addresses = [target for target in targets if is_address(target)]

    def allowed(samples: Sequence[Took]) -> Sequence[Took]:
        return samples if has_keys else [Took(pages=one.pages) for one in samples]

    bases: list[Basis] = []
    of_pages = pages_took(database, model)
    has_pages = len(of_pages) >= LEAST_HISTORY
    hosts = [known_host(target) for target in targets if not is_address(target)]
    learned = [shares[host] for host in hosts if host in shares]
    question, one = _question(of_pages) if has_pages else _TYPICAL, (1.0, 1.0, 1.0)
    if learned:
        asked_of = round(_SAMPLES * (1 - fmean(learned)))
        samples = [question] * asked_of + [Took()] * (_SAMPLES - asked_of)
        known = len(shares.keys() & set(hosts))
        bases.append(Basis(len(learned), BasisFrom.RECIPE, allowed(samples), one, hosts=known))
    if urls := len(hosts) - len(learned):
        typical = Basis(urls, BasisFrom.TYPICAL, allowed([_TYPICAL]), one)
        bases.append(measured(urls, allowed(of_pages)) if has_pages else typical)
    if not addresses:
        return tuple(bases)
    before: dict[tuple[Source, ...], list[Took]] = {}
    for done in addresses_took(database, model):
        asked = sources_of(sources, done.target)
        if done.sources.issuperset(_names(asked)):  # else other sources were configured then
            before.setdefault(asked, []).append(done.took)
    wanted = Counter(sources_of(sources, target) for target in addresses)
    for asked, count in wanted.most_common():
        samples, names = before.get(asked, []), _names(asked)
        if len(samples) >= LEAST_HISTORY:
            bases.append(measured(count, allowed(samples), names))
        else:
            bases.append(_configured(count, names, sources, question, has_keys=has_keys))
    return tuple(bases)


def known_host(target: str) -> str:
    """The host of a URL as recipes name it."""
    return recipe_host(host_of_target(target))


def _configured(targets: int, names: tuple[str, ...], sources: Sources, question: Took, *, has_keys: bool) -> Basis:
    """An address costs the pages of its sources and one question, however many these are; with too few of them a
    search, and what that finds."""
    own, may_search = len(names), sources.web_search.is_on and has_keys
    searches = int(may_search and own < _ENOUGH_SOURCES)
    usual = own + searches * _PAGES_OF_SEARCH
    took = Took(
        pages=usual,
        calls=1,
        searches=searches,
        input_tokens=question.input_tokens,
        output_tokens=question.output_tokens,
        search_input_tokens=searches * _SEARCH_TOKENS,
        search_output_tokens=searches * question.output_tokens,
    )
    pages = (own, usual, own + _MOST_PAGES_OF_SEARCH * may_search)
    return Basis(targets, BasisFrom.SOURCES, [took if has_keys else Took(pages=usual)], pages, names)


def _question(of_pages: Sequence[Took]) -> Took:
    """What a call took about a page, on average."""
    calls = sum(took.calls for took in of_pages)
    if not calls:
        return _TYPICAL
    given, made = (sum(tokens) for tokens in zip(*((t.input_tokens, t.output_tokens) for t in of_pages), strict=True))
    return Took(calls=1, input_tokens=round(given / calls), output_tokens=round(made / calls))


def sources_of(sources: Sources, target: str) -> tuple[Source, ...]:
    address = address_of_target(target)
    return sources.for_address(state=address.state, city=address.city, postal_code=address.postal_code)


def _names(sources: Sequence[Source]) -> tuple[str, ...]:
    return tuple(source.name for source in sources)
