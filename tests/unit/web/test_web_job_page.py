"""The page of a job says how it came by its property, whichever way that was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.property.storage.jobs.models import Job, JobState, PageFrom
from web.pages.rendering import _environment

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JOB = Job(
    id="j" * 32, batch="b" * 32, position=0, target="https://a.example/", state=JobState.DONE, priority=5,
    refresh=False, attempts=1, waited_seconds=0.0, due_at=None, error=None, wanted_model=(), model_note=None,
    property="p" * 32,
    page_from=None, sent_times=1, resend_at=None, created_at=NOW, started_at=NOW, finished_at=NOW,
)  # fmt: skip


def shown(job: Job) -> str:
    return _environment().get_template("job_live.html").render(job=job, now=NOW, rights=[], csrf="")


@pytest.mark.parametrize("page_from", list(PageFrom))
def test_each_way_is_said_in_words(page_from: PageFrom) -> None:
    text = shown(replace(JOB, page_from=page_from))
    assert "<dt>Page</dt>" in text
    assert ("no model was asked" in text) == (page_from in (PageFrom.UNCHANGED, PageFrom.SAME_PAGE))


def test_a_job_that_is_not_done_says_nothing_of_it() -> None:
    assert "<dt>Page</dt>" not in shown(JOB)
