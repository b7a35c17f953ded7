"""Return the names of a property's sources for display."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.property.merging.doubt import source_of

#: Display names by `SourceKind`. "other" has no name.
KINDS = {
    "assessor": "assessor", "gis": "county map", "tax_roll": "tax roll", "permits": "permit office",
    "portal": "portal", "association": "HOA",
}  # fmt: skip


def source_name(shown: Mapping[str, Any], url: str) -> str:
    """Return the name of the source of `url`: its name in sources.toml, else its kind and host.

    `shown` is a property in the shape of `PropertyStore.get`.
    """
    source = source_of(shown, url)
    urls = {url} if source is None else {source[name] for name in ("url", "final_url", "page_url")}
    named = next((one["source"] for one in shown.get("tried") or () if one["url"] in urls), None)
    kind = KINDS.get((source.get("source_kind") if source else None) or "", "")
    host = urlsplit(url).netloc.removeprefix("www.") or url
    return str(named) if named else f"{kind} {host}".strip()
