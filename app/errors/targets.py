"""Errors about targets, and about finding pages for them."""

from app.errors import PropertyIntelligenceError


class InvalidTargetError(PropertyIntelligenceError, code="invalid_target", facts="target problem"):
    """A target is neither a URL that can be fetched nor a postal address."""

    sentence = "Target {target!r}: {problem}."
    remedy = (
        "Use an absolute http:// or https:// URL, or an address with house number, street, town or ZIP code, and "
        "state: 12 Main St, Springfield, IL 62701."
    )


class InvalidHostError(PropertyIntelligenceError, code="invalid_host", facts="host problem"):
    """The text is not a host name."""

    sentence = "Host {host!r}: {problem}."
    remedy = "Name the host of one site, like www.example.com. Its subdomains are included."


class InvalidTargetListError(PropertyIntelligenceError, code="invalid_target_list"):
    """A list of targets has invalid lines. `problem` lists them."""

    sentence = "{problem}"
    remedy = "Nothing was enqueued."


class TargetsTooCostlyError(PropertyIntelligenceError, code="targets_too_costly", facts="read seconds"):
    """Parsing the targets of one request took too long.

    `read` targets were parsed in `seconds`.
    """

    sentence = "Parsing {read} targets took {seconds:g} s, which is the limit for one request."
    remedy = "Send them in several requests; write addresses with commas: 12 Main St, Springfield, IL 62701."


class NoSourceError(PropertyIntelligenceError, code="no_source", facts="address tried"):
    """No page about an address was found. `tried` groups the sources by what they answered."""

    sentence = "No source has {address} ({tried})."
    remedy = "Check the address; add sources to sources.toml (docs/sources.md), or scrape the URL of a page about it."
