"""Whether a site answered with a wall instead of a page: a bot challenge, a captcha, a login, a firewall's refusal.

Such an answer is reported and the site left alone for a while; nothing is tried to get past it. Only signs that the
makers of these walls document, or that stand on every one of their pages, count; the words of a page are judged later,
by `extract/kind.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

#: statuses whose body is worth a look; a challenge also comes as 200 or, from AWS WAF, as 202
REFUSALS = frozenset({401, 403, 405, 406, 429, 503})
#: so much of the body of a refusal is read; a wall that comes as a success is no longer than this
HEAD_BYTES = 131_072
#: an honest page that embeds a captcha or a firewall's script has more to say than this
_WALL_CHARS = 800
#: the words of a login page with help, footer and legal text
_LOGIN_CHARS = 2_500

#: header field, what it must hold, whose wall it is
_HEADERS = (
    # https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/
    ("cf-mitigated", re.compile("challenge"), "a challenge of Cloudflare"),
    # https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-actions.html
    ("x-amzn-waf-action", re.compile("challenge|captcha"), "a challenge of AWS WAF"),
    # https://vercel.com/docs/vercel-firewall/attack-challenge-mode
    ("x-vercel-mitigated", re.compile("challenge|deny"), "a refusal of Vercel's firewall"),
)
#: the same for answers that are refusals by their status
_REFUSAL_HEADERS = (
    ("x-datadome", re.compile(""), "a challenge of DataDome"),
    ("x-kpsdk-ct", re.compile(""), "a challenge of Kasada"),
    ("x-sucuri-block", re.compile(""), "a refusal of Sucuri's firewall"),
    ("server", re.compile("akamaighost", re.IGNORECASE), "a refusal of Akamai"),
)
#: what stands in the markup of a wall that has no other content
_MARKUP = (
    (re.compile(r"_cf_chl_opt|/cdn-cgi/challenge-platform/\S*/orchestrate/", re.I), "a challenge of Cloudflare"),
    (re.compile(r"captcha-delivery\.com", re.I), "a challenge of DataDome"),
    (re.compile(r"_Incapsula_Resource|Incapsula incident ID", re.I), "a challenge of Imperva"),
    (re.compile(r"id=[\"']px-captcha|_pxAppId", re.I), "a challenge of HUMAN (PerimeterX)"),
    (re.compile(r"/_sec/(?:cp_challenge|verify)|bm-verify=|errors\.edgesuite\.net", re.I), "a challenge of Akamai"),
    (re.compile(r"\.awswaf\.com/|window\.gokuProps", re.I), "a challenge of AWS WAF"),
    (re.compile(r"KPSDK|/149e9513-01fa-4fb0-aad4-566afd725d1b/", re.I), "a challenge of Kasada"),
    (re.compile(r"The requested URL was rejected\. Please consult with your administrator", re.I), "a refusal of F5"),
    (re.compile(r"(?:google|recaptcha)\.(?:com|net)/recaptcha/|\bg-recaptcha\b", re.I), "a captcha"),
    (re.compile(r"hcaptcha\.com/|\bh-captcha\b", re.I), "a captcha"),
    (re.compile(r"challenges\.cloudflare\.com/turnstile|\bcf-turnstile\b", re.I), "a captcha"),
)
_PASSWORD = re.compile(r"<input\b[^>]{0,500}?\btype\s*=\s*[\"']?password\b", re.IGNORECASE)
_LOGIN_PATH = re.compile(
    r"(?:^|[/._-])(?:log-?in|sign-?in|logon|sso|auth(?:enticate|orize)?)(?:[/._?-]|$)", re.IGNORECASE
)
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|noscript|head)\b.*?(?:</\1\s*>|\Z)|<[^>]*>", re.I | re.S
)


def wall(url: str, asked: str, status: int, headers: Mapping[str, str], text: str) -> str | None:
    """What stands in the way at `url`, in words; None where nothing does.

    `asked` is the URL before redirects, `headers` has names in lower case, `text` is the body or its head.
    """
    for field, value, what in _HEADERS:
        if field in headers and value.search(headers[field].lower()):
            return what
    refused = status in REFUSALS
    if status == 401 and "www-authenticate" in headers:
        return "a login"
    if refused and (named := _named(_REFUSAL_HEADERS, headers)):
        return named
    said = 0 if refused else visible_chars(text) if len(text) <= HEAD_BYTES else _LOGIN_CHARS
    if said < _WALL_CHARS and (sign := next((what for pattern, what in _MARKUP if pattern.search(text)), None)):
        return sign
    if said < _LOGIN_CHARS and _PASSWORD.search(text) and _leads_to_login(url, asked, refused=refused):
        return "a login"
    return None


def visible_chars(markup: str) -> int:
    """How many characters a reader sees, roughly: no markup, no scripts, white space as one."""
    return len(" ".join(_UNSEEN.sub(" ", markup).split()))


def _named(signs: tuple[tuple[str, re.Pattern[str], str], ...], headers: Mapping[str, str]) -> str | None:
    return next((what for field, value, what in signs if field in headers and value.search(headers[field])), None)


def _leads_to_login(url: str, asked: str, *, refused: bool) -> bool:
    """Refused with a password field, or sent on to a place that is called a login."""
    return refused or (url != asked and _LOGIN_PATH.search(urlsplit(url).path) is not None)
