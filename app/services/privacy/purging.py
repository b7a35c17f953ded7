"""Removing all that is stored of a page, a host, a property or a person, wherever that is."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from app.errors.fetching import BlockedAddressError
from app.errors.targets import InvalidHostError, InvalidTargetError
from app.property.fetch.guard import check_url
from app.property.people import parse_name
from app.property.storage.database import Database
from app.property.storage.privacy.persons import PersonPurge
from app.property.storage.privacy.purge import Purged, PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.privacy.suppressions import host_of
from app.property.urls.site import is_public_suffix
from app.property.urls.targets import normalise_url
from app.services.privacy.purge_traces import forget_results, wiped
from app.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """What went (or would go: `dry_run`), in numbers. `wiped`: it is overwritten in the database's files as well."""

    kind: PurgeKind
    dry_run: bool
    removed: dict[str, int]
    wiped: bool

    def as_json(self) -> dict[str, Any]:
        """The shape that the doors show: JSON types only."""
        return {"kind": str(self.kind), "dry_run": self.dry_run, "removed": self.removed, "wiped": self.wiped}


def purge(
    settings: Settings, database: Database, kind: PurgeKind, name: str, *, who: str, dry_run: bool
) -> PurgeResult:
    """Remove all that is stored of `name`, or count it.

    Raises `InvalidTargetError` for what is no URL or no address, `InvalidHostError` for what is no host of somebody,
    `InvalidPersonError` for what names nobody, errors of the database; then nothing is removed. While Redis is away
    results of jobs stay there for ten minutes at most, by themselves.
    """
    purged = _purged(database, kind, name, who=who, dry_run=dry_run)
    if dry_run:
        return PurgeResult(kind, True, purged.removed, wiped=False)
    told = {"kind": str(kind), "who": who, **purged.removed}
    log.warning("Purge of a %s by %s: %s", kind, who, purged.in_words, extra=told)
    forget_results(settings, purged.job_ids)
    return PurgeResult(kind, False, purged.removed, wiped=wiped(database))


def _purged(database: Database, kind: PurgeKind, name: str, *, who: str, dry_run: bool) -> Purged:
    if kind is PurgeKind.PERSON:
        return PersonPurge(database).purge(parse_name(name), who=who, dry_run=dry_run)
    name = _checked_host(name) if kind is PurgeKind.HOST else name
    return PurgeStore(database).purge(kind, name, who=who, dry_run=dry_run)


def _checked_host(name: str) -> str:
    """The host in the spelling of targets. Raises `InvalidHostError`."""
    text = name.strip()
    try:
        host = host_of(normalise_url(check_url(f"http://{text}/")))
    except (InvalidTargetError, BlockedAddressError):
        host = ""
    if not host or any(char in text.partition("]")[2 if text.startswith("[") else 0] for char in "/?#@:\\"):
        raise InvalidHostError(text[:200], "it is no name of a host")
    if is_public_suffix(host):
        raise InvalidHostError(host, "the sites below it belong to many")
    return host
