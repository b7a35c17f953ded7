"""The Celery process: `celery -A worker worker|beat|flower` finds its app here.

What a process opens and closes is `signals.py`, what beat sends is `schedule.py`. Importing reads no environment.
"""

from __future__ import annotations

from tasks import make_celery
from worker import flower, health, signals
from worker.configuration import settings
from worker.schedule import beat_config
from worker.watching import ReloadOnHangup

__all__ = ["app"]

app = make_celery(settings)
app.add_defaults(lambda: beat_config(settings()))
signals.connect()
health.connect()
flower.connect(app)
app.steps["worker"].add(ReloadOnHangup)
