"""Say in advance what the jobs of addresses can ask: pages of `sources.toml`, and the web. Nothing is fetched."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.errors import ConfigurationError
from app.errors.keys import NoKeysError
from app.property.sources.spellings import values_of
from app.property.sources.template import Template
from app.property.urls.targets import address_of_target
from app.services.scraping.sources import SourceSecrets, sources_file
from app.settings import Settings

_REMEDY = "Add the sources of their area, or domains to search, to sources.toml (docs/sources.md), or scrape page URLs."


@dataclass(frozen=True, slots=True)
class AddressPlan:
    """`pages` maps each address to the number of its sources. One that needs the parcel number counts like the others.

    `hosts` counts the requests that need no parcel number, by host. `why_no_search` is why the web cannot be searched
    (None: it can). `failing` are the addresses for which nothing can be asked, and `problem` says why and what to do.
    """

    pages: Mapping[str, int]
    hosts: Counter[str]
    why_no_search: str | None
    failing: frozenset[str] = frozenset()
    problem: str | None = None


def plan_addresses(settings: Settings, targets: Sequence[str], *, has_keys: bool) -> AddressPlan:
    """Return the plan for normalized addresses. An invalid `sources.toml` is a `problem` of all of them."""
    if not targets:
        return AddressPlan({}, Counter(), None)
    file = sources_file(settings)
    try:
        sources = file.current()
    except ConfigurationError as exc:
        return AddressPlan(dict.fromkeys(targets, 0), Counter(), "", frozenset(targets), _problem(targets, str(exc)))
    secrets = SourceSecrets(settings, file.current)
    templates = {source.template for area in sources.areas for source in area.sources}
    usable = {template for template in templates if _has_secrets(template, secrets)}
    why_no_search = sources.web_search.why_off or (None if has_keys else str(NoKeysError()))
    pages, hosts = dict[str, int](), Counter[str]()
    for target in targets:
        address = address_of_target(target)
        inside = sources.for_address(state=address.state, city=address.city, postal_code=address.postal_code)
        values = values_of(address, "any", "any")[0]  # a county is never missing (`config.py`)
        ours = [one for one in inside if one.template in usable and not one.template.missing(values)]
        direct = [source for source in ours if not source.needs_parcel]
        # without another page, no parcel number is known
        pages[target] = len(ours) if direct or why_no_search is None else 0
        hosts.update(urlsplit(source.template.text).hostname or "" for source in direct)
    failing = [target for target, count in pages.items() if not count and why_no_search is not None]
    why = f"sources.toml ({file.path}) has no source that can be asked about them, and the web is not searched"
    problem = _problem(failing, f"{why}: {why_no_search}") if failing else None
    return AddressPlan(pages, hosts, why_no_search, frozenset(failing), problem)


def _has_secrets(template: Template, secrets: SourceSecrets) -> bool:
    try:
        secrets.values(template.secrets)
    except ConfigurationError:
        return not template.secrets
    return True


def _problem(failing: Sequence[str], why: str) -> str:
    which = f"The job of {failing[0]}" if len(failing) == 1 else f"The jobs of {len(failing):,} addresses"
    return f"{which} would fail: {why.rstrip('.')}. {_REMEDY}"
