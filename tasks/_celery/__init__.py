"""The Celery plumbing under the tasks: configuration, connection, publishing, leases, redaction, and context."""
