"""Import all mapped classes, so that `metadata` has every table."""

import app.property.storage.audit
import app.property.storage.jobs.models
import app.property.storage.keys.tables
import app.property.storage.llm.tables
import app.property.storage.outbox
import app.property.storage.pages.tables
import app.property.storage.privacy.suppressions
import app.property.storage.properties.tables
import app.property.storage.watches.models  # noqa: F401 (each import adds its tables)
from app.property.storage.types import Base

metadata = Base.metadata
