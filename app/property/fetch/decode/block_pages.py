"""Detect block pages: bot challenges, captchas, logins, and firewall errors that a site sends instead of a page.

Block pages are reported as errors, and requests to the site pause for a while. No code tries to bypass them. The
patterns below come from the vendors' documentation or block pages.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

#: Usual statuses of block pages. Challenges may also have the status 200 or 202.
REFUSALS = frozenset({401, 403, 405, 406, 429, 503})
#: Maximum number of bytes read from a response with a status in `REFUSALS`. A successful response with more characters
#: counts as a real page, unless a header marks a block page.
HEAD_BYTES = 131_072
#: A successful response with at least this many characters of visible text and JSON counts as a real page, even if it
#: contains a captcha.
_WALL_CHARS = 800
#: Only a page with fewer characters of visible text and JSON than this counts as a login page.
_LOGIN_CHARS = 2_500

#: Headers that mark a block page with any status: name, pattern for the value, and what the error reports.
_HEADERS = (
    # https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/
    ("cf-mitigated", re.compile("challenge", re.I), "a challenge of Cloudflare"),
    # https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-actions.html
    ("x-amzn-waf-action", re.compile("challenge|captcha", re.I), "a challenge of AWS WAF"),
    # https://vercel.com/docs/vercel-firewall/attack-challenge-mode
    ("x-vercel-mitigated", re.compile("challenge|deny", re.I), "a refusal of Vercel's firewall"),
)
#: Headers that mark a block page only if the status is in `REFUSALS`.
_REFUSAL_HEADERS = (
    ("x-datadome", re.compile(""), "a challenge of DataDome"),
    ("x-kpsdk-ct", re.compile(""), "a challenge of Kasada"),
    ("x-sucuri-block", re.compile(""), "a refusal of Sucuri's firewall"),
    ("server", re.compile("akamaighost", re.I), "a refusal of Akamai"),
)
#: Lower-case markup of block pages, and what the error reports.
_MARKUP = (
    (("_cf_chl_opt", "/orchestrate/chl_"), "a challenge of Cloudflare"),
    (("captcha-delivery.com",), "a challenge of DataDome"),
    (("_incapsula_resource", "incapsula incident id"), "a challenge of Imperva"),
    (("px-captcha", "_pxappid"), "a challenge of HUMAN (PerimeterX)"),
    (("/_sec/cp_challenge", "/_sec/verify", "bm-verify=", "errors.edgesuite.net"), "a challenge of Akamai"),
    ((".awswaf.com/", "window.gokuprops"), "a challenge of AWS WAF"),
    (("kpsdk", "/149e9513-01fa-4fb0-aad4-566afd725d1b/"), "a challenge of Kasada"),
    (("the requested url was rejected. please consult with your administrator",), "a refusal of F5"),
    (("google.com/recaptcha/", "recaptcha.net/recaptcha/", "g-recaptcha"), "a captcha"),
    (("hcaptcha.com/", "h-captcha"), "a captcha"),
    (("challenges.cloudflare.com/turnstile", "cf-turnstile"), "a captcha"),
)
#: Every pattern in `_MARKUP` contains one of these strings. Searching for them first is faster.
_STEMS = (
    "chl_", "captcha", "incapsula", "_pxappid", "/_sec/", "bm-verify=", "errors.edgesuite.net", ".awswaf.com/",
    "gokuprops", "kpsdk", "/149e9513", "url was rejected", "turnstile",
)  # fmt: skip
_PASSWORD = re.compile(r"<input\b[^>]{0,500}?\btype\s*=\s*[\"']?password\b", re.IGNORECASE)
_LOGIN_PATH = re.compile(
    r"(?:^|[/._-])(?:log-?in|sign-?in|logon|sso|auth(?:enticate|orize)?)(?:[/._?-]|$)", re.IGNORECASE
)
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|noscript|head)\b.*?(?:</\1\s*+>|\Z)|<[^<>]*+>", re.I | re.S
)
#: Data such as JSON-LD, which scripts may show. Block pages contain none.
_DATA = re.compile(r"<script\b[^<>]{0,300}?json[^<>]*+>(.*?)(?:</script|\Z)", re.IGNORECASE | re.DOTALL)


def block_reason(url: str, asked: str, status: int, headers: Mapping[str, str], text: str) -> str | None:
    """Describe what blocks access to `url`, or return None if nothing does.

    `asked` is the URL before redirects. The names in `headers` are lower-case. `text` is the body or its start.
    """
    refused = status in REFUSALS
    named = _named(_HEADERS, headers) or (_named(_REFUSAL_HEADERS, headers) if refused else None)
    if named is not None:
        return named
    if status == 401 and "www-authenticate" in headers:
        return "a login"
    return None if len(text) > HEAD_BYTES else _by_markup(text, refused=refused, to_login=_is_login(url, asked))


def _by_markup(text: str, *, refused: bool, to_login: bool) -> str | None:
    markup = text.lower()
    signs = _MARKUP if any(stem in markup for stem in _STEMS) else ()
    sign = next((what for needles, what in signs if any(needle in markup for needle in needles)), None)
    asks_password = (refused or to_login) and "password" in markup and _PASSWORD.search(markup) is not None
    if sign is None and not asks_password:
        return None
    shown_chars = 0 if refused else visible_chars(text) + sum(map(len, _DATA.findall(text)))
    if sign is not None and shown_chars < _WALL_CHARS:
        return sign
    return "a login" if asks_password and shown_chars < _LOGIN_CHARS else None


def visible_chars(markup: str) -> int:
    """Return the approximate number of characters that a reader sees, excluding markup and scripts."""
    return len(" ".join(_UNSEEN.sub(" ", markup).split()))


def _named(signs: tuple[tuple[str, re.Pattern[str], str], ...], headers: Mapping[str, str]) -> str | None:
    return next((what for field, value, what in signs if field in headers and value.search(headers[field])), None)


def _is_login(url: str, asked: str) -> bool:
    return url != asked and _LOGIN_PATH.search(urlsplit(url).path) is not None
