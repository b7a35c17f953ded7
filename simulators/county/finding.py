"""Find a site's page by its path, by a GIS query, or by an address in any spelling."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

from simulators.county.county import County
from simulators.county.pages import gis
from simulators.county.sites import GIS, LAYER, SITES, Page, Site

#: Abbreviations that the county's records use in street lines.
_SHORT = {
    "avenue": "ave", "av": "ave", "street": "st", "boulevard": "blvd", "lane": "ln", "court": "ct", "drive": "dr",
    "road": "rd", "terrace": "ter", "circle": "cir", "north": "n", "south": "s", "east": "e", "west": "w",
    "fourth": "4th", "saint": "st",
}  # fmt: skip
_UNIT = re.compile(r"\b(?:unit|apt|apartment|ste|suite|no)\b|#")
#: The maximum number of results for an incomplete address.
MOST_RESULTS = 20


def spelled(line: str) -> str:
    """Return a street line as the records abbreviate it: `12 n main st 3` for `12 North Main Street, Apt 3`."""
    words = re.sub(r"[^\w\s-]", " ", _UNIT.sub(" ", line.lower())).split()
    return " ".join(_SHORT.get(word, word) for word in words)


def by_address(county: County, site: Site, asked: Mapping[str, str]) -> Sequence[Page]:
    """Return the pages at the address. If there are none, return pages whose street line begins with the given text."""
    wanted = spelled(f"{asked.get('address', '').partition(',')[0]} {asked.get('unit', '')}")
    postal_code = asked.get("zip", "")
    there = [p for p in county.of_site(site) if postal_code in ("", p.home.town.postal_code)]
    same = [p for p in there if wanted in (spelled(p.line), spelled(p.home.line(p.home.street.short)))]
    return same or [p for p in there if wanted and spelled(p.line).startswith(wanted)][:MOST_RESULTS]


def page_at(county: County, url: str) -> Page | None:
    """Return the page that `url` (a page, a GIS query, or a search) leads to, or None if not exactly one is found."""
    parts = urlsplit(url)
    site = next((site for site in SITES if site.host == parts.hostname), None)
    if site is None:
        return None
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if site is GIS:
        return gis.only(county.of_site(GIS), asked.get("where", "")) if parts.path == f"{LAYER}/query" else None
    if parts.path in ("/lookup", "/search"):
        found = by_address(county, site, asked)
        return found[0] if len(found) == 1 else None
    return county.every_page.get((site.key, parts.path))
