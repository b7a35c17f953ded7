"""Delete rows at the end of their retention period.

`pages/retention.py` deletes page copies, and `privacy/ages.py` old names and observations.
"""

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, select, update

from app.property.storage.audit import AuditEntry
from app.property.storage.database import Database
from app.property.storage.jobs.idempotency import FORGOTTEN, KEPT
from app.property.storage.jobs.models import Batch, DailyUsage, Job
from app.property.storage.keys.tables import Alert, Key, KeyHour
from app.property.storage.llm.tables import CacheKind, LlmBatch, LlmCache, LlmRequest
from app.property.storage.outbox import Channel, Message
from app.property.storage.pages.tables import PageAlias
from app.property.storage.privacy.suppressions import Suppression
from app.property.storage.properties.tables import IdentityDecision, RecipeExample
from app.property.storage.statements import delete_some
from app.property.storage.types import Base
from app.settings import Settings

#: Maximum number of rows deleted per transaction, so that other writers wait only briefly.
AT_ONCE = 500
#: Retention of the daily usage of callers and watches, in days.
_USAGE_DAYS = 62
#: Retention of audit entries, resolved alerts, key history, removed keys, and undone identity decisions, in days.
_AUDIT_DAYS = 400
#: Retention of model batches and alert messages, in days. Messages about a batch of jobs are deleted with that batch.
_SENT_DAYS = 30
#: Retention of finished model requests, in days.
_REQUEST_DAYS = 7


def delete_expired(database: Database, settings: Settings) -> Counter[str]:
    """Delete up to `AT_ONCE` expired rows of each table, in separate transactions.

    Return the number of deleted rows by table. The retention period of personal data also applies to model answers and
    recipe examples, which can name people.
    """
    now, limits = database.clock.now(), settings.retention

    def before(days: float) -> datetime:
        return now - timedelta(days=days)

    old_jobs, old_pages = before(settings.jobs.job_retention_days), before(limits.page_retention_days)
    old_names = max(old_pages, before(limits.personal_data_retention_days))
    of_complete_batch = exists().where(Batch.id == Job.batch_id, Batch.completed_at < old_jobs)
    has_jobs = exists().where(Job.batch_id == Batch.id)
    has_requests = exists().where(LlmRequest.batch_id == Batch.id)
    was_sent_with = exists().where(LlmRequest.llm_batch_id == LlmBatch.id)
    rules: tuple[tuple[type[Base], ColumnElement[bool]], ...] = (
        (Job, (Job.finished_at < old_jobs) & of_complete_batch),
        (LlmRequest, LlmRequest.finished_at < before(_REQUEST_DAYS)),
        (LlmBatch, (LlmBatch.created_at < before(_SENT_DAYS)) & LlmBatch.next_at.is_(None) & ~was_sent_with),
        (Batch, (Batch.completed_at < old_jobs) & ~has_jobs & ~has_requests),
        # the index begins with `kind`, so the condition must list all kinds
        (LlmCache, LlmCache.kind.in_(CacheKind) & (LlmCache.created_at < old_names)),
        (RecipeExample, RecipeExample.at < old_names),
        (PageAlias, PageAlias.seen_at < old_pages),
        (DailyUsage, DailyUsage.day < before(_USAGE_DAYS).date()),
        (Alert, Alert.resolved_at < before(_AUDIT_DAYS)),
        (Key, Key.removed_at < before(_AUDIT_DAYS)),
        (KeyHour, KeyHour.hour < before(_AUDIT_DAYS)),
        (IdentityDecision, IdentityDecision.undone_at < before(_AUDIT_DAYS)),
        (Suppression, Suppression.expires_at < now),
        (AuditEntry, AuditEntry.at < before(_AUDIT_DAYS)),
        (Message, (Message.channel == Channel.ALERT) & (Message.created_at < before(_SENT_DAYS))),
    )
    deleted = Counter({table.__tablename__: delete_some(database, table, old, AT_ONCE) for table, old in rules})
    deleted["idempotency keys"] = _forget_idempotency_keys(database)
    return +deleted


def _forget_idempotency_keys(database: Database) -> int:
    oldest = database.clock.now() - KEPT
    with_key = select(Batch.id).where(Batch.idempotency_key.is_not(None), Batch.created_at <= oldest)
    with database.reading() as connection:
        old = connection.execute(with_key.limit(AT_ONCE)).scalars().all()
    forget = update(Batch).where(Batch.id.in_(old)).values(FORGOTTEN)
    return database.repeat_paced(lambda connection: connection.execute(forget).rowcount) if old else 0
