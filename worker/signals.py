"""The handlers of Celery's signals, which open and close resources. `connect` lists them.

Each process that runs tasks opens its own resources. They are not shared across a fork, because processes that share a
connection can get each other's replies. A forking worker therefore opens the resources in each child. A worker that
does not fork opens them in its only process. Celery swallows exceptions in signal handlers, so the handlers themselves
exit if the resources cannot be opened.
"""

import atexit
import gc
import logging
import os
import sys
import threading
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
    worker_ready,
    worker_shutdown,
)
from celery.worker import state
from structlog.contextvars import bind_contextvars, unbind_contextvars

from app.errors import PropertyIntelligenceError
from app.keypool.keys import load_keys
from app.logs import configure_logging
from app.plurals import counted
from app.property.fetch.browser.setup import check_browser
from app.property.reading.model.tokens import count_tokens
from app.property.storage.outbox import Channel
from app.redaction import redact
from app.services.delivery.deliver import follow_changes, receiver_of
from app.services.openai_client_manager import build_manager, log_key_warnings
from app.services.runtime.resources import open_resources
from app.services.runtime.stores import open_stores
from app.settings import Settings
from app.settings.names import log_near_misses
from tasks._celery import context
from tasks._celery.config import CALLBACK_QUEUE, LANES, MODEL_BATCH_QUEUE, SCRAPE_QUEUE
from tasks._celery.lease import worker_name
from worker import config_reload
from worker.beat_logs import log_at_debug
from worker.beat_schedule import beat_config
from worker.config_reload import exit_with, settings

log = logging.getLogger(__name__)

#: The exit code of a child that cannot start: EX_CONFIG of sysexits.h. The reason is in the log.
_CHILD_EXIT_CODE = 78
#: The pause before a child that cannot start exits. Celery immediately forks a replacement, so the pause limits the
#: rate of forks. It must be shorter than the four seconds that Celery gives a child to start.
_CHILD_EXIT_PAUSE_SECONDS = 2.0
#: How long the parent may take to end after Celery has canceled its tasks. Celery can hang: if a child is killed while
#: it writes a long traceback to its pipe, the parent waits forever for the rest (seen with 5.7).
_CANCELED_SECONDS = 8.0


def children_run_tasks(pool_cls: Any) -> bool:
    """Return whether a pool runs tasks in forked children. `pool_cls` is a class, or a name as for `--pool`."""
    implementation = concurrency.get_implementation(pool_cls)
    return isinstance(implementation, type) and issubclass(implementation, TaskPool)


def _configure_logging(loglevel: Any = None, **_: Any) -> None:
    """LOG_LEVEL overrides `--loglevel`, because the command lines in the Procfile are fixed."""
    wanted = loglevel if isinstance(loglevel, int) and loglevel else logging.INFO
    configure_logging(level=settings().logs.level or wanted, log_format=settings().logs.format)
    log_at_debug({entry["task"] for entry in beat_config(settings())["beat_schedule"].values()})
    _log_near_misses_once()


@cache
def _log_near_misses_once() -> None:
    """Log misspelled settings once, although Celery sets up logging several times and in each forked child."""
    log_near_misses()


def _on_import_modules(**_: Any) -> None:
    """Set up logging for Celery commands that send no logging signal, such as `flower`."""
    _configure_logging()


def _bind_task(task_id: str = "", task: Any = None, **_: Any) -> None:
    bind_contextvars(task=task.name, task_id=task_id)


def _unbind_task(**_: Any) -> None:
    unbind_contextvars("task", "task_id")


def _select_queues(instance: Any = None, **_: Any) -> None:
    """If a worker consumes SCRAPE_QUEUE, let it consume the other lanes and the webhook and model batch queues, too."""
    queues = instance.app.amqp.queues
    if SCRAPE_QUEUE in queues.consume_from:
        for lane in (*LANES, CALLBACK_QUEUE, MODEL_BATCH_QUEUE):
            queues.select_add(queues[lane])
        log_key_warnings(load_keys(settings()))  # only here, because a maintenance worker calls no model


def _check_or_open(sender: Any = None, **_: Any) -> None:
    """In the parent, check that the settings work, and exit if not. If the pool does not fork, open the resources."""
    _configure_logging(sender.loglevel)  # Celery sets up logging only after this signal
    worker_name()  # the name must exist before the fork, so that children share it
    try:
        for channel in Channel:
            receiver_of(channel, settings())
        if children_run_tasks(sender.pool_cls):
            _check(settings())
        else:
            _open()
    except PropertyIntelligenceError as exc:
        exit_with(redact(str(exc)))
    count_tokens("")  # loads large tables before the fork, so that children share their memory
    atexit.register(_release_jobs, os.getpid())


def _open() -> None:
    loaded = settings()
    opened = open_resources(loaded, in_task=True)
    follow_changes(loaded, opened.database)
    context.install(opened)
    config_reload.start_reloader(opened.manager)


def _check(loaded: Settings) -> None:
    """Raise an error if the keys, strategy, browser, or database cannot be used.

    Only the price table stays loaded, so that the children share its memory.
    """
    check_browser(loaded)
    open_stores(loaded).close()
    with build_manager(loaded, in_task=True) as manager:
        manager.warm_up(loaded.openai.model)
        log.info("%s, strategy %s", counted(len(manager.keys), "OpenAI key"), loaded.openai.key_rotation_strategy)


def _freeze_memory(**_: Any) -> None:
    """Freeze existing objects before each fork, so that garbage collection in a child does not copy shared memory."""
    gc.collect()
    gc.freeze()


def _open_in_child(**_: Any) -> None:
    if context.is_open():  # the solo pool sends this signal too, in the process that has opened everything
        return
    try:
        _open()
        config_reload.ignore_sighup()
    except BaseException as exc:  # noqa: BLE001 (Celery would keep a child that cannot work)
        reason = str(exc) if isinstance(exc, PropertyIntelligenceError) else f"{type(exc).__name__}: {exc}"
        log.critical("A worker process could not start: %s", redact(reason))
        time.sleep(_CHILD_EXIT_PAUSE_SECONDS)
        sys.stderr.flush()
        os._exit(_CHILD_EXIT_CODE)


def _close(**_: Any) -> None:
    config_reload.stop_reloader()
    context.close()


def _release_jobs(worker_pid: int) -> None:
    """When the parent exits, release the leases of unfinished jobs, so that other workers can take them immediately.

    The signal `worker_shutdown` would be too early, and Celery does not send it after canceling tasks (seen with 5.7).
    """
    if os.getpid() != worker_pid:
        return
    try:
        with open_stores(settings()) as stores:
            released = stores.jobs.release_all(worker_name())
    except PropertyIntelligenceError as exc:
        log.warning("Unfinished jobs could not be released and wait until their leases end: %s", redact(str(exc)))
        return
    if released:
        log.info("Released: %s", counted(len(released), "unfinished job"))


def _bound_the_end(**_: Any) -> None:
    threading.Thread(target=_exit_if_stuck, name="exit-if-stuck", daemon=True).start()


def _exit_if_stuck() -> None:
    while not state.should_terminate:
        time.sleep(1)
    time.sleep(_CANCELED_SECONDS)
    log.error("The worker did not end within %g s after its tasks were canceled, and exits now", _CANCELED_SECONDS)
    _release_jobs(os.getpid())
    os._exit(1)


def connect() -> None:
    """Connect the handlers. Safe to call again."""
    for signal, handler in (
        (setup_logging, _configure_logging),  # each process: sets up logging
        (import_modules, _on_import_modules),  # Flower and other commands: sets up logging
        (celeryd_after_setup, _select_queues),  # parent: selects the queues to consume
        (worker_init, _check_or_open),  # parent: checks settings; opens the resources if the pool does not fork
        (worker_before_create_process, _freeze_memory),
        (worker_process_init, _open_in_child),  # child: opens its resources
        (task_prerun, _bind_task),  # process that runs the task: adds the task to log lines
        (task_postrun, _unbind_task),
        (worker_process_shutdown, _close),  # child: closes its resources
        (worker_ready, _bound_the_end),  # parent: exits if its shutdown takes too long
        (worker_shutdown, _close),  # parent: closes its resources
    ):
        signal.connect(handler, dispatch_uid=f"propintel-{handler.__name__}", weak=False)
