"""An action on a key finds the key by its mask or another name, changes it, and is logged and stored."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.errors.keys import AmbiguousKeyError, KeyStoreUnavailableError, UnknownKeyError
from app.errors.storage import StoreError
from app.keypool.keys import load_keys
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import KeySnapshot
from app.keypool.stores.redis import RedisStore
from app.property.storage.audit import key_actions
from app.property.storage.database import Database
from app.redis.embedded_valkey import EmbeddedValkey, broker_url
from app.services.keys.actions import act, find_key
from app.services.keys.store import connect_store
from app.services.keys.view import KeyView
from app.services.runtime.stores import open_stores
from app.settings import Settings
from tests.plugins.store_steps import answer, ask, take

A, B = (f"sk-proj-{letter * 20}{n}" for letter, n in (("a", "1111"), ("b", "2222")))
MASK_A, MASK_B = "sk-proj-aaa...1111", "sk-proj-bbb...2222"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.of(propintel_home=tmp_path, openai_api_keys=f"{A},{B}")


@pytest.fixture
def valkey(settings: Settings) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(settings.state.propintel_home) as running:
        yield running


@pytest.fixture
def view(settings: Settings) -> Iterator[KeyView]:
    opened = KeyView(settings)
    yield opened
    opened.close()


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with open_stores(settings) as stores:
        yield stores.database


@pytest.fixture
def worker(settings: Settings, valkey: EmbeddedValkey) -> Iterator[RedisStore]:
    """Yield the key store of a second process that uses the same keys."""
    store = RedisStore(load_keys(settings).keys, "round_robin", connect_store(broker_url(settings)))
    yield store
    store.close()


def test_disabling_a_key_takes_effect_at_once_and_is_logged_and_stored(
    worker: RedisStore, view: KeyView, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    answer(worker)
    answer(worker)
    assert view.stats()["keys"][MASK_A]["state"] == "closed"
    done = act(view, lambda: database, MASK_A, "disable", who="alice (manager)", reason="leaked in a ticket")
    stats = view.stats()
    shown = stats["keys"][MASK_A]
    assert (shown["state"], shown["circuit_open"], stats["healthy_keys"], stats["total_keys"]) == (
        "disabled",
        True,
        1,
        2,
    )
    assert {answer(worker).key_id for _ in range(4)} == {stats["keys"][MASK_B]["id"]}
    (line,) = [record for record in caplog.records if record.name == "app.services.keys.actions"]
    assert line.getMessage() == f"Key action: disable {MASK_A} by alice (manager): done (leaked in a ticket)"
    fields = {name: getattr(line, name) for name in ("key", "action", "who", "reason", "outcome")}
    reason = "leaked in a ticket"
    assert fields == {"key": MASK_A, "action": "disable", "who": "alice (manager)", "reason": reason, "outcome": "done"}
    assert line.levelno == logging.WARNING
    (written,) = key_actions(database).items
    assert (written.at, written.outcome) == (done.recorded_at, done.outcome)
    assert (written.key_id, written.reason, written.state) == (shown["id"], "leaked in a ticket", "disabled")


def test_each_answer_states_the_result_which_is_stored_even_if_nothing_changed(
    worker: RedisStore, view: KeyView, database: Database
) -> None:
    def result(action: Any) -> str:
        return act(view, lambda: database, MASK_A, action, who="alice").sentence

    answer(worker)
    answer(worker)
    assert result("probe") == f"OpenAI key {MASK_A} is healthy: there is nothing to try (state: closed)."
    assert result("enable") == f"OpenAI key {MASK_A} was not disabled (state: closed)."
    assert "is disabled: it gets no new request" in result("disable")
    assert result("disable") == f"OpenAI key {MASK_A} was disabled already."
    assert result("probe") == f"OpenAI key {MASK_A} is disabled, and is not tried before it is enabled."
    assert result("enable") == f"OpenAI key {MASK_A} is enabled, in its previous state (state: closed)."
    only_a = ask(barred=frozenset({view.stats()["keys"][MASK_B]["id"]}))
    answer(worker, Outcome.INVALID_KEY, only_a)
    assert result("probe") == f"OpenAI key {MASK_A} may be tried with the next request (state: dead)."
    assert result("probe") == f"OpenAI key {MASK_A} may be tried with the next request anyway (state: dead)."
    take(worker, only_a)
    assert result("probe") == f"OpenAI key {MASK_A} is being tried already."
    outcomes = [one.outcome for one in key_actions(database).items][::-1]
    assert outcomes == ["nothing", "nothing", "done", "nothing", "nothing", "done", "done", "nothing", "under_way"]


@pytest.mark.usefixtures("valkey")
def test_a_secret_in_the_reason_is_stored_nowhere(
    view: KeyView, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    pasted = f"found\n{A}\tand sk-proj-{'z' * 40} online" + " x" * 400
    act(view, lambda: database, MASK_A, "disable", who="alice", reason=pasted)
    (written,) = key_actions(database).items
    assert written.reason.startswith(f"found {MASK_A} and [redacted] online x x")
    assert len(written.reason) == 500
    assert A not in caplog.text
    assert "z" * 16 not in caplog.text


@pytest.mark.usefixtures("valkey")
def test_a_key_can_be_disabled_while_the_database_is_unavailable(
    view: KeyView, caplog: pytest.LogCaptureFixture
) -> None:
    """A leaked key must be disabled without a database too. The result says that the action was not stored."""

    def closed() -> Database:
        raise StoreError("sqlite:///x", "the disk is gone")

    done = act(view, closed, MASK_A, "disable", who="alice")
    assert (done.recorded_at, done.as_json()["recorded_at"]) == (None, None)
    assert view.stats()["keys"][MASK_A]["state"] == "disabled"
    assert [record.levelname for record in caplog.records if record.name == "app.services.keys.actions"] == [
        "WARNING",
        "ERROR",
    ]


def test_without_redis_an_action_is_neither_done_nor_stored(view: KeyView, database: Database) -> None:
    with pytest.raises(KeyStoreUnavailableError, match="REDIS_URL"):
        act(view, lambda: database, MASK_A, "disable", who="alice")
    assert key_actions(database).items == []


@pytest.mark.usefixtures("valkey")
def test_an_unknown_key_is_refused_and_the_known_keys_are_listed(view: KeyView, database: Database) -> None:
    with pytest.raises(UnknownKeyError) as refused:
        act(view, lambda: database, "sk-proj-ccc...3333", "disable", who="alice")
    assert MASK_A in str(refused.value)
    assert MASK_B in str(refused.value)
    assert key_actions(database).items == []


def _snapshot(key_id: str, mask: str) -> KeySnapshot:
    return KeySnapshot(key_id, "closed", False, 0, 0, 0, 0, 0, None, mask=mask)


ONE, TWO, THREE = (
    _snapshot("abcd111111111111", "sk-a"),
    _snapshot("abcd222222222222", "sk-b"),
    _snapshot("ef01333333333333", "sk-b#ef013333"),
)
FOUR = _snapshot("7777444444444444", "sk-proj-abc...wxyz")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("sk-a", ONE),
        (" sk-b ", TWO),
        ("sk-b#ef013333", THREE),
        ("abcd222222222222", TWO),
        ("abcd1", ONE),
        ("EF01", THREE),
        ("wxyz", FOUR),
    ],
)
def test_a_key_is_found_by_its_mask_its_end_its_id_or_the_beginning_of_its_id(name: str, key: KeySnapshot) -> None:
    assert find_key((ONE, TWO, THREE, FOUR), name) is key


def test_a_name_that_matches_several_keys_is_refused_and_they_are_listed() -> None:
    with pytest.raises(AmbiguousKeyError) as refused:
        find_key((ONE, TWO, THREE), "abcd")
    assert "sk-a (abcd111111111111), sk-b (abcd222222222222)" in str(refused.value)
    assert "ef01" not in str(refused.value)
    alike = _snapshot("9999555555555555", "sk-proj-def...abcd")
    for others in ((ONE, alike), (alike, _snapshot("6666555555555555", "sk-proj-ghi...abcd"))):
        with pytest.raises(AmbiguousKeyError):
            find_key(others, "abcd")


@pytest.mark.parametrize("name", ["", "abc", "sk-", "abcd3", A])
def test_a_name_that_matches_no_key_is_refused_and_a_secret_is_not_repeated(name: str, settings: Settings) -> None:
    load_keys(settings)  # from now on, the logs redact this key
    with pytest.raises(UnknownKeyError) as refused:
        find_key((ONE, TWO, THREE), name)
    assert A not in str(refused.value)


def test_only_some_of_hundreds_of_keys_are_listed() -> None:
    many = [_snapshot(f"{n:016x}", f"sk-{n}") for n in range(300)]
    with pytest.raises(UnknownKeyError, match="and 280 more"):
        find_key(many, "sk-none")
    with pytest.raises(UnknownKeyError, match="none is configured"):
        find_key((), "sk-none")
