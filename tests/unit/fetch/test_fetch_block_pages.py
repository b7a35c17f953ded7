"""A block page is recognized by the typical text or headers of a bot protection product, which ordinary pages lack."""

import pytest

from app.property.fetch.decode.block_pages import _MARKUP, block_reason, visible_chars

URL = "https://homes.example/12-elm-street"
LOGIN = "https://homes.example/account/login?next=%2F12-elm-street"
PROPERTY = "<h1>12 Elm Street</h1><p>Three bedrooms, two baths, 1,410 sqft. $325,000.</p>" + "<p>A fine house.</p>" * 60
FORM = '<form><input name=user><input class="big" type="password" name=p></form>'

WALLS: dict[str, tuple[int, dict[str, str], str, str]] = {
    "Cloudflare, by its header": (403, {"cf-mitigated": "challenge"}, "<title>Just a moment...</title>", "Cloudflare"),
    "AWS WAF, by its header": (202, {"x-amzn-waf-action": "challenge"}, "", "AWS WAF"),
    "AWS WAF, captcha": (405, {"x-amzn-waf-action": "captcha"}, "", "AWS WAF"),
    "DataDome": (403, {"x-datadome": "protected"}, "", "DataDome"),
    "Kasada": (429, {"x-kpsdk-ct": "abc"}, "", "Kasada"),
    "Vercel": (429, {"x-vercel-mitigated": "challenge"}, "", "Vercel"),
    "Sucuri": (403, {"x-sucuri-block": "1"}, "", "Sucuri"),
    "Akamai": (403, {"server": "AkamaiGHost"}, "<h1>Access Denied</h1>", "Akamai"),
    "HUMAN": (403, {}, "<div id='px-captcha'></div>" + PROPERTY, "HUMAN"),
    "HTTP authentication": (401, {"www-authenticate": "Basic realm=x"}, "", "login"),
    "refused, with a login": (403, {}, FORM, "login"),
}
PAGES: dict[str, tuple[int, dict[str, str], str]] = {
    "a page": (200, {}, PROPERTY),
    "a page behind Cloudflare": (200, {"server": "cloudflare", "cf-ray": "1"}, PROPERTY),
    "Cloudflare's script on a page": (200, {}, "<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'>" * 2),
    "a contact form with a captcha": (200, {}, PROPERTY + "<div class='g-recaptcha'></div>"),
    "a page with DataDome's script": (200, {"x-datadome": "protected"}, PROPERTY + "js.captcha-delivery.com"),
    "data for scripts, with a captcha": (
        200,
        {},
        f"<head><script type='application/ld+json'>{PROPERTY}</script></head><script>_pxAppId</script>",
    ),
    "a page with a login box": (200, {}, PROPERTY + FORM),
    "an empty page of Akamai's": (200, {"server": "AkamaiGHost"}, "<p>short</p>"),
    "too many requests": (429, {"retry-after": "60"}, "slow down"),
    "out of order": (503, {}, "<h1>Maintenance</h1>"),
    "forbidden": (403, {}, "<h1>Forbidden</h1>"),
    "not found": (404, {}, "<h1>Not found</h1>"),
}


@pytest.mark.parametrize(("sign", "whose"), [(sign, whose) for signs, whose in _MARKUP for sign in signs])
def test_every_sign_alone_is_recognized(sign: str, whose: str) -> None:
    assert whose in (block_reason(URL, URL, 200, {}, f"<p>{sign.upper()}</p>") or "")


@pytest.mark.parametrize("name", WALLS)
def test_a_block_page_is_named(name: str) -> None:
    status, headers, text, whose = WALLS[name]
    assert whose in (block_reason(URL, URL, status, headers, text) or "")


@pytest.mark.parametrize("name", PAGES)
def test_other_pages_are_not_block_pages(name: str) -> None:
    assert block_reason(URL, URL, *PAGES[name]) is None


def test_a_redirect_to_a_login_page_is_a_block_page() -> None:
    """A page counts as a login page only with a password field, little other text, and a redirect to a login URL."""
    assert block_reason(LOGIN, URL, 200, {}, FORM) == "a login"
    assert block_reason(LOGIN, LOGIN, 200, {}, FORM) is None, "the login page itself was requested"
    assert block_reason("https://homes.example/house/12", URL, 200, {}, FORM) is None
    assert block_reason("https://homes.example/blogin-street-4", URL, 200, {}, FORM) is None
    assert block_reason(LOGIN, URL, 200, {}, PROPERTY * 3 + FORM) is None
    assert block_reason(LOGIN, URL, 200, {}, "<p>Please wait</p>") is None


def test_a_long_page_is_not_searched() -> None:
    assert block_reason(URL, URL, 200, {}, "<div class='g-recaptcha'></div>" + "<i></i>" * 50_000) is None


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("", 0),
        ("<p>Elm</p> <p>Street</p>", len("Elm Street")),
        ("<script>var x = 'long text'</script><style>p{}</style>Elm", 3),
        ("<head><title>Title</title></head>Elm<!-- not seen -->", 3),
        ("<script>never closed", 0),
        ("<!-- never closed", 0),
        ("<noscript>Enable JavaScript</noscript>Elm", 3),
    ],
)
def test_only_visible_text_counts(markup: str, seen: int) -> None:
    assert visible_chars(markup) == seen
