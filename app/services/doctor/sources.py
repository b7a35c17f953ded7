"""Is `sources.toml` in order, and what can it do for an address?"""

from __future__ import annotations

from app.services.doctor.findings import Verdict, ok, warning
from app.services.sources import sources_file
from app.settings import Settings


def check_sources(settings: Settings) -> Verdict:
    """Read it as a scrape would. Raises `ConfigurationError`, which names the place and what to write."""
    file = sources_file(settings)
    sources = file.current()
    search = sources.web_search
    count = sum(len(area.sources) for area in sources.areas)
    searched = f"the web is searched on {len(search.allowed_domains)} domains" if search.is_on else "no web search"
    said = f"{count} sources in {len(sources.areas)} areas, {searched} ({file.path})"
    if count or search.is_on:
        return ok(said)
    if not file.path.exists():
        return ok(f"no {file.path}: URLs can be scraped, addresses cannot")
    return warning(f"{said}: no address can be scraped", "Add an [[area]] or allowed_domains; see docs/sources.md.")
