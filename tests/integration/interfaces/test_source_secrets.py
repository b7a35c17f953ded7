"""A source's secret appears in its requests, but not in output, logs, the database, exports, or HTTP responses."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html import escape
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.access.tokens import Role, issue_token
from app.clock import SystemClock
from app.property.storage.pages.repository import unpack
from app.property.storage.pages.tables import Blob
from app.property.storage.tables import metadata
from app.services.runtime.stores import open_stores
from app.settings import Settings
from simulators.serving import BackgroundServer
from web import create_app

from .conftest import SECRET as JWT_SECRET
from .conftest import Environment, Propintel

ADDRESS = "12 Fictional Ave, Anytown, ST 00000"
TOKEN = "Zq9+/x=Lm42-telltale"
SECRET_PARTS = ("telltale", "Zq9")


@dataclass
class Office:
    """A site that rejects requests without the token, and repeats the token in its responses."""

    asked: Counter[str] = field(default_factory=Counter)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._serve)])

    async def _serve(self, request: Request) -> Response:
        path, token = request.url.path, request.query_params.get("token", "")
        if path == "/robots.txt":
            return Response(status_code=404)
        self.asked[path] += token == TOKEN
        link = f"{path}?token={quote(token, safe='')}"
        if token != TOKEN:
            return HTMLResponse("<title>403</title>", 403)
        if path == "/find":
            return RedirectResponse(f"/moved?token={quote(token, safe='')}")
        if path == "/broken":
            return HTMLResponse(f"<title>{escape(token)}</title>", 404)
        rows = {"Parcel Number": "0012-0034", "Property Address": ADDRESS, "Year Built": 1987, "Remarks": token}
        table = "".join(f"<tr><th>{name}</th><td>{escape(str(value))}</td></tr>" for name, value in rows.items())
        return HTMLResponse(
            f"<html lang=en><head><title>Record</title><link rel=canonical href='{escape(link)}'>"
            f"<script>var q = {json.dumps(link)};</script></head>"
            f"<body><h1>Record</h1><table>{table}</table><a href='{escape(link)}'>again</a></body></html>",
            headers={"etag": '"1"', "link": f"<{link}>; rel=canonical"},
        )


@pytest.fixture
def office() -> Iterator[tuple[Office, str]]:
    office = Office()
    with BackgroundServer(office.app) as server:
        yield office, server.address


def test_a_secret_appears_only_in_requests(
    called: Propintel, environment: Environment, home: Path, office: tuple[Office, str]
) -> None:
    asked, root = office[0].asked, office[1]
    state = Path(environment["PROPINTEL_HOME"])
    state.mkdir()
    (home / "secrets").write_text(f"GIS_TOKEN={TOKEN}\n")
    environment |= {"SOURCE_SECRETS_FILE": str(home / "secrets"), "LOG_LEVEL": "DEBUG"}
    area = '[[area]]\nname = "X"\nstate = "ST"\n'
    for name, path in (("Office", "find"), ("Broken", "broken")):
        url = f"{root}/{path}?q={{street_line}}&token={{secret:GIS_TOKEN}}"
        area += f'[[area.source]]\nname = "{name}"\nkind = "assessor"\nurl = "{url}"\n'
    (state / "sources.toml").write_text(area)
    seen = {}
    for command in (
        ("scrape", ADDRESS, "--format", "json"),
        ("scrape", ADDRESS, "--format", "json", "--refresh"),  # requests the page again, although it is fresh
        ("scrape", "14 Fictional Ave, Anytown, ST 00000"),
        ("properties", "export", "--format", "csv"),
        ("properties", "export", "--format", "jsonl"),
        ("doctor",),
    ):
        done = called(*command)
        assert done.returncode != 2, done.stderr
        seen[" ".join(command)] = done.stdout + done.stderr
    first = called("scrape", ADDRESS, "--format", "json")
    property_id = json.loads(first.stdout)["property"]
    shown = called("properties", "show", property_id, "--explain")
    seen["show"] = shown.stdout + shown.stderr
    assert asked == {"/find": 3, "/moved": 3, "/broken": 3}, "a request lacked the token"
    assert '"YearBuilt": 1987' in seen[f"scrape {ADDRESS} --format json"]
    assert "no page of Broken: " in seen[f"scrape {ADDRESS} --format json"]
    for command in ("show", "properties export --format csv", "properties export --format jsonl"):
        assert "~secret.GIS_TOKEN~" in seen[command]
    settings = Settings.of(propintel_home=state, jwt_secret=JWT_SECRET)
    with TestClient(create_app(lambda: settings)) as client:
        token = issue_token(settings, Role.MANAGER, timedelta(minutes=5), clock=SystemClock(), subject="tester")
        for path in ("/api/v1/properties", f"/api/v1/properties/{property_id}"):
            answer = client.get(path, headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 200, path
            seen[path] = answer.text
    with open_stores(settings) as stores, stores.database.reading() as connection:
        for table in metadata.sorted_tables:
            seen[table.name] = repr(connection.execute(select(table)).all())
        packed = connection.execute(select(Blob.packed)).scalars().all()
        seen["pages"] += "".join(unpack(body).decode() for body in packed)
    assert "~secret.GIS_TOKEN~" in seen["pages"]
    assert [place for place, text in seen.items() if any(word in text for word in SECRET_PARTS)] == []
