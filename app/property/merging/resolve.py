"""Decide which of the candidate properties a record belongs to.

If several candidates match, they count as one property and are merged. If some of the matches certainly differ from
each other, the record joins only the best match, or none if the best match is unclear.

A page from a source of unknown kind never causes a merge by itself: it joins the best match, and a person is asked
about the others. If it has no address and shares only a parcel number with a property, it does not join before a fact
or a person confirms it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.property.merging.identity import is_bare
from app.property.merging.matching import Decision, Key, decide
from app.property.merging.merge import merge
from app.property.source_record import SourceRecord, Voter

_STRENGTH = {key: place for place, key in enumerate(Key)}
Pages = Mapping[str, Sequence[SourceRecord]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A property that may match the record. `is_page` is true if the property is stored under a URL of the record's
    page.
    """

    id: str
    created_at: datetime
    values: Mapping[str, Any]
    is_page: bool
    decision: Decision

    @property
    def place(self) -> tuple[int, float]:
        return _STRENGTH[self.decision.key], -self.decision.points

    @property
    def order(self) -> tuple[int, float, datetime, str]:
        return *self.place, self.created_at, self.id


@dataclass(frozen=True, slots=True)
class Resolution:
    """`same` contains the properties that surely match the record. `doubtful` contains the properties that match only
    because of a source of unknown kind.
    """

    same: Sequence[Candidate]
    doubtful: Sequence[Candidate] = ()

    @property
    def oldest(self) -> str:
        """Return the id of the oldest match, into which the other matches are merged."""
        return min(self.same, key=lambda one: (one.created_at, one.id)).id


@dataclass(frozen=True, slots=True)
class Resolver:
    """Finds the properties that match `record`. `preferred` is the id of the record's current or related property, if
    any.

    `pages_of` returns the pages of the properties with the given ids. `are_split` returns whether a person decided that
    any two of the given properties differ.
    """

    record: SourceRecord
    preferred: str | None
    pages_of: Callable[[Sequence[str]], Pages]
    are_split: Callable[[Sequence[str]], bool]

    def resolve(self, near: Sequence[tuple[Any, bool]]) -> Resolution:
        """Return the properties that the record belongs to.

        `near` contains pairs: a candidate's row (with `id`, `created_at`, and `record`), and whether the candidate is
        stored under a URL of the record's page.
        """
        matches = [one for one in self._compared(near) if one.decision.is_same]
        unconfirmed = [one for one in matches if self._is_unconfirmed(one)]
        same = self._chosen([one for one in matches if one not in unconfirmed])
        if self.record.is_stranger and len(same) < 2:
            return Resolution(same, unconfirmed)
        found = self._without_strangers(same)
        return Resolution(found.same, [*found.doubtful, *unconfirmed])

    def _is_unconfirmed(self, match: Candidate) -> bool:
        """Return whether only a parcel number connects the record and the property, and one of them is bare.

        A page stays in its property, and in the property for which it was found.
        """
        if match.is_page or match.id == self.preferred:
            return False
        if match.decision.key is not Key.PARCEL or match.decision.points > 0:
            return False
        return is_bare([self.record]) or is_bare(self.pages_of([match.id])[match.id])

    def _compared(self, near: Sequence[tuple[Any, bool]]) -> list[Candidate]:
        pages = self.pages_of([row.id for row, is_page in near if is_page])
        found = []
        for row, is_page in near:
            values = self._without_page(row, pages[row.id]) if is_page else row.record
            decision = decide(self.record.values, values, is_page=is_page)
            found.append(Candidate(row.id, row.created_at, values, is_page, decision))
        return found

    def _without_page(self, row: Any, pages: Sequence[SourceRecord]) -> Mapping[str, Any]:
        """Return the property's values without those of the record's page, which the record replaces.

        If the property has no other page, the result is empty.
        """
        others = self._others(pages)
        return row.record if len(others) == len(pages) else merge(others).values

    def _others(self, pages: Sequence[SourceRecord]) -> list[SourceRecord]:
        mine = self.record
        return [one for one in pages if one.url != mine.url and (one.page_url is None or one.page_url != mine.page_url)]

    def _chosen(self, same: list[Candidate]) -> list[Candidate]:
        """Return all of `same` if they can be one property. Otherwise, return the best match, or [] if no match is
        clearly the best.

        If two properties match equally well and a person decided that they differ, return the older one, so that later
        pages join the same property.
        """
        if len(same) > 1:  # if several properties match only by position, they count as different homes at one place
            same = [one for one in same if one.decision.key is not Key.POSITION]
        if len(same) < 2 or not self._are_apart(same):
            return same
        first, second = sorted(same, key=lambda one: one.order)[:2]
        is_clear = first.place < second.place or self.are_split([first.id, second.id])
        return [first] if is_clear else []

    def _are_apart(self, same: Sequence[Candidate]) -> bool:
        pairs = [(a, b) for n, a in enumerate(same) for b in same[n + 1 :]]
        return any(decide(a.values, b.values).differs for a, b in pairs) or self.are_split([one.id for one in same])

    def _without_strangers(self, same: Sequence[Candidate]) -> Resolution:
        """Move matches that depend on a single source of unknown kind to `doubtful`.

        A record from a source of unknown kind joins the preferred property, or else the best match. Matches that do not
        depend on another source of unknown kind rank higher.
        """
        pages = {home: self._others(found) for home, found in self.pages_of([one.id for one in same]).items()}
        others = [one for one in same if pages[one.id]]
        vouched = {one.id for one in others if _is_vouched([self.record], pages[one.id], is_page=one.is_page)}
        if self.record.is_stranger and others:
            first = min(others, key=lambda one: (one.id != self.preferred, one.id not in vouched, *one.order))
            vouched = {one.id for one in others if one is first or _is_vouched(pages[first.id], pages[one.id])}
        doubtful = [one for one in others if one.id not in vouched]
        return Resolution([one for one in same if one not in doubtful], doubtful)


def _is_vouched(pages: list[SourceRecord], others: list[SourceRecord], *, is_page: bool = False) -> bool:
    """Return whether two properties match even if any one source of unknown kind is removed.

    A property's only source is never removed.
    """
    strangers: set[Voter | None] = {page.voter for page in (*pages, *others) if page.is_stranger}
    return all(
        decide(_values_without(voter, pages), _values_without(voter, others), is_page=is_page).is_same
        for voter in strangers or {None}
    )


def _values_without(voter: Voter | None, pages: list[SourceRecord]) -> dict[str, Any]:
    left = [page for page in pages if page.voter != voter]
    return merge(left or pages).values
