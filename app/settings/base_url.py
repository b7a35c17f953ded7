"""Check the base URL of an API before keys are sent to it."""

from urllib.parse import urlsplit

from app.errors import ConfigurationError
from app.redaction import shown_url
from app.settings import Settings
from app.settings.forms import is_loopback, password_before_host


def checked_base_url(url: str, setting: str, settings: Settings) -> str:
    """Return the URL without trailing slashes. Raises `ConfigurationError` for `setting` if the URL is not allowed.

    Plain HTTP to another machine needs OPENAI_ALLOW_PLAIN_HTTP, because anyone on the network path can read the keys.
    """
    try:
        password_before_host(url)
    except ValueError as exc:
        raise ConfigurationError(setting, f"a URL {exc}", "Encode it") from None
    if not url.startswith(("https://", "http://")) or not url.split("://", 1)[1].strip("/"):
        problem = f"{shown_url(url)!r} is not an http:// or https:// URL"
        raise ConfigurationError(setting, problem, "Set the URL of the API, such as https://api.openai.com/v1")
    if leaves_unencrypted(url) and not settings.openai.allow_plain_http:
        problem = f"{shown_url(url)!r} would send keys to another machine over plain HTTP"
        remedy = "Use https://, or set OPENAI_ALLOW_PLAIN_HTTP=true if you control the network in between"
        raise ConfigurationError(setting, problem, remedy)
    return url.rstrip("/")


def leaves_unencrypted(url: str) -> bool:
    """Return whether requests to `url` leave this machine without TLS, or `url` cannot be parsed."""
    try:
        parts = urlsplit(url)
        return parts.scheme != "https" and not is_loopback(parts.hostname or "")
    except ValueError:
        return True
