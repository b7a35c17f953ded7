"""The parts that the tasks share: Celery's configuration and connection, publishing, leases, redaction, and context."""
