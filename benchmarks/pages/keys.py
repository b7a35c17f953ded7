"""Use hundreds of keys, some rejected or disabled, and store a day of key history, alerts, and operator actions."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import httpx2

from app.keypool.keys import ApiKey
from app.property.storage import audit
from app.property.storage.database import Database
from app.property.storage.keys.alerts import Alarm, AlertStore, Severity
from app.property.storage.keys.history import KeyHistoryStore
from app.property.storage.keys.usage import CountedKey, Uses
from app.services.keys.view import KeyView
from app.services.openai_client_manager import OpenAIClientManager, build_manager
from app.services.reports.key_report.alarms import Kind
from app.services.reports.key_report.report import keep_report
from benchmarks.pages.past import Past
from benchmarks.workers.fleet import Fleet

_MODELS = ("gpt-4.1-mini", "gpt-4o-mini")
_HOURS = 24
_ACTIONS = 50
_DISABLED, _DEAD = 6, 6
_ADVICE = (
    "Half of the keys hardly worked in the last day: the pool would do with fewer.",
    "A key was refused by the provider: replace it.",
)


def fill_keys(running: Fleet) -> None:
    """Make two calls for each key with each of two models, and store a day's history of all keys."""
    secrets = running.env["OPENAI_API_KEYS"].split(",")
    with build_manager(running.settings) as manager:
        _use(running, manager, secrets)
        keys = manager.keys
    with closing(KeyView(running.settings)) as view:
        for key in keys[_DEAD : _DEAD + _DISABLED]:
            view.act(key.key_id, "disable")
    fill_history(running.stores.database, keys)
    advice = [{"severity": "info", "sentence": sentence} for sentence in _ADVICE]
    report = {"keys": {}, "healthy_keys": len(keys), "total_keys": len(keys), "rotation_strategy": "random"}
    at = running.stores.database.clock.now()
    keep_report(running.settings, {**report, "alerts_firing": 0, "advice": advice}, at)


def _use(running: Fleet, manager: OpenAIClientManager, secrets: Sequence[str]) -> None:
    control = running.env["OPENAI_BASE_URL"].removesuffix("/v1") + "/control/keys"
    for secret in secrets[: min(_DEAD, len(secrets) // 3)]:
        changed = {"key": secret, "behavior": "dead"}
        httpx2.post(control, json=changed, trust_env=False, timeout=120).raise_for_status()
    client = manager.get_client()
    assert client is not None

    def ask(model: str) -> None:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hello"}], max_tokens=20)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, _MODELS * 2 * len(secrets)))


def fill_history(database: Database, keys: Sequence[ApiKey]) -> None:
    past = Past(database, timedelta(hours=_HOURS))
    with closing(past.database):
        history, alerts = KeyHistoryStore(past.database), AlertStore(past.database)
        for step in range(_HOURS + 1):
            past.move_to(step / _HOURS)
            counted = _counted(keys, step)
            history.record_counters(lambda counted=counted: counted)  # type: ignore[misc]
            alerts.record(_alarms(keys, step), notify=False)
            for number in range(step * _ACTIONS // (_HOURS + 1), (step + 1) * _ACTIONS // (_HOURS + 1)):
                with past.database.writing() as connection:
                    entry = _audit_entry(number, keys[number % len(keys)])
                    audit.record(connection, past.database.clock.now(), area="key", **entry)


def _audit_entry(number: int, key: ApiKey) -> dict[str, str]:
    action = ("disable", "enable", "probe")[number % 3]
    entry = {"who": "operations", "action": action, "reason": "the provider asked for it"}
    return entry | {"key_id": key.key_id, "mask": key.mask, "outcome": "done", "state": "closed"}


def _counted(keys: Sequence[ApiKey], step: int) -> list[CountedKey]:
    uses = Uses(100 * step, 95 * step, 2 * step, 3 * step, 60_000 * step, 8_000 * step, 40_000 * step)
    calls = dict.fromkeys(_MODELS, uses)
    return [CountedKey(key.key_id, key.mask, key.key_id, True, calls) for key in keys]


def _alarms(keys: Sequence[ApiKey], step: int) -> list[Alarm]:
    tripped = [keys[(2 * step + n) % len(keys)] for n in range(2)]
    return [
        *(_alarm(Kind.CIRCUIT_OPEN, key, "opened its circuit after failures in a row.") for key in tripped),
        _alarm(Kind.KEY_DEAD, keys[0], "was refused (401): out of rotation until it is replaced."),
        _alarm(Kind.KEY_OLD, keys[-1], "is 120 days old, rotate keys every 90 days: add a new one first."),
    ]


def _alarm(kind: Kind, key: ApiKey, text: str) -> Alarm:
    return Alarm(kind, key.mask, Severity.WARNING, f"OpenAI key {key.mask} {text}", {"key": key.mask})
