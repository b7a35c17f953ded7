"""A job's lease is a fencing token: only the worker that holds it can store the job's results."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select, update

from app.errors.jobs import LeaseLostError
from app.property.storage.jobs.models import CLEARED, Job, JobState, PageFrom
from app.property.storage.statements import clean


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to store the results of a job. `owner` identifies one run of the job by a worker."""

    job_id: str
    owner: str

    def holds(self) -> ColumnElement[bool]:
        """The condition that the lease is valid.

        It stays valid after it expired, until the job is requeued or leased again.
        """
        return and_(Job.id == self.job_id, Job.state == JobState.RUNNING, Job.lease_owner == self.owner)


def hold(connection: Connection, lease: Lease) -> None:
    """Lock the job's row until the transaction ends, so that the lease stays valid.

    Raises `LeaseLostError` if the lease is invalid.
    """
    if connection.execute(select(Job.id).where(lease.holds()).with_for_update(key_share=True)).first() is None:
        raise LeaseLostError(lease.job_id)


def finish(
    connection: Connection,
    lease: Lease,
    now: datetime,
    property_id: str | None = None,
    *,
    wanted_model: Sequence[str] = (),
    model_note: str | None = None,
    page_from: PageFrom | None = None,
    search: dict[str, Any] | None = None,
) -> None:
    """Mark the job as done, with its property or the counts of its search. Raises `LeaseLostError`."""
    change = {
        **CLEARED,
        "state": JobState.DONE,
        "property_id": property_id,
        "wanted_model": list(wanted_model),
        "model_note": clean(model_note),
        "page_from": page_from,
        "search": search,
        "finished_at": now,
        "error_code": None,
        "error_message": None,
    }
    if connection.execute(update(Job).where(lease.holds()).values(change)).rowcount != 1:
        raise LeaseLostError(lease.job_id)
