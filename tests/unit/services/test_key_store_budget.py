"""The key pool gets budgets and prices from the settings."""

from typing import Any

import pytest
from pydantic import SecretStr

from app.errors import ConfigurationError
from app.keypool.spending import NO_BUDGET, Budget, Cap
from app.services.keys.store import budget_of, pricing_of
from app.services.openai_client_manager import build_manager
from app.settings import Settings, load_settings

UNKNOWN = "our-own-model"


def settings(**given: Any) -> Settings:
    return Settings.of(**given)


def test_every_variable_sets_the_cap_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    scopes = ("BUDGET_DAILY", "BUDGET_KEY_DAILY", "BUDGET_BATCH")
    for place, scope in enumerate(scopes, start=1):
        for unit, value in (("MODEL_CALLS", place), ("TOKENS", 10 * place), ("USD", f"{place}.5")):
            monkeypatch.setenv(f"{scope}_{unit}", str(value))
    expected = [Cap(n, 10 * n, 1_000_000 * n + 500_000) for n in (1, 2, 3)]
    assert budget_of(load_settings()) == Budget(*expected)


def test_without_a_variable_there_is_no_cap_and_zero_is_a_cap() -> None:
    assert budget_of(settings()) == NO_BUDGET
    nothing = settings(budget_daily_model_calls=0, budget_daily_tokens=0, budget_daily_usd=0)
    assert budget_of(nothing).day == Cap(0, 0, 0)


@pytest.mark.parametrize(
    ("usd", "microusd"), [(0.29, 290_000), (1.000001, 1_000_001), (0.0000014, 1), (1e9, 1_000_000_000_000_000)]
)
def test_dollars_become_the_nearest_millionth(usd: float, microusd: int) -> None:
    """In binary, 1.000001 times a million is slightly less than 1000001, so truncation would lose a millionth."""
    assert budget_of(settings(budget_batch_usd=usd)).batch.microusd == microusd


@pytest.mark.parametrize("name", ["budget_daily_usd", "budget_key_daily_usd", "budget_batch_usd"])
def test_a_budget_in_dollars_without_a_price_is_refused(name: str) -> None:
    """Calls without a known price cost 0, so such a budget would never be used up."""
    given = settings(openai_model=UNKNOWN, openai_api_key=SecretStr("sk-a"), **{name: 5})
    with pytest.raises(ConfigurationError, match=f"OPENAI_PRICES={UNKNOWN}=INPUT/OUTPUT"):
        build_manager(given)


def test_a_model_with_a_price_of_zero_may_have_a_budget_in_dollars() -> None:
    given = settings(openai_model=UNKNOWN, openai_prices=f"{UNKNOWN}=0/0", budget_daily_usd=5)
    assert pricing_of(given)(UNKNOWN, 1_000, 1_000) == 0


def test_without_a_budget_in_dollars_an_unknown_model_is_no_error() -> None:
    assert pricing_of(settings(openai_model=UNKNOWN, budget_daily_tokens=1))(UNKNOWN, 1_000, 1_000) == 0
