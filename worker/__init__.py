"""The Celery app that `celery -A worker worker`, `celery -A worker beat`, and `celery -A worker flower` load.

`signals.py` opens and closes the resources of a process. Importing the package reads no environment variables.
"""

from tasks import make_celery
from worker import flower, heartbeat, signals
from worker.beat_schedule import beat_config
from worker.config_reload import ReloadOnSighup, settings

__all__ = ["app"]

app = make_celery(settings)
app.add_defaults(lambda: beat_config(settings()))
signals.connect()
heartbeat.connect()
flower.connect(app)
app.steps["worker"].add(ReloadOnSighup)
