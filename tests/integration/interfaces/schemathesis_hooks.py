"""Hooks that make Schemathesis send valid requests. The variable SCHEMATHESIS_HOOKS names this module."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import schemathesis
from hypothesis import strategies as st

from app.property.storage.audit import KEY_ACTIONS
from app.property.storage.jobs import batches
from app.property.storage.jobs import repository as jobs
from app.property.storage.keys import alerts
from app.property.storage.properties import decisions, recipes
from app.property.storage.properties import repository as properties
from app.property.storage.watches import changes as change_feed
from app.property.storage.watches import repository as watches

_FIRST = datetime(2020, 1, 1)  # noqa: DTZ001 (Hypothesis adds the timezone)
_MOMENTS = st.datetimes(min_value=_FIRST, max_value=_FIRST + timedelta(days=3650)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
_IDS = st.from_regex(r"\A[0-9a-f]{32}\Z")
_URLS = st.from_regex(r"\Ahttps?://[a-z]{1,12}\.example(/[a-z0-9]{0,8}){0,3}\Z")
_ADDRESSES = st.from_regex(r"\A[1-9][0-9]{0,4} [A-Z][a-z]{3,9} (St|Ave|Ct), [A-Z][a-z]{3,9}, [A-Z]{2} [0-9]{5}\Z")
_NUMBERS = itertools.count()

schemathesis.openapi.format("http-url", _URLS)
schemathesis.openapi.format("address", _ADDRESSES)
schemathesis.openapi.format("target", st.one_of(_URLS, _ADDRESSES))
schemathesis.openapi.format("site-host", st.from_regex(r"\A[a-z]{1,12}\.example\Z"))
schemathesis.openapi.format("person", st.from_regex(r"\A[A-Z][a-z]{2,9} [A-Z][a-z]{2,9}\Z"))
schemathesis.openapi.format("jobs-cursor", st.tuples(_MOMENTS, st.integers(0, 10_000), _IDS).map(jobs.ORDER.cursor))
_PLACES = st.integers(0, 10_000).map(lambda position: change_feed.ORDER.cursor((position,)))
schemathesis.openapi.format("recipes-cursor", _IDS.map(lambda one: recipes.ORDER.cursor((one,))))
schemathesis.openapi.format("changes-cursor", st.one_of(st.just(change_feed.LATEST), _PLACES))
for _order in (alerts.ORDER, batches.ORDER, decisions.ORDER, KEY_ACTIONS, properties.ORDER, watches.ORDER):
    schemathesis.openapi.format(
        f"{_order.name}-cursor", st.tuples(_MOMENTS, _IDS).map(lambda place, order=_order: order.cursor(place))
    )


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Send a new Idempotency-Key with each valid request, because reusing a key with another body is rejected."""
    if case.meta.generation.mode.is_positive and "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = f"fresh-{next(_NUMBERS)}"
