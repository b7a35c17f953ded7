"""The courier: one thin Celery task per kind of job, the one retry policy, and `make_celery`, which every door calls.

What a job does is `app.services`; whether it runs at all is the jobs table's decision (`app.property.storage`).
"""

from __future__ import annotations

from collections.abc import Callable

from celery import Celery

from app.settings import Settings
from tasks.broker import SteadyAMQP
from tasks.config import TASK_MODULES, celery_config

__all__ = ["make_celery"]


def make_celery(settings: Settings | Callable[[], Settings]) -> Celery:
    """A Celery app on the Redis in use.

    A callable is called when the configuration is first read, so that importing an app reads no environment. The app is
    the process's current one: without a call of this a door's `.delay()` would go to Celery's default app.
    """
    app = Celery("property_intelligence", include=TASK_MODULES, amqp=SteadyAMQP, set_as_current=True)
    app.add_defaults(lambda: celery_config(settings() if callable(settings) else settings))
    return app
