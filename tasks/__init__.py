"""The Celery tasks, and `make_celery`, which the worker, the web server, and the CLI call to create their app.

    worker_init, worker_process_init: one set of resources per process          worker/signals.py
      -> OpenAIClientManager, kept as the process's manager                     tasks/_celery/context.py
      -> scrape_property: `self.manager` is that manager, with its client       tasks/scrape.py
           -> HTTP 429: the pool rotates to the next key                        app/keypool/transport.py
           -> no key has capacity: `RateLimitError` to autoretry                tasks/scrape.py
                -> `JobTask.retry` asks for a decision                          tasks/base.py
                -> `decide`: a countdown up to 30 s, a `due_at` beyond that     tasks/retry_policy.py
                     -> `recover_jobs` sends deferred jobs when they are due    tasks/recovery.py
    beat: sends every scheduled task at its interval                            worker/beat_schedule.py
      -> report_key_stats: logs and exports the pool's statistics               tasks/health.py
      -> check_alerts: raises and resolves alerts                               tasks/alerts.py

The tasks call `app.services`, which does the work. The jobs table decides whether a job runs
(`app.property.storage.jobs`).
"""

from collections.abc import Callable

from celery import Celery

from app.settings import Settings
from tasks._celery.config import TASK_MODULES, celery_config
from tasks._celery.connection import RedactingAMQP

__all__ = ["make_celery"]


def make_celery(settings: Settings | Callable[[], Settings]) -> Celery:
    """Return a Celery app that uses the configured Redis, and make it the current app of this process.

    If `settings` is a callable, it is called when the configuration is first read, so that importing the app reads no
    environment variables. Tasks send their messages through the current app, not through Celery's default app.
    """
    app = Celery("property_intelligence", include=TASK_MODULES, amqp=RedactingAMQP, set_as_current=True)
    app.add_defaults(lambda: celery_config(settings() if callable(settings) else settings))
    return app
