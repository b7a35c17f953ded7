"""Is `sources.toml` in order, and what can it do for an address?"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from app.property.sources.template import Template, literal_parameters
from app.services.reports.doctor.findings import Verdict, ok, warning
from app.services.scraping.sources import SourceSecrets, sources_file
from app.settings import Settings
from app.settings.forms import is_loopback


def check_sources(settings: Settings) -> Verdict:
    """Read it as a scrape would. Raises `ConfigurationError`, which names the place and what to write."""
    file = sources_file(settings)
    sources = file.current()
    every = [one for area in sources.areas for one in area.sources]
    secrets = SourceSecrets(settings, file.current)
    for one in every:
        secrets.values(one.template.secrets)
    search = sources.web_search
    count = len(every)
    searched = f"the web is searched on {len(search.allowed_domains)} domains" if search.is_on else "no web search"
    said = f"{count} sources in {len(sources.areas)} areas, {searched} ({file.path})"
    doubts = [doubt for one in every for doubt in _doubts(one.name, one.template)]
    if doubts:
        return warning(f"{said}; {'; '.join(doubts)}", "See docs/sources.md, section Secrets.")
    if count or search.is_on:
        return ok(said)
    if not file.path.exists():
        return ok(f"no {file.path}: URLs can be scraped, addresses cannot")
    return warning(f"{said}: no address can be scraped", "Add an [[area]] or allowed_domains; see docs/sources.md.")


def _doubts(name: str, template: Template) -> Iterator[str]:
    """What may be wrong with a template and can as well be meant."""
    _, short = literal_parameters(template.text)
    for parameter in short:
        yield f"{name} has a fixed {parameter}: if that is a secret, write {{secret:NAME}} instead"
    parts = urlsplit(template.text)
    if template.secrets and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield f"{name} sends its secret without encryption: use https"
