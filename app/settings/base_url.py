"""Where the API is: a URL that keys may be sent to."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.errors import ConfigurationError
from app.redaction import shown_url
from app.settings import Settings
from app.settings.forms import is_loopback


def checked_base_url(url: str, setting: str, settings: Settings) -> str:
    """The URL without slashes at its end. Raises `ConfigurationError`, naming the setting that it came from.

    Plain HTTP to another machine needs OPENAI_ALLOW_PLAIN_HTTP: anybody on the network path can read the keys.
    """
    if not url.startswith(("https://", "http://")) or not url.split("://", 1)[1].strip("/"):
        problem = f"{shown_url(url)!r} is not an http:// or https:// URL"
        raise ConfigurationError(setting, problem, "Give the address of the API, such as https://api.openai.com/v1")
    if is_read_on_the_way(url) and not settings.openai.allow_plain_http:
        problem = f"{shown_url(url)!r} would send keys to another machine over plain HTTP"
        remedy = "Use https://, or set OPENAI_ALLOW_PLAIN_HTTP=true if the network between is your own"
        raise ConfigurationError(setting, problem, remedy)
    return url.rstrip("/")


def is_read_on_the_way(url: str) -> bool:
    """Whether what is sent to `url` leaves this machine without TLS. A URL that cannot be parsed counts as such."""
    try:
        parts = urlsplit(url)
        return parts.scheme != "https" and not is_loopback(parts.hostname or "")
    except ValueError:
        return True
