"""Read a results page: its listings in order, its paid listings, and the next page."""

from dataclasses import dataclass

from app.property.fields.phrases import pattern
from app.property.page import Page
from app.property.reading.document import Document
from app.property.reading.kind import nothing_in, result_lists
from app.property.reading.search.declared import declared
from app.property.reading.search.links import Links, Shape, is_alike, shape_of
from app.property.reading.search.pagination import next_page
from app.property.reading.search.shown import shown

MOST_LISTINGS = 2_000
_NOTHING = pattern("pages", "no_results")
#: A page about a property usually has more characters of text than this.
_SMALL_PAGE_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Results:
    """`listings` and `paid_for` are distinct normalized URLs. `shapes` are the shapes of these listings and of listings
    on earlier pages. `says_none` is true if the page says that nothing was found.
    """

    listings: tuple[str, ...]
    paid_for: tuple[str, ...]
    next_url: str | None
    shapes: frozenset[Shape]
    says_none: bool = False


def read_results(page: Page, known: frozenset[Shape] = frozenset()) -> Results:
    """Read the results on `page`. `known` are shapes of earlier pages' listings. Raises only `PageTooComplexError`."""
    document = Document(page)
    links = Links(document)
    cards = shown(document, links, known)
    named = dict.fromkeys(cards.listings)
    shapes = {shape_of(url) for url in named} | known
    for url in declared(document, links):
        if not shapes or is_alike(shape_of(url), shapes):
            named[url] = None
    follows = next_page(document, links)
    paid_for = tuple(url for url in dict.fromkeys(cards.paid_for) if url not in named)
    # drop a URL with a referral parameter if the page also has the URL without it
    once = dict.fromkeys(bare if (bare := url.partition("?")[0]) in named else url for url in named)
    listings = tuple(url for url in once if url != follows)[:MOST_LISTINGS]
    now_known = frozenset(shape_of(url) for url in listings) | known
    return Results(listings, paid_for, follows, now_known, nothing_in(document) is not None)


def nothing_found(page: Page, *, is_about_one: bool = False) -> str | None:
    """Say how a page states that it has no results; None if it does not.

    If the page lists properties or `is_about_one`, a statement outside of its title and heading may be that of a part
    of the page, such as a list of saved searches. Raises only `PageTooComplexError`.
    """
    document = Document(page)
    if document.json is not None:
        lists = [document.json] if isinstance(document.json, list) else list(result_lists(document.json))
        return "its list of results is empty" if lists and not any(lists) else None
    words = nothing_in(document)
    if words is not None and _NOTHING.search(document.headline) is None:
        is_long = sum(len(segment.text) for segment in document.segments) > _SMALL_PAGE_CHARS
        if (is_about_one and is_long) or read_results(page).listings:
            return None
    return f"the page says {words!r}" if words is not None else None
