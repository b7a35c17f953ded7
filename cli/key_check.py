"""Asks the API about keys, one by one and past the pool: `GET {base_url}/models` needs a good key and costs nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import httpx2

from app.keypool.keys import ApiKey
from app.redaction import shown_url

_TIMEOUT_SECONDS = 15.0
_CODE = re.compile(r"[a-z0-9_.-]{1,60}", re.IGNORECASE)


def check_keys(
    keys: Sequence[ApiKey], base_url: str, *, proxy: str | None = None, transport: httpx2.BaseTransport | None = None
) -> dict[str, dict[str, Any]]:
    """Each key at its base URL, else at this one. By mask: `{"status", "http_status", "detail"}`.

    "valid" (200; also 429: a bad key is not counted against limits), "invalid" (401), "no access" (403), or "unknown"
    (no answer, or another one) with `http_status` null if there was none. `transport` replaces the network (tests).
    """
    inner = transport or httpx2.HTTPTransport(proxy=proxy)
    with httpx2.Client(transport=inner, timeout=_TIMEOUT_SECONDS, trust_env=False, follow_redirects=False) as client:
        return {key.mask: _check(client, f"{key.base_url or base_url.rstrip('/')}/models", key) for key in keys}


def _check(client: httpx2.Client, url: str, key: ApiKey) -> dict[str, Any]:
    try:
        answer = client.get(url, headers={"Authorization": f"Bearer {key.secret.get_secret_value()}"})
    except httpx2.HTTPError as exc:
        detail = f"{shown_url(url)} does not answer ({type(exc).__name__})"
        return {"status": "unknown", "http_status": None, "detail": detail}
    status = {200: "valid", 401: "invalid", 403: "no access", 429: "valid"}.get(answer.status_code, "unknown")
    return {"status": status, "http_status": answer.status_code, "detail": _detail(answer)}


def _detail(answer: httpx2.Response) -> str:
    """OpenAI's error code; never its message, which may quote the key."""
    if answer.status_code == 200:
        return ""
    try:
        code = answer.json()["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return "not an OpenAI answer: check OPENAI_BASE_URL" if answer.status_code == 404 else ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
