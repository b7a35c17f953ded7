"""The pool's own error responses have OpenAI's format."""

import httpx2
import pytest

from app.keypool.refusals import answer
from app.keypool.stores.base import NoCapacity


def test_a_refusal_without_an_enabled_key_names_the_remedy() -> None:
    response = answer(NoCapacity(60_000_000, "disabled"), httpx2.Request("POST", "http://api.test"))
    assert (response.status_code, response.headers["retry-after"]) == (429, "60")
    assert response.json()["error"]["code"] == "rate_limit_exceeded"
    assert "propintel keys enable" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("detail", "setting", "remedy"),
    [
        ("day calls", "BUDGET_DAILY_MODEL_CALLS", "00:00 UTC"),
        ("day tokens", "BUDGET_DAILY_TOKENS", "00:00 UTC"),
        ("day microusd", "BUDGET_DAILY_USD", "00:00 UTC"),
        ("key_day calls", "BUDGET_KEY_DAILY_MODEL_CALLS", "00:00 UTC"),
        ("key_day tokens", "BUDGET_KEY_DAILY_TOKENS", "00:00 UTC"),
        ("key_day microusd", "BUDGET_KEY_DAILY_USD", "00:00 UTC"),
        ("batch calls", "BUDGET_BATCH_MODEL_CALLS", "another batch"),
        ("batch tokens", "BUDGET_BATCH_TOKENS", "another batch"),
        ("batch microusd", "BUDGET_BATCH_USD", "another batch"),
        ("", "A budget is used up", ""),
    ],
)
def test_a_refusal_for_a_budget_names_its_setting_and_the_remedy(detail: str, setting: str, remedy: str) -> None:
    request = httpx2.Request("POST", "http://api.test")
    response = answer(NoCapacity(3_600_250_000, "budget", detail), request)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["type"]) == (429, "budget_exceeded", "budget_exceeded")
    assert setting in error["message"]
    assert remedy in error["message"]
    assert (response.headers["retry-after"], response.headers["retry-after-ms"]) == ("3601", "3600250")
