"""What the service does. Knows nothing of Celery, HTTP servers or terminals: those are doors (worker, web, cli)."""
