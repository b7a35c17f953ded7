"""Return the names of a property's sources for display."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from app.property.merging.doubt import source_of

#: Display names by `SourceKind`. "other" has no name.
KINDS = {
    "assessor": "assessor", "gis": "county map", "tax_roll": "tax roll", "permits": "permit office",
    "portal": "portal", "association": "HOA",
}  # fmt: skip


def with_source_names(shown: Mapping[str, Any], name_of: Callable[[str], str | None]) -> dict[str, Any]:
    """Return a property in the shape of `PropertyStore.get` whose sources have a `name`: the first that `name_of` gives
    for one of their URLs, or None.
    """
    named = ({**one, "name": next(filter(None, map(name_of, _urls_of(one))), None)} for one in shown["sources"])
    return {**shown, "sources": list(named)}


def configured_name(shown: Mapping[str, Any], url: str) -> str | None:
    """Return the name in sources.toml of the source of `url`, or None.

    `shown` is a property in the shape of `PropertyStore.get`, or a result of `with_source_names`. The names of the last
    job that tried sources precede, because they belong to these pages.
    """
    source = source_of(shown, url)
    urls = [url] if source is None else _urls_of(source)
    tried = next((one["source"] for one in shown.get("tried") or () if one["url"] in urls), None)
    return tried or (source or {}).get("name")


def source_name(shown: Mapping[str, Any], url: str) -> str:
    """Return the name of the source of `url` in sources.toml, else its kind and host."""
    kind = KINDS.get((source_of(shown, url) or {}).get("source_kind") or "", "")
    host = urlsplit(url).netloc.removeprefix("www.") or url
    return configured_name(shown, url) or f"{kind} {host}".strip()


def _urls_of(source: Mapping[str, Any]) -> list[str]:
    return [source[name] for name in ("page_url", "final_url", "url") if source[name]]
