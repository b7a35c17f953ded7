"""What is wrong with watches: a budget that starves them for days, or nobody who begins what is due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from app.property.storage.database import Database
from app.property.storage.watches.repository import Watches
from app.services.reports.doctor.findings import Verdict, warning
from app.settings import Settings

#: what was put off is first on the next day; longer than that, and the budget is too small for what is watched
_LATE = timedelta(days=1, hours=1)


def watch_verdicts(database: Database, settings: Settings) -> Iterator[Verdict]:
    """Nothing, if nothing is watched or all goes well."""
    watches = Watches(database)
    late = watches.late(database.clock.now() - _LATE)
    if late.put_off:
        yield warning(
            f"{late.put_off} watches have waited for more than a day for room in the budget of"
            f" {settings.watch.daily_pages} pages a day; all want about {watches.daily_pages():.0f}",
            "Raise WATCH_DAILY_PAGES, or watch less or less often.",
        )
    if late.jobs:
        yield warning(
            f"{late.jobs} jobs of watches have waited for more than a day, as a rule for room in the budget of"
            f" {settings.watch.daily_model_calls} model calls a day",
            "`propintel jobs` says what they wait for; raise WATCH_DAILY_MODEL_CALLS, or watch less or less often.",
        )
    if late.untaken:
        yield warning(
            f"{late.untaken} watches have been due for more than a day and nobody begins them",
            "See that beat and a worker run; the worker's log says why.",
        )
