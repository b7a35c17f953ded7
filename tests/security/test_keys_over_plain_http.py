"""API keys are never sent over plain HTTP to another machine, unless the operator allows it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.keypool.keys import load_keys
from app.services.openai_client_manager import build_manager
from app.services.reports.doctor.machine import check_settings
from app.settings import Settings

KEY = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"
Make = Callable[..., Settings]


def use(settings: Settings) -> None:
    build_manager(settings).close()


@pytest.mark.parametrize(
    "url",
    [
        "http://gateway.example/v1",
        "http://10.0.0.7:8080/v1",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
    ],
)
def test_plain_http_to_another_machine_is_refused(make_settings: Make, tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"OPENAI_BASE_URL: .* OPENAI_ALLOW_PLAIN_HTTP=true"):
        use(make_settings(openai_api_key=KEY, openai_base_url=url))
    with pytest.raises(ConfigurationError, match="OPENAI_BASE_URL: "):
        check_settings(make_settings(openai_api_key=KEY, openai_base_url=url), None)
    with pytest.raises(ConfigurationError, match="OPENAI_KEY_BASE_URLS: "):
        load_keys(make_settings(openai_api_key=KEY, openai_key_base_urls=f"1={url}"))
    (tmp_path / "keys").write_text(f"{KEY} {url}\n")
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEYS_FILE: "):
        load_keys(make_settings(openai_api_keys_file=tmp_path / "keys"))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1", "http://localhost:1/v1", "http://[::1]:1/v1", "https://api.example/v1"]
)
def test_loopback_and_tls_need_no_permission(make_settings: Make, url: str) -> None:
    settings = make_settings(openai_api_key=KEY, openai_base_url=url)
    use(settings)
    assert "plain" not in check_settings(settings, None).detail.lower()


def test_with_permission_it_is_used_and_the_doctor_warns(make_settings: Make) -> None:
    url = "http://me:hunter2@gateway.example/v1"
    settings = make_settings(openai_api_key=KEY, openai_base_url=url, openai_allow_plain_http=True)
    use(settings)
    verdict = check_settings(settings, None)
    assert verdict.state == "warning"
    assert "OPENAI_ALLOW_PLAIN_HTTP" in verdict.detail
    assert "gateway.example" in verdict.detail
    assert "hunter2" not in verdict.detail
