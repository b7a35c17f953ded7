"""An unambiguous prefix of an id is enough to find its row. Lists show short prefixes."""

import pytest
from sqlalchemy import update

from app.errors.ids import AmbiguousIdError, UnknownIdError
from app.property.storage.ids import BATCH, JOB, find_id, ids_from, short_ids
from app.property.storage.jobs.models import Job
from tests.plugins.stores import Stores

A, B, C = "abcd0000" + "1" * 24, "abcd0000" + "1" * 23 + "2", "abce" + "0" * 28
FAR = "f" * 32


def name_jobs(db: Stores, site: str, *ids: str) -> None:
    made = db.jobs.enqueue([f"https://{site}.example/{n}" for n in range(len(ids))]).jobs
    for job, new in zip(made, ids, strict=True):
        db.execute(update(Job).where(Job.id == job.id).values(id=new))


@pytest.fixture(autouse=True)
def four_jobs(db: Stores) -> None:
    name_jobs(db, "a", A, B, C, FAR)


def test_an_unambiguous_prefix_is_enough(db: Stores) -> None:
    for typed, found in (("abce", C), ("ABCE0", C), (" ffff ", FAR), (A, A), (B, B)):
        assert find_id(db, typed, JOB) == found
    assert ids_from(db, "ffff", BATCH, limit=5) == [], "only ids of the given kind are found"
    for typed in ("", "fff", "abcf", "abc%", "____", "ffff-", "https://a.example/1", f"{FAR}0"):
        with pytest.raises(UnknownIdError, match="propintel jobs list"):
            find_id(db, typed, JOB)


def test_an_ambiguous_prefix_lists_at_most_five_matches(db: Stores) -> None:
    with pytest.raises(AmbiguousIdError, match=rf"^abcd is ambiguous: it may be job {A}, {B}\. "):
        find_id(db, "abcd", JOB)
    ids = [f"9999{n:028}" for n in range(6)]
    name_jobs(db, "b", *ids)
    with pytest.raises(AmbiguousIdError) as refused:
        find_id(db, "9999", JOB)
    assert refused.value.facts["matches"] == ", ".join(ids[:5]) + " or others"


def test_short_ids_have_eight_characters_or_as_many_as_are_unambiguous(db: Stores) -> None:
    """Job B is not in the first list, but the short id of job A must not be a prefix of B's id."""
    assert short_ids(db, JOB, [A, C, FAR, None]) == {A: A, C: C[:8], FAR: FAR[:8]}
    ids = [job.id for job in db.jobs.enqueue([f"https://c.example/{n}" for n in range(1200)]).jobs]
    shown = short_ids(db, JOB, [A, B, C, *ids])
    assert {find_id(db, shown[one], JOB) for one in (A, B, C, ids[-1])} == {A, B, C, ids[-1]}
    assert len(shown) == 1203
