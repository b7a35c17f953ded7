"""Functions that store example data, and a server with data for every page."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.access.page_sessions import PageSessions
from app.access.tokens import Caller, Role
from app.clock import SystemClock
from app.errors.pages import PageGoneError
from app.property.recipes.recipe import Anchor, Counts, RecipeState, new_recipe
from app.property.record import Evidence, Method, PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs.repository import JobStore
from app.property.storage.properties.recipes import StoredRecipes
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Unverified
from app.property.storage.watches.repository import Watches
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.openai_client_manager import build_manager
from app.settings import Settings
from benchmarks.pages.keys import fill_history
from benchmarks.saving import save_record
from simulators.openai.config import Config
from simulators.openai.server import OpenAISimulator
from simulators.serving import BackgroundServer
from tests.integration.interfaces.conftest import served
from tests.plugins.job_ends import finish, put_claims

HEALTHY_KEY, FAILING_KEY = (f"sk-proj-{letter * 36}000{number}" for number, letter in enumerate("km", start=1))
GONE = "http://homes.example/gone"
LONG = "http://homes.example/a-very-long-address-without-any-break-" + "x" * 120
ADDRESS = {
    "UnparsedAddress": "12 Fictional Ave", "StreetNumber": "12", "StreetName": "Fictional Ave", "City": "Anytown",
    "StateOrProvince": "ST", "PostalCode": "00000",
}  # fmt: skip
HISTORY = [
    {"date": "2019-06-14", "price": 412000, "event": "Sold"},
    {"date": "2019-04-02", "price": 419900, "event": "Listed for sale"},
    {"date": "2005-10", "price": 250000, "event": "Sold"},
]
ACTIVE_RECIPE = replace(
    new_recipe("homes.example", frozenset({1, 2})),
    state=RecipeState.ACTIVE,
    fields={
        "YearBuilt": (Anchor("label", "dating from", "cell", within="#facts"),),
        "Roof": (Anchor("attribute", "itemprop=roof"),),
    },
    suspended={"Roof": "a model read something else than the recipe"},
    learned_from=5,
    learned_at=datetime.now(UTC).isoformat(),
    audited_at=datetime.now(UTC).isoformat(),
    counts=Counts(pages=4_000, without_model=3_900, saved_tokens=12_000_000),
)
SUSPENDED_RECIPE = replace(
    new_recipe("county.example", frozenset({3, 4})),
    state=RecipeState.SUSPENDED,
    reason="the last 8 pages have 20% of the usual fields",
)


def save_page(database: Database, url: str, kind: SourceKind, days_ago: float, body: str = "", **values: Any) -> str:
    """Store a page's values, and return the id of its property."""
    at, sha = datetime.now(UTC) - timedelta(days=days_ago), f"{url}{body}".rjust(64, "0")[-64:]
    units = {"LivingArea": "Square Feet", "ListPrice": "USD"}
    evidence = {
        name: Evidence(
            value=value, raw=str(value), unit=units.get(name), method=Method.LABEL, locator=f"/html/{name}",
            quote=str(value), source_url=url, fetched_at=at, content_sha256=sha, confidence=0.95,
        )
        for name, value in values.items()
    }  # fmt: skip
    record = SourceRecord(url, url, PageKind.RECORD, sha, at, {**values}, evidence, source_kind=kind)
    return save_record(PropertyStore(database), record)


def save_example(database: Database) -> str:
    """Store a property that an assessor, a county map, and a portal describe."""
    save_page(
        database, "https://assessor.example/parcels/7", SourceKind.ASSESSOR, 3.2, YearBuilt=1987, LivingArea=2310,
        LivingAreaUnits="Square Feet", ClosePrice=412000, CloseDate="2019-06-14", StoriesTotal=2, Roof=["Shingle"],
        Latitude=35.12500, Longitude=-80.87500, **ADDRESS,
    )  # fmt: skip
    save_page(
        database, "https://gis.example/query?parcel=7", SourceKind.GIS, 2.2, Latitude=35.12515, Longitude=-80.87490,
        StoriesTotal=2, **ADDRESS,
    )  # fmt: skip
    made = save_page(
        database, "https://homes.example/12-fictional-ave", SourceKind.PORTAL, 40.2, YearBuilt=1978, LivingArea=2130,
        LivingAreaUnits="Square Feet", ListPrice=512000, X_Currency="USD", StandardStatus="Active",
        X_PriceHistory=HISTORY, Latitude=35.12480, Longitude=-80.87530, StoriesTotal=2, **ADDRESS,
    )  # fmt: skip
    claim = Unverified(
        field="X_RoofYear", value=2016, quote="a new roof in 2016", url="https://gone.example/12",
        reported_by="web_search gpt-4.1-mini", seen_at=datetime.now(UTC),
    )  # fmt: skip
    put_claims(database, made, [claim])
    return made


def save_price_cuts(database: Database) -> str:
    """Store a property whose price was cut twice on two portals."""
    for days_ago, price in ((3.2, 512000), (2.2, 499000), (1.2, 480000)):
        for host in ("homes", "houses"):
            url = f"https://{host}.example/12"
            made = save_page(database, url, SourceKind.PORTAL, days_ago, str(price), ListPrice=price, **ADDRESS)
    return made


def save_failed_job(jobs: JobStore, target: str = GONE) -> str:
    job_id = jobs.enqueue([target]).jobs[0].id
    jobs.claim(job_id, "test", 30)
    jobs.fail(job_id, PageGoneError(target, "sold"))
    return job_id


@dataclass(frozen=True)
class FilledServer:
    """A server with data for every page. `ids` has one stored id per kind of row; `session` is a manager's cookie."""

    url: str
    session: str
    ids: dict[str, str]


@contextmanager
def filled_server(home: Path) -> Iterator[FilledServer]:
    """Serve pages with jobs, properties, watches, recipes, and two keys, of which one fails."""
    keys = [{"key": key, "rpm": 600} for key in (HEALTHY_KEY, FAILING_KEY)]
    simulator = OpenAISimulator(Config.from_json({"keys": [keys[0], {**keys[1], "behavior": "dead"}]}))
    with EmbeddedValkey(home / "state"), BackgroundServer(simulator.app, simulator.stopping) as openai:
        settings = Settings.of(
            propintel_home=home / "state",
            database_url=f"sqlite:///{home / 'pages.db'}",
            jwt_secret="0123456789abcdef0123456789abcdef",
            openai_api_keys=f"{HEALTHY_KEY},{FAILING_KEY}",
            openai_base_url=f"{openai.address}/v1",
        )
        ids = _fill(settings)
        with closing(PageSessions(settings, SystemClock())) as sessions:
            session, _ = sessions.open(Caller("property-intelligence", "tester", Role.MANAGER))
        with served(settings) as url:
            yield FilledServer(url, session, ids)


def _fill(settings: Settings) -> dict[str, str]:
    with closing(Database(f"sqlite:///{settings.state.propintel_home.parent / 'pages.db'}")) as database:
        database.open()
        property_id = save_example(database)
        jobs = JobStore(database)
        failed = save_failed_job(jobs)
        made = jobs.enqueue(["https://homes.example/12-fictional-ave", LONG], refresh=True)
        jobs.claim(made.jobs[0].id, "test", 30)
        finish(jobs, made.jobs[0].id, "test", property_id)
        Watches(database).add([property_id, LONG, "12 Main St, Springfield, IL 62701"], interval_days=2)
        for recipe in (ACTIVE_RECIPE, SUSPENDED_RECIPE):
            StoredRecipes(database).put(recipe)
        hello = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "hello"}]}
        with build_manager(settings) as manager:
            for _ in range(6):  # if the failing key rejects a request, the pool retries it with the healthy key
                manager.get_client().chat.completions.create(**hello)
            fill_history(database, manager.keys)
        return {"job": failed, "batch": made.batch, "property": property_id}
