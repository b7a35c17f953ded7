"""Each page and the alerts are limited to certain roles, and each form requires its session's CSRF token."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import web.pages
from app.access.page_sessions import PageSessions
from app.access.tokens import Caller, Role
from app.clock import SystemClock
from app.property.storage.keys.alerts import Alarm, AlertStore, Severity
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.runtime.stores import open_stores
from app.settings import Settings
from tests.integration.interfaces.conftest import SECRET
from web import create_app
from web.pages.route import SignedInRoute

MANAGERS = {Role.EXEC, Role.MANAGER}
#: Routes for managers only (`MANAGING`), and routes for managers and operators (`OPERATING`). Readers may use all other
#: routes.
MANAGING = {"GET /keys", "POST /keys/{key_id}/{action}", "POST /recipes/{recipe_id}/forget"}
OPERATING = {
    "GET /enqueue", "POST /enqueue/estimate", "POST /enqueue", "POST /jobs/{job_id}/cancel",
    "POST /jobs/{job_id}/retry", "POST /batches/{batch_id}/cancel", "POST /batches/{batch_id}/retry", "POST /watches",
    "POST /watches/{watch_id}/remove",
}  # fmt: skip


def _routes() -> Iterator[tuple[str, str]]:
    for module in vars(web.pages).values():
        for route in getattr(getattr(module, "router", None), "routes", ()):
            if isinstance(route, SignedInRoute):
                yield from ((method, route.path) for method in route.methods)


@pytest.mark.parametrize("role", Role)
def test_pages_and_forms_are_refused_without_role_or_session_token(
    home: Path, broker: EmbeddedValkey, role: Role
) -> None:
    """All routes are tested, so new pages are included.

    A forged form has no CSRF token, has a wrong one, or comes from another site.
    """
    settings = Settings.of(propintel_home=home / "state", jwt_secret=SECRET)
    app = create_app(lambda: settings)
    with closing(PageSessions(settings, SystemClock())) as sessions:
        cookie, _ = sessions.open(Caller("issuer", "tester", role))
        session = sessions.find(cookie)
    assert session is not None
    alarm = Alarm("circuit_open", "sk-proj-abc...xyz1", Severity.CRITICAL, "Circuit open.")
    with open_stores(settings) as stores:
        AlertStore(stores.database).record([alarm], notify=False)
    with TestClient(app, "http://127.0.0.1:8000", cookies={"propintel": cookie}, follow_redirects=False) as client:
        assert set(map(" ".join, _routes())) > MANAGING | OPERATING
        for method, path in _routes():
            name, url = f"{method} {path}", re.sub(r"\{\w+\}", "0" * 32, path.replace("{action}", "disable"))
            operators = {*MANAGERS, Role.OPERATOR}
            allowed = role in (MANAGERS if name in MANAGING else operators if name in OPERATING else set(Role))
            good = {"csrf": session.csrf}
            for sent in ({}, *({"csrf": bad} for bad in (b"", b"x" * 43, b"\xed\xb2\x80"))) if method == "POST" else ():
                assert client.request(method, url, data=sent).status_code == 403, name
            if method == "POST":
                forged = client.post(url, data=good, headers={"Sec-Fetch-Site": "cross-site"})
                assert (forged.status_code, "does not belong to your session" in forged.text) == (403, True), name
            answer = client.request(method, url, data=good if method == "POST" else None)
            assert (answer.status_code != 403) is allowed, (name, answer.status_code)
            for secret in ('href="/keys"', "Circuit open."):
                assert (secret in answer.text) <= (role in MANAGERS), name
