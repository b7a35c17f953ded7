"""An unambiguous prefix of an id finds it, and lists show short prefixes."""

import pytest
from sqlalchemy import update

from app.errors.ids import AmbiguousIdError, UnknownIdError
from app.property.storage.database import Database
from app.property.storage.ids import BATCH, JOB, find_id, ids_from, short_ids
from app.property.storage.jobs.models import Job
from app.property.storage.jobs.repository import JobStore

A, B, C = "abcd0000" + "1" * 24, "abcd0000" + "1" * 23 + "2", "abce" + "0" * 28
FAR = "f" * 32


@pytest.fixture
def database(database: Database) -> Database:
    """Return a database whose jobs have the ids A, B, C, and FAR."""
    made = JobStore(database).enqueue([f"https://a.example/{n}" for n in range(4)]).jobs
    with database.writing() as connection:
        for job, new in zip(made, (A, B, C, FAR), strict=True):
            connection.execute(update(Job).where(Job.id == job.id).values(id=new))
    return database


def test_an_unambiguous_prefix_is_enough(database: Database) -> None:
    for typed, found in (("abce", C), ("ABCE0", C), (" ffff ", FAR), (A, A), (B, B)):
        assert find_id(database, typed, JOB) == found
    assert ids_from(database, "ffff", BATCH, limit=5) == [], "only ids of the given kind are found"
    for typed in ("", "fff", "abcf", "abc%", "____", "ffff-", "https://a.example/1", f"{FAR}0"):
        with pytest.raises(UnknownIdError, match="propintel jobs list"):
            find_id(database, typed, JOB)


def test_an_ambiguous_prefix_lists_at_most_five_matches(database: Database) -> None:
    with pytest.raises(AmbiguousIdError, match=rf"^abcd is ambiguous: it may be job {A}, {B}\. "):
        find_id(database, "abcd", JOB)
    made = JobStore(database).enqueue([f"https://b.example/{n}" for n in range(6)]).jobs
    ids = [f"9999{n:028}" for n in range(6)]
    with database.writing() as connection:
        for job, new in zip(made, ids, strict=True):
            connection.execute(update(Job).where(Job.id == job.id).values(id=new))
    with pytest.raises(AmbiguousIdError) as refused:
        find_id(database, "9999", JOB)
    assert refused.value.facts["matches"] == ", ".join(ids[:5]) + " or others"


def test_short_ids_have_eight_characters_or_as_many_as_are_unambiguous(database: Database) -> None:
    """The short id of A must not be a prefix of B, which is stored but not in the list."""
    assert short_ids(database, JOB, [A, C, FAR, None]) == {A: A, C: C[:8], FAR: FAR[:8]}
    ids = [job.id for job in JobStore(database).enqueue([f"https://c.example/{n}" for n in range(1200)]).jobs]
    shown = short_ids(database, JOB, [A, B, C, *ids])
    assert {find_id(database, shown[one], JOB) for one in (A, B, C, ids[-1])} == {A, B, C, ids[-1]}
    assert len(shown) == 1203
