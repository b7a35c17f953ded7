"""Web search results about each property for the OpenAI simulator.

`simulators/openai/web_search.py` describes the format. Homes in Example County have sources, so the service should not
need a search. Their results therefore include false values.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulators.county.county import County
from simulators.county.homes import Home
from simulators.county.sites import HEARTH, MOSAIC, RUMORS, VAULT, Page, slug

#: False values, which no page of the county states.
LIES: Mapping[str, Any] = {
    "YearBuilt": 1901, "BedroomsTotal": 9, "ListPrice": 1, "Roof": "Thatch", "AssociationFee": 999,
}  # fmt: skip
_FACTS = ("BedroomsTotal", "BathroomsTotalInteger", "LivingArea", "YearBuilt")


@dataclass(frozen=True)
class Found:
    """A search result about `home`. `kind` is a name in `_KINDS`. `lies` are its values that no page states."""

    home: int
    kind: str
    entry: Mapping[str, Any]
    lies: Mapping[str, Any]


@dataclass(frozen=True)
class _Search:
    home: Home
    pages: Sequence[Page]
    root: Mapping[str, str]
    county: County

    def url(self, page: Page) -> str:
        return self.root[page.site.key] + page.path

    def right(self) -> list[dict[str, Any]]:
        """State some facts of the home, and cite its pages on the portals."""
        return [line for page in self.pages if page.site in (HEARTH, MOSAIC) for line in self.cited(page)]

    def cited(self, page: Page) -> list[dict[str, Any]]:
        title = f"{page.line} | {page.site.name}"
        facts = {name: page.says[name] for name in _FACTS if name in page.says}
        return [{"text": f"{name}: {value}", "url": self.url(page), "title": title} for name, value in facts.items()]


def _lying(search: _Search) -> list[dict[str, Any]]:
    """State false values and cite a page that does not contain them, then add the right results."""
    page = next(p for p in search.pages if p.site in (HEARTH, MOSAIC))
    lies = [{"text": f"{name}: {value}", "url": search.url(page)} for name, value in LIES.items()]
    return [*lies, {"text": "It was featured on television, and has a secret cellar."}, *search.right()]


def _dead(search: _Search) -> list[dict[str, Any]]:
    gone = f"{search.root['hearth']}/homes/st/gone/{slug(search.home.address)}"
    return [{"text": "YearBuilt: 1901", "url": gone, "title": "Sold"}, *search.right()]


def _wrong(search: _Search) -> list[dict[str, Any]]:
    """State the facts of a neighboring home and cite its page, then add the right results."""
    neighbors = [p for p in search.county.of_site(MOSAIC) if p.home.street == search.home.street and p.is_open]
    near = min((p for p in neighbors if p.home != search.home), key=lambda p: abs(p.home.number - search.home.number))
    return [*search.cited(near), *search.right()]


def _outside(search: _Search) -> list[dict[str, Any]]:
    url = f"{search.root[RUMORS.key]}/rumors/{slug(search.home.address)}"
    return [{"text": f"{name}: {value}", "url": url, "title": RUMORS.name} for name, value in LIES.items()] + (
        search.right()
    )


def _results(search: _Search) -> list[dict[str, Any]]:
    """Cite a page that lists many homes for a false value, then add the right results."""
    url = f"{search.root['hearth']}/homes/st/{slug(search.home.town.name)}"
    return [{"text": "BedroomsTotal: 9", "url": url, "title": "Homes"}, *search.right()]


def _forbidden(search: _Search) -> list[dict[str, Any]]:
    """Cite only a page that robots.txt forbids, so that the values stay unverified."""
    url = f"{search.root[VAULT.key]}/archive/{search.home.number * 911}"
    facts = {name: search.home.truth[name] for name in _FACTS if name in search.home.truth}
    return [{"text": f"{name}: {value}", "url": url, "title": VAULT.name} for name, value in facts.items()]


_KINDS: Sequence[tuple[str, Callable[[_Search], list[dict[str, Any]]], Sequence[str]]] = (
    ("right", _Search.right, ()),
    ("lying", _lying, tuple(LIES)),
    ("dead", _dead, ("YearBuilt",)),
    ("wrong", _wrong, ()),
    ("outside", _outside, tuple(LIES)),
    ("results", _results, ("BedroomsTotal",)),
    ("right", _Search.right, ()),
    ("forbidden", _forbidden, ()),
    ("lying", _lying, tuple(LIES)),
    ("nothing", lambda _: [], ()),
)


def found(county: County, root: Mapping[str, str]) -> Iterator[Found]:
    for home in county.homes:
        in_county = home.town.county == "Example"
        kind, write, lies = _KINDS[1 if in_county else home.number % len(_KINDS)]
        search = _Search(home, county.pages[home.number], root, county)
        entry = {"match": home.address, "lines": write(search) if _has_portal(search) or not in_county else []}
        yield Found(home.number, kind, entry, {name: LIES[name] for name in lies})


def _has_portal(search: _Search) -> bool:
    return any(page.site in (HEARTH, MOSAIC) for page in search.pages)


def table(county: County, root: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the simulator's `searches`: units first, because a request for a unit also matches its building."""
    entries = [(one, county.homes[one.home - 1]) for one in found(county, root)]
    entries.sort(key=lambda pair: (-len(pair[1].unit), pair[0].home))
    return [dict(one.entry) for one, _ in entries]
