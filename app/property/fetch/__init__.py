"""Fetching pages: polite to sites, safe from what strangers' URLs lead to.

`build_fetcher` puts the parts together; `page_from_file` reads a saved page.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from app.clock import Clock
from app.property.fetch.client import Fetcher
from app.property.fetch.decode import decode, page_from_file
from app.property.fetch.guard import Guard
from app.property.fetch.limits import Limits
from app.property.fetch.pace import Visitor
from app.property.fetch.pace_stores import LocalPace, PaceStore, RedisPace
from app.property.fetch.politeness import Politeness
from app.property.fetch.rendering import RenderLimits, build_renderer, check_browser
from app.property.fetch.resolver import Resolver, SystemResolver
from app.property.fetch.robots_shelf import LocalShelf, RedisShelf, Shelf
from app.property.urls.site import site_of
from app.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Fetcher", "Limits", "Visitor", "build_fetcher", "check_browser", "decode", "page_from_file"]


def build_fetcher(
    settings: Settings,
    clock: Clock,
    redis: Redis | None = None,
    *,
    limits: Limits | None = None,
    resolver: Resolver | None = None,
    ssl_context: ssl.SSLContext | None = None,
    render_limits: RenderLimits | None = None,
    browser_switches: tuple[str, ...] = (),
) -> Fetcher:
    """A fetcher as the settings say. With `redis` its pace is shared by all processes, else it is this process's own.

    `resolver` and `ssl_context` default to the machine's names and trusted certificates; `browser_switches` are added
    to Chromium's. Connects to nothing yet. Raises `ConfigurationError` for a browser that cannot be had here.
    """
    site_of("example.com")  # reads the list of suffixes now, not while a site waits for its first request
    limits, resolver = limits or Limits(), resolver or SystemResolver(clock)
    renderer = build_renderer(
        settings, clock, limits=limits, render_limits=render_limits, more_switches=browser_switches
    )
    concurrency, lease_seconds = settings.fetch.concurrency_per_host, limits.total_seconds + 10
    store: PaceStore
    shelf: Shelf
    if redis is None:
        store, shelf = LocalPace(clock, concurrency=concurrency, lease_seconds=lease_seconds), LocalShelf(clock)
    else:
        store = RedisPace(redis, concurrency=concurrency, lease_seconds=lease_seconds)
        shelf = RedisShelf(redis, clock)
    return Fetcher(
        guard=Guard(resolver, settings.fetch.allowed_private_networks),
        politeness=Politeness(store, clock, min_gap_seconds=settings.fetch.min_delay_seconds),
        robots_shelf=shelf,
        limits=limits,
        user_agent=settings.fetch.user_agent,
        clock=clock,
        ignored_robots=settings.fetch.ignore_robots,
        ssl_context=ssl_context,
        renderer=renderer,
    )
