"""Rules for every page: it fits a phone and a desktop, nothing overlaps, and every control is reachable by keyboard.

`CASES` lists every page, some pages in several states. All cases share one server and one browser.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, Page, expect

import web.pages
from tests.integration.interfaces.pages.conftest import PICTURES, check_accessible, check_fits
from tests.integration.interfaces.pages.stored import GONE, FilledServer, filled_server

WIDTHS = (390, 1280)
#: The CSS widths of a 1280-pixel window at a zoom of 400% and 200% (WCAG 2.2, 1.4.10).
NARROW = (320, 640)
_HEIGHTS = {390: 844, 1280: 800, 320: 256, 640: 400}


@dataclass(frozen=True)
class Case:
    """A page in one state: its route, an example path, and the action that produces the state."""

    route: str
    path: str
    act: Callable[[Page], None] = lambda page: None
    is_signed_in: bool = True


def _send(page: Page, button: str) -> None:
    """Click a form's button and wait for the page it leads to: until then, the document may be empty."""
    with page.expect_event("load"):
        page.get_by_role("button", name=button).click()


def _estimate(text: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.get_by_label("URLs of property pages").fill(text)
        _send(page, "Estimate")

    return act


def _fail_to_sign_in(page: Page) -> None:
    page.get_by_label("Token").fill("no-token")
    _send(page, "Sign in")


def _show_evidence(page: Page) -> None:
    page.get_by_role("button", name="Year built: 1987").press("Enter")


def _act_on_key(page: Page) -> None:
    page.get_by_role("button", name="Act on").first.press("Enter")


def _open_all(page: Page) -> None:
    for summary in page.locator("summary").all():
        summary.press("Enter")


CASES = {
    "overview": Case("/", "/"),
    "jobs": Case("/jobs", "/jobs"),
    "jobs-of-a-batch": Case("/jobs", "/jobs?batch={batch}&state=queued"),
    "jobs-no-match": Case("/jobs", "/jobs?state=running"),
    "job": Case("/jobs/{job_id}", "/jobs/{job}"),
    "batches": Case("/batches", "/batches"),
    "batch": Case("/batches/{batch_id}", "/batches/{batch}"),
    "enqueue": Case("/enqueue", "/enqueue"),
    "enqueue-problem": Case("/enqueue/estimate", "/enqueue", _estimate("foo bar")),
    "estimate": Case("/enqueue/estimate", "/enqueue", _estimate("http://homes.example/1")),
    "properties": Case("/properties", "/properties"),
    "properties-no-match": Case("/properties", "/properties?q=nowhere"),
    "property": Case("/properties/{property_id}", "/properties/{property}"),
    "property-open": Case("/properties/{property_id}", "/properties/{property}", _open_all),
    "property-evidence": Case("/properties/{property_id}", "/properties/{property}", _show_evidence),
    "watches": Case("/watches", "/watches"),
    "watches-no-match": Case("/watches", "/watches?status=paused"),
    "recipes": Case("/recipes", "/recipes"),
    "recipes-no-match": Case("/recipes", "/recipes?host=nowhere.example"),
    "keys": Case("/keys", "/keys"),
    "keys-open": Case("/keys", "/keys", _open_all),
    "key-actions": Case("/keys", "/keys", _act_on_key),
    "sign-in": Case("/sign-in", "/sign-in", is_signed_in=False),
    "sign-in-refused": Case("/sign-in", "/sign-in", _fail_to_sign_in, is_signed_in=False),
    "sign-in-link-used": Case("/sign-in/link", "/sign-in/link?code=used", is_signed_in=False),
    "not-found": Case("", "/no-such-page"),
    "bad-request": Case("", "/jobs?state=odd"),
}
#: Routes without a page to check: most only redirect, and `/docs` is generated.
_WITHOUT_A_PAGE = {
    "/docs", "/sign-out", "/jobs/{job_id}/cancel", "/jobs/{job_id}/retry", "/batches/{batch_id}/cancel",
    "/batches/{batch_id}/retry", "/watches/{watch_id}/remove", "/recipes/{recipe_id}/forget",
    "/keys/{key_id}/{action}", "/properties/export",
}  # fmt: skip
#: File names of the docs' screenshots, by case, width, and color scheme.
_NAMES = {
    ("overview", 1280, "light"): "overview",
    ("properties", 390, "dark"): "properties-phone-dark",
    ("keys", 390, "dark"): "keys-phone-dark",
}

#: JavaScript that lists all visible texts and controls with their boxes. It ignores elements that are scrolled out of
#: view.
_BOXES = """
const root = document.querySelector(":popover-open") ?? document.body;
const isSeen = (one) => one.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true})
    && !one.closest(".locator, .skip, textarea, select, title")
    && (root !== document.body || !one.closest("[popover]"));
const boxes = [];
const add = (what, rect, element) => {
    let {left, top, right, bottom} = rect;
    for (let up = element.parentElement; up; up = up.parentElement) {
        if (!["auto", "scroll"].includes(getComputedStyle(up).overflowX)) continue;
        const outer = up.getBoundingClientRect();
        [left, right] = [Math.max(left, outer.left), Math.min(right, outer.right)];
        [top, bottom] = [Math.max(top, outer.top), Math.min(bottom, outer.bottom)];
    }
    if (right - left > 1 && bottom - top > 1 && right > 0) boxes.push({what, left, top, right, bottom, element});
};
const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const text = walker.currentNode;
    if (!text.data.trim() || !isSeen(text.parentElement)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const rect of range.getClientRects()) add(text.data.trim().slice(0, 40), rect, text.parentElement);
}
const texts = [...boxes];
for (const one of root.querySelectorAll("button, .button, input:not([type=hidden]), select, textarea, progress")) {
    if (one.checkVisibility() && (root !== document.body || !one.closest("[popover]"))) {
        add(one.outerHTML.slice(0, 60), one.getBoundingClientRect(), one);
    }
}
"""
_OVERLAPS = f"""() => {{ {_BOXES}
    const found = [];
    boxes.forEach((one, place) => boxes.slice(place + 1).forEach((other) => {{
        if (one.element.contains(other.element) || other.element.contains(one.element)) return;
        const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        if (across > 2 && down > 2) found.push(`${{one.what}} / ${{other.what}}`);
    }}));
    return found;
}}"""
#: JavaScript that returns the texts that extend beyond their container.
_CUT = f"""() => {{ {_BOXES}
    return texts.filter(({{left, right, top, bottom, element}}) => {{
        const box = element.closest(
            "button, .button, .badge, .tile, td, th, dd, dt, .card, .proof, .notice, main, header"
        );
        const outer = box?.getBoundingClientRect() ?? {{left: 0, right: innerWidth, top: -1e9, bottom: 1e9}};
        if (element.closest("svg")) return left < 0 || right > innerWidth;
        return left < outer.left - 2 || right > outer.right + 2 || top < outer.top - 2 || bottom > outer.bottom + 2;
    }}).map((box) => box.what);
}}"""
#: JavaScript that returns the tables and quotes that need horizontal scrolling.
_WIDE = """() => [...document.querySelectorAll(".scroll, .proof")]
    .filter((one) => one.checkVisibility({contentVisibilityAuto: true}) && one.scrollWidth > one.clientWidth + 1)
    .map((one) => `${one.ariaLabel}: ${one.scrollWidth} in ${one.clientWidth}`)"""
_COLLECT_FOCUSABLE = """() => {
    window.focusable = [...document.querySelectorAll(
        "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
    )].filter((one) => one.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true}) && !one.disabled);
    window.focusable[0].focus();
    return window.focusable.length;
}"""
_FOCUSED = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    return {
        place: window.focusable.indexOf(one),
        what: one.outerHTML.slice(0, 80),
        isMarked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        isInView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        left: box.left, right: box.right, top: box.top + scrollY, bottom: box.bottom + scrollY,
    };
}"""


class Visitor:
    """Opens cases in one browser, either as a signed-in manager or without a session."""

    def __init__(self, browser: Browser, server: FilledServer) -> None:
        self._server = server
        self.errors: list[str] = []
        self._manager, self._stranger = self._new_page(browser), self._new_page(browser)
        self._manager.context.add_cookies([{"name": "propintel", "value": server.session, "url": server.url}])
        self._manager.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def _new_page(self, browser: Browser) -> Page:
        context = browser.new_context(reduced_motion="reduce")
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        return page

    def open(self, name: str, width: int = 1280) -> Page:
        case = CASES[name]
        page = self._manager if case.is_signed_in else self._stranger
        page.set_viewport_size({"width": width, "height": _HEIGHTS[width]})
        page.emulate_media(color_scheme="light")
        page.goto(self._server.url + case.path.format(**self._server.ids))
        case.act(page)
        return page

    def close(self) -> None:
        for page in (self._manager, self._stranger):
            page.context.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilledServer]:
    with filled_server(tmp_path_factory.mktemp("filled")) as running:
        yield running


@pytest.fixture(scope="module")
def visitor(browser: Browser, server: FilledServer) -> Iterator[Visitor]:
    visitor = Visitor(browser, server)
    yield visitor
    visitor.close()
    # Chromium logs every 4xx response, and some cases cause one on purpose.
    assert [text for text in visitor.errors if not text.startswith("Failed to load resource")] == []


def test_the_table_covers_every_route() -> None:
    routers = [module.router for module in vars(web.pages).values() if hasattr(module, "router")]
    routes = {route.path for router in routers for route in router.routes if isinstance(route, APIRoute)}
    assert {case.route for case in CASES.values()} - {""} | _WITHOUT_A_PAGE == routes


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_is_accessible_and_works_by_keyboard(
    visitor: Visitor, name: str, width: int, screenshot: Callable[..., Path]
) -> None:
    page = visitor.open(name, width)
    check_fits(page)
    for script in (_WIDE, _OVERLAPS, _CUT):
        assert page.evaluate(script) == []
    _check_times_and_ids(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        if PICTURES:
            screenshot(page, _NAMES.get((name, width, scheme), f"{name}-{width}-{scheme}"))
        check_accessible(page)
    _check_keyboard(page)
    for narrow in NARROW:
        page.set_viewport_size({"width": narrow, "height": _HEIGHTS[narrow]})
        check_fits(page)


def _check_keyboard(page: Page) -> None:
    count = page.evaluate(_COLLECT_FOCUSABLE)
    last = page.evaluate(_FOCUSED)
    for place in range(1, count):
        page.keyboard.press("Tab")
        found = page.evaluate(_FOCUSED)
        assert found["place"] == place, f"{found['what']} is focused after {last['what']}"
        assert found["isMarked"], f"the focus on {found['what']} is not visible"
        assert found["isInView"], f"{found['what']} is outside the window"
        goes_back = found["bottom"] <= last["top"] and found["left"] < last["left"]
        assert not goes_back, f"{found['what']} is above {last['what']}"
        last = found


def _check_times_and_ids(page: Page) -> None:
    for time in page.locator("time").all():
        assert re.fullmatch(r"in \d+ (s|min|h|d)|\d+ (s|min|h|d) ago", time.text_content() or "")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", time.get_attribute("title") or "")
    assert re.findall(r"\b[0-9a-f]{32}\b", page.locator("body").inner_text()) == []


@pytest.mark.parametrize(("name", "button"), [("property", "Year built: 1987"), ("keys", "Act on")])
def test_escape_closes_a_popover_and_returns_the_focus(visitor: Visitor, name: str, button: str) -> None:
    page = visitor.open(name)
    opener = page.get_by_role("button", name=button).first
    popover = page.locator(f"#{opener.get_attribute('popovertarget')}")
    opener.press("Enter")
    expect(popover).to_be_visible()
    page.keyboard.press("Tab")
    assert popover.evaluate("one => one.contains(document.activeElement)"), "Tab does not lead into the popover"
    page.keyboard.press("Escape")
    expect(popover).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_chart_shows_the_hour_in_progress(visitor: Visitor) -> None:
    began = datetime.now(UTC)
    page = visitor.open("keys-open")
    newest = page.get_by_role("region", name="Numbers by hour").locator("tbody tr").first
    hours = {f"{at:%b %d %H}:00, so far" for at in (began, datetime.now(UTC))}
    assert newest.get_by_role("rowheader").inner_text() in hours
    requests = newest.get_by_role("cell").first.inner_text()
    figures = (page.locator("g.partial title").text_content() or "").partition(" so far: ")[2]
    assert sum(int(part.split()[0].replace(",", "")) for part in figures.split(", ")) == int(requests.replace(",", ""))


def test_an_id_is_copied_on_click(visitor: Visitor, server: FilledServer) -> None:
    page = visitor.open("batch")
    page.get_by_role("button", name="Copy id").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == server.ids["batch"]


def test_a_filter_that_matches_nothing_is_cleared_by_a_link(visitor: Visitor) -> None:
    for name in (name for name in CASES if name.endswith("no-match")):
        page = visitor.open(name)
        page.get_by_role("link", name=re.compile("^Clear the filters?$")).click()
        expect(page.locator("tbody tr").first).to_be_visible()


def test_three_clicks_lead_from_the_overview_to_a_problem(visitor: Visitor) -> None:
    for way, found in (
        (["Failed jobs", GONE], "sold"),
        (["Healthy keys"], "The provider refused it (401). Replace it."),
    ):
        page = visitor.open("overview")
        assert page.get_by_text(found).count() == 0, "the overview itself shows the problem"
        for name in way:
            page.get_by_role("link", name=name).click()
        expect(page.get_by_role("main")).to_contain_text(found)
        assert len(way) <= 3
