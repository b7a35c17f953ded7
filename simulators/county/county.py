"""Generate the county: its properties, the pages about them, and the planted errors."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from simulators.county.flaws import Planted, plant
from simulators.county.homes import Home, homes
from simulators.county.sites import HEARTH, MOSAIC, Page, Site, pages_of, slug

SEED = 1
#: The number of pages with a second version (per portal), with a bot challenge, and with a mistyped street.
_TWICE = {HEARTH: 12, MOSAIC: 8}
_BLOCKED = 5
_MISTYPED = 6


@dataclass(frozen=True)
class County:
    """A generated county. `pages` are keyed by the number of the home."""

    homes: tuple[Home, ...]
    pages: Mapping[int, Sequence[Page]]
    planted: tuple[Planted, ...]

    @cached_property
    def every_page(self) -> Mapping[tuple[str, str], Page]:
        return {(page.site.key, page.path): page for of_home in self.pages.values() for page in of_home}

    def of_site(self, site: Site) -> Iterator[Page]:
        return (page for page in self.every_page.values() if page.site is site and not page.variant)

    def truth(self, root: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Yield one JSON object per property: its true facts, what each page says, and the planted errors.

        `root` maps the key of each site to its address, without a final slash.
        """
        for home in self.homes:
            yield {
                "home": home.number,
                "address": home.address,
                "truth": dict(home.truth),
                "pages": [
                    {
                        "site": page.site.key, "kind": page.site.kind, "url": root[page.site.key] + page.path,
                        "says": dict(page.says), "variant": page.variant, "open": page.is_open,
                    }
                    for page in self.pages[home.number]
                ],
                "planted": [_as_json(one) for one in self.planted if one.home == home.number],
            }  # fmt: skip


def _as_json(one: Planted) -> dict[str, Any]:
    return {
        "kind": one.kind, "site": one.site, "field": one.field, "right": one.right, "wrong": one.wrong,
        "says_right": list(one.says_right),
    }  # fmt: skip


def make_county(seed: int = SEED) -> County:
    made = homes(seed)
    chance = random.Random(f"{seed}/county")
    pages = {home.number: list(pages_of(home, seed)) for home in made}
    for site, count in _TWICE.items():
        for page in _some(pages, site, count, chance):
            pages[page.home.number].append(_again(page))
    _change(pages, _some(pages, MOSAIC, _BLOCKED, chance), lambda page: replace(page, blocked=True))
    _change(pages, _some(pages, MOSAIC, _MISTYPED, chance), _mistyped)
    spoilt, planted = plant(pages, seed)
    return County(made, spoilt, tuple(planted))


def _some(pages: Mapping[int, Sequence[Page]], site: Site, count: int, chance: random.Random) -> list[Page]:
    """Return `count` random pages of the site, without home 1, blocked pages, and pages with a second version."""
    plain = [
        page
        for number, of_home in pages.items()
        for page in of_home
        if number != 1 and page.site is site and not page.variant and page.is_open
        and not any(other.variant and other.site is site for other in of_home)
    ]  # fmt: skip
    return chance.sample(plain, count)


def _change(pages: Mapping[int, list[Page]], chosen: Sequence[Page], change: Any) -> None:
    for page in chosen:
        of_home = pages[page.home.number]
        of_home[of_home.index(page)] = change(page)


def _mistyped(page: Page) -> Page:
    line = page.home.line(page.home.street.mistyped)
    changed = {"UnparsedAddress": line, "StreetName": page.home.street.mistyped}
    return replace(page.saying(changed), line=line)


def _again(page: Page) -> Page:
    """Return a second page of the same portal about the home: another URL, another spelling, fewer facts."""
    home = page.home
    is_typo = home.number % 2 == 0
    line = home.line(home.street.mistyped if is_typo else home.street.long.lower(), "#").replace("# ", "#")
    left_out = ("ParcelNumber", "ListingId", "ListAgentFullName", "ListOfficeName", "TaxAnnualAmount")
    says = {name: value for name, value in page.says.items() if name not in left_out}
    if is_typo:
        says |= {"UnparsedAddress": line, "StreetName": home.street.mistyped}
    return Page(page.site, f"/listing/{990_000 + home.number}-{slug(line)}", home, says, line, page.sold, variant=True)
