"""Search result pages give their listings and their next page. All pages are invented."""

import json

import pytest

from app.property.reading.search.reading import Results, read_results
from tests.plugins.read_pages import page_of

HERE = "https://portal.example/homes/anytown"


def results(body: str, url: str = HERE, *, head: str = "", content_type: str = "text/html") -> Results:
    text = body if "json" in content_type else f"<html><head>{head}</head><body>{body}</body></html>"
    return read_results(page_of(text, url, content_type))


def listing(number: int) -> str:
    return f"https://portal.example/listing/{number}"


def cards(*numbers: int, tag: str = "div") -> str:
    return "".join(
        f'<{tag} class="tile"><a href="/listing/{n}"><img alt=""></a><a href="/listing/{n}#map">{n} Oak St</a>'
        f'<span>${n}50,000</span><span>3 bd</span><a href="/agents/ann-lee">Ann Lee</a>'
        f'<a href="/save?home={n}">Save</a>'
        f"</{tag}>"
        for n in numbers
    )


ADDRESSES = "".join(f'<li><a href="/home/{n}">{n} Oak St, Anytown, ST 00000</a></li>' for n in (1, 2, 3))
ROWS = "".join(
    f'<tr><td><a href="view.php?id={n}">{n} Elm St</a></td><td>$2{n}0,000</td><td>1,{n}00 sq ft</td></tr>'
    for n in (4, 5)
)
ITEMS = [{"@type": "ListItem", "position": n, "item": {"@type": "House", "url": f"/listing/{n}"}} for n in (1, 2, 3)]
ITEM_LIST = f'<script type="application/ld+json">{json.dumps({"@type": "ItemList", "itemListElement": ITEMS})}</script>'
BESIDE = [{"@type": "SingleFamilyResidence", "url": listing(n), "address": f"{n} Oak St"} for n in (1, 2)]
STATE_ROWS = [{"detailUrl": f"/listing/{n}", "price": 250_000, "beds": 3, "address": f"{n} Oak St"} for n in (1, 2, 3)]
STATE = f"<script>window.__STATE__ = {json.dumps({'search': {'listings': STATE_ROWS}})};</script>"
OTHERS = f"<script>window.__STATE__ = {json.dumps({'recentlyViewed': STATE_ROWS})};</script>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"<main>{cards(1, 2, 3)}</main>", [listing(1), listing(2), listing(3)]),
        (f"<ul>{ADDRESSES}</ul>", [f"https://portal.example/home/{n}" for n in (1, 2, 3)]),
        (f"<table>{ROWS}</table>", [f"https://portal.example/homes/view.php?id={n}" for n in (4, 5)]),
        (ITEM_LIST, [listing(1), listing(2), listing(3)]),
        (f'<script type="application/ld+json">{json.dumps(BESIDE)}</script>', [listing(1), listing(2)]),
        (STATE, [listing(1), listing(2), listing(3)]),
        (f"<main>{cards(1, 2)}</main>{STATE}", [listing(1), listing(2), listing(3)]),
        (f"<main>{cards(7)}</main>", [listing(7)]),
    ],
)
def test_listings_are_found_by_repetition_and_by_data(body: str, expected: list[str]) -> None:
    assert list(results(body).listings) == expected


TOWNS = "".join(f'<li><a href="/homes/town-{n}">Homes in Town {n}</a></li>' for n in range(5))
AGENTS = "".join(f'<div class="who"><a href="/people/jo-{n}">Jo {n}</a> Office: {n} Main St</div>' for n in range(2))
POSTS = "".join(f'<div class="post"><a href="/stories/tip-{n}">Ten tips for buyers</a></div>' for n in range(4))
HIDDEN = "".join(
    f'<div class="tile" style="display:none"><a href="/listing/{n}">{n} Oak St $1</a></div>' for n in (8, 9)
)


@pytest.mark.parametrize(
    "beside",
    [
        f"<ul>{TOWNS}</ul>",
        f"<div>{AGENTS}</div>",
        f"<div>{POSTS}</div>",
        f"<section>{HIDDEN}</section>",
        f"<section><h2>Similar homes</h2>{cards(8, 9)}</section>",
        f'<div class="recommended">{cards(8, 9)}</div>',
        f"<footer>{cards(8, 9)}</footer>",
        OTHERS,
        '<p><a href="/homes/anytown?sort=price">Price</a> <a href="/homes/anytown?beds=3">3+ beds</a></p>',
    ],
)
def test_blocks_beside_the_results_are_not_listings(beside: str) -> None:
    assert list(results(f"<main>{cards(1, 2, 3)}</main>{beside}").listings) == [listing(1), listing(2), listing(3)]
    assert results(beside).listings == ()


def test_paid_listings_and_other_sites_are_separated() -> None:
    paid = '<div class="tile"><b>Sponsored</b><a href="https://ads.example/9">9 Ad St</a> $99,000 3 bd</div>'
    other = '<div class="tile"><a href="https://else.example/listing/5">5 Oak St</a> $99,000 3 bd</div>'
    found = results(f"<main>{cards(1, 2)}{paid}{other}</main>")
    assert list(found.listings) == [listing(1), listing(2), "https://else.example/listing/5"]
    assert list(found.paid_for) == ["https://ads.example/9"]


def test_a_referral_parameter_makes_no_second_listing() -> None:
    body = "".join(f'<p class="t"><a href="/listing/{n}?from=list">{n} Oak St</a> $250,000</p>' for n in (1, 2, 3))
    assert list(results(body + ITEM_LIST).listings) == [listing(1), listing(2), listing(3)]


def test_links_are_read_from_the_base_that_the_page_declares() -> None:
    body = "".join(f'<p class="t"><a href="{n}">{n} Oak St</a> $250,000</p>' for n in (1, 2))
    assert list(results(body, head='<base href="/listing/">').listings) == [listing(1), listing(2)]


def test_a_json_body_has_listings_and_a_plain_next_link() -> None:
    body = json.dumps({"results": STATE_ROWS, "next": "/homes/anytown?page=2", "cursor": "abc"})
    found = results(body, content_type="application/json")
    assert list(found.listings) == [listing(1), listing(2), listing(3)]
    assert found.next_url == f"{HERE}?page=2"
    no_link = json.dumps({"results": STATE_ROWS, "next": "abc"})
    assert results(no_link, content_type="application/json").next_url is None


@pytest.mark.parametrize(
    ("url", "body", "expected"),
    [
        (HERE, '<a rel="next" href="?page=2">more</a>', f"{HERE}?page=2"),
        (HERE, '<a href="/homes/anytown/page-2/" aria-label="Next page"><svg></svg></a>', f"{HERE}/page-2/"),
        (HERE, '<a href="?page=1">1</a> <a href="?page=2">2</a> <a href="?page=9">9</a>', f"{HERE}?page=2"),
        (f"{HERE}?page=3", '<a href="?page=2">2</a><a href="?page=4">4</a>', f"{HERE}?page=4"),
        (f"{HERE}/4_p/", f'<a href="{HERE}/3_p/">&lsaquo;</a><a href="{HERE}/5_p/">&rsaquo;</a>', f"{HERE}/5_p/"),
        (f"{HERE}?beds=3", '<a href="?beds=3&offset=24">Weiter</a>', f"{HERE}?beds=3&offset=24"),
        (HERE, '<a rel="next" href="?cursor=Zm9v">Older</a>', f"{HERE}?cursor=Zm9v"),
        (HERE, '<a class="disabled" href="?page=2">Next</a>', None),
        (HERE, '<a rel="next" href="https://else.example/homes/anytown?page=2">Next</a>', None),
        (HERE, '<a rel="next" href="/homes/othertown?page=2">Next</a>', None),
        (f"{HERE}?beds=3", '<a href="?page=2">Next</a>', None),
        (HERE, '<a rel="next" href="?month=2027-01">Next</a>', None),
        (HERE, '<div class="calendar"><a href="?page=2">Next</a></div>', None),
        (HERE, '<a href="/homes/anytown/2026-12-24">Next</a>', None),
    ],
)
def test_the_next_page_belongs_to_the_same_search(url: str, body: str, expected: str | None) -> None:
    assert results(f"<main>{cards(1, 2)}</main>{body}", url).next_url == expected


def test_an_empty_result_differs_from_an_unreadable_page() -> None:
    assert results("<h1>0 homes for sale</h1><p>No results found in Anytown.</p>").says_none
    assert not results("<h1>120 homes for sale</h1><div id='app'></div>").says_none
