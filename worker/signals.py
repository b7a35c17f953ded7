"""What is opened where: one set of resources per process that runs tasks, never one that is shared over a fork.

A client that is used in the parent and inherited by its children answers one call with another call's answer. So a
forking worker opens nothing in its parent and everything in each child; a worker whose pool does not fork has no
children, and opens in itself. Celery swallows what a signal handler raises: who cannot build its resources exits here.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys
import time
from functools import cache
from typing import Any

from celery import concurrency
from celery.concurrency.prefork import TaskPool
from celery.signals import (
    celeryd_after_setup,
    import_modules,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_before_create_process,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_shutdown,
)
from structlog.contextvars import bind_contextvars, unbind_contextvars

from app.errors import PropertyIntelligenceError
from app.logs import configure_logging
from app.property.fetch import check_browser
from app.property.reading.model.tokens import count_tokens
from app.property.storage.outbox import Channel
from app.redaction import redact
from app.services.delivery.deliver import follow_changes, receiver_of
from app.services.openai_client_manager import build_manager
from app.services.runtime.resources import open_resources
from app.services.runtime.stores import open_stores
from app.services.runtime.traces import start_tracing
from app.settings import Settings
from app.settings.names import log_near_misses
from app.tracing import shutdown_tracing
from tasks import resources
from tasks.config import CALLBACK_QUEUE, LANES, MODEL_BATCH_QUEUE, SCRAPE_QUEUE
from tasks.lease import worker_name
from worker import watching
from worker.configuration import exit_with, settings
from worker.routine import log_at_debug
from worker.schedule import beat_config

log = logging.getLogger(__name__)

#: EX_CONFIG of sysexits.h: the pool sees a failed child, the log says why
_CHILD_EXIT_CODE = 78
#: A child that cannot start is replaced at once; this keeps a lost database from becoming a storm of forks.
#: Celery gives a child four seconds to come up.
_CHILD_EXIT_PAUSE_SECONDS = 2.0


def children_run_tasks(pool_cls: Any) -> bool:
    """True if this pool (a class, or a name as for `--pool`) runs tasks in forked children: the one place to ask."""
    implementation = concurrency.get_implementation(pool_cls)
    return isinstance(implementation, type) and issubclass(implementation, TaskPool)


def _on_setup_logging(loglevel: Any = None, **_: Any) -> None:
    """Worker and beat. LOG_LEVEL counts more than `--loglevel`, which stands in command lines that nobody edits."""
    wanted = loglevel if isinstance(loglevel, int) and loglevel else logging.INFO
    configure_logging(level=settings().logs.level or wanted, log_format=settings().logs.format)
    log_at_debug({entry["task"] for entry in beat_config(settings())["beat_schedule"].values()})
    _log_near_misses_once()


@cache
def _log_near_misses_once() -> None:
    """Celery sets up logs several times in a process; forked children inherit that it is done."""
    log_near_misses()


def _on_import_modules(**_: Any) -> None:
    """Every command of Celery's that works with the app; Flower sends no signal of its own. A worker asks again."""
    _on_setup_logging()


def _on_task_start(task_id: str = "", task: Any = None, **_: Any) -> None:
    bind_contextvars(task=task.name, task_id=task_id)


def _on_task_end(**_: Any) -> None:
    unbind_contextvars("task", "task_id")


def _on_queues_chosen(instance: Any = None, **_: Any) -> None:
    """A worker that serves jobs serves all their lanes: `-Q scrape` would leave most of a large batch to nobody."""
    queues = instance.app.amqp.queues
    if SCRAPE_QUEUE in queues.consume_from:
        for lane in (*LANES, CALLBACK_QUEUE, MODEL_BATCH_QUEUE):
            queues.select_add(queues[lane])


def _on_worker_init(sender: Any = None, **_: Any) -> None:
    """In the parent: refuse what could never work; open resources only if tasks run right here."""
    _on_setup_logging(sender.loglevel)  # Celery would set it up only after this
    worker_name()  # forked children share it
    try:
        for channel in Channel:
            receiver_of(channel, settings())
        if children_run_tasks(sender.pool_cls):
            _check(settings())
        else:
            _open()
    except PropertyIntelligenceError as exc:
        exit_with(redact(str(exc)))
    count_tokens("")  # its tables are most of a child's memory, shared; and no job waits for them
    atexit.register(_give_back, os.getpid())


def _open() -> None:
    loaded = settings()
    start_tracing(loaded)
    opened = open_resources(loaded, in_task=True)
    follow_changes(loaded, opened.database)
    resources.install(opened)
    watching.watch_manager(opened.manager)


def _check(loaded: Settings) -> None:
    """A bad key set, strategy, browser or database ends the worker here; what is opened for it is closed before a fork.

    What stays are prices, which children share with their parent.
    """
    check_browser(loaded)
    open_stores(loaded).close()
    with build_manager(loaded, in_task=True) as manager:
        manager.warm_up(loaded.openai.model)
        log.info("%d OpenAI keys, strategy %s", len(manager.keys), loaded.openai.key_rotation_strategy)


def _on_fork(**_: Any) -> None:
    """Before each fork: the collector leaves what there is alone, else its marks would copy every shared page."""
    gc.collect()
    gc.freeze()


def _on_child_start(**_: Any) -> None:
    """In a forked child: open everything, or exit with the reason."""
    if resources.is_open():  # the solo pool sends this signal too, in the one process, which has opened everything
        return
    try:
        _open()
        watching.leave_hangup_to_the_parent()
    except BaseException as exc:  # noqa: BLE001 (Celery would go on with a child that can do nothing)
        reason = str(exc) if isinstance(exc, PropertyIntelligenceError) else f"{type(exc).__name__}: {exc}"
        log.critical("A worker process could not start: %s", redact(reason))
        time.sleep(_CHILD_EXIT_PAUSE_SECONDS)
        sys.stderr.flush()
        os._exit(_CHILD_EXIT_CODE)


def _on_stop(**_: Any) -> None:
    watching.stop()
    resources.close()
    shutdown_tracing()


def _give_back(worker_pid: int) -> None:
    """At the end of the parent, when no process of it works any more: what they could not finish is others' at once.

    Not at `worker_shutdown`, which Celery does not send when it cancels tasks to be in time (seen with 5.7).
    """
    if os.getpid() != worker_pid:
        return
    try:
        with open_stores(settings()) as stores:
            released = stores.jobs.release_all(worker_name())
    except PropertyIntelligenceError as exc:
        log.warning("Jobs under way could not be given back, they wait for their leases: %s", redact(str(exc)))
        return
    if released:
        log.info("%d jobs could not be finished in time and are given back", len(released))


def connect() -> None:
    """Follow the worker's life; safe to call again."""
    for signal, handler in (
        (setup_logging, _on_setup_logging),
        (import_modules, _on_import_modules),
        (task_prerun, _on_task_start),
        (task_postrun, _on_task_end),
        (celeryd_after_setup, _on_queues_chosen),
        (worker_init, _on_worker_init),
        (worker_before_create_process, _on_fork),
        (worker_process_init, _on_child_start),
        (worker_process_shutdown, _on_stop),
        (worker_shutdown, _on_stop),
    ):
        signal.connect(handler, dispatch_uid=f"propintel-{handler.__name__}", weak=False)
