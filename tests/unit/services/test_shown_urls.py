"""What a message may show of a URL: all but its passwords, wherever they stand."""

from __future__ import annotations

import pytest

from app.services.embedded_valkey import without_password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:hunter2@host:6379/0", "redis://host:6379/0"),
        ("rediss://user:hunt@er2@host/0", "rediss://host/0"),
        ("redis://host/0?password=hunter2", "redis://host/0?password=***"),
        ("unix:///r.sock?db=1&Password=hunter2&x=y", "unix:///r.sock?db=1&Password=***&x=y"),
        ("https://api.example.com/v1", "https://api.example.com/v1"),
    ],
)
def test_no_password_of_a_url_is_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
