"""A job's page states how the job got its property: from a fetched, unchanged, or already stored page."""

from datetime import UTC, datetime

from app.property.storage.jobs.models import Job, JobState, PageFrom
from web.pages.rendering import _environment

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def shown(page_from: PageFrom | None) -> str:
    job = Job(
        state=JobState.DONE,
        id="j" * 32,
        batch_id="b" * 32,
        property_id="p" * 32,
        page_from=page_from,
        created_at=NOW,
        finished_at=NOW,
    )
    return _environment().get_template("job_live.html").render(job=job, now=NOW, rights=[], csrf="")


def test_the_way_of_a_finished_job_is_stated_in_words() -> None:
    for page_from in PageFrom:
        text = shown(page_from)
        assert "<dt>Page</dt>" in text
        assert ("so no model was called" in text) == (page_from in (PageFrom.UNCHANGED, PageFrom.SAME_PAGE))
    assert "<dt>Page</dt>" not in shown(None)
