"""Build all parts of the service from the settings.

Each process that scrapes opens its own resources once; a worker's child process opens them after the fork.
"""

import logging
import random
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta

from app.clock import Clock
from app.property.fetch.build import build_fetcher
from app.property.fetch.client.fetcher import Fetcher
from app.property.recipes.keeper import AuditRate
from app.property.storage.llm.cache import AnswerStore
from app.property.storage.llm.requests import LlmRequestStore
from app.property.storage.pages.index import PageIndex
from app.property.storage.pages.repository import PageStore
from app.property.storage.privacy.suppressions import PurgedNames
from app.property.storage.properties.recipes import StoredRecipes
from app.redis.embedded_valkey import client, redis_url
from app.services.openai_client_manager import OpenAIClientManager, build_manager
from app.services.property_intelligence import Scraper
from app.services.runtime.stores import Stores, open_stores
from app.services.scraping.addresses import AddressScraper
from app.services.scraping.model_reading import ModelReader
from app.services.scraping.pages import PageSource, PageVisitor
from app.services.scraping.recipes import Recipes
from app.services.scraping.search_walk import SearchWalker
from app.services.scraping.source_finding import SourceFinder
from app.services.scraping.sources import SourceSecrets, sources_file
from app.services.scraping.storing import ScrapeParts, Storing
from app.services.scraping.web_search import WebSearcher
from app.settings import Settings
from app.tracing import configure_tracing, shutdown_tracing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resources(Stores):
    """The resources of a process that scrapes. `rng` is for the jitter of retries."""

    manager: OpenAIClientManager
    fetcher: Fetcher
    scraper: Scraper
    #: The system's random generator. Forked child processes would share the state of a seeded generator.
    rng: random.Random = field(default_factory=random.SystemRandom)


def open_resources(settings: Settings, clock: Clock | None = None, *, in_task: bool = False) -> Resources:
    """Open all resources, and start tracing if it is configured. If an error is raised, what was opened is closed.

    `in_task` selects the shorter default wait for a key, and loads the price table, so that the first request is not
    delayed. Raises `ConfigurationError` for unusable settings, and errors of the database.
    """
    with ExitStack() as opening:
        _start_tracing(settings)
        opening.callback(shutdown_tracing)
        stores = opening.enter_context(open_stores(settings, clock))
        manager = build_manager(settings, clock, in_task=in_task)
        opening.callback(manager.close)
        if in_task:
            manager.warm_up(settings.openai.model)
        redis = client(settings) if redis_url(settings) is not None else None
        if redis is not None:
            opening.callback(redis.close)
        fetcher = build_fetcher(settings, stores.database.clock, redis)
        opening.callback(fetcher.close)
        scraper = build_scraper(stores, manager, fetcher)
        opened = (settings, stores.database, stores.jobs, stores.batches, stores.properties)
        return Resources(*opened, opening.pop_all(), manager, fetcher, scraper)


def _start_tracing(settings: Settings) -> None:
    traces, headers = settings.traces, settings.traces.exporter_otlp_headers
    configure_tracing(
        traces.exporter_otlp_endpoint,
        headers=headers.get_secret_value() if headers else "",
        service_name=traces.service_name,
        ratio=traces.traces_sampler_arg,
    )


def build_scraper(stores: Stores, manager: OpenAIClientManager, fetcher: PageSource) -> Scraper:
    settings, database, properties = stores.settings, stores.database, stores.properties
    clock, names, model = database.clock, PurgedNames(database), settings.openai.model
    sources, answers, pages = sources_file(settings), AnswerStore(database), PageStore(database)
    recipes = Recipes(None, clock)
    if settings.reading.recipe_use != "off":
        audits = AuditRate(settings.reading.recipe_audit_share)
        recipes = Recipes(StoredRecipes(database), clock, audits, settings.reading.model_use)
    reader = ModelReader(
        answers,
        manager,
        model,
        clock,
        service_tier=settings.openai.service_tier,
        requests=LlmRequestStore(database),
        use=settings.reading.model_use,
        text_tokens=settings.openai.text_tokens,
    )
    parts = ScrapeParts(
        database=database,
        visitor=PageVisitor(fetcher, pages, clock, names, SourceSecrets(settings, sources.current).for_url),
        pages=pages,
        index=PageIndex(database),
        properties=properties,
        reader=reader,
        recipes=recipes,
        storing=Storing(database, properties),
        fresh=timedelta(days=settings.jobs.property_fresh_days),
    )
    finder = SourceFinder(sources.current, WebSearcher(answers, manager, model, clock, names))
    return Scraper(parts, AddressScraper(parts, finder), SearchWalker(database, parts.visitor, settings))
