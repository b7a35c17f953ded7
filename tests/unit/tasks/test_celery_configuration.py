"""Every app from `make_celery` has the same configuration, and importing an app has no side effects."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from app.property.storage.jobs.models import Job
from app.settings import Settings, load_settings
from tasks import make_celery
from tasks._celery.config import (
    LANES,
    SOFT_TIME_LIMIT,
    TIME_LIMIT,
    VISIBILITY_TIMEOUT,
    kombu_url,
    lane_of,
    message_priority,
)
from tasks.retry_policy import LONGEST_COUNTDOWN_SECONDS


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.of(propintel_home=tmp_path, redis_url=SecretStr("redis://127.0.0.1:1/0"))


def test_settings_are_loaded_when_the_configuration_is_read(settings: Settings) -> None:
    """Creating an app reads no settings. `load` is called once, when the configuration is first used."""
    asked: list[int] = []

    def load() -> Settings:
        asked.append(1)
        return settings

    app = make_celery(load)
    assert asked == []
    assert app.conf.broker_url == "redis://127.0.0.1:1/0"
    assert app.conf.result_backend == "redis://127.0.0.1:1/0"
    assert asked == [1]


def test_importing_the_worker_reads_no_environment() -> None:
    """The import succeeds even with invalid settings, which are reported when the app is used."""
    code = (
        "import os; os.environ['PORT'] = 'none'; import worker; print('imported')\n"
        "try: worker.app.conf.broker_url\nexcept SystemExit as exc: print('exit', exc.code)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert ran.stdout.split("\n")[:2] == ["imported", "exit 2"]
    assert "PORT" in ran.stderr


@pytest.mark.parametrize(
    ("url", "kombu"),
    [
        ("redis://h:6379/3", "redis://h:6379/3"),
        ("rediss://u:p@h:6379/0", "rediss://u:p@h:6379/0?ssl_cert_reqs=required"),
        ("rediss://h/0?ssl_ca_certs=/a", "rediss://h/0?ssl_ca_certs=/a&ssl_cert_reqs=required"),
        ("rediss://h/0?ssl_cert_reqs=none", "rediss://h/0?ssl_cert_reqs=none"),
        ("unix:///run/v.sock?db=0", "redis+socket:///run/v.sock?virtual_host=0"),
        ("unix:///run/a%20b/v.sock?db=2", "redis+socket:///run/a%20b/v.sock?virtual_host=2"),
    ],
)
def test_a_socket_url_is_converted_for_kombu(url: str, kombu: str) -> None:
    assert kombu_url(url) == kombu


def test_every_task_has_its_queue_and_only_jobs_are_in_lanes(settings: Settings) -> None:
    app = make_celery(settings)
    app.loader.import_default_modules()
    bindings = {queue.name: (queue.exchange.name, queue.routing_key) for queue in app.conf.task_queues}
    others = {"tasks.scrape.scrape_property": "scrape", "tasks.delivery.deliver_due": "callbacks"}
    others["tasks.model_batches.tend_batches"] = "model-batches"
    names = [name for name in app.tasks if name.startswith("tasks.")]
    assert len(names) == 11
    assert {name: app.amqp.router.route({}, name)["queue"].name for name in names} == {
        name: others.get(name, "maintenance") for name in names
    }
    assert bindings == {name: (name, name) for name in ("maintenance", "callbacks", "model-batches", *LANES)}
    assert list(LANES) == ["scrape", "scrape.medium", "scrape.large", "scrape.bulk"]


@pytest.mark.parametrize(
    ("position", "started", "lane"),
    [
        (0, False, "scrape"),
        (19, False, "scrape"),
        (20, False, "scrape.medium"),
        (199, False, "scrape.medium"),
        (200, False, "scrape.large"),
        (1999, False, "scrape.large"),
        (2000, False, "scrape.bulk"),
        (2_000_000, False, "scrape.bulk"),
        (2_000_000, True, "scrape"),
    ],
)
def test_a_job_waits_in_the_lane_for_its_position_in_the_batch(position: int, started: bool, lane: str) -> None:
    """A job that has been started before uses the first lane."""
    assert lane_of(_job(position, started=started)) == lane


@pytest.mark.parametrize(("priority", "started", "urgency"), [(5, False, 5), (5, True, 4), (0, True, 0), (9, True, 8)])
def test_a_job_that_has_run_before_has_one_higher_priority(priority: int, started: bool, urgency: int) -> None:
    assert message_priority(_job(0, started=started, priority=priority)) == urgency


def _job(position: int, *, started: bool, priority: int = 5) -> Job:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Job(position=position, priority=priority, started_at=now if started else None)


def test_messages_and_events_show_redacted_arguments(settings: Settings) -> None:
    """Arguments of a task sent by name are redacted too, because Flower may show the sender's event."""
    url, key = "https://me:hunter2@example.com/a?token=hunter2", "sk-proj-0123456789abcdefghij"
    message = make_celery(settings).amqp.create_task_message(
        "id", "any.task", (key,), {"url": url}, argsrepr=repr(key), create_sent_event=True
    )
    shown = [message.headers["argsrepr"], message.headers["kwargsrepr"]]
    assert [message.sent_event["args"], message.sent_event["kwargs"]] == shown
    assert key not in shown[0]
    assert shown[1] == "{'url': 'https://example.com/a?[redacted]'}"
    assert message.body[:2] == ((key,), {"url": url}), "the task must get the original arguments"


def test_a_lost_broker_is_retried_once_a_second(settings: Settings) -> None:
    """By default, kombu's pauses would grow to half a minute."""
    pauses: list[float] = []

    class EnoughError(Exception):
        pass

    def note(_: Exception, pause: float) -> None:
        pauses.append(pause)
        if len(pauses) == 3:
            raise EnoughError

    with make_celery(settings).connection_for_read() as connection, pytest.raises(EnoughError):
        connection.ensure_connection(note)
    assert pauses == [1, 1, 1]


def test_a_wait_delivers_no_message_twice() -> None:
    """A message must not become visible to another worker while its task runs or its countdown is pending."""
    assert VISIBILITY_TIMEOUT > TIME_LIMIT > SOFT_TIME_LIMIT
    assert VISIBILITY_TIMEOUT.total_seconds() > 10 * LONGEST_COUNTDOWN_SECONDS


def test_delivery_is_late_acknowledged_and_bounded(settings: Settings) -> None:
    conf = make_celery(settings).conf
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost, conf.task_retry_on_worker_lost) == (True, True, True)
    assert conf.worker_prefetch_multiplier == 1
    assert conf.broker_connection_max_retries is None
    assert conf.broker_transport_options["priority_steps"] == list(range(10))
    assert conf.accept_content == ["json"]


def test_scrape_property_retries_on_rate_limits_in_the_base_class(settings: Settings) -> None:
    """The specification requires `autoretry_for=(RateLimitError,)`. `JobTask.retry` decides whether to retry."""
    import openai

    app = make_celery(settings)
    app.loader.import_default_modules()
    task = app.tasks["tasks.scrape.scrape_property"]
    assert task.autoretry_for == (openai.RateLimitError,)
    assert task.acks_late
    assert type(task).retry.__qualname__ == "JobTask.retry"


@pytest.mark.parametrize(
    "url",
    [
        "redis://me:pass%2Fword-of-redis@cache:6379/0",
        "rediss://:pass%2Fword-of-redis@cache:6379/0",
        "unix://:pass%2Fword-of-redis@/run/r.sock?db=0",
    ],
)
def test_a_worker_s_answer_to_inspect_conf_has_no_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Flower shows each worker's answer to `inspect conf`."""
    monkeypatch.setenv("REDIS_URL", url)
    app = make_celery(load_settings())
    shown = f"{app.conf.table(with_defaults=True, censored=True)} {app.conf.humanize(with_defaults=True)}"
    assert "cache" in shown or "/run/r.sock" in shown
    assert "word-of-redis" not in shown
    beat = redis.Redis.from_url(app.conf.redbeat_redis_url, **app.conf.redbeat_redis_options)
    same = redis.Redis.from_url(url, socket_timeout=30)
    for name in ("host", "port", "path", "db", "username", "password", "socket_timeout"):
        expected = same.connection_pool.connection_kwargs.get(name)
        assert beat.connection_pool.connection_kwargs.get(name) == expected, name
    assert beat.connection_pool.connection_class is same.connection_pool.connection_class
