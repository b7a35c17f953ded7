"""Takes all that a purge means (`privacy/scope.py`) out of every table, in one transaction of the caller.

What other pages say of a property stays, and the property is made anew of that alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, or_, select, update

from app.errors.targets import NoSourceError
from app.property.storage.database import Database
from app.property.storage.llm.requests import wake
from app.property.storage.pages.repository import drop_pages
from app.property.storage.privacy.general import drop_general
from app.property.storage.privacy.marks import mark
from app.property.storage.privacy.scope import NAMES_AT_ONCE, Scope, is_any
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.statements import chunks
from app.property.storage.tables import (
    RECORD_URLS,
    identity_overrides,
    job_attempts,
    jobs,
    model_answers,
    model_requests,
    observations,
    page_urls,
    pages,
    properties,
    property_keys,
    recipe_examples,
    recipes,
    records,
    unverified,
    web_searches,
)

#: what is told of a purge, in rows
COUNTED = (
    "bodies",
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
#: what may stand after a URL in a sentence
_AFTER_URL = ".,:;!?)'\""


class Removal:
    """The caller holds off writers of properties and pages (`purge_marks.hold_off`).

    After `run`, `removed` counts rows by `COUNTED`, and `job_ids` are those whose results elsewhere go too.
    """

    def __init__(self, database: Database, connection: Connection, scope: Scope) -> None:
        self._database = database
        self._connection = connection
        self._scope = scope
        self.removed = Counter[str](dict.fromkeys(COUNTED, 0))
        self.job_ids: list[str] = []

    def run(self) -> None:
        """Mark it, so that nothing of it is stored that was fetched before; remove it."""
        urls = self._scope.urls
        mark(self._connection, urls, self._scope.hosts, self._database.clock.now())
        self.job_ids = self._jobs()
        hashes, heard = self._hashes(), self._heard()
        self._drop_general(urls=urls, property_ids=self._scope.properties, job_ids=self.job_ids)
        self._drop_copies()
        touched = set(self._scope.properties) | self._drop_sayings()
        self._drop_answers(hashes)
        self._drop_recipes()
        self._drop_searches(sorted({*urls, *heard}))
        self._drop_jobs()
        self._drop_decisions()
        self._mend(touched)

    # --- what hangs on it

    def _jobs(self) -> list[str]:
        found = set[str]()
        for some in chunks(self._scope.urls):
            found |= set(self._connection.execute(select(jobs.c.id).where(jobs.c.target.in_(some))).scalars())
        for some in chunks(self._scope.properties):
            found |= set(self._connection.execute(select(jobs.c.id).where(jobs.c.property_id.in_(some))).scalars())
        return sorted(found)

    def _hashes(self) -> set[str]:
        """Of the bodies that these URLs sent, ever: what models said of them goes too."""
        found = set[str]()
        for some in chunks(self._scope.urls):
            for column, where in (
                (records.c.content_sha256, records.c.url),
                (pages.c.sha256, pages.c.url),
                (pages.c.sha256, pages.c.final_url),
                (observations.c.content_sha256, observations.c.source_url),
            ):
                found |= set(self._connection.execute(select(column).where(where.in_(some))).scalars())
        return found

    def _heard(self) -> set[str]:
        """Pages that a search named for the properties."""
        query = select(unverified.c.url).where(unverified.c.property_id.in_(self._scope.properties))
        return set(self._connection.execute(query).scalars())

    # --- removing it

    def _drop_general(
        self, *, urls: Sequence[str] = (), property_ids: Sequence[str] = (), job_ids: Sequence[str] = ()
    ) -> None:
        self.removed["others"] += drop_general(self._connection, urls=urls, property_ids=property_ids, job_ids=job_ids)

    def _drop_copies(self) -> None:
        for some in chunks(self._scope.urls):
            copies = is_any([pages.c.url, pages.c.final_url], some)
            self.removed["bodies"] += len(drop_pages(self._connection, copies))
            gone = delete(page_urls).where(is_any([page_urls.c.url, page_urls.c.page_url], some))
            self.removed["urls"] += self._connection.execute(gone).rowcount
        for some in chunks(self.job_ids):
            self.removed["bodies"] += len(drop_pages(self._connection, pages.c.job_id.in_(some)))

    def _drop_sayings(self) -> set[str]:
        """Records and observations; -> the properties that they were of."""
        touched = set[str]()
        for some in chunks(self._scope.urls):
            for name, table, which in (
                ("records", records, is_any(RECORD_URLS, some)),
                ("observations", observations, observations.c.source_url.in_(some)),
                ("unverified", unverified, unverified.c.url.in_(some)),
            ):
                gone = self._connection.execute(delete(table).where(which).returning(table.c.property_id)).all()
                self.removed[name] += len(gone)
                touched |= {row.property_id for row in gone}
        return touched

    def _drop_answers(self, hashes: set[str]) -> None:
        """What models said, and what they are still to be asked: a job that is left and waits for that asks anew."""
        now = self._database.clock.now()
        for some in chunks(sorted(hashes)):
            asked = delete(model_requests).where(model_requests.c.content_sha256.in_(some))
            ids = self._connection.execute(asked.returning(model_requests.c.id)).scalars().all()
            wake(self._connection, list(ids), now)
            self.removed["model_requests"] += len(ids)
            gone = delete(model_answers).where(model_answers.c.content_sha256.in_(some))
            self.removed["model_answers"] += self._connection.execute(gone).rowcount
            taught = delete(recipe_examples).where(recipe_examples.c.content_sha256.in_(some))
            self.removed["others"] += self._connection.execute(taught).rowcount

    def _drop_recipes(self) -> None:
        """Those of the hosts and of all below them."""
        for host in self._scope.hosts:
            below = recipes.c.host.endswith(f".{host}", autoescape=True)
            gone = delete(recipes).where(or_(recipes.c.host.in_([host, host.removeprefix("www.")]), below))
            self.removed["others"] += self._connection.execute(gone).rowcount

    def _drop_searches(self, urls: list[str]) -> None:
        """Answers of searches that were for one of the targets or name one of the pages, and what jobs tell of them."""
        others = [url for url in urls if not self._scope.is_of_host(url)]
        meant, gone = set(others), list[str]()
        for some in chunks([*self._scope.hosts, *others], NAMES_AT_ONCE):
            held = or_(*(web_searches.c.urls.contains(name, autoescape=True) for name in some))
            for row in self._connection.execute(select(web_searches.c.id, web_searches.c.urls).where(held)):
                gone += [row.id] if self._is_named(row.urls, meant) else []
            told = or_(*(jobs.c.error_message.contains(name, autoescape=True) for name in some))
            tried = select(jobs.c.id, jobs.c.error_message).where(jobs.c.error_code == NoSourceError.code, told)
            for row in self._connection.execute(tried).all():
                if self._is_named(row.error_message, meant):
                    untold = update(jobs).where(jobs.c.id == row.id)
                    self._connection.execute(untold.values(error_message="What was tried was purged since."))
            hinted = or_(*(job_attempts.c.detail.contains(name, autoescape=True) for name in some))
            for row in self._connection.execute(select(job_attempts.c.id, job_attempts.c.detail).where(hinted)).all():
                if self._is_named(row.detail, meant):
                    self._connection.execute(delete(job_attempts).where(job_attempts.c.id == row.id))
        for column, values in ((web_searches.c.id, sorted(set(gone))), (web_searches.c.target, urls)):
            for some in chunks(values):
                dropped = self._connection.execute(delete(web_searches).where(column.in_(some))).rowcount
                self.removed["searches"] += dropped

    def _is_named(self, text: str, urls: set[str]) -> bool:
        """Whether `text` has one of `urls` as a word, or a URL of the hosts."""
        words = {part for word in text.split() for part in (word, word.rstrip(_AFTER_URL))}
        return not urls.isdisjoint(words) or any(self._scope.is_of_host(word) for word in words)

    def _drop_jobs(self) -> None:
        for some in chunks(self._scope.urls):
            reading = update(jobs).where(jobs.c.reading_url.in_(some))
            self._connection.execute(reading.values(reading_url=None))
        for some in chunks(self.job_ids):
            self.removed["jobs"] += self._connection.execute(delete(jobs).where(jobs.c.id.in_(some))).rowcount

    def _drop_decisions(self) -> None:
        """Those on these pages. One with no page left on one of its sides keeps nothing apart or together: it goes."""
        c = identity_overrides.c
        for some in chunks(self._scope.urls):
            gone = delete(identity_overrides).where(c.url.in_(some))
            self.removed["others"] += self._connection.execute(gone).rowcount
        one_sided = select(c.decision_id).group_by(c.decision_id).having(func.count(c.side.distinct()) == 1)
        self._connection.execute(delete(identity_overrides).where(c.decision_id.in_(one_sided)))

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
        folded = select(properties.c.id).where(properties.c.merged_into == property_id)
        family = [*sorted(self._connection.execute(folded).scalars()), property_id]
        self._drop_general(property_ids=family)
        for gone in family:
            self._connection.execute(delete(property_keys).where(property_keys.c.property_id == gone))
            for name, table in (("observations", observations), ("unverified", unverified)):
                dropped = self._connection.execute(delete(table).where(table.c.property_id == gone)).rowcount
                self.removed[name] += dropped
            self._connection.execute(update(jobs).where(jobs.c.property_id == gone).values(property_id=None))
            self.removed["properties"] += self._connection.execute(
                delete(properties).where(properties.c.id == gone)
            ).rowcount
