"""All mapped classes: importing this module makes `metadata` complete, as the migration creates it."""

from __future__ import annotations

from app.property.storage import audit, outbox
from app.property.storage.jobs import models as jobs_models
from app.property.storage.keys import tables as keys_tables
from app.property.storage.llm import tables as llm_tables
from app.property.storage.pages import tables as pages_tables
from app.property.storage.privacy import tables as privacy_tables
from app.property.storage.properties import tables as properties_tables
from app.property.storage.types import Base
from app.property.storage.watches import models as watches_models

_MODULES = (
    audit,
    outbox,
    jobs_models,
    keys_tables,
    llm_tables,
    pages_tables,
    privacy_tables,
    properties_tables,
    watches_models,
)

metadata = Base.metadata
