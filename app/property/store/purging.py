"""Removes all that is stored of a URL, a host, a property or an address: not hidden, gone from every table.

One transaction: all of it or nothing. A dry run is the same work, undone at its end, so that its numbers are right.
What other pages say of a property stays, and the property is made anew of that alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from app.errors.targets import NoSourceError
from app.property.identity import address_keys
from app.property.store.change_feed import drop_changes
from app.property.store.engine import Database
from app.property.store.general_purging import drop_general, general_urls
from app.property.store.model_requests import wake
from app.property.store.pages import drop_pages
from app.property.store.properties import PropertyStore
from app.property.store.purge_marks import hold_off, host_of, mark
from app.property.store.rows import chunks, clean, new_id
from app.property.store.tables import (
    identity_decisions,
    identity_pages,
    job_sources,
    jobs,
    model_answers,
    model_requests,
    observations,
    page_readers,
    page_urls,
    pages,
    properties,
    property_blocks,
    property_keys,
    purges,
    records,
    site_answers,
    source_tries,
    unverified,
    web_searches,
)
from app.property.store.targets import address_of_target, normalise_target, normalise_url
from app.property.urls.rows import answer_of

#: where a URL stands, by its table
_URLS = (
    (records, ("url", "final_url", "page_url")),
    (pages, ("url", "final_url", "declared_url")),
    (site_answers, ("url", "declared_url")),
    (page_urls, ("url", "page_url")),
    (observations, ("source_url",)),
    (unverified, ("url",)),
    (source_tries, ("url",)),
    (jobs, ("target",)),
    (identity_pages, ("url",)),
)
#: of a row that is found by one of its URLs, those that are ways to the same page
_WAYS = ((records, ("url", "final_url", "page_url")), (page_urls, ("url", "page_url")))
#: what is told of a purge, in rows
COUNTED = (
    "bodies",
    "validators",
    "records",
    "observations",
    "unverified",
    "properties",
    "model_answers",
    "model_requests",
    "searches",
    "jobs",
    "urls",
    "others",
)


#: conditions of one statement
_NAMES_AT_ONCE = 50


class PurgeKind(StrEnum):
    """What is named: one page by one of its URLs, all pages of a host and those below it, a property, an address, or a
    person (`person_purging.py`)."""

    URL = "url"
    HOST = "host"
    PROPERTY = "property"
    ADDRESS = "address"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Purged:
    """What went, in rows by what they are; `job_ids` are those whose results elsewhere go too. `spelled` is how a
    person's name was written in copies of pages, and how often."""

    removed: dict[str, int]
    job_ids: list[str] = field(repr=False)
    spelled: dict[str, int] = field(default_factory=dict, repr=False)


class PurgeStore:
    """Purges a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def purge(self, kind: PurgeKind, name: str, *, who: str, dry_run: bool) -> Purged:
        """Remove all that is stored of `name`: a URL, a host in small letters, a property's id, or an address: what was
        found for it, and the properties that are filed under it. `InvalidTargetError` for what is no URL or address.

        Done again it removes nothing more. Jobs for it are removed, those under way too: what they have in hand is
        refused (`PurgedMeanwhileError`). It is written down who did so, and in numbers what went.
        """

        def work(connection: Connection) -> Purged:
            self._database.exclusively(connection, "properties")
            hold_off(self._database, connection)
            purged = PurgeRun(self._database, connection, kind, name).run()
            if dry_run:
                raise _Undo(purged)
            row = {"id": new_id(), "at": self._database.clock.now(), "who": clean(who), "kind": str(kind)}
            connection.execute(insert(purges).values(row | {"removed": purged.removed}))
            return purged

        try:
            return self._database.repeat(work)
        except _Undo as undone:
            return undone.purged


class _Undo(Exception):  # noqa: N818 (it is no error: it ends a transaction)
    def __init__(self, purged: Purged) -> None:
        self.purged = purged


class PurgeRun:
    """The work of a purge in one transaction of the caller, who holds off others."""

    def __init__(self, database: Database, connection: Connection, kind: PurgeKind, name: str) -> None:
        self._database = database
        self._connection = connection
        self._kind = kind
        self._name = name
        self._removed = Counter[str]()

    def run(self) -> Purged:
        """Find what is meant, mark it, remove it."""
        self._properties = sorted({one for home in self._homes() for one in self._family(home)})
        urls = sorted(self._ways(self._named()))
        hosts = {self._name} if self._kind is PurgeKind.HOST else set()
        mark(self._connection, urls, hosts, self._database.clock.now())
        hashes = self._hashes(urls)
        heard = self._column(select(unverified.c.url).where(unverified.c.property_id.in_(self._properties)))
        job_ids = self._jobs(urls)
        self._drop_general(urls, job_ids)
        self._drop_copies(urls, job_ids)
        touched = set(self._properties) | self._drop_sayings(urls)
        self._drop_answers(hashes)
        self._drop_searches(sorted({*urls, *heard}))
        self._drop_jobs(job_ids)
        self._drop_decisions()
        self._mend(touched)
        return Purged({name: self._removed[name] for name in COUNTED}, job_ids)

    # --- what is meant

    def _named(self) -> set[str]:
        if self._kind is PurgeKind.URL:
            return {normalise_url(self._name)}
        if self._kind is PurgeKind.HOST:
            return self._of_host()
        found = self._column(select(records.c.url).where(records.c.property_id.in_(self._properties)))
        found |= self._column(select(observations.c.source_url).where(observations.c.property_id.in_(self._properties)))
        found |= self._column(select(jobs.c.target).where(jobs.c.property_id.in_(self._properties)))
        return found | {self._name} if self._kind is PurgeKind.ADDRESS else found

    def _homes(self) -> set[str]:
        """The properties that are named, not by a page."""
        if self._kind is PurgeKind.PROPERTY:
            return {self._name}
        if self._kind is not PurgeKind.ADDRESS:
            return set()
        self._name = normalise_target(self._name)
        keys = address_keys(address_of_target(self._name))
        found = self._column(select(jobs.c.property_id).where(jobs.c.target == self._name)) - {None}
        return found | self._column(select(property_keys.c.property_id).where(property_keys.c.key.in_(keys)))

    def _family(self, property_id: str) -> list[str]:
        """The property, what it was folded into, and all that were folded into that."""
        home = self._column(select(properties.c.merged_into).where(properties.c.id == property_id)) - {None}
        head = home.pop() if home else property_id
        return sorted(
            self._column(select(properties.c.id).where(or_(properties.c.id == head, properties.c.merged_into == head)))
        )

    def _of_host(self) -> set[str]:
        """Every URL of the host, and of hosts below it, that stands anywhere."""
        found = set[str]()
        for table, names in _URLS:
            for name in names:
                column = table.c[name]
                urls = self._column(select(column).where(column.contains(self._name, autoescape=True)).distinct())
                found |= {url for url in urls if _is_below(host_of(url), self._name)}
        return found | set(general_urls(self._connection, self._is_of_host, self._name))

    def _is_of_host(self, url: str) -> bool:
        return _is_below(host_of(url), self._name)

    def _ways(self, urls: set[str]) -> set[str]:
        """`urls`, and all other URLs of their pages."""
        known, new = set[str](), urls
        while new:
            known |= new
            found = set[str]()
            for table, names in _WAYS:
                columns = [table.c[name] for name in names]
                for some in chunks(sorted(new)):
                    for row in self._connection.execute(select(*columns).where(_any(columns, some))):
                        found |= {url for url in row if url}
            new = (found | self._ends(known) | self._rows(new)) - known
        return known

    def _rows(self, urls: set[str]) -> set[str]:
        """The answers that list the properties which `urls` name, and all properties that were read from these: an
        answer is one page, and goes whole.
        """
        found = {answer_of(url) for url in urls}
        for some in chunks(sorted(found), _NAMES_AT_ONCE):
            for column in (records.c.url, observations.c.source_url):
                below = or_(*(column.startswith(f"{url}#", autoescape=True) for url in some))
                found |= self._column(select(column).where(below).distinct())
        return found

    def _ends(self, urls: set[str]) -> set[str]:
        """Where `urls` redirected to, but for the ends of others as well: a page of errors, a sign-in."""
        found = set[str]()
        for some in chunks(sorted(urls)):
            found |= self._column(select(pages.c.final_url).where(pages.c.url.in_(some)))
        shared = set[str]()
        for some in chunks(sorted(found - urls)):
            rows = self._connection.execute(select(pages.c.final_url, pages.c.url).where(pages.c.final_url.in_(some)))
            shared |= {row.final_url for row in rows if row.url not in urls and row.url != row.final_url}
        return found - shared

    def _hashes(self, urls: list[str]) -> set[str]:
        """Of the bodies that these URLs sent, ever: what models said of them goes too."""
        found = set[str]()
        for some in chunks(urls):
            for column, where in (
                (records.c.content_sha256, records.c.url),
                (pages.c.sha256, pages.c.url),
                (pages.c.sha256, pages.c.final_url),
                (site_answers.c.sha256, site_answers.c.url),
                (observations.c.content_sha256, observations.c.source_url),
            ):
                found |= self._column(select(column).where(where.in_(some)))
        return found

    def _jobs(self, urls: list[str]) -> list[str]:
        found = set[str]()
        for some in chunks(urls):
            found |= self._column(select(jobs.c.id).where(jobs.c.target.in_(some)))
        for some in chunks(self._properties):
            found |= self._column(select(jobs.c.id).where(jobs.c.property_id.in_(some)))
        return sorted(found)

    # --- removing it

    def _drop_general(self, urls: list[str], job_ids: list[str]) -> None:
        gone = drop_general(self._connection, urls=urls, property_ids=self._properties, job_ids=job_ids)
        self._removed["others"] += gone

    def _drop_copies(self, urls: list[str], job_ids: list[str]) -> None:
        for some in chunks(urls):
            gone = delete(site_answers).where(site_answers.c.url.in_(some))
            self._removed["validators"] += self._connection.execute(gone).rowcount
            self._removed["bodies"] += drop_pages(self._connection, _any([pages.c.url, pages.c.final_url], some))
            self._connection.execute(delete(page_readers).where(page_readers.c.page_url.in_(some)))
            self._connection.execute(delete(source_tries).where(source_tries.c.url.in_(some)))
            self._connection.execute(delete(identity_pages).where(identity_pages.c.url.in_(some)))
            gone = delete(page_urls).where(_any([page_urls.c.url, page_urls.c.page_url], some))
            self._removed["urls"] += self._connection.execute(gone).rowcount
        for some in chunks(job_ids):
            self._connection.execute(delete(source_tries).where(source_tries.c.job_id.in_(some)))
            self._removed["bodies"] += drop_pages(self._connection, pages.c.job_id.in_(some))
            self._connection.execute(delete(page_readers).where(page_readers.c.job_id.in_(some)))

    def _drop_sayings(self, urls: list[str]) -> set[str]:
        """Records and observations; -> the properties that they were of."""
        touched = set[str]()
        ways = [records.c.url, records.c.final_url, records.c.page_url]
        for some in chunks(urls):
            for name, table, which in (
                ("records", records, _any(ways, some)),
                ("observations", observations, observations.c.source_url.in_(some)),
                ("unverified", unverified, unverified.c.url.in_(some)),
            ):
                gone = self._connection.execute(delete(table).where(which).returning(table.c.property_id)).all()
                self._removed[name] += len(gone)
                touched |= {row.property_id for row in gone}
        for property_id in touched:
            drop_changes(self._connection, property_id, urls)
        return touched

    def _drop_answers(self, hashes: set[str]) -> None:
        """What models said, and what they are still to be asked: a job that is left and waits for that asks anew."""
        now = self._database.clock.now()
        for some in chunks(sorted(hashes)):
            asked = delete(model_requests).where(model_requests.c.content_sha256.in_(some))
            ids = self._connection.execute(asked.returning(model_requests.c.id)).scalars().all()
            wake(self._connection, list(ids), now)
            self._removed["model_requests"] += len(ids)
            gone = delete(model_answers).where(model_answers.c.content_sha256.in_(some))
            self._removed["model_answers"] += self._connection.execute(gone).rowcount

    def _drop_searches(self, urls: list[str]) -> None:
        """Answers of searches that were for one of the targets or name one of the pages, or a page of the host."""
        names = [self._name] if self._kind is PurgeKind.HOST else [f" {url} " for url in urls]
        for some in chunks(names, _NAMES_AT_ONCE):
            named = or_(*(web_searches.c.urls.contains(name, autoescape=True) for name in some))
            told = or_(*(jobs.c.error_message.contains(name.strip(), autoescape=True) for name in some))
            untold = update(jobs).where(jobs.c.error_code == NoSourceError.code, told)
            self._connection.execute(untold.values(error_message="What was tried was purged since."))
            hinted = or_(*(job_sources.c.detail.contains(name.strip(), autoescape=True) for name in some))
            self._connection.execute(delete(job_sources).where(hinted))
            rows = self._connection.execute(select(web_searches.c.id, web_searches.c.urls).where(named)).all()
            gone = [row.id for row in rows if self._names_host(row.urls)]
            self._removed["searches"] += self._connection.execute(
                delete(web_searches).where(web_searches.c.id.in_(gone))
            ).rowcount
        for targets in chunks(urls):
            self._removed["searches"] += self._connection.execute(
                delete(web_searches).where(web_searches.c.target.in_(targets))
            ).rowcount

    def _names_host(self, urls: str) -> bool:
        return self._kind is not PurgeKind.HOST or any(_is_below(host_of(url), self._name) for url in urls.split())

    def _drop_decisions(self) -> None:
        """Those with no page left on one of their sides: there is nothing that they could keep apart or together."""
        pages_of = select(identity_pages.c.decision_id)
        for side in (0, 1):
            named = identity_decisions.c.id.in_(pages_of.where(identity_pages.c.side == side))
            ids = self._column(select(identity_decisions.c.id).where(~named))
            for some in chunks(sorted(ids)):
                self._connection.execute(delete(identity_pages).where(identity_pages.c.decision_id.in_(some)))
                self._connection.execute(delete(identity_decisions).where(identity_decisions.c.id.in_(some)))

    def _drop_jobs(self, job_ids: list[str]) -> None:
        for some in chunks(job_ids):
            self._removed["jobs"] += self._connection.execute(delete(jobs).where(jobs.c.id.in_(some))).rowcount

    def _mend(self, touched: set[str]) -> None:
        """Properties of which pages are left say what these say; the others go."""
        store = PropertyStore(self._database)
        for property_id in sorted(touched):
            left = select(records.c.id).where(records.c.property_id == property_id).limit(1)
            if self._connection.execute(left).first():
                store.rebuild(self._connection, property_id)
            else:
                self._drop_property(property_id)

    def _drop_property(self, property_id: str) -> None:
        folded = self._column(select(properties.c.id).where(properties.c.merged_into == property_id))
        self._removed["others"] += drop_general(self._connection, property_ids=[*sorted(folded), property_id])
        for gone in (*sorted(folded), property_id):
            drop_changes(self._connection, gone)
            for table in (property_keys, property_blocks):
                self._connection.execute(delete(table).where(table.c.property_id == gone))
            others = delete(observations).where(observations.c.property_id == gone)
            self._removed["observations"] += self._connection.execute(others).rowcount
            heard = delete(unverified).where(unverified.c.property_id == gone)
            self._removed["unverified"] += self._connection.execute(heard).rowcount
            self._connection.execute(update(jobs).where(jobs.c.property_id == gone).values(property_id=None))
            self._removed["properties"] += self._connection.execute(
                delete(properties).where(properties.c.id == gone)
            ).rowcount

    def _column(self, query: Any) -> set[Any]:
        return set(self._connection.execute(query).scalars())


def _any(columns: Iterable[ColumnElement[Any]], values: Any) -> ColumnElement[bool]:
    return or_(*(column.in_(values) for column in columns))


def _is_below(host: str, name: str) -> bool:
    return host == name or host.endswith(f".{name}")
