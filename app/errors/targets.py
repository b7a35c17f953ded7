"""What was asked for, before anything is fetched."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class InvalidTargetError(PropertyIntelligenceError):
    """What was asked for is neither a URL that can be fetched nor an address."""

    code = "invalid_target"
    fact_names: ClassVar[tuple[str, ...]] = ("target", "problem")
    sentence = "Target {target!r}: {problem}."
    remedy = (
        "Give an absolute http:// or https:// URL, or an address with house number, street, town or ZIP code, and "
        "state: 12 Main St, Springfield, IL 62701."
    )


class InvalidHostError(PropertyIntelligenceError):
    """What was named is not the host of a site."""

    code = "invalid_host"
    fact_names: ClassVar[tuple[str, ...]] = ("host", "problem")
    sentence = "Host {host!r}: {problem}."
    remedy = "Name the host of one site, like www.example.com; those below it are meant as well."


class InvalidTargetListError(PropertyIntelligenceError):
    """A list of targets with lines that are none. `problem` names them, a line each."""

    code = "invalid_target_list"
    sentence = "{problem}"
    remedy = "Nothing was enqueued."


class TargetsTooCostlyError(PropertyIntelligenceError):
    """Reading the targets of one request took too long. `read` were read in `seconds`."""

    code = "targets_too_costly"
    fact_names: ClassVar[tuple[str, ...]] = ("read", "seconds")
    sentence = "Reading {read} targets took {seconds:g} s, the most that one request may take for it."
    remedy = "Send them in several requests; write addresses with commas: 12 Main St, Springfield, IL 62701."


class NoSourceError(PropertyIntelligenceError):
    """No page about an address was found. `tried` tells of each source what came of it."""

    code = "no_source"
    fact_names: ClassVar[tuple[str, ...]] = ("address", "tried")
    sentence = "No page about {address} could be read. Tried: {tried}."
    remedy = (
        "Check the address; add the county's sources or domains to search to sources.toml (docs/sources.md), "
        "or scrape the URL of a page about it."
    )
