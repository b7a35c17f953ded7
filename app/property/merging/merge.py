"""Merge records into one property. For each field, the value with the most votes wins.

Values that contradict the winner are kept as conflicts. `identity.py` and `matching.py` decide which records belong
together; `voting.py` weighs their values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.property.fields.table import AXES, BOUND, COUNTED, DERIVED_FIELDS, FIELDS, FOLLOWERS
from app.property.merging.agreement import same_place, same_value, says_less
from app.property.merging.dated_values import (
    FIRST_YEAR,
    HISTORIES,
    current,
    is_compatible,
    is_one_sale,
    is_outdated,
    of_newest_sale,
    of_newest_year,
)
from app.property.merging.derived import derive
from app.property.merging.number_errors import number_error
from app.property.merging.seniority import Seniority
from app.property.merging.voting import Known, SourceValue, Verdict, source_value, weigh, why_lost, why_won
from app.property.record import Evidence
from app.property.source_record import SourceRecord

#: Fields that depend on another field. Their values are chosen after the other field's value.
_LED = frozenset(name for group in (BOUND, FOLLOWERS) for names in group.values() for name in names)
_LEAD_OF = {name: lead for lead, names in BOUND.items() for name in names}
_LEADS = tuple(name for name in FIELDS if name not in _LED | DERIVED_FIELDS)
#: Fields with texts in each source's own words. Differences between such texts are not conflicts.
_OF_ONE_SOURCE = frozenset(name for name, spec in FIELDS.items() if spec.own_words)
Records = Sequence[SourceRecord]


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged property, with its values and evidence by field.

    `source_values` has the value of each source by field, the winner first; derived fields have none. `conflicts` are
    the fields in which a source contradicts the winner.
    """

    values: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    source_values: dict[str, list[SourceValue]] = field(default_factory=dict)

    @property
    def conflicts(self) -> dict[str, list[SourceValue]]:
        return {name: given for name, given in self.source_values.items() if _is_contested(given)}


def merge(records: Records) -> Merged:
    """Merge `records`, given in any order, into one property. Derived fields are computed from the winning values.

    If sources contradict each other, a second round also considers how well values fit the uncontested values.
    """
    if not records:
        return Merged()
    # sort the records, because sums of floats depend on their order
    records = sorted(records, key=lambda record: (record.url, record.content_sha256, record.as_of))
    newest, seniority = max(record.as_of for record in records), Seniority.of(records)
    given = _Round(records, Known({}, newest), seniority).run()
    sure = {name: found[0].source.values[name] for name, found in given.items() if not _is_contested(found)}
    if len(sure) < len(given):
        leads = {name: given.get(_LEAD_OF.get(name, name), given[name]) for name in sure}
        voters = {name: {one.source.voter for one in of_lead} for name, of_lead in leads.items()}
        given = _Round(records, Known(sure, newest, voters), seniority).run()
    ordered = [name for name in FIELDS if name in given]
    values = {name: given[name][0].source.values[name] for name in ordered}
    evidence = {name: given[name][0].proof for name in ordered}
    for name, proof in derive(values, evidence, newest).items():
        values[name], evidence[name] = proof.value, proof
    in_order = [name for name in FIELDS if name in values]
    return Merged(
        {name: values[name] for name in in_order},
        {name: evidence[name] for name in in_order},
        {name: given[name] for name in ordered},
    )


def _is_contested(given: Sequence[SourceValue]) -> bool:
    return any(one.verdict is Verdict.CONFLICT for one in given)


class _Round:
    """Chooses a value for every field, given the `known` values."""

    def __init__(self, records: Records, known: Known, seniority: Seniority) -> None:
        self._records = records
        self._known = known
        self._seniority = seniority
        self._source_values: dict[str, list[SourceValue]] = {}

    def run(self) -> dict[str, list[SourceValue]]:
        for name in _LEADS:
            having = [record for record in self._records if name in record.values]
            of_newest = _OF_NEWEST.get(FIELDS[name].kind) if name in FOLLOWERS else None
            of_now = of_newest(name, having, self._known.newest) if of_newest else current(name, having)
            self._choose(name, of_now, having)
        for lead, names in BOUND.items():
            for name in names:
                self._choose_bound(lead, name)
        for lead, names in FOLLOWERS.items():
            for name in names:
                self._choose_with(lead, name)
        return self._source_values

    def _winner(self, name: str) -> SourceRecord | None:
        found = self._source_values.get(name)
        return found[0].source if found else None

    def _choose_bound(self, lead: str, name: str) -> None:
        having = [record for record in self._records if name in record.values]
        source = self._winner(lead)
        mine = having if source is None else [record for record in having if record is source]
        self._choose(name, mine, having if name in AXES else mine)

    def _choose_with(self, lead: str, name: str) -> None:
        having = [record for record in self._records if name in record.values]
        source, silent = self._winner(lead), [record for record in having if lead not in record.values]
        if source is None:
            self._choose(name, having, having)
            return
        at_the_time = [r for r in having if lead in r.values and _is_one_time(lead, source, r)]
        silent_too = [r for r in silent if any(_is_of(name, r, other) for other in at_the_time)]
        eligible = [*at_the_time, *silent_too] or silent
        self._choose(name, [r for r in eligible if self._adds_up(name, r)], having)

    def _adds_up(self, name: str, record: SourceRecord) -> bool:
        """Return whether the record's value, added to the other chosen parts, stays within their total."""
        whole = FIELDS[name].counted_in
        total = self._winner(whole) if whole is not None else None
        if whole is None or total is None:
            return True
        chosen = [source.values[part] for part in COUNTED[whole] if part != name and (source := self._winner(part))]
        return bool(record.values[name] + sum(chosen) <= total.values[whole])

    def _choose(self, name: str, eligible: Records, having: Records) -> None:
        """Choose the winner among the `eligible` records, and judge the other records' values against the winner's."""
        if not eligible:
            return
        same = same_place if name == AXES[0] else lambda one, other: same_value(name, one, other)
        given = self._seniority.put_first(name, weigh(name, eligible, self._known, same), same)
        given += sorted(
            (source_value(name, r, self._known) for r in having if not any(r is one for one in eligible)),
            key=lambda one: (-one.weight.accuracy, one.source.url),
        )
        winner = given[0]
        for one in given[1:]:
            self._judge(name, winner, one)
        winner.reason = why_won(winner, contested=_is_contested(given))
        self._source_values[name] = given

    def _judge(self, name: str, winner: SourceValue, one: SourceValue) -> None:
        mine, other = winner.source, one.source
        if same_value(name, mine, other):
            one.verdict, one.reason = Verdict.AGREES, "says the same"
        elif name in _OF_ONE_SOURCE:
            one.verdict, one.reason = Verdict.AGREES, "each source words this in its own way"
        elif says_less(name, mine, other):
            one.verdict, one.reason = Verdict.AGREES, "says the same without the unit"
        elif name in HISTORIES and is_compatible(mine.values[name], other.values[name]):
            one.verdict, one.reason = Verdict.AGREES, "other rows of the same history"
        elif is_outdated(name, mine, other, is_agreed=winner.source_count > 1) or self._is_of_older_time(
            name, mine, other
        ):
            one.verdict, one.reason = Verdict.OLDER, "of an earlier time"
        elif (whole := FIELDS[name].counted_in) and not _is_one_count(whole, mine, other):
            one.verdict, one.reason = Verdict.CONFLICT, "part of another total"
        else:
            one.verdict, one.reason = Verdict.CONFLICT, why_lost(one, winner)

    def _is_of_older_time(self, name: str, winner: SourceRecord, other: SourceRecord) -> bool:
        newest = self._known.newest
        kind, lead = FIELDS[name].kind, FIELDS[name].goes_with
        if name in FOLLOWERS and kind == "date":
            of_last = of_newest_sale(name, [winner, other], newest)
            return not any(record is other for record in of_last) and other.values[name] <= winner.values[name]
        if name in FOLLOWERS and kind == "year":
            return bool(FIRST_YEAR <= other.values[name] < winner.values[name])
        if lead is None or FIELDS[lead].kind not in _OF_NEWEST or not all(lead in r.values for r in (winner, other)):
            return False
        return not _is_one_time(lead, winner, other)


_OF_NEWEST = {"date": of_newest_sale, "year": of_newest_year}


def _is_one_time(lead: str, one: SourceRecord, other: SourceRecord) -> bool:
    kind, whole = FIELDS[lead].kind, FIELDS[lead].counted_in
    if kind == "date":
        return is_one_sale(lead, one, other)
    if kind == "count":
        return all(_is_one_count(name, one, other) for name in (lead, whole) if name)
    return same_value(lead, one, other)


def _is_one_count(name: str, one: SourceRecord, other: SourceRecord) -> bool:
    counts = one.values.get(name), other.values.get(name)
    return None in counts or counts[0] == counts[1]


def _is_of(name: str, silent: SourceRecord, stated: SourceRecord) -> bool:
    """Return whether an undated value agrees with a dated value, or differs from it only by a number error."""
    return same_value(name, silent, stated) or number_error(name, silent.values, stated.values) is not None
